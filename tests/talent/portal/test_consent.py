"""The portal's pages of consent: the grid in sentences, what a version changed, papers to take."""

from datetime import UTC, datetime

from django.urls import reverse

from talent.consent.scope import Scope
from talent.models import Performer, User


def test_the_consent_page_says_the_grid_in_sentences(client, performer, ada, twin, consent):
    consent(
        "allow",
        performer=performer,
        at=datetime(2026, 6, 1, tzinfo=UTC),
        scope=Scope(languages=frozenset({"fr", "de"})),
    )
    client.force_login(ada)

    page = client.get(reverse("portal:consent", args=[twin.pk])).content.decode()

    assert "Your voice may be dubbed into French and German" in page
    assert "version 1, in force since June 1, 2026 · signed electronically" in page


def test_a_twin_without_consent_says_that_everything_is_refused(client, ada, twin):
    client.force_login(ada)

    page = client.get(reverse("portal:consent", args=[twin.pk])).content.decode()

    assert "Everything is refused" in page


def test_a_guilds_floor_is_no_permission(client, ada, twin, consent):
    consent("allow", guild="equity_uk")
    client.force_login(ada)

    page = client.get(reverse("portal:consent", args=[twin.pk])).content.decode()

    assert "Everything is refused" in page
    assert "may be dubbed" not in page


def test_the_consent_page_keeps_its_query_budget(client, ada, twin, django_assert_max_num_queries):
    client.force_login(ada)

    with django_assert_max_num_queries(16):
        client.get(reverse("portal:consent", args=[twin.pk]))


def test_a_version_says_what_it_changed(client, performer, ada, twin, consent):
    consent("allow", performer=performer)
    version = consent("ask", performer=performer)
    client.force_login(ada)
    link = reverse("portal:consent-compare", args=[twin.pk, version.pk])

    assert link in client.get(reverse("portal:consent", args=[twin.pk])).content.decode()
    page = client.get(link).content.decode()
    assert "What version 2 changed" in page
    assert "Voice in Dubbing" in page


def test_the_receipt_and_the_policy_are_the_performers_to_take(
    client, performer, ada, twin, consent
):
    version = consent("allow", performer=performer)
    client.force_login(ada)

    receipt = client.get(reverse("portal:consent-receipt", args=[twin.pk, version.pk])).json()
    policy = client.get(reverse("portal:consent-policy", args=[twin.pk])).json()

    assert [purpose["purpose"] for purpose in receipt["pii_processing"]["purposes"]] == [
        "Voice in Dubbing"
    ]
    assert receipt["pii_principal_id"] == f"urn:likenessdesk:performer:{performer.pk}"
    assert len(policy["permission"]) == 1


def test_nobody_elses_versions_are_there(client, performer, ada, twin, consent):
    ben = Performer.objects.create(name="Ben Sample", user=User.objects.create_user("b@desk.test"))
    bens, floor = consent("allow", performer=ben), consent("ask", guild="sag_aftra")
    client.force_login(ada)

    for page in ("consent-compare", "consent-receipt"):
        for version in (bens, floor):
            answer = client.get(reverse(f"portal:{page}", args=[twin.pk, version.pk]))
            assert answer.status_code == 404


def test_another_performers_twin_is_not_there(client, twin):
    stranger = User.objects.create_user("stranger@desk.example")
    Performer.objects.create(name="Ben Sample", user=stranger)
    client.force_login(stranger)

    assert client.get(reverse("portal:consent", args=[twin.pk])).status_code == 404
    assert twin.name not in client.get(reverse("portal:twins")).content.decode()
