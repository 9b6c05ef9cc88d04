"""Disputes of a line: how old, what they hold, what was said, and decided by two people."""

from django import forms
from django.contrib import admin
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, moment, once_a_row
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.waiting import Waiting
from valuation.admin.written_once import WrittenOnce
from valuation.cash.disputed import deciding, periods
from valuation.models import Dispute, DisputeMessage, DisputeMove, DisputeStep, ObjectionTerms
from valuation.models.disputes import LONGEST_TEXT, DisputeQuerySet
from valuation.words import (
    DisputeOutcome,
    DisputeReason,
    DisputeRemedy,
    DisputeSide,
    DisputeState,
    DisputeStepKind,
)

COLOURS = {
    "Open": "warning", "Decision waits for a second person": "warning",
    "Upheld, correction awaited": "info", "Rejected": "danger", "Settled": "success",
    "Withdrawn": "success",
}  # fmt: skip
NEXT = {
    DisputeState.OPEN: _("Answer it, and propose a decision. Somebody else takes it."),
    DisputeState.PROPOSED: _("Somebody else takes the decision, or sends it back."),
    DisputeState.UPHELD: _(
        "Put it right as decided, then propose that it is settled: what is held is free then."
    ),
    DisputeState.REJECTED: _("Nothing. What was held is free again."),
    DisputeState.SETTLED: _("Nothing. It was put right, and what was held is free again."),
    DisputeState.WITHDRAWN: _("Nothing. It was withdrawn, and what was held is free again."),
}
UNDER_WAY = (DisputeState.OPEN, DisputeState.PROPOSED, DisputeState.UPHELD)
# Where what was found wrong is put right.
REMEDIES = {
    DisputeRemedy.USE: "admin:licensing_usageevent_changelist",
    DisputeRemedy.RATE: "admin:licensing_ratecard_changelist",
    DisputeRemedy.SHARES: "admin:talent_sharechange_changelist",
    DisputeRemedy.RECEIPT: "admin:valuation_remittance_changelist",
}


class OpenDisputes(Waiting):
    title = _("what is left to do")
    label = _("Not decided, or not put right")
    narrow = DisputeQuerySet.holding


class ProposedDisputes(Waiting):
    title = _("second person")
    parameter_name = "proposed"
    label = _("Waits for a second person")
    narrow = DisputeQuerySet.proposed


class AwaitedCorrections(Waiting):
    title = _("correction")
    parameter_name = "correction"
    label = _("Upheld, correction awaited")
    narrow = DisputeQuerySet.correction_awaited


class TextForm(forms.Form):
    """What is written into the thread."""

    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class ProposalForm(ReasonForm):
    """What is to be decided, and what puts it right."""

    outcome = forms.ChoiceField(label=_("Decision"), widget=UnfoldAdminSelectWidget)
    remedy = forms.ChoiceField(
        label=_("What puts it right"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", "–"), *DisputeRemedy.choices()],
        help_text=_("Only where it is upheld: the line stays held until that is done."),
    )  # fmt: skip
    field_order = ("outcome", "remedy", "reason")

    def about(self, rows):
        (row,) = rows
        found = deciding.outcomes(row)
        self.fields["outcome"].choices = [(one.value, one.label) for one in found]


class RaiseForm(TextForm):
    """What a licensee finds wrong with what it owes."""

    reason = forms.ChoiceField(
        label=_("What is wrong"), choices=DisputeReason.choices(), widget=UnfoldAdminSelectWidget
    )
    field_order = ("reason", "text")


class DisputeMoveInline(FactInline):
    model = DisputeMove
    fields = readonly_fields = ["its_entry", "beneficiary", "received_on", amount("amount")]
    ordering = ["pk"]
    per_page = 50
    verbose_name_plural = _("what it holds, and let go")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("entry", "beneficiary")

    @admin.display(description=_("entry"))
    def its_entry(self, move):
        url = reverse("admin:valuation_journalentry_change", args=[move.entry_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, move.entry)


class DisputeStepInline(FactInline):
    model = DisputeStep
    fields = readonly_fields = ["kind", "outcome", "remedy", "at", "by", "note"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


@admin.register(Dispute)
class DisputeAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "who", "reason", amount("amount"), amount("held"), amount("kept"),
                    "age", "state_label"]  # fmt: skip
    list_filter = [OpenDisputes, ProposedDisputes, AwaitedCorrections, "side", "currency",
                   "agency"]  # fmt: skip
    list_select_related = ["agency", "beneficiary", "licensee"]
    search_fields = ["label", "text", "beneficiary__name", "licensee__name", "statement__number"]
    # The oldest first: whoever waits longest is answered first.
    ordering = ["raised_at", "pk"]
    inlines = [DisputeMoveInline, DisputeStepInline]
    actions_detail = ["answer", "note", "propose", "approve", "send_back"]
    fieldsets = [
        (None, {"fields": ["state_label", "next_step", "agency", "who", "its_line", "amount_label",
                           "reason", "text", "raised_at", "raised_by"]}),
        (_("What it holds"), {"fields": ["held_label", "kept_label", "its_books"]}),
        (_("What was said"), {"fields": ["thread"]}),
        (_("What puts it right"), {"fields": ["remedy"]}),
    ]  # fmt: skip
    amount_label = staticmethod(amount("amount"))
    held_label = staticmethod(amount("held", _("received, and held")))
    kept_label = staticmethod(amount("kept", _("not received yet")))
    readonly_fields = ["state_label", "next_step", "who", "its_line", "amount_label", "held_label",
                       "kept_label", "its_books", "thread", "remedy"]  # fmt: skip
    when_empty = _(
        "Nobody disputes a line. A payee does on their statement in the portal; for a licensee you "
        "do on the page of what it owes, under Readings."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().with_held()

    @admin.display(description=_("who"), ordering="side")
    def who(self, dispute):
        return dispute.beneficiary or dispute.licensee

    @admin.display(description=_("age"), ordering="-raised_at")
    def age(self, dispute):
        days = (timezone.now() - dispute.raised_at).days
        return _("%d days") % days

    @display(description=_("state"), label=COLOURS)
    def state_label(self, dispute):
        return dispute.state.label

    @admin.display(description=_("next"))
    def next_step(self, dispute):
        return NEXT[dispute.state]

    @admin.display(description=_("line"))
    @once_a_row
    def its_line(self, dispute):
        links = [(row, f"admin:valuation_{row._meta.model_name}_change")
                 for row in (dispute.statement, dispute.reading) if row]  # fmt: skip
        return format_html_join(
            ", ",
            '<a class="desk-link" href="{}">{}</a>',
            ((reverse(page, args=[row.pk]), row) for row, page in links),
        )

    @admin.display(description=_("in the books"))
    @once_a_row
    def its_books(self, dispute):
        sums = DisputeMove.objects.filter(dispute=dispute).values_list("beneficiary__name")
        rows = [
            (name, locales.money(held, dispute.currency, locale_of_reader()))
            for name, held in sums.annotate(Sum("amount")).order_by("beneficiary__name")
            if held
        ]
        if not rows:
            return _("It holds nothing: nothing of the line is there to hold, or it is over.")
        return html_table(_("What it holds"), [_("Payee"), _("Held")], rows)

    @admin.display(description=_("thread"))
    @once_a_row
    def thread(self, dispute):
        messages = DisputeMessage.objects.filter(dispute=dispute).select_related("by")
        rows = [
            (moment(one.at), one.by,
             _("only for the agency") if one.is_internal else "", one.text)
            for one in messages.order_by("pk")
        ]  # fmt: skip
        if not rows:
            return _("Nobody has answered yet.")
        return html_table(_("Thread"), [_("When"), _("Who"), "", _("Text")], rows)

    @admin.display(description=_("decided"))
    @once_a_row
    def remedy(self, dispute):
        decided = DisputeStep.objects.filter(
            dispute=dispute, kind=DisputeStepKind.DECIDED.value,
            outcome=DisputeOutcome.UPHELD.value,
        ).first()  # fmt: skip
        if decided is None:
            return _("Nothing was upheld.")
        remedy = DisputeRemedy(decided.remedy)
        if remedy not in REMEDIES:
            return remedy.label
        links = [(reverse(REMEDIES[remedy]), remedy.label)]
        if decided.remedy in deciding.RATED_ANEW and dispute.state is DisputeState.UPHELD:
            links.append((f"{reverse('admin:rerate')}?dispute={dispute.pk}", _("then rate anew")))
        lines = reverse("admin:valuation_residualline_changelist")
        links += [
            (f"{lines}?run__id__exact={one.run_id}", one.run)
            for one in decided.corrections.select_related("run").order_by("pk")
        ]
        return format_html_join(", ", '<a class="desk-link" href="{}">{}</a>', links)

    # The thread

    @step(
        label=_("Answer"),
        icon="reply",
        permission=deciding.DECIDES,
        says=_("Who raised it reads your answer, and is told by mail that there is one."),
        done=_("Your answer to %(row)s is sent."),
        form=TextForm,
        offered=lambda dispute: dispute.state is not DisputeState.WITHDRAWN,
        facts=lambda dispute: about(dispute),
    )
    def answer(self, dispute, given):
        deciding.write(
            dispute_id=dispute.pk, text=given.values["text"], by=given.by, at=given.at,
            from_agency=True,
        )  # fmt: skip

    @step(
        label=_("Note for the agency"),
        icon="edit_note",
        permission=deciding.DECIDES,
        says=_("Only your agency's people read it. Nobody is told."),
        done=_("The note to %(row)s is kept."),
        form=TextForm,
        offered=lambda dispute: dispute.state is not DisputeState.WITHDRAWN,
        facts=lambda dispute: about(dispute),
    )
    def note(self, dispute, given):
        deciding.write(
            dispute_id=dispute.pk, text=given.values["text"], by=given.by, at=given.at,
            from_agency=True, internal=True,
        )  # fmt: skip

    # Deciding

    @step(
        label=_("Propose a decision"),
        icon="gavel",
        permission=deciding.DECIDES,
        says=_(
            "Somebody else takes the decision; nothing moves until then. What is upheld stays held "
            "until it is put right and settled. What is rejected is free again."
        ),
        done=_("The decision on %(row)s is proposed. Somebody else takes it."),
        form=ProposalForm,
        offered=lambda dispute: bool(deciding.outcomes(dispute)),
        facts=lambda dispute: about(dispute),
    )
    def propose(self, dispute, given):
        remedy = given.values["remedy"]
        deciding.propose(
            dispute_id=dispute.pk,
            outcome=DisputeOutcome(given.values["outcome"]),
            remedy=DisputeRemedy(remedy) if remedy else None,
            note=given.reason,
            by=given.by,
            at=given.at,
        )

    @step(
        label=_("Take the decision"),
        icon="check",
        permission=deciding.APPROVES,
        step_up=True,
        says=_(
            "You decide, as the second person, what somebody else proposed. Who raised it is told, "
            "with the reason. Money that it held moves at once, unless it is upheld."
        ),
        done=_("%(row)s is decided."),
        form=NoteForm,
        offered=lambda dispute: dispute.state is DisputeState.PROPOSED,
        facts=lambda dispute: about(dispute),
    )
    def approve(self, dispute, given):
        deciding.approve(dispute_id=dispute.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Send back"),
        icon="undo",
        permission=deciding.APPROVES,
        says=_("It is as it was before. Who proposed the decision reads why, or takes it back so."),
        done=_("The decision on %(row)s is sent back."),
        form=ReasonForm,
        offered=lambda dispute: dispute.state is DisputeState.PROPOSED,
        facts=lambda dispute: about(dispute),
        step_up=True,
    )
    def send_back(self, dispute, given):
        deciding.send_back(dispute_id=dispute.pk, by=given.by, at=given.at, note=given.reason)


@admin.register(ObjectionTerms)
class ObjectionTermsAdmin(WrittenOnce):
    agency_path = "agreement__agency"
    list_display = ["agreement", "starts_on", "months", "source", "written_by", "approved_by"]
    list_filter = ["agreement__agency"]
    list_select_related = ["agreement", "written_by", "approved_by"]
    search_fields = ["agreement__reference", "source"]
    ordering = ["-pk"]
    autocomplete_fields = ["agreement"]
    fields = ["agreement", "starts_on", "months", "source"]
    actions_detail = ["approve"]
    when_empty = _(
        "No agreement names its own time. Until then lines are disputed as the rules of the place "
        "say. Enter it for an agreement that says something else."
    )

    @step(
        label=_("Approve"),
        icon="check",
        permission=periods.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this is what the agreement says. Statements whose "
            "last day is not before it say so from now on, and what they say holds."
        ),
        done=_("%(row)s counts."),
        offered=lambda terms: terms.approved_at is None,
        facts=lambda terms: about_terms(terms),
    )
    def approve(self, terms, given):
        periods.approve(terms_id=terms.pk, by=given.by, at=given.at)


def about_terms(terms):
    """Yield what a second person is bound to."""
    yield _("Agreement"), terms.agreement
    yield _("From"), terms.starts_on
    yield _("Months after a statement is issued"), terms.months
    yield _("Where it is agreed"), terms.source
    yield _("Entered by"), terms.written_by


def about(dispute):
    """Yield what somebody who answers or decides is bound to."""
    yield _("Raised by"), dispute.beneficiary or dispute.licensee
    yield _("Side"), DisputeSide(dispute.side).label
    yield _("Line"), dispute.label
    yield _("Amount"), locales.money(dispute.amount, dispute.currency, "en")
    yield _("What is wrong"), f"{DisputeReason(dispute.reason).label}: {dispute.text}"
    yield _("Received, and held"), locales.money(dispute.held, dispute.currency, "en")
    yield _("Not received yet"), locales.money(dispute.kept, dispute.currency, "en")
    yield _("State"), dispute.state.label
    proposal = DisputeStep.objects.filter(dispute=dispute).order_by("-pk").first()
    if dispute.state is DisputeState.PROPOSED and proposal:
        remedy = f", {proposal.get_remedy_display()}" if proposal.remedy else ""
        yield _("Proposed"), f"{proposal.get_outcome_display()}{remedy}"
        yield _("Proposed by"), proposal.by
        yield _("Why"), proposal.note
