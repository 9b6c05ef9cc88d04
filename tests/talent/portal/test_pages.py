import re
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.urls import reverse

from talent import accounts, outbox
from talent.consent import consents
from talent.consent.matrix import Cell, Scope
from talent.models import Delegation, DigitalTwin, OutboxMessage, Performer, User
from talent.words import Stance

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD = "a long enough phrase"  # noqa: S105 (of a test's own account)


@pytest.fixture
def ada(db):
    user = User.objects.create_user("ada@desk.example", PASSWORD, first_name="Ada")
    return Performer.objects.create(name="Ada Example", user=user)


@pytest.fixture
def voice(ada):
    return a_twin("Ada's voice", ada)


def a_twin(name, performer):
    return DigitalTwin.objects.create(
        name=name,
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )


def delegate_of(performer, *powers):
    user = User.objects.create_user("counsel@desk.example", PASSWORD)
    Delegation.objects.create(
        performer=performer, user=user, kind="counsel", powers=powers, starts_on="2026-01-01"
    )
    return user


def test_the_consent_page_says_the_grid_in_sentences(client, ada, voice):
    consents.record(
        matrix=consents.matrix_of(performer=ada),
        cells=[Cell("voice", "dubbing", Stance.ALLOW, Scope(languages=frozenset({"fr", "de"})))],
        in_force_from=datetime(2026, 6, 1, tzinfo=UTC),
        recorded_at=datetime(2026, 6, 1, tzinfo=UTC),
        by=ada.user,
        text_shown="Dub my voice.",
    )
    client.force_login(ada.user)

    page = client.get(reverse("portal:consent", args=[voice.pk])).content.decode()

    assert "Your voice may be dubbed into French and German" in page
    assert "version 1, in force since June 1, 2026 · signed electronically" in page


def test_a_twin_without_consent_says_that_everything_is_refused(client, ada, voice):
    client.force_login(ada.user)

    page = client.get(reverse("portal:consent", args=[voice.pk])).content.decode()

    assert "Everything is refused" in page


def test_the_consent_page_keeps_its_query_budget(client, ada, voice, django_assert_max_num_queries):
    client.force_login(ada.user)

    with django_assert_max_num_queries(16):
        client.get(reverse("portal:consent", args=[voice.pk]))


def said(performer, stance, **owner):
    return consents.record(
        matrix=consents.matrix_of(**(owner or {"performer": performer})),
        cells=[Cell("voice", "dubbing", stance)],
        in_force_from=datetime(2026, 6, 1, tzinfo=UTC),
        recorded_at=datetime(2026, 6, 1, tzinfo=UTC),
        by=performer.user,
        text_shown="Dub my voice.",
    )


def test_a_version_says_what_it_changed(client, ada, voice):
    said(ada, "allow")
    version = said(ada, "ask")
    client.force_login(ada.user)
    link = reverse("portal:consent-compare", args=[voice.pk, version.pk])

    assert link in client.get(reverse("portal:consent", args=[voice.pk])).content.decode()
    page = client.get(link).content.decode()
    assert "What version 2 changed" in page
    assert "Voice in Dubbing" in page


def test_the_receipt_and_the_policy_are_the_performers_to_take(client, ada, voice):
    version = said(ada, "allow")
    client.force_login(ada.user)

    receipt = client.get(reverse("portal:consent-receipt", args=[voice.pk, version.pk])).json()
    policy = client.get(reverse("portal:consent-policy", args=[voice.pk])).json()

    assert [one["purpose"] for one in receipt["pii_processing"]["purposes"]] == ["Voice in Dubbing"]
    assert receipt["pii_principal_id"] == f"urn:likenessdesk:performer:{ada.pk}"
    assert len(policy["permission"]) == 1


def test_nobody_elses_versions_are_there(client, ada, voice):
    ben = Performer.objects.create(name="Ben Sample", user=User.objects.create_user("b@desk.test"))
    bens, floor = said(ben, "allow"), said(ada, "ask", guild="sag_aftra")
    client.force_login(ada.user)

    for page in ("consent-compare", "consent-receipt"):
        for version in (bens, floor):
            answer = client.get(reverse(f"portal:{page}", args=[voice.pk, version.pk]))
            assert answer.status_code == 404


def test_another_performers_twin_is_not_there(client, ada, voice):
    stranger = User.objects.create_user("stranger@desk.example", PASSWORD)
    Performer.objects.create(name="Ben Sample", user=stranger)
    client.force_login(stranger)

    assert client.get(reverse("portal:consent", args=[voice.pk])).status_code == 404
    assert voice.name not in client.get(reverse("portal:twins")).content.decode()


@pytest.mark.parametrize("page", ["twins", "consents", "usage", "earnings", "statements"])
def test_who_acts_for_nobody_finds_no_pages(client, db, page):
    client.force_login(User.objects.create_user("nobody@desk.example", PASSWORD))

    assert client.get(reverse(f"portal:{page}")).status_code == 404
    assert client.get(reverse("portal:home")).status_code == 200


def test_a_delegate_finds_only_what_the_delegation_names(client, ada, voice):
    client.force_login(delegate_of(ada, "see_twins"))

    assert client.get(reverse("portal:twins")).status_code == 200
    assert client.get(reverse("portal:usage")).status_code == 404
    assert client.get(reverse("portal:earnings")).status_code == 404


def test_a_delegate_chooses_for_whom(client, ada, voice):
    ben = Performer.objects.create(name="Ben Sample")
    a_twin("Ben's voice", ben)
    counsel = delegate_of(ada, "see_twins")
    Delegation.objects.create(
        performer=ben, user=counsel, kind="counsel", powers=["see_twins"], starts_on="2026-01-01"
    )
    client.force_login(counsel)

    client.post(reverse("portal:act-for"), {"principal": f"p{ben.pk}"})

    page = client.get(reverse("portal:twins")).content.decode()
    assert "Ben&#x27;s voice" in page
    assert "Ada&#x27;s voice" not in page


def test_nobody_acts_for_a_principal_who_is_not_theirs(client, ada):
    client.force_login(User.objects.create_user("stranger@desk.example", PASSWORD))

    answer = client.post(reverse("portal:act-for"), {"principal": f"p{ada.pk}"})

    assert answer.status_code == 404


def test_an_invited_performer_activates_and_is_in(client, ada, rf):
    ben = Performer.objects.create(name="Ben Sample")
    accounts.invite(
        email="Ben@Desk.example", by=ada.user, at=NOW, performer=ben, link=link, agency="Northlight"
    )
    address = re.search(r"/welcome/\S+", OutboxMessage.objects.get().body)[0]

    answer = client.post(address, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert answer.url == reverse("portal:home")
    assert "Ben Sample" in client.get(answer.url).content.decode()
    assert client.get(address).status_code == 410


def link(code, token):
    return "http://testserver" + reverse("activate", args=[code, token])


def test_who_has_an_account_is_not_invited_again(ada):
    with pytest.raises(accounts.AlreadyActive):
        accounts.invite(email="ada@desk.example", by=None, at=NOW, link=link)


@pytest.mark.parametrize("code", ["", "MQ", "%%%", "bm90IGEgbnVtYmVy"])
def test_an_invitation_that_is_not_whole_is_refused(db, code):
    with pytest.raises(accounts.InvitationNotValid):
        accounts.invited(code, "token")


def test_too_many_wrong_passwords_are_refused_even_when_right(client, ada):
    sign_in = reverse("login")
    for _try in range(accounts.TRIES):
        client.post(sign_in, {"username": ada.user.email, "password": "wrong"})

    page = client.post(sign_in, {"username": ada.user.email, "password": PASSWORD})

    assert "Too many tries" in page.content.decode()
    accounts.forget_tries(ada.user.email, "127.0.0.1")
    answer = client.post(sign_in, {"username": ada.user.email, "password": PASSWORD})
    assert answer.status_code == 302


def test_a_forgotten_password_is_mailed_through_the_outbox(client, ada):
    client.post(reverse("password_reset"), {"email": ada.user.email})

    message = OutboxMessage.objects.get()
    assert message.recipient == ada.user.email
    assert "/password/reset/" in message.body
    outbox.deliver_due(at=message.created_at)
    assert [sent.to for sent in mail.outbox] == [[ada.user.email]]


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Moon/Base"), ("locale", "klingon-KL")])
def test_an_account_refuses_places_that_do_not_exist(client, ada, field, value):
    client.force_login(ada.user)
    values = {"first_name": "Ada", "last_name": "", "locale": "", "time_zone": "UTC", field: value}

    page = client.post(reverse("portal:account"), values)

    assert "No such" in page.content.decode()
    ada.user.refresh_from_db()
    assert getattr(ada.user, field) != value
