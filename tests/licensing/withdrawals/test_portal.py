"""Withdrawing in the portal: seen before it is confirmed, by those who may decide only."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from talent.models import ConsentVersion, Delegation, User
from tests.factories import make_performer, make_user, record_consent

CHOICE = {
    "extent": "cell", "right": "voice", "use": "dubbing", "whose": "twin", "licensee": "",
    "reason": "Enough.",
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client, ada):
    client.force_login(ada)
    return ada


@pytest.fixture
def consented(performer, agreement):
    return record_consent(performer=performer)


@pytest.fixture
def page(twin):
    return reverse("portal:withdraw", args=[twin.pk])


def test_a_performer_sees_what_would_stop_and_then_withdraws(
    client, ada, consented, page, licensee
):
    opened = client.get(page, {"cell": "voice.dubbing"}).content.decode()
    assert 'value="dubbing" selected' in opened
    shown = client.get(page, CHOICE)
    text = shown.content.decode()
    assert "Paper Moon Pictures" in text
    assert "NA-1" in text
    assert ConsentVersion.objects.count() == 1
    digest = shown.context["preview"].plan.digest
    done = client.post(page, {**CHOICE, "shown": digest}, follow=True)
    assert "Withdrawn: Voice in Dubbing." in done.content.decode()
    (version,) = ConsentVersion.objects.exclude(pk=consented.pk)
    assert (version.matrix.twin_id, version.reason) == (done.context["twin"].pk, "Enough.")


def test_what_studios_hold_past_the_end_is_shown(
    client, ada, consented, page, twin, agreement, terms
):
    now = timezone.now()
    ask(
        SentRequest(
            twin=twin.name, right="voice", use="dubbing", at=now, agreement=agreement.reference,
            territory="US", channel="cinema", units=(("lines", Decimal(12)),),
            reserve=True, reserve_minutes=7 * 24 * 60,
        ),
        terms=terms,
        asked_at=now,
    )  # fmt: skip
    text = client.get(page, CHOICE).content.decode()
    assert "Reservations that are stopped" in text
    assert "12 lines" in text


def test_nothing_is_withdrawn_unseen(client, ada, consented, page):
    answer = client.post(page, {**CHOICE, "shown": "0" * 64})
    assert "The consent has changed since you looked" in answer.content.decode()
    assert ConsentVersion.objects.count() == 1


def test_what_is_refused_already_is_said(client, ada, page, agreement):
    choice = {**CHOICE, "licensee": agreement.licensee_id}
    assert "refused already" in client.get(page, choice).content.decode()


def test_a_choice_that_means_nothing_is_explained(client, ada, consented, page):
    text = client.get(page, {**CHOICE, "use": "karaoke"}).content.decode()
    assert "karaoke is not one of the available choices" in text


def test_a_delegate_withdraws_only_with_the_power_to_decide(client, performer, consented, page):
    counsel = User.objects.create_user("counsel@desk.example", "x")
    delegation = Delegation.objects.create(
        performer=performer, user=counsel, kind="counsel", powers=["see_twins", "see_usage"],
        starts_on="2020-01-01",
    )  # fmt: skip
    client.force_login(counsel)
    assert client.get(page).status_code == 404
    delegation.powers = ["see_twins", "see_usage", "decide"]
    delegation.save()
    assert client.get(page).status_code == 200


def test_a_stranger_finds_no_page(client, consented, page):
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    client.force_login(stranger)
    assert client.get(page, CHOICE).status_code == 404
    assert client.post(page, CHOICE).status_code == 404


def test_the_page_keeps_its_query_budget(
    client, ada, consented, page, django_assert_max_num_queries
):
    with django_assert_max_num_queries(26):
        client.get(page, CHOICE)
