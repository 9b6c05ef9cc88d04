"""The last steps: how the likeness is handled, and what is checked."""

from typing import Any

from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from licensing.agreements.wizard import drafting
from licensing.models import DealTerms

from .base import StepForm

GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        gettext_lazy("Who spoke for the performer"),
        ("represented_by", "counsel_name", "counsel_firm", "court_approval"),
    ),
    (
        gettext_lazy("Capture"),
        ("captures", "capture_boundary", "capture_reason", "capture_notice_hours"),
    ),
    (gettext_lazy("Keeping and destroying"), ("held_by", "retention_ends", "retention_days")),
    (
        gettext_lazy("Reports and money"),
        ("usage_report_days", "statement_days", "payment_days", "late_interest_percent"),
    ),
    (
        gettext_lazy("Audit and confidentiality"),
        (
            "audit_notice_days", "audit_years_back", "audit_shortfall_percent",
            "confidential_years",
        ),
    ),
    (
        gettext_lazy("Withdrawal, end and renewal"),
        (
            "removal_right", "withdrawal_notice_days", "cure_days", "renewal_notice_days",
            "transfer_answer_days",
        ),
    ),
)  # fmt: skip


class HandlingForm(StepForm):
    """What else the text says: capture, retention, audit, reports, who spoke for the performer."""

    def add_fields(self) -> None:
        self.add_columns(self.draft.deal, drafting.asked_for_handling(), DealTerms)
        kind = self.draft.kind
        for name, source in (kind.because if kind else {}).items():
            field = self.fields.get(name)
            if field is not None and field.initial == kind.terms.get(name):
                field.help_text = f"{field.help_text} {source}.".strip()

    def groups(self) -> list[tuple[Any, list[BoundField]]]:
        grouped = {name for _title, names in GROUPS for name in names}
        rest = [name for name in self.fields if name not in grouped]
        named = [*GROUPS, (_("What the audience is told, and the rest"), tuple(rest))]
        return [
            (title, [self[name] for name in names if name in self.fields]) for title, names in named
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("represented_by") == "counsel" and not (data.get("counsel_name") or "").strip():
            self.add_error("counsel_name", _("Name the counsel who represented the performer."))
        return data

    def save(self) -> None:
        deal = self.draft.deal
        touched = {name: self.kept(name, None) for name in self.fields if self.is_touched(name)}
        if deal is not None and touched:
            drafting.set_handling(self.agreement, touched)


class ChecksForm(StepForm):
    """Asks for nothing: what was asked before is checked here, drawn and sent."""
