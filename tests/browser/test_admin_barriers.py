"""In a real browser: the admin's main pages, as axe-core judges them, on a desk and a phone."""

from itertools import cycle

import pytest
from django.urls import reverse

from licensing.models import (
    Agreement,
    ApprovalRequest,
    Permit,
    SandboxEvent,
    UsageEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from talent.admin.base import DeskAdmin
from talent.models import ConsentMatrix
from valuation.models import JournalEntry, Statement

pytestmark = pytest.mark.judge("chromium")

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# A list of a few rows keeps out whom a long one would.
ROWS = 5


def row(model, *, step="change", **wanted):
    found = model.objects.filter(**wanted).order_by("pk").first()
    return reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{step}", args=[found.pk]
    )


PAGES = {
    "desk": lambda: reverse("admin:index"),
    "events": lambda: reverse("admin:licensing_usageevent_changelist"),
    "event": lambda: row(UsageEvent, standing="uncleared", twin__name="Ada Sample, voice"),
    "why": lambda: row(
        UsageEvent, step="decision", standing="uncleared", twin__name="Ada Sample, voice"
    ),
    "grid": lambda: row(ConsentMatrix, step="edit", twin__name="Ada Sample, voice"),
    "agreement": lambda: row(Agreement, reference="MER-2026-001"),
    "new agreement": lambda: reverse("admin:licensing_agreement_add"),
    "approvals": lambda: reverse("admin:licensing_approvalrequest_changelist"),
    "approval": lambda: row(ApprovalRequest, twin__name="Ada Sample, voice"),
    "permit": lambda: row(Permit),
    "import": lambda: reverse("admin:licensing_usageimport_import_sheet"),
    "availability": lambda: reverse("admin:availability"),
    "no holds": lambda: reverse("admin:licensing_hold_changelist"),
    "statements": lambda: reverse("admin:valuation_statement_changelist"),
    "statement": lambda: row(Statement, beneficiary__name="Ada Sample"),
    "trial balance": lambda: reverse("admin:valuation_account_trial_balance"),
    "entry": lambda: row(JournalEntry, kind="receipt"),
    "webhooks": lambda: reverse("admin:licensing_webhookendpoint_changelist"),
    "webhook": lambda: row(WebhookEndpoint),
    "deliveries": lambda: reverse("admin:licensing_webhookdelivery_changelist"),
    "delivery": lambda: row(WebhookDelivery),
    "trials": lambda: reverse("admin:licensing_sandboxevent_changelist"),
    "trial": lambda: row(SandboxEvent),
}


def test_no_page_of_the_admin_keeps_anybody_out(sign_in, barriers, monkeypatch):
    monkeypatch.setattr(DeskAdmin, "list_per_page", ROWS)
    page = sign_in("operator@likeness.example")
    found = {}
    # In turn: what keeps somebody out at one width alone is another page's, too.
    for (name, address), (size, viewport) in zip(PAGES.items(), cycle(SIZES.items()), strict=False):
        page.set_viewport_size(viewport)
        page.goto(address())
        found[f"{name} on a {size}"] = barriers(page)

    assert {where: met for where, met in found.items() if met} == {}
