"""In a real browser: no page does what the content policy forbids, and the policy holds."""

import pytest
from django.urls import reverse

from licensing.models import Agreement, ApprovalPart, UsageEvent
from talent.models import ConsentMatrix, DigitalTwin
from valuation.models import Statement

pytestmark = pytest.mark.judge("chromium")


def of_staff():
    agreement = Agreement.objects.filter(status="signed").first()
    event = UsageEvent.objects.filter(standing="uncleared").first()
    matrix = ConsentMatrix.objects.filter(twin__isnull=False).first()
    statement = Statement.objects.first()
    return [
        reverse("admin:index"),
        reverse("admin:licensing_usageevent_changelist"),
        reverse("admin:licensing_agreement_change", args=[agreement.pk]),
        reverse("admin:licensing_agreement_add"),
        reverse("admin:licensing_agreement_end", args=[agreement.pk]),
        reverse("admin:licensing_agreement_history", args=[agreement.pk]),
        reverse("admin:licensing_usageevent_decision", args=[event.pk]),
        reverse("admin:talent_consentmatrix_edit", args=[matrix.pk]),
        reverse("admin:valuation_statement_change", args=[statement.pk]),
        reverse("admin:valuation_usagetotal_charts"),
        reverse("admin:licensing_usageimport_import_sheet"),
        "/api/",
        "/nowhere/",
    ]


def of_readers():
    part = ApprovalPart.objects.filter(performer__name="Ada Sample").first()
    twin = DigitalTwin.objects.filter(performer__name="Ada Sample").first()
    return [
        "/",
        "/usage/",
        "/usage/charts/",
        "/earnings/",
        "/statements/",
        "/consent/",
        "/account/",
        f"/approvals/{part.pk}/",
        reverse("portal:withdraw", args=[twin.pk]),
    ]


def watched(page):
    """Everything that a page was forbidden, as the browser tells it."""
    told = []
    page.on(
        "console",
        lambda said: "Content Security Policy" in said.text and told.append((page.url, said.text)),
    )
    page.on("pageerror", lambda error: told.append((page.url, str(error))))
    return told


def test_no_page_does_what_the_policy_forbids(sign_in, browser, desk):
    told = []
    for email, pages in (
        ("operator@likeness.example", of_staff()),
        ("ada@performers.example", of_readers()),
    ):
        page = sign_in(email)
        told.append(watched(page))
        for address in pages:
            page.goto(address)
    door = browser.new_page(base_url=desk)
    told.append(watched(door))
    for address in ("/sign-in/", "/password/reset/"):
        door.goto(address)
    door.close()

    assert [one for many in told for one in many] == []


def test_a_script_that_somebody_brought_in_does_not_run(sign_in):
    page = sign_in("ada@performers.example", at="/")
    told = watched(page)
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')"
    )
    page.wait_for_timeout(200)

    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for _url, text in told)
