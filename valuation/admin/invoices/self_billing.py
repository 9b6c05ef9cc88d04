"""Self-billing agreements: entered, approved by somebody else, withdrawn, asked for anew."""

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDateWidget

from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.waiting import Waiting
from talent.errors import Refused
from valuation.admin.written_once import WrittenOnce
from valuation.models import SelfBillingAgreement, SelfBillingStep
from valuation.models.self_billing import SelfBillingAgreementQuerySet
from valuation.self_billing import agreements
from valuation.words import SelfBillingState

STATE_COLOURS = {
    "Waits for approval": "warning", "Approved": "success", "Rejected": "danger",
    "Taken back": "danger", "Withdrawn": "danger",
}  # fmt: skip
NEXT = {
    SelfBillingState.WAITING: _("Somebody else compares it with the signed paper and approves it."),
    SelfBillingState.APPROVED: _(
        "Before it ends, have another one signed and enter it. Without one, no invoice is written."
    ),
    SelfBillingState.REJECTED: _("Nothing. Enter another one."),
    SelfBillingState.TAKEN_BACK: _("Nothing. Enter another one."),
    SelfBillingState.WITHDRAWN: _("Nothing is written by it from that day on."),
}


class WithdrawForm(ReasonForm):
    """From which day on, and why."""

    on = forms.DateField(label=_("From"), widget=UnfoldAdminDateWidget)
    field_order = ("on", "reason")


class WaitingAgreements(Waiting):
    label = _("Waits for approval")
    narrow = SelfBillingAgreementQuerySet.waiting


class RunningOut(admin.SimpleListFilter):
    title = _("end")
    parameter_name = "ends"

    def lookups(self, request, model_admin):
        return [("soon", _("Ends soon, and none follows"))]

    def queryset(self, request, queryset):
        return queryset.running_out(timezone.localdate()) if self.value() == "soon" else queryset


class SelfBillingStepInline(FactInline):
    model = SelfBillingStep
    fields = readonly_fields = ["kind", "at", "on", "by", "note"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


@admin.register(SelfBillingAgreement)
class SelfBillingAgreementAdmin(WrittenOnce):
    list_display = ["__str__", "buyer", "beneficiary", "starts_on", "ends_on", "tax_category",
                    "vat_number", "state_label"]  # fmt: skip
    list_filter = [WaitingAgreements, RunningOut, "agency"]
    list_select_related = ["agency", "licensee", "beneficiary"]
    search_fields = ["beneficiary__name", "licensee__name", "vat_number"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "licensee", "beneficiary"]
    inlines = [SelfBillingStepInline]
    actions_detail = ["approve", "reject", "withdraw"]
    to_add = [
        (None, {"fields": ["agency", "licensee", "beneficiary", "starts_on", "ends_on", "source"]}),
        (_("Tax"), {"fields": ["tax_category", "vat_number", "tax_reason"]}),
    ]
    to_read = [
        (None, {"fields": ["state_label", "next_step", "buyer", "beneficiary", "agency",
                           "starts_on", "ends_on", "source"]}),
        (_("Tax"), {"fields": ["tax_category", "vat_number", "tax_reason"]}),
        (_("Two people"), {"fields": ["written_by", "written_at"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label", "next_step", "buyer", "written_by", "written_at"]
    when_empty = _(
        "No self-billing agreement yet. Where a payee has signed that the buyer writes their "
        "invoices, enter it. Somebody else approves it; statements then carry the invoice."
    )

    def get_fieldsets(self, request, obj=None):
        return self.to_add if obj is None else self.to_read

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request, obj, form, change):
        agreements.ask(agreement=obj, by=request.user, at=timezone.now())

    @admin.display(description=_("buyer"), ordering="licensee__name")
    def buyer(self, agreement):
        return agreement.licensee or agreement.agency

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, agreement):
        return agreement.state.label

    @admin.display(description=_("next"))
    def next_step(self, agreement):
        return NEXT[agreement.state]

    @step(
        label=_("Approve"),
        icon="check",
        permission=agreements.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that the supplier has signed this: who writes the "
            "invoices, from when until when, and how they are taxed."
        ),
        done=_(
            "%(row)s is approved. Where the agency buys, statements that are drawn from now on "
            "carry the invoice; for a studio, draw up its data from the list of invoices."
        ),
        form=NoteForm,
        offered=lambda agreement: agreement.state is SelfBillingState.WAITING,
        facts=lambda agreement: about(agreement),
    )
    def approve(self, agreement, given):
        agreements.approve(agreement_id=agreement.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=agreements.ENTERS,
        step_up=True,
        says=_("No invoice is written by it. Who entered this may take it back so, too."),
        done=_("%(row)s is rejected."),
        form=ReasonForm,
        offered=lambda agreement: agreement.state is SelfBillingState.WAITING,
        facts=lambda agreement: about(agreement),
    )
    def reject(self, agreement, given):
        agreements.reject(agreement_id=agreement.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Withdraw"),
        icon="event_busy",
        permission=agreements.ENTERS,
        step_up=True,
        says=_("From that day on no invoice is written by it. What was issued stays."),
        done=_("%(row)s is withdrawn."),
        form=WithdrawForm,
        offered=lambda agreement: agreement.state is SelfBillingState.APPROVED,
        facts=lambda agreement: about(agreement),
    )
    def withdraw(self, agreement, given):
        agreements.withdraw(
            agreement_id=agreement.pk,
            on=given.values["on"],
            by=given.by,
            at=given.at,
            note=given.reason,
        )


def about(agreement):
    """Yield what a second person is bound to."""
    yield _("Buyer, who writes the invoices"), agreement.licensee or agreement.agency
    yield _("Supplier"), agreement.beneficiary
    yield _("From"), agreement.starts_on
    yield _("Until before"), agreement.ends_on
    yield _("Tax"), agreement.get_tax_category_display()
    yield _("VAT number"), agreement.vat_number or "–"
    yield _("Why no tax is charged"), agreement.tax_reason or "–"
    yield _("Signed as"), agreement.source
    yield _("Entered by"), agreement.written_by
