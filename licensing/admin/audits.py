"""Audits: asked for on an agreement's page, conducted here, closed by two people."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
)

from licensing.agreements import audits
from licensing.models import Audit, AuditStep
from licensing.words import AuditSide, AuditState, AuditStepKind
from talent.admin.base import FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline
from talent.admin.steps import ReasonForm, step
from talent.models.names import day

CONDUCTED = (AuditState.UNDER_WAY, AuditState.PROPOSED)


class AuditForm(ReasonForm):
    """Who audits, and which days."""

    side = forms.ChoiceField(
        label=_("Who audits"), choices=AuditSide.choices(), widget=UnfoldAdminSelectWidget
    )
    period_from = forms.DateField(label=_("From"), widget=UnfoldAdminSingleDateWidget)
    period_to = forms.DateField(
        label=_("Until"), widget=UnfoldAdminSingleDateWidget,
        help_text=_("This day is not included."),
    )  # fmt: skip
    field_order = ("side", "period_from", "period_to", "reason")


class AsksForAudit:
    """Of an agreement's page: the step that asks for an audit."""

    @step(
        label=_("Ask for an audit"),
        icon="fact_check",
        permission=audits.ASKS,
        says=_(
            "The other side is told, and the notice that was agreed begins to run. After it the "
            "evidence of the period is there, as far as the side that audits may see it."
        ),
        done=_("The audit of %(row)s is asked for. Its notice runs."),
        form=AuditForm,
        offered=lambda agreement: agreement.signed_at is not None,
        facts=lambda agreement: _right(agreement),
    )
    def ask_for_audit(self, agreement, given):
        audits.ask(
            agreement=agreement,
            side=AuditSide(given.values["side"]),
            period_from=given.values["period_from"],
            period_to=given.values["period_to"],
            reason=given.reason,
            at=given.at,
            by=given.by,
        )


def _right(agreement):
    right = audits.right_of(agreement)
    if right is None:
        yield _("Right to audit"), _("none was agreed")
        return
    yield _("Notice"), _("%d days") % right.notice_days
    yield _("Goes back"), _("%d years") % right.years_back if right.years_back else _("any time")


class NotedForm(forms.Form):
    """What was found, or what is replied to it."""

    kind = forms.ChoiceField(
        label=_("This is"),
        choices=[(kind.value, kind.label) for kind in (AuditStepKind.FOUND, AuditStepKind.REPLIED)],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=_("What"), max_length=5_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("Both sides read it. Name the files and lines of the evidence."),
    )  # fmt: skip


class SettlementForm(ReasonForm):
    """What the studio owes on top."""

    amount = forms.DecimalField(
        label=_("The studio owes on top"), min_value=0, max_digits=20, decimal_places=4,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("In the agreement's currency. Zero: nothing was found."),
    )  # fmt: skip
    field_order = ("amount", "reason")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("Statements show it beside the amount.")


class CloseForm(forms.Form):
    """Nothing more to say: it closes on what was proposed."""


class AuditStepInline(FactInline):
    model = AuditStep
    fields = readonly_fields = ["kind", "at", "by", "text", amount("amount"), "advance"]
    ordering = ["at", "pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "advance")


class OpenAudits(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("open", _("Open"))]

    def queryset(self, request, queryset):
        return queryset.open() if self.value() == "open" else queryset


def _state(audit):
    return audits.state_of(audit, at=timezone.now())


@admin.register(Audit)
class AuditAdmin(FactAdmin):
    """Audits and what came of them."""

    agency_path = "agreement__agency"
    list_display = ["__str__", "side", "state_label", "period_from", "period_to", "opens_on",
                    "asked_by"]  # fmt: skip
    list_filter = [OpenAudits, "side"]
    list_select_related = ["agreement", "asked_by"]
    search_fields = ["agreement__reference", "reason"]
    ordering = ["-pk"]
    inlines = [AuditStepInline]
    fields = readonly_fields = [
        "of", "side", "period_from", "period_to", "state_label", "opens_on", "evidence", "reason",
        "asked_by", "asked_at",
    ]  # fmt: skip
    actions_detail = ["note", "propose", "close", "drop"]
    when_empty = _("Nobody audits an agreement. Ask for it on the page of a signed agreement.")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description=_("agreement"))
    def of(self, audit):
        url = reverse("admin:licensing_agreement_change", args=[audit.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, audit.agreement)

    @admin.display(description=_("evidence"))
    def evidence(self, audit):
        if _state(audit) in (AuditState.NOTICE, AuditState.DROPPED):
            return _("From %s on.") % day(audit.opens_on)
        url = reverse("admin:audit_evidence", args=[audit.pk])
        text = _("Download it, as this side may see it")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)

    @display(
        description=_("state"),
        label={
            "Notice runs": "info", "Under way": "warning",
            "Waits for a second person": "warning", "Closed": "success", "Dropped": "danger",
        },
    )  # fmt: skip
    def state_label(self, audit):
        return _state(audit).label

    @step(
        label=_("Note a finding or reply"),
        icon="edit_note",
        permission=audits.ASKS,
        says=_("It is kept with the audit, for both sides."),
        done=_("It is noted."),
        form=NotedForm,
        offered=lambda audit: _state(audit) in CONDUCTED,
    )
    def note(self, audit, given):
        audits.note(
            audit=audit, kind=AuditStepKind(given.values["kind"]), text=given.reason, at=given.at,
            by=given.by,
        )  # fmt: skip

    @step(
        label=_("Propose a settlement"),
        icon="balance",
        permission=audits.ASKS,
        says=_("Nothing is owed yet: somebody else closes the audit on it."),
        done=_("It is proposed. Somebody else closes the audit."),
        form=SettlementForm,
        offered=lambda audit: _state(audit) in CONDUCTED,
    )
    def propose(self, audit, given):
        audits.propose(
            audit=audit, amount=given.values["amount"], text=given.reason, at=given.at, by=given.by
        )

    @step(
        label=_("Close"),
        icon="task_alt",
        permission=audits.APPROVES,
        step_up=True,
        says=_(
            "You close it, as the second person, on what somebody else proposed. The amount falls "
            "due today: the night charges it, and statements show it with its reason."
        ),
        done=_("%(row)s is closed."),
        form=CloseForm,
        offered=lambda audit: _state(audit) is AuditState.PROPOSED,
        facts=lambda audit: _proposed(audit),
    )
    def close(self, audit, given):
        audits.close(audit=audit, at=given.at, by=given.by)

    @step(
        label=_("Drop"),
        icon="block",
        permission=audits.ASKS,
        says=_("It ends without a result, and does not count as the year's audit of that side."),
        done=_("%(row)s is dropped."),
        form=ReasonForm,
        offered=lambda audit: _state(audit) not in (AuditState.CLOSED, AuditState.DROPPED),
    )
    def drop(self, audit, given):
        audits.drop(audit=audit, at=given.at, by=given.by, text=given.reason)


def _proposed(audit):
    proposed = audit.step(AuditStepKind.PROPOSED)
    yield _("Agreement"), audit.agreement
    yield _("The studio owes on top"), f"{proposed.amount.normalize():f} {proposed.currency}"
    yield _("Why"), proposed.text
    yield _("Proposed by"), proposed.by
