"""Staff withdraw on a performer's behalf, and try a consent before they record it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from talent.consent.scope import Scope
from talent.models import ConsentVersion
from talent.words import Role
from tests.factories import make_member, make_uses, record_consent

WITHDRAW = "admin:withdraw_consent"

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client, agent):
    client.force_login(agent)
    return agent


@pytest.fixture
def consented(performer, agreement):
    return record_consent(performer=performer, scope=Scope(withdrawal_notice_hours=72))


@pytest.fixture
def choice(twin):
    return {
        "twin": twin.pk, "extent": "cell", "right": "voice", "use": "dubbing", "whose": "all",
        "licensee": "", "reason": "Ada called.", "method": "written", "represented_by": "counsel",
        "representative": "Cora Counsel",
    }  # fmt: skip


def test_what_studios_hold_past_the_end_is_shown(
    client, agent, consented, choice, twin, agreement, terms
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
    text = client.get(reverse(WITHDRAW), choice).content.decode()
    assert "Reservations that are stopped" in text
    assert "12 lines" in text


def test_staff_see_what_stops_and_record_how_they_were_told(
    client, agent, consented, choice, performer
):
    shown = client.get(reverse(WITHDRAW), choice)
    assert "NA-1" in shown.content.decode()
    sent = {**choice, "shown": shown.context["preview"].plan.digest}
    assert client.post(reverse(WITHDRAW), sent).status_code == 302
    version = ConsentVersion.objects.latest("pk")
    assert (version.matrix.performer, version.recorded_by) == (performer, agent)
    assert (version.method, version.representative) == ("written", "Cora Counsel")
    assert version.in_force_from - version.recorded_at == timedelta(hours=72)


def test_a_court_sets_the_notice_aside(client, agent, consented, choice):
    choice["at_once"] = "on"
    shown = client.get(reverse(WITHDRAW), choice)
    client.post(reverse(WITHDRAW), {**choice, "shown": shown.context["preview"].plan.digest})
    version = ConsentVersion.objects.latest("pk")
    assert version.in_force_from == version.recorded_at
    assert "because the law says so" in version.text_shown


def test_staff_say_why(client, agent, consented, choice):
    answer = client.get(reverse(WITHDRAW), {**choice, "reason": ""})
    assert "preview" not in answer.context


def test_who_may_not_record_consent_may_not_withdraw_it(client, accounting, consented, choice):
    client.force_login(accounting)
    assert client.get(reverse(WITHDRAW), choice).status_code == 403


def test_another_agencys_twin_is_no_choice(client, elsewhere, consented, choice):
    client.force_login(make_member(elsewhere, Role.AGENT))
    answer = client.get(reverse(WITHDRAW), choice)
    assert "preview" not in answer.context
    assert "Ada&#x27;s voice" not in answer.content.decode()


def test_a_new_version_can_be_tried_before_it_is_recorded(
    client, agent, consented, performer, terms, twin, agreement
):
    at = timezone.now() - timedelta(days=20)
    make_uses(terms, twin, 7, at=at, agreement=agreement)
    page = reverse("admin:talent_consentmatrix_edit", args=[consented.matrix_id])
    tried = reverse("admin:simulate_consent", args=[consented.matrix_id])
    assert tried in client.get(page).content.decode()
    answer = client.post(tried, {"stance.voice.dubbing": "deny"})
    text = answer.content.decode()
    assert "1 use" in text
    assert "Voice in Dubbing is denied for Ada Example" in text
    assert ConsentVersion.objects.count() == 1
    assert client.get(tried).status_code == 302


def test_a_strangers_matrix_can_not_be_tried(client, elsewhere, consented):
    client.force_login(make_member(elsewhere, Role.AGENT))
    answer = client.post(reverse("admin:simulate_consent", args=[consented.matrix_id]))
    assert answer.status_code == 404
