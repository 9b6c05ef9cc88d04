"""Staff follow requests for approval, filter them by state, and answer none."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from licensing.approvals.answers import record_answer
from licensing.approvals.notices import sweep
from licensing.models import ApprovalAnswer, ApprovalRequest
from licensing.words import ApprovalAnswerKind
from talent.models import User
from tests.factories import make_agency, make_member
from tests.licensing.approvals.requests import DUE, HOUR, MARCH, opened

pytestmark = pytest.mark.django_db

LIST = "admin:licensing_approvalrequest_changelist"


@pytest.fixture
def staff(agent):
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def asked(question, terms, ada):
    return opened(question, terms)


def shown(client, state, monkeypatch, at):
    monkeypatch.setattr(timezone, "now", lambda: at)
    answered = client.get(reverse(LIST), {"state": state})
    return list(answered.context["cl"].queryset)


def test_requests_are_found_by_where_they_stand(staff, asked, ada, monkeypatch):
    for state, at in (("waiting", MARCH), ("soon", DUE - HOUR), ("lapsed", DUE)):
        assert shown(staff, state, monkeypatch, at) == [asked]
    assert shown(staff, "soon", monkeypatch, MARCH) == []
    assert shown(staff, "waiting", monkeypatch, DUE) == []

    part = asked.parts.get()
    given = record_answer(part_id=part.pk, kind=ApprovalAnswerKind.APPROVE, by=ada, at=MARCH)
    assert shown(staff, "approved", monkeypatch, MARCH) == [asked]
    assert shown(staff, "waiting", monkeypatch, MARCH) == []
    kind = ApprovalAnswerKind.VETO
    record_answer(part_id=part.pk, kind=kind, by=ada, at=DUE, replaces=given.pk)
    assert shown(staff, "vetoed", monkeypatch, DUE) == [asked]
    assert shown(staff, "approved", monkeypatch, DUE) == []


def test_the_page_says_what_is_asked_who_answers_and_every_step(staff, asked):
    sweep(at=MARCH + 40 * HOUR)
    sweep(at=DUE)
    page = reverse("admin:licensing_approvalrequest_change", args=[asked.pk])
    text = staff.get(page).content.decode()

    for said in (
        "Six lines of the captain are rewritten",
        "Ada Example",
        "Half of the time is over",
        "Lapsed",
        f">C{asked.askings.get().decision_id}<",
    ):
        assert said in text


def test_the_decision_leads_to_its_request(staff, asked):
    decision = asked.askings.get().decision
    page = staff.get(reverse("admin:licensing_clearancedecision_change", args=[decision.pk]))
    link = reverse("admin:licensing_approvalrequest_change", args=[asked.pk])
    assert link in page.content.decode()


def test_nobody_of_the_staff_nor_the_operator_changes_a_request(staff, asked):
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator@desk.example", "x"))
    change = reverse("admin:licensing_approvalrequest_change", args=[asked.pk])
    for client in (staff, operator):
        assert client.post(change, {"lines": "Something else"}).status_code == 403
        assert client.get(reverse("admin:licensing_approvalrequest_add")).status_code == 403
        listed = client.get(reverse(LIST))
        actions = listed.context["cl"].model_admin.get_actions(listed.wsgi_request)
        assert list(actions) == []
    assert not ApprovalAnswer.objects.exists()
    assert "rewritten" in ApprovalRequest.objects.get().lines


def test_another_agency_finds_nothing(asked):
    elsewhere = make_agency("elsewhere")
    user = make_member(elsewhere, "agent")
    client = Client()
    client.force_login(user)
    assert list(client.get(reverse(LIST)).context["cl"].queryset) == []
    page = reverse("admin:licensing_approvalrequest_change", args=[asked.pk])
    assert client.get(page).status_code == 404


def test_the_list_takes_a_fixed_number_of_queries(
    staff, question, terms, ada, django_assert_max_num_queries
):
    for scene in range(41, 46):
        opened(question, terms, scene=f"Scene {scene}")
    with django_assert_max_num_queries(16):
        staff.get(reverse(LIST))
