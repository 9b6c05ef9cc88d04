"""The ledger: balances, balanced entries, money that came in and what it paid."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from talent.admin.base import DeskAdmin, FactAdmin, FactInline, amount, seats_with
from talent.admin.forms import DeskForm
from talent.errors import Refused
from valuation.cash import remittances
from valuation.ledger import journal
from valuation.models import Account, JournalEntry, Posting, Remittance, RemittanceMatch
from valuation.words import LedgerSyntax

EXPORT = "valuation.export_journalentry"


@admin.register(Account)
class AccountAdmin(FactAdmin):
    list_display = ["kind", "agency", "licensee", "beneficiary", amount("balance")]
    list_filter = ["kind", "currency", "agency"]
    list_select_related = ["agency", "licensee", "beneficiary"]
    search_fields = ["licensee__name", "beneficiary__name"]
    ordering = ["agency__name", "kind", "pk"]
    readonly_fields = [amount("balance")]

    def get_queryset(self, request):
        return super().get_queryset(request).with_balances()


class PostingInline(FactInline):
    model = Posting
    fields = readonly_fields = ["account", amount("amount"), "reading"]
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("account", "reading")


@admin.register(JournalEntry)
class JournalEntryAdmin(FactAdmin):
    list_display = ["__str__", "kind", "description", "agency", "effective_on", "recorded_at"]
    list_filter = ["kind", "agency"]
    list_select_related = ["agency"]
    search_fields = ["description"]
    ordering = ["-pk"]
    inlines = [PostingInline]
    actions_list = ["export_for_beancount", "export_for_hledger", "export_list", "export_workbook"]

    @action(description=_("Export for Beancount"), permissions=["export"], icon="book")
    def export_for_beancount(self, request):
        return self._exported_journal(request, LedgerSyntax.BEANCOUNT)

    @action(description=_("Export for hledger"), permissions=["export"], icon="book")
    def export_for_hledger(self, request):
        return self._exported_journal(request, LedgerSyntax.HLEDGER)

    def _exported_journal(self, request: HttpRequest, syntax: LedgerSyntax):
        """Stream all journal entries of the agencies whose books the user may export."""
        agencies = seats_with(request.user, EXPORT)
        entries = self.get_queryset(request).filter(agency__in=agencies)
        return StreamingHttpResponse(
            journal.export(entries=entries, syntax=syntax),
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="journal.{syntax}"'},
        )

    def has_export_permission(self, request, obj=None):
        return request.user.has_perm(EXPORT)


class UnmatchedCashFilter(admin.SimpleListFilter):
    title = _("cash")
    parameter_name = "cash"

    def lookups(self, request, model_admin):
        return [("unmatched", _("without a match"))]

    def queryset(self, request, queryset):
        return queryset.exclude(unmatched=0) if self.value() == "unmatched" else queryset


class MatchInline(FactInline):
    model = RemittanceMatch
    fields = readonly_fields = ["reading", "amount", "matched_at"]
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("reading")


class RemittanceForm(DeskForm):
    """Money received; it is recorded once and never edited."""

    class Meta:
        model = Remittance
        fields = ["agency", "licensee", "amount", "currency", "received_on", "reference"]


@admin.register(Remittance)
class RemittanceAdmin(DeskAdmin):
    asks_again = True
    agency_path = "agency"
    form = RemittanceForm
    list_display = ["reference", "licensee", "agency", amount("amount"),
                    amount("unmatched", _("without a match")), "received_on"]  # fmt: skip
    list_filter = [UnmatchedCashFilter, "currency", "agency"]
    list_select_related = ["licensee", "agency"]
    search_fields = ["reference", "licensee__name"]
    ordering = ["-received_on", "-pk"]
    autocomplete_fields = ["agency", "licensee"]
    inlines = [MatchInline]

    def get_queryset(self, request):
        return super().get_queryset(request).with_left()

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request, obj, form, change):
        terms = form.cleaned_data
        recorded = remittances.record(
            agency_id=terms["agency"].pk,
            licensee_id=terms["licensee"].pk,
            amount=terms["amount"],
            currency=terms["currency"],
            received_on=terms["received_on"],
            reference=terms["reference"],
            by=request.user,
            now=timezone.now(),
        )
        obj.pk = recorded.pk


@admin.register(RemittanceMatch)
class RemittanceMatchAdmin(FactAdmin):
    list_display = ["remittance", "reading", "amount", "matched_at"]
    list_select_related = ["remittance", "reading"]
    search_fields = ["remittance__reference"]
    ordering = ["-pk"]
