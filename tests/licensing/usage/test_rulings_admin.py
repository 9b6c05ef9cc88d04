"""The page on which staff rule on a use outside the consent."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from licensing.models import Ruling, UsageEvent
from licensing.usage.recording.record import record_events
from tests.factories import make_member, sign_in, take_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(origin, use):
    """A use that nobody allowed."""
    record_events([use("take-1")], origin)
    return UsageEvent.objects.get()


def shown(user, event):
    page = reverse("admin:licensing_usageevent_change", args=[event.pk])
    return sign_in(user).get(page).text


def ruled(user, event, **given):
    told = {"treatment": "licensed", "reason": "Counsel agreed.", **given}
    return take_step(sign_in(user), "rule", event, **told)


def test_business_affairs_rule_on_a_use_outside_the_consent(affairs, event):
    assert "Rule on it" in shown(affairs, event)

    ruled(affairs, event)

    page, ruling = shown(affairs, event), Ruling.objects.get()
    assert (ruling.about_id, ruling.ruled_by) == (event.pk, affairs)
    assert "As licensed use" in page
    assert "Counsel agreed." in page
    sealed = bytes(UsageEvent.objects.get(pk=ruling.pk).record.canonical)
    assert f'"user {affairs.pk}, business_affairs"'.encode() in sealed


def test_a_ruling_is_told_from_uses_in_the_list(affairs, event):
    ruled(affairs, event)

    listed = sign_in(affairs).get(reverse("admin:licensing_usageevent_changelist"))

    page = listed.context["cl"]
    told = [page.model_admin.quantity(event) for event in page.result_list]
    assert told == ["Ruling", "1 line, 7 words"]


def test_a_ruling_needs_a_reason(affairs, event):
    page = ruled(affairs, event, reason=" ")

    assert "reason" in page.context["form"].errors
    assert not Ruling.objects.exists()


@pytest.mark.parametrize("role", ["agent", "accounting", "auditor"])
def test_no_other_role_rules(agency, event, role):
    user = make_member(agency, role)

    assert "Rule on it" not in shown(user, event)
    assert ruled(user, event).status_code in (403, 404)
    assert not Ruling.objects.exists()


def test_a_right_at_one_agency_is_none_at_another(affairs, event, both, elsewhere):
    fields = {field.attname: getattr(event, field.attname) for field in event._meta.fields}
    theirs = fields | {"id": None, "agency_id": elsewhere.pk, "agreement_id": None}
    UsageEvent.objects.bulk_create([UsageEvent(**theirs)])
    there = UsageEvent.objects.latest("pk")

    assert "Rule on it" not in shown(affairs, there)
    assert ruled(affairs, there).status_code in (403, 404)
    assert not Ruling.objects.exists()


def test_an_event_shows_what_it_replaces_and_what_replaced_it(affairs, event, origin, use):
    named = {"replaces": {"event": str(event.pk)}}
    record_events([use("fix", data=named, type="org.likenessdesk.usage.amendment.v1")], origin)
    new = UsageEvent.objects.latest("pk")

    assert escape(str(new)) in shown(affairs, event)
    assert escape(str(event)) in shown(affairs, new)
