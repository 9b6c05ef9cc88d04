"""Transfers: asked for on an agreement's page; here another person approves or rejects them."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.agreements import transfers
from licensing.models import Licensee, Transfer, TransferStep
from licensing.quantities import measured
from licensing.words import AgreementStatus, TransferState, TransferStepKind
from talent.admin.base import FactAdmin
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.models.names import day

OPEN = (TransferState.ASKED, TransferState.ASSUMED)


class TransferForm(ReasonForm):
    """To whom an agreement passes, and on which day."""

    licensee = forms.CharField(
        label=_("To which studio"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its name as in the terms that the agency has with it."),
    )
    takes_effect_on = forms.DateField(
        label=_("From"),
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("The first day of a rating period, in the agreement's zone."),
    )
    field_order = ("licensee", "takes_effect_on", "reason")


class AsksForTransfer:
    """Of an agreement's page: the step that asks for its transfer to another studio."""

    @step(
        label=_("Ask to transfer it"),
        icon="move_up",
        permission=transfers.ASKS,
        says=_(
            "Nothing changes yet. The new studio assumes the obligations in writing, the union has "
            "its days where a rule gives them, and somebody else approves. Both studios and the "
            "performer are told now. Consents must allow the new studio."
        ),
        done=_("The transfer of %(row)s is asked for. The new studio signs next."),
        form=TransferForm,
        offered=lambda agreement: agreement.status == AgreementStatus.SIGNED,
    )
    def ask_to_transfer(self, agreement, given):
        named = given.values["licensee"].strip()
        licensee = Licensee.objects.filter(
            name__iexact=named, terms__agency=agreement.agency_id
        ).first()
        if licensee is None:
            raise transfers.NotTransferable(
                _("The agency has no terms with a studio named “%s”.") % named
            )
        transfers.ask(
            agreement=agreement,
            licensee=licensee,
            takes_effect_on=given.values["takes_effect_on"],
            reason=given.reason,
            by=given.by,
            at=given.at,
        )


class PaperForm(ReasonForm):
    """Who signed the assumption on paper, and where the paper lies."""

    signatory = forms.CharField(
        label=_("Signed by"), max_length=200, widget=UnfoldAdminTextInputWidget
    )
    signatory_title = forms.CharField(
        label=_("As"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )
    field_order = ("signatory", "signatory_title", "reason")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Where the paper lies, and how you know it is theirs")


class UnionForm(ReasonForm):
    """What the union said."""

    answer = forms.ChoiceField(
        label=_("The union"),
        choices=[
            ("approved", _("approves the new studio")),
            ("refused", _("does not approve it: the old studio stays liable")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("answer", "reason")


class TransferStepInline(FactInline):
    model = TransferStep
    fields = readonly_fields = ["kind", "at", "by", "api_key", "signatory", "signatory_title",
                                "text", "reason"]  # fmt: skip
    ordering = ["at", "pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "api_key")


class Waiting(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("waiting", _("Waits"))]

    def queryset(self, request, queryset):
        return queryset.waiting() if self.value() == "waiting" else queryset


@admin.register(Transfer)
class TransferAdmin(FactAdmin):
    """How licences pass to other studios."""

    agency_path = "agreement__agency"
    list_display = ["__str__", "state_label", "takes_effect_on", "answer_due_on", "asked_by",
                    "asked_at"]  # fmt: skip
    list_filter = [Waiting]
    list_select_related = ["agreement", "licensee", "asked_by"]
    search_fields = ["agreement__reference", "licensee__name", "reason"]
    ordering = ["-pk"]
    inlines = [TransferStepInline]
    fields = readonly_fields = [
        "of", "licensee", "takes_effect_on", "state_label", "answer_due_on", "rule", "liability",
        "assigned", "statement", "reason", "asked_by", "asked_at",
    ]  # fmt: skip
    actions_detail = ["note_union", "assumed_on_paper", "approve", "reject"]
    when_empty = _(
        "No licence has passed to another studio. Ask for it on the page of a signed agreement."
    )

    def get_queryset(self, request):
        rows = super().get_queryset(request).prefetch_related("steps__assigned")
        return rows.select_related("agreement__agency", "agreement__licensee", "agreement__twin")

    @admin.display(description=_("agreement"))
    def of(self, transfer):
        return _agreement_link(transfer.agreement)

    @display(
        description=_("state"),
        label={
            "Waits for the new studio": "warning", "Waits for approval": "warning",
            "Transferred": "success", "Rejected": "danger",
        },
    )  # fmt: skip
    def state_label(self, transfer):
        return transfer.state.label

    @admin.display(description=_("who is liable from then on"))
    def liability(self, transfer):
        if transfer.releases:
            return transfer.licensee
        return _("%(new)s, and %(old)s beside it: the union has not approved.") % {
            "new": transfer.licensee, "old": transfer.agreement.licensee,
        }  # fmt: skip

    @admin.display(description=_("the new agreement"))
    def assigned(self, transfer):
        done = transfer.step(TransferStepKind.TRANSFERRED)
        return _agreement_link(done.assigned) if done else "–"

    @admin.display(description=_("what the new studio signs"))
    def statement(self, transfer):
        return transfers.assumption_text(transfer)

    @step(
        label=_("Note the union's answer"),
        icon="groups",
        permission=transfers.ASKS,
        says=_("It is kept with the transfer. Without its yes the old studio stays liable."),
        done=_("The union's answer is noted."),
        form=UnionForm,
        offered=lambda transfer: (
            transfer.state in OPEN
            and transfer.answer_due_on is not None
            and not transfer.step(TransferStepKind.UNION_APPROVED, TransferStepKind.UNION_REFUSED)
        ),
    )
    def note_union(self, transfer, given):
        transfers.note_union(
            transfer=transfer, approved=given.values["answer"] == "approved", by=given.by,
            at=given.at, reason=given.reason,
        )  # fmt: skip

    @step(
        label=_("Signed on paper"),
        icon="draw",
        permission=transfers.ASKS,
        says=_("You vouch that the new studio has signed these words on paper."),
        done=_("It is noted. Somebody else than who asked approves next."),
        form=PaperForm,
        offered=lambda transfer: transfer.state is TransferState.ASKED,
        facts=lambda transfer: [(_("Words"), transfers.assumption_text(transfer))],
    )
    def assumed_on_paper(self, transfer, given):
        transfers.assume(
            transfer=transfer,
            shown=transfers.digest_of(transfers.assumption_text(transfer)),
            signatory=given.values["signatory"],
            title=given.values["signatory_title"],
            by=given.by,
            at=given.at,
            reason=given.reason,
        )

    @step(
        label=_("Approve"),
        icon="check",
        permission=transfers.APPROVES,
        step_up=True,
        says=_(
            "The licence passes: a new agreement with the new studio is signed from that day on, "
            "the old one ends, and permits that run on end then. Uses before the day stay with the "
            "old studio, with what is owed for them."
        ),
        done=_("%(row)s: done. Both studios and the performer are told."),
        form=NoteForm,
        offered=lambda transfer: transfer.state in OPEN,
        facts=lambda transfer: _about(transfer),
    )
    def approve(self, transfer, given):
        transfers.approve(transfer=transfer, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=transfers.ASKS,
        says=_("Nothing changes. Who asked reads why; who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda transfer: transfer.state in OPEN,
    )
    def reject(self, transfer, given):
        transfers.reject(transfer=transfer, by=given.by, at=given.at, reason=given.reason)


def _agreement_link(agreement):
    url = reverse("admin:licensing_agreement_change", args=[agreement.pk])
    return format_html('<a class="desk-link" href="{}">{}</a>', url, agreement)


def _about(transfer):
    """Tell what a transfer does to whoever approves it."""
    old = transfer.agreement
    yield _("Agreement"), old
    yield _("From"), old.licensee
    yield _("To"), transfer.licensee
    yield _("On"), day(transfer.takes_effect_on)
    signed = transfer.step(TransferStepKind.ASSUMED)
    yield _("Assumed by"), signed.signatory if signed else _("nobody yet")
    if transfer.answer_due_on is not None:
        yield _("The union may answer until"), day(transfer.answer_due_on)
    told = transfers.consequences(transfer, at=transfer.asked_at)
    yield _("Permits that end then"), told.permits
    yield _("Reservations that end then"), told.reservations
    for cap, left in told.left:
        yield _("Left of its cap"), f"{cap}: {measured(left, cap.meter)}"
    yield _("Asked by"), transfer.asked_by
    yield _("Why"), transfer.reason
