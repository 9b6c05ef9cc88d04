"""The ledger: balances, balanced entries, money that came in and what it paid."""

from django.contrib import admin
from django.db.models import Q, Sum
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from valuation.cash.released import reversals
from valuation.ledger import journal
from valuation.models import (
    Account,
    JournalEntry,
    Posting,
    ReversalRequest,
)
from valuation.words import LedgerSyntax

from . import revaluation, trial_balance

EXPORT = "valuation.export_journalentry"
POSTINGS_TOLD = 20
# What a figure of the trial balance asks for.
POSTINGS_OF = {
    "account__id__exact", "entry__recorded_at__lte", "entry__effective_on__lt",
    "entry__effective_on__lte", "entry__effective_on__gte", "amount__gt", "amount__lt",
}  # fmt: skip


@admin.register(Account)
class AccountAdmin(FactAdmin):
    list_display = ["kind", "agency", "licensee", "beneficiary", amount("balance")]
    list_filter = ["kind", "currency", "agency"]
    list_select_related = ["agency", "licensee", "beneficiary"]
    search_fields = ["licensee__name", "beneficiary__name"]
    ordering = ["agency__name", "kind", "pk"]
    readonly_fields = [amount("balance")]
    actions_list = ["trial_balance", "revaluation", "export_list", "export_workbook"]

    def get_queryset(self, request):
        return super().get_queryset(request).with_balances()

    @action(description=_("Trial balance"), permissions=["view"], icon="balance")
    def trial_balance(self, request):
        return trial_balance.answer(self, request)

    @action(description=_("Revaluation"), permissions=["revalue"], icon="currency_exchange")
    def revaluation(self, request):
        return revaluation.answer(self, request)

    def has_revalue_permission(self, request, obj=None):
        return request.user.has_perm(revaluation.PERMISSION)


@admin.register(Posting)
class PostingAdmin(FactAdmin):
    """Postings, which the trial balance leads to."""

    list_display = ["on", "account", "entry_link", amount("amount"), "reading"]
    list_display_links = None
    list_before_template = "admin/list_totals.html"
    totals = {
        _("debits"): Sum("amount", filter=Q(amount__gt=0)),
        _("credits"): Sum("amount", filter=Q(amount__lt=0)),
    }
    list_filter = ["account__kind", "currency", "entry__agency"]
    list_select_related = ["account__licensee", "account__beneficiary", "entry", "reading"]
    search_fields = ["entry__description"]
    ordering = ["-entry__effective_on", "-pk"]

    def lookup_allowed(self, lookup, value, request=None):
        return lookup in POSTINGS_OF or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("day"), ordering="entry__effective_on")
    def on(self, posting):
        return posting.entry.effective_on

    @admin.display(description=_("entry"), ordering="entry")
    def entry_link(self, posting):
        url = reverse("admin:valuation_journalentry_change", args=[posting.entry_id])
        return format_html('<a href="{}">{}</a>', url, posting.entry.description)


class PostingInline(FactInline):
    model = Posting
    fields = readonly_fields = ["account", amount("amount"), "reading"]
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .select_related("account__licensee", "account__beneficiary", "reading")
        )


@admin.register(JournalEntry)
class JournalEntryAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["description", "kind", "agency", "effective_on", "recorded_at"]
    list_filter = ["kind", "agency"]
    list_select_related = ["agency"]
    search_fields = ["description"]
    ordering = ["-pk"]
    inlines = [PostingInline]
    fields = readonly_fields = [
        "agency", "kind", "description", "effective_on", "happened_on", "recorded_at",
        "recorded_by", "agreement", "remittance", "reverses", "reversed_by_link", "adjusts",
    ]  # fmt: skip
    actions_list = [
        "export_for_beancount",
        "export_for_hledger",
        "export_for_xero",
        "export_for_quickbooks",
        "export_list",
        "export_workbook",
    ]
    actions_detail = ["ask_reversal"]

    @admin.display(description=_("reversed by"))
    def reversed_by_link(self, entry):
        reversal = JournalEntry.objects.filter(reverses=entry).first()
        if reversal is None:
            return _("Not reversed.")
        url = reverse("admin:valuation_journalentry_change", args=[reversal.pk])
        return format_html('<a href="{}">{}</a>', url, reversal)

    @step(
        label=_("Ask for its reversal"),
        icon="undo",
        permission="valuation.ask_reversal",
        step_up=True,
        says=_(
            "You ask for the opposite entry. Once somebody else approves it, it is posted on that "
            "day, in an open period. Of a receipt, all that it paid is taken back, and the money "
            "is matched no more."
        ),
        done=_("It waits for somebody else to approve it, among the reversals."),
        form=ReasonForm,
        offered=lambda entry: not reversals.why_not(entry),
        facts=lambda entry: _about(entry),
    )
    def ask_reversal(self, entry, given):
        reversals.ask(entry_id=entry.pk, reason=given.reason, by=given.by, at=given.at)

    @action(description=_("Export for Beancount"), permissions=["export"], icon="book")
    def export_for_beancount(self, request):
        return self._exported_journal(request, LedgerSyntax.BEANCOUNT)

    @action(description=_("Export for hledger"), permissions=["export"], icon="book")
    def export_for_hledger(self, request):
        return self._exported_journal(request, LedgerSyntax.HLEDGER)

    @action(description=_("Export for Xero"), permissions=["export"], icon="table")
    def export_for_xero(self, request):
        return self._exported_journal(request, LedgerSyntax.XERO)

    @action(description=_("Export for QuickBooks"), permissions=["export"], icon="table")
    def export_for_quickbooks(self, request):
        return self._exported_journal(request, LedgerSyntax.QUICKBOOKS)

    def _exported_journal(self, request: HttpRequest, syntax: LedgerSyntax):
        """Stream all journal entries of the agencies whose books the user may export."""
        agencies = seats_with(request.user, EXPORT)
        entries = self.get_queryset(request).filter(agency__in=agencies)
        kind, name = "plain", f"journal.{syntax}"
        if syntax in (LedgerSyntax.XERO, LedgerSyntax.QUICKBOOKS):
            kind, name = "csv", f"journal-{syntax}.csv"
        return StreamingHttpResponse(
            journal.export(entries=entries, syntax=syntax),
            content_type=f"text/{kind}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def has_export_permission(self, request, obj=None):
        return request.user.has_perm(EXPORT)


def _about(entry):
    """Yield what an entry says, for whoever asks for its reversal or approves it."""
    yield _("Entry"), entry
    yield _("Agency"), entry.agency
    yield _("Day"), entry.effective_on
    postings = entry.postings.select_related("account__licensee", "account__beneficiary")
    for posting in postings.order_by("pk")[:POSTINGS_TOLD]:
        yield posting.account, locales.money(posting.amount, posting.currency, locale_of_reader())


class WaitingReversals(admin.SimpleListFilter):
    title = _("waiting")
    parameter_name = "waiting"

    def lookups(self, request, model_admin):
        return [("yes", _("for a decision"))]

    def queryset(self, request, queryset):
        return queryset.waiting() if self.value() == "yes" else queryset


def _decision_of(request):
    return getattr(request, "decision", None)


@admin.register(ReversalRequest)
class ReversalRequestAdmin(FactAdmin):
    """Reversals are asked for on the page of an entry; here another person decides."""

    agency_path = "entry__agency"
    list_display = ["__str__", "what", "reason", "asked_by", "asked_at", "outcome"]
    list_filter = [WaitingReversals]
    list_select_related = ["entry", "asked_by", "decision"]
    search_fields = ["reason", "entry__description"]
    ordering = ["-pk"]
    fields = readonly_fields = ["entry_link", "reason", "asked_by", "asked_at", "outcome",
                                "decided_by", "decided_at", "note"]  # fmt: skip
    actions_detail = ["approve", "reject"]
    when_empty = _("Nobody has asked for a reversal. Ask on the page of a receipt or payout.")

    @admin.display(description=_("entry"))
    def what(self, request):
        return request.entry.description

    @admin.display(description=_("entry"))
    def entry_link(self, request):
        url = reverse("admin:valuation_journalentry_change", args=[request.entry_id])
        return format_html('<a href="{}">{}</a>', url, request.entry)

    @admin.display(description=_("outcome"))
    def outcome(self, request):
        decision = _decision_of(request)
        return decision.get_outcome_display() if decision else _("Waits for approval")

    @admin.display(description=_("decided by"))
    def decided_by(self, request):
        return (decision := _decision_of(request)) and decision.by

    @admin.display(description=_("decided at"))
    def decided_at(self, request):
        return (decision := _decision_of(request)) and decision.at

    @admin.display(description=_("note"))
    def note(self, request):
        return (decision := _decision_of(request)) and decision.note

    @step(
        label=_("Approve and reverse"),
        icon="check",
        permission=reversals.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, what somebody else asked for. The opposite entry "
            "is posted at once. This cannot be taken back."
        ),
        done=_("%(row)s is posted."),
        form=NoteForm,
        offered=lambda request: _decision_of(request) is None,
        facts=lambda request: _asked(request),
    )
    def approve(self, request, given):
        reversals.approve(request_id=request.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=reversals.APPROVES,
        step_up=True,
        says=_("Nothing changes. Who asked reads why; who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda request: _decision_of(request) is None,
        facts=lambda request: _asked(request),
    )
    def reject(self, request, given):
        reversals.reject(request_id=request.pk, by=given.by, at=given.at, note=given.reason)


def _asked(request):
    yield _("Why"), request.reason
    yield _("Asked by"), request.asked_by
    yield from _about(request.entry)
