"""Prompts in the admin: who may read and erase them, and where their text is shown."""

import pytest
from django.contrib import admin
from django.urls import reverse

from licensing.models import PromptErasure, PromptReveal, UsageEvent
from licensing.usage.recording.record import record_events
from talent.words import Role
from tests.factories import make_member, sign_in, take_step

pytestmark = pytest.mark.django_db
TEXT = "Weep as if the moon had left you"
ASKED = {"purpose": "dispute", "note": "Case 12"}


@pytest.fixture
def event(use, origin):
    (outcome,) = record_events([use(data={"prompt": TEXT})], origin)
    return UsageEvent.objects.get(pk=outcome.event_id)


@pytest.fixture
def affairs(affairs):
    return sign_in(affairs)


def page(name, event):
    return reverse(f"admin:licensing_usageevent_{name}", args=[event.pk])


def test_the_text_is_shown_once_and_never_cached(affairs, event):
    asked = affairs.get(page("reveal_prompt", event))
    shown = take_step(affairs, "reveal_prompt", event, **ASKED)

    assert TEXT not in asked.content.decode()
    assert TEXT in shown.content.decode()
    for response in (asked, shown):
        assert {"no-store", "private"} <= set(response["cache-control"].split(", "))
    assert PromptReveal.objects.get().note == "Case 12"


@pytest.mark.parametrize("missing", ["purpose", "note"])
def test_without_purpose_or_note_nothing_is_shown(affairs, event, missing):
    shown = take_step(affairs, "reveal_prompt", event, **{**ASKED, missing: ""})

    assert shown.status_code == 200
    assert TEXT not in shown.content.decode()
    assert not PromptReveal.objects.exists()


@pytest.mark.parametrize("role", [Role.AGENT, Role.ACCOUNTING, Role.AUDITOR])
@pytest.mark.parametrize("name", ["reveal_prompt", "erase_prompt"])
def test_other_roles_neither_read_nor_erase(agency, event, role, name):
    client = sign_in(make_member(agency, role))

    answer = client.post(page(name, event), {**ASKED, "reason": "Because"})

    assert answer.status_code == 403
    assert TEXT not in answer.content.decode()
    assert not PromptReveal.objects.exists()
    assert not PromptErasure.objects.exists()


def test_a_seat_elsewhere_reads_nothing(event, agency, elsewhere):
    user = make_member(elsewhere, Role.BUSINESS_AFFAIRS)
    stranger = sign_in(user)

    assert stranger.post(page("reveal_prompt", event), ASKED).status_code in (403, 404)
    # A seat that may read the event, and may read prompts only at another agency.
    make_member(agency, Role.AUDITOR, email=user.email)
    assert stranger.post(page("reveal_prompt", event), ASKED).status_code == 403
    assert not PromptReveal.objects.exists()


def test_an_erased_prompt_says_so_on_its_event(affairs, event):
    answer = take_step(affairs, "erase_prompt", event, reason="As the performer asked.")

    shown = affairs.get(page("change", event)).content.decode()
    assert answer.status_code == 302
    assert PromptErasure.objects.get().reason == "As the performer asked."
    assert "Erased; its commitment stays" in shown
    assert page("reveal_prompt", event) not in shown


def test_an_erasure_asks_for_its_reason(affairs, event):
    take_step(affairs, "erase_prompt", event, reason=" ")

    assert not PromptErasure.objects.exists()


def test_no_page_of_the_admin_shows_the_text(affairs, event, use, origin):
    record_events([use("odd", data={"prompt": TEXT, "twin": "T0"})], origin)
    take_step(affairs, "reveal_prompt", event, **ASKED)

    for model in admin.site._registry:
        if model._meta.app_label != "licensing":
            continue
        name = f"admin:licensing_{model._meta.model_name}"
        shown = [affairs.get(reverse(f"{name}_changelist"))]
        row = model._default_manager.order_by("-pk").first()
        shown += [affairs.get(reverse(f"{name}_change", args=[row.pk]))] if row else []
        assert not any(TEXT.encode() in one.content for one in shown), model


def test_no_query_or_log_of_a_reading_shows_the_text(affairs, event, caplog):
    with caplog.at_level("DEBUG"):
        take_step(affairs, "reveal_prompt", event, **ASKED)

    assert "moon" not in caplog.text
