"""Receipts: what licensees paid, what a person says it pays, refunds, write-offs, exchanges."""

from decimal import Decimal
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.models import Agreement
from licensing.money import Money, rounded
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import amount
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import LONGEST_REASON, NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from talent.sign_in import proofs
from valuation.cash.received import allocations, exchanges, remittances, requests
from valuation.cash.received.allocations import Said
from valuation.cash.received.debts import debts_for
from valuation.models import (
    Account,
    CashAllocation,
    CashAllocationItem,
    CashRequest,
    Remittance,
    RemittanceMatch,
)
from valuation.models.receipts import CashRequestQuerySet
from valuation.words import (
    AccountKind,
    AllocationTarget,
    Bearer,
    CashRequestKind,
    Discrepancy,
    ReceiptMeans,
)

MAY_RECORD = "valuation.add_remittance"
ZERO = Decimal(0)
TARGETS_SHOWN, LINES_SHOWN = 60, 100


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


class AllocationInline(FactInline):
    model = CashAllocation
    fields = readonly_fields = ["said", "held", "at", "by", "reason"]
    ordering = ["-pk"]
    per_page = 10
    verbose_name_plural = _("allocations, the newest counts")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "remittance")

    @admin.display(description=_("allocation"))
    def said(self, allocation):
        url = reverse("admin:valuation_cashallocation_change", args=[allocation.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _now("What it pays"))


class RefundForm(ReasonForm):
    """How much goes back, and why."""

    amount = forms.DecimalField(
        label=_("Amount"), min_value=0, max_digits=16, widget=UnfoldAdminDecimalFieldWidget
    )

    field_order = ("amount", "reason")

    def about(self, rows):
        (row,) = rows
        self.fields["amount"].initial = rounded(row.unmatched, row.currency)


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
                    amount("unmatched", _("without a match")), amount("held", _("on account")),
                    "received_on"]  # fmt: skip
    list_filter = [UnmatchedCashFilter, "means", "currency", "agency"]
    list_select_related = ["licensee", "agency"]
    list_before_template = "admin/list_totals.html"
    totals = {_("received"): Sum("amount"), _("without a match"): Sum("unmatched")}
    search_fields = ["reference", "licensee__name"]
    ordering = ["-received_on", "-pk"]
    autocomplete_fields = ["agency", "licensee"]
    inlines = [MatchInline, AllocationInline]
    readonly_fields = ["means", amount("unmatched", _("without a match")),
                       amount("held", _("on account")), amount("spent", _("refunded or exchanged")),
                       "origin"]  # fmt: skip
    actions_detail = ["allocate", "exchange", "unmatch", "ask_refund"]

    def get_queryset(self, request):
        return super().get_queryset(request).with_left()

    def rows_to_total(self, rows):
        return Remittance.objects.filter(pk__in=rows).with_left()

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/allocation/", view(partial(_allocation, self)), name="allocate_receipt"),
            path("<int:pk>/in-currency/", view(partial(_exchange, self)), name="exchange_receipt"),
            *super().get_urls(),
        ]

    def has_allocate_permission(self, request, object_id=None):
        row = object_id and self.get_object(request, object_id)
        if not row:
            return request.user.has_perm(MAY_RECORD)
        is_money = row.means in (ReceiptMeans.MONEY, ReceiptMeans.EXCHANGED)
        return is_money and self.has_seat(request, MAY_RECORD, row)

    @action(description=_("Allocate"), permissions=["allocate"], icon="alt_route")
    def allocate(self, request, object_id):
        return redirect("admin:allocate_receipt", object_id)

    @action(
        description=_("In another currency"), permissions=["allocate"], icon="currency_exchange"
    )
    def exchange(self, request, object_id):
        return redirect("admin:exchange_receipt", object_id)

    @step(
        label=_("Take it off what it pays"),
        icon="link_off",
        permission=MAY_RECORD,
        step_up=True,
        says=_(
            "All that it was matched to is owed again, what was released of it is taken back, and "
            "what settled a difference beside it. The money stays on account: no night takes it, "
            "until you allocate it anew. What was paid out of it the payees owe back."
        ),
        done=_("%(row)s pays nothing now. Next, allocate it."),
        form=ReasonForm,
        offered=lambda row: row.unmatched + row.spent < row.amount and _is_standing_money(row),
        facts=lambda row: _receipt_facts(row),
    )
    def unmatch(self, row, given):
        allocations.unmatch(remittance=row, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Ask for a refund"),
        icon="undo",
        permission=requests.ASKS,
        step_up=True,
        says=_(
            "You ask for money of the licensee’s credit to be sent back. Somebody else approves "
            "it; then you pay it at the bank, and the bank’s line confirms it."
        ),
        done=_("It waits for somebody else, among refunds and write-offs."),
        form=RefundForm,
        offered=lambda row: row.unmatched > 0 and row.means == ReceiptMeans.MONEY,
        facts=lambda row: _receipt_facts(row),
    )
    def ask_refund(self, row, given):
        requests.ask_refund(
            remittance=row, amount=given.values["amount"], reason=given.reason,
            by=given.by, at=given.at,
        )  # fmt: skip

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def get_readonly_fields(self, request, obj=None):
        return super().get_readonly_fields(request, obj) if obj else []

    def get_fields(self, request, obj=None):
        fields = list(self.form.Meta.fields)
        return [*fields, *self.readonly_fields] if obj else fields

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


def _is_standing_money(row):
    is_money = row.means in (ReceiptMeans.MONEY, ReceiptMeans.EXCHANGED)
    return is_money and Remittance.objects.standing().filter(pk=row.pk).exists()


def _receipt_facts(row):
    """Yield what a receipt is and how much of it is where."""
    yield _("Receipt"), row
    yield _("Received on"), row.received_on
    for name, value in (
        (_("Amount"), row.amount),
        (_("Without a match"), row.unmatched),
        (_("Refunded or exchanged"), row.spent),
    ):
        yield name, locales.money(value, row.currency, locale_of_reader())
    for match in row.matches.select_related("reading").order_by("-pk")[:20]:
        yield match.reading, locales.money(match.amount, row.currency, locale_of_reader())


# Allocating


class TargetForm(forms.Form):
    """What one target gets, and why that is not what is owed."""

    amount = forms.DecimalField(
        label=_("Amount"), min_value=0, max_digits=16, required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    reason = forms.ChoiceField(
        label=_("Why it differs"), required=False, widget=UnfoldAdminSelectWidget
    )
    difference = forms.DecimalField(
        label=_("By how much"), min_value=0, max_digits=16, required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    note = forms.CharField(
        label=_("Certificate or remark"), max_length=60, required=False,
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip

    def __init__(self, *args, target, key, label, owed, **kwargs):
        super().__init__(*args, **kwargs)
        self.target, self.key, self.label, self.owed = target, key, label, owed
        self.fields["reason"].choices = [("", "–"), *Discrepancy.choices()]

    @property
    def is_line(self):
        return self.target is AllocationTarget.LINE

    @property
    def said(self):
        given = self.cleaned_data
        if not (given["amount"] or given["difference"] or given["reason"]):
            return None
        return Said(
            self.target, self.key, given["amount"] or ZERO, given["reason"],
            given["difference"] or ZERO, given["note"],
        )  # fmt: skip


def _allocation(model_admin, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a receipt may pay, and what saying so would do; its POST with `seen` does it."""
    remittance = model_admin.get_object(request, str(pk))
    if remittance is None:
        raise Http404
    if not model_admin.has_allocate_permission(request, str(pk)):
        raise PermissionDenied
    if request.method == "POST" and (asked := proofs.step_up(request)):
        return asked
    targets, cut = _targets(request, remittance)
    errors, found = [], None
    if all(form.is_valid() for form in targets if form.is_bound) and targets[0].is_bound:
        said = [form.said for form in targets if form.said]
        try:
            if request.POST.get("confirm"):
                return _allocate(model_admin, request, remittance, said)
            found = allocations.plan(remittance, said)
        except Refused as refusal:
            errors.append(str(refusal))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Allocate %s") % remittance,
        "opts": model_admin.opts,
        "original": remittance,
        "whole": _money(allocations.spendable(remittance), remittance.currency),
        "targets": targets,
        "lines": [form for form in targets if form.is_line],
        "lines_said": any(form.is_line and form["amount"].value() for form in targets),
        "cut": cut,
        "errors": errors,
        "found": found,
        "paid": [_paid(one, remittance.currency) for one in found.paid] if found else (),
        "on_account": found and _money(found.on_account, remittance.currency),
        "taken_back": found and found.taken_back and _money(found.taken_back, remittance.currency),
    }
    return TemplateResponse(request, "admin/allocate_receipt.html", context)


def _allocate(model_admin, request, remittance, said) -> HttpResponse:
    allocations.allocate(
        remittance=remittance, said=said, seen=request.POST.get("seen", ""),
        by=request.user, at=timezone.now(), reason=request.POST.get("reason", "")[:LONGEST_REASON],
    )  # fmt: skip
    text = _now("%s is allocated, and what it pays is released.") % remittance
    model_admin.message_user(request, text, messages.SUCCESS)
    return redirect("admin:valuation_remittance_change", remittance.pk)


def _targets(request, remittance) -> tuple[list[TargetForm], bool]:
    """Return a form for each target, filled as proposed; and whether some are not shown."""
    debts = debts_for(remittance)
    references = dict(
        Agreement.objects.filter(pk__in=debts.by_agreement).values_list("pk", "reference")
    )
    rows = [
        (AllocationTarget.INVOICE, one.pk, _now("Invoice %s") % one, sum(parts.values()))
        for one, parts in [*debts.invoiced.items()][:TARGETS_SHOWN]
    ]
    rows += [
        (AllocationTarget.AGREEMENT, key, references[key], owed)
        for key, owed in [*debts.by_agreement.items()][:TARGETS_SHOWN]
    ]
    rows += [
        (AllocationTarget.LINE, one.pk, str(one), owed)
        for one, owed in [*debts.open.items()][:LINES_SHOWN]
    ]
    rows.append(
        (AllocationTarget.ON_ACCOUNT, None, _now("On account, until it is allocated"), ZERO)
    )
    proposed = {(one.target, one.key): one for one in allocations.proposed(remittance)}
    posted = request.POST if request.method == "POST" else None
    forms_ = []
    for target, key, label, owed in rows:
        one = proposed.get((target, key))
        forms_.append(
            TargetForm(
                posted,
                prefix=f"{target.value}-{key or 0}",
                target=target,
                key=key,
                label=label,
                owed=_money(owed, remittance.currency) if key else "",
                initial={"amount": one and rounded(one.amount, remittance.currency)},
            )
        )
    return forms_, len(debts.open) > LINES_SHOWN or len(debts.by_agreement) > TARGETS_SHOWN


def _paid(one: allocations.Paid, currency: str) -> dict:
    return {
        "label": one.label,
        "parts": [(reading, _money(sum_, currency)) for reading, sum_ in one.money.items()],
        "settled": [(reading, _money(sum_, currency)) for reading, sum_ in one.settled.items()],
        "means": one.means and one.means.label,
        "why": one.said.reason and Discrepancy(one.said.reason).label,
        "difference": one.said.difference and _money(one.said.difference, currency),
    }


def _money(value, currency: str) -> str:
    return locales.money(value, currency, locale_of_reader())


# Exchanging


class ExchangeForm(forms.Form):
    """How much of a receipt counts in which currency, and what it is to pay there."""

    taken = forms.DecimalField(
        label=_("Of this receipt"), min_value=0, max_digits=16,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    currency = forms.ChoiceField(label=_("Is to pay what is owed in"),
                                 widget=UnfoldAdminSelectWidget)  # fmt: skip
    settles = forms.DecimalField(
        label=_("Settles there"), min_value=0, max_digits=16, required=False,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Left empty: what the stored rate of the day of receipt makes of it. If you "
                    "accept it as another amount, the agency has the gain or bears the loss."),
    )  # fmt: skip

    def __init__(self, data, *, remittance, initial):
        super().__init__(data, initial=initial)
        codes = Account.objects.filter(
            agency=remittance.agency_id,
            licensee=remittance.licensee_id,
            kind=AccountKind.RECEIVABLE.value,
        ).exclude(currency=remittance.currency)
        names = dict(locales.currencies(locale_of_reader()))
        codes = codes.values_list("currency", flat=True).order_by("currency").distinct()
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]


def _exchange(model_admin, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a receipt comes to in another currency; its POST posts what was seen."""
    remittance = model_admin.get_object(request, str(pk))
    if remittance is None:
        raise Http404
    if not model_admin.has_allocate_permission(request, str(pk)):
        raise PermissionDenied
    posts = request.method == "POST"
    if posts and (asked := proofs.step_up(request)):
        return asked
    data = request.POST if posts else request.GET
    left = rounded(remittance.unmatched, remittance.currency)
    form = ExchangeForm(data if "taken" in data else None, remittance=remittance,
                        initial={"taken": left})  # fmt: skip
    found = None
    if form.is_bound and form.is_valid():
        try:
            if posts:
                into = exchanges.exchange_receipt(
                    remittance=remittance, **form.cleaned_data, seen=request.POST.get("seen", ""),
                    by=request.user, now=timezone.now(),
                )  # fmt: skip
                text = _now("It counts as %s. Allocate it, or the next night does.") % into
                model_admin.message_user(request, text, messages.SUCCESS)
                return redirect("admin:valuation_remittance_change", into.pk)
            found = exchanges.quote(remittance, **form.cleaned_data, now=timezone.now())
        except Refused as refusal:
            form.add_error(None, _with_a_way(refusal))
    loss = found.loss if found else None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("%s in another currency") % remittance,
        "opts": model_admin.opts,
        "original": remittance,
        "form": form,
        "has_choice": bool(form.fields["currency"].choices),
        "left": _money(left, remittance.currency),
        "found": found,
        "worth": found and _money(found.worth.amount, found.worth.currency),
        "settles": found and _money(found.settles.amount, found.settles.currency),
        "gain": loss and loss.amount < 0 and _money(-loss.amount, loss.currency),
        "loss": loss and loss.amount > 0 and _money(loss.amount, loss.currency),
    }
    return TemplateResponse(request, "admin/exchange_receipt.html", context)


def _with_a_way(refusal: Refused) -> str:
    """Add to the refusal of a day without a rate what to do about it."""
    if refusal.code != "no_rate":
        return str(refusal)
    return _now("%s An operator imports the bank’s rates under Exchange rates; then come back.") % (
        refusal
    )


# What was said, and what two people decide on


class AllocationItemInline(FactInline):
    model = CashAllocationItem
    fields = readonly_fields = ["target", "what", "amount", "reason", "difference", "note",
                                "settlement"]  # fmt: skip
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related(
            "invoice", "agreement", "reading__agreement", "reading__rate_line",
            "settlement__licensee",
        )  # fmt: skip

    @admin.display(description=_("what it pays"))
    def what(self, item):
        return item.invoice or item.agreement or item.reading or "–"


@admin.register(CashAllocation)
class CashAllocationAdmin(FactAdmin):
    agency_path = "remittance__agency"
    list_display = ["__str__", "held", "at", "by", "reason"]
    list_filter = ["remittance__agency"]
    list_select_related = ["remittance__licensee", "by"]
    search_fields = ["remittance__reference", "remittance__licensee__name"]
    ordering = ["-pk"]
    inlines = [AllocationItemInline]
    fields = readonly_fields = ["remittance", "held", "at", "by", "reason"]
    when_empty = _(
        "Nobody has allocated a receipt by hand. On the page of a remittance you say what it pays."
    )


class WaitingRequests(Waiting):
    title = _("approval")
    label = _("Waits for approval")
    narrow = CashRequestQuerySet.waiting


class WriteOffForm(forms.Form):
    """What is given up of what an agreement is owed, and who goes without it."""

    agreement = forms.ModelChoiceField(
        Agreement.objects.none(), label=_("Agreement"), widget=UnfoldAdminSelectWidget
    )
    amount = forms.DecimalField(
        label=_("Amount"), min_value=0, max_digits=16, widget=UnfoldAdminDecimalFieldWidget
    )
    bearer = forms.ChoiceField(
        label=_("Who goes without"), choices=Bearer.choices(), widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agreement"].queryset = Agreement.objects.filter(
            agency__in=seats_with(user, requests.ASKS), signed_at__isnull=False
        ).order_by("reference")

    def ask(self, by, at):
        given = self.cleaned_data
        return requests.ask_write_off(
            agreement=given["agreement"], amount=given["amount"], bearer=Bearer(given["bearer"]),
            reason=given["reason"], by=by, at=at,
        )  # fmt: skip


class PayoutForm(forms.Form):
    """Whose balance is paid in another currency, and what leaves the account for it."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    beneficiary = forms.ModelChoiceField(
        Beneficiary.objects.none(), label=_("Payee"), widget=UnfoldAdminSelectWidget
    )
    amount = forms.DecimalField(
        label=_("Of what is payable"), min_value=0, max_digits=16,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    currency = forms.ChoiceField(label=_("in"), widget=UnfoldAdminSelectWidget)
    paid = forms.DecimalField(
        label=_("What leaves the account"), min_value=0, max_digits=16,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("By the bank. What it differs from the stored rate is the agency’s gain or "
                    "loss."),
    )  # fmt: skip
    paid_currency = forms.ChoiceField(label=_("in"), widget=UnfoldAdminSelectWidget)
    on = forms.DateField(label=_("Paid on"), widget=UnfoldAdminDateWidget)
    reason = forms.CharField(
        label=_("Why"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, requests.ASKS).order_by("name")
        payable = Account.objects.filter(agency__in=agencies, kind=AccountKind.PAYABLE.value)
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["beneficiary"].queryset = Beneficiary.objects.filter(
            pk__in=payable.values("beneficiary")
        ).order_by("name")
        names = dict(locales.currencies(locale_of_reader()))
        codes = payable.values_list("currency", flat=True).order_by("currency").distinct()
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]
        self.fields["paid_currency"].choices = [*names.items()]
        self.fields["on"].initial = timezone.localdate()

    def ask(self, by, at):
        given = self.cleaned_data
        return requests.ask_payout(
            agency=given["agency"], beneficiary=given["beneficiary"],
            owed=Money(given["amount"], given["currency"]),
            paid=Money(given["paid"], given["paid_currency"]),
            on=given["on"], reason=given["reason"], by=by, at=at,
        )  # fmt: skip


@admin.register(CashRequest)
class CashRequestAdmin(FactAdmin):
    """Refunds are asked for on the page of a receipt, the others here; another person decides."""

    agency_path = "agency"
    list_display = ["__str__", "agency", amount("amount"), "reason", "asked_by", "asked_at",
                    "outcome"]  # fmt: skip
    list_filter = [WaitingRequests, "kind", "currency", "agency"]
    list_select_related = ["agency", "licensee", "beneficiary", "asked_by", "decision"]
    search_fields = ["reason", "licensee__name", "beneficiary__name"]
    ordering = ["-pk"]
    actions_list = ["ask_write_off", "ask_payout", "export_list", "export_workbook"]
    actions_detail = ["approve", "reject"]
    fields = readonly_fields = [
        "kind", "agency", "licensee", "beneficiary", "remittance", "agreement", amount("amount"),
        "paid_out", "on", "bearer", "reason", "asked_by", "asked_at", "outcome", "next_step",
        "decided_by", "decided_at", "note", "entry_link",
    ]  # fmt: skip
    when_empty = _(
        "No refund, write-off or payout in another currency. Ask for a refund on the page of the "
        "receipt, for the others above."
    )

    def has_ask_permission(self, request, obj=None):
        return seats_with(request.user, requests.ASKS).exists()

    @action(description=_("Ask for a write-off"), permissions=["ask"], icon="money_off")
    def ask_write_off(self, request):
        hint = _("What will not come is given up. If it comes after all, reverse the write-off and "
                 "record the receipt. A discount or a settlement is written off, too.")  # fmt: skip
        return self._ask(request, WriteOffForm, _now("Ask for a write-off"), hint)

    @action(
        description=_("Ask for a payout in another currency"), permissions=["ask"],
        icon="currency_exchange",
    )  # fmt: skip
    def ask_payout(self, request):
        hint = _(
            "A balance is paid from the account in another currency, at the stored rate of the day."
            " It is posted as paid once somebody else approves it."
        )
        return self._ask(request, PayoutForm, _now("Ask for a payout in another currency"), hint)

    def _ask(self, request, form_class, title, hint):
        if request.method == "POST" and (asked := proofs.step_up(request)):
            return asked
        form = form_class(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                made = form.ask(request.user, timezone.now())
            except Refused as refusal:
                form.add_error(None, _with_a_way(refusal))
            else:
                text = _now("%s waits for somebody else to approve it.") % made
                self.message_user(request, text, messages.SUCCESS)
                return redirect("admin:valuation_cashrequest_change", made.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": title, "hint": hint, "opts": self.opts, "form": form,
        }  # fmt: skip
        return TemplateResponse(request, "admin/ask_for_money.html", context)

    @admin.display(description=_("outcome"))
    def outcome(self, row):
        decision = _decision_of(row)
        return decision.get_outcome_display() if decision else _("Waits for approval")

    @admin.display(description=_("next"))
    def next_step(self, row):
        decision = _decision_of(row)
        if decision is None:
            return _("Somebody else reads it and approves it.")
        if decision.entry is None:
            return _("Nothing.")
        if row.kind == CashRequestKind.REFUND and not row.bank_steps.exists():
            return _("Pay it at the bank with the reference R%d, then confirm the bank’s line.") % (
                row.pk
            )
        return _("Nothing: it is posted. It is taken back by a reversal of its entry.")

    @admin.display(description=_("leaves the account"))
    def paid_out(self, row):
        return row.paid and locales.money(row.paid, row.paid_currency, locale_of_reader())

    @admin.display(description=_("decided by"))
    def decided_by(self, row):
        return (decision := _decision_of(row)) and decision.by

    @admin.display(description=_("decided at"))
    def decided_at(self, row):
        return (decision := _decision_of(row)) and decision.at

    @admin.display(description=_("note"))
    def note(self, row):
        return (decision := _decision_of(row)) and decision.note

    @admin.display(description=_("entry"))
    def entry_link(self, row):
        decision = _decision_of(row)
        if decision is None or decision.entry is None:
            return _("None.")
        url = reverse("admin:valuation_journalentry_change", args=[decision.entry_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, decision.entry)

    @step(
        label=_("Approve"),
        icon="check",
        permission=requests.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, what somebody else asked for. It is posted at once."
        ),
        done=_("%(row)s is posted."),
        form=NoteForm,
        offered=lambda row: _decision_of(row) is None,
        facts=lambda row: _asked_for(row),
    )
    def approve(self, row, given):
        requests.approve(request_id=row.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=requests.APPROVES,
        step_up=True,
        says=_("Nothing changes. Who asked reads why; who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda row: _decision_of(row) is None,
        facts=lambda row: _asked_for(row),
    )
    def reject(self, row, given):
        requests.reject(request_id=row.pk, by=given.by, at=given.at, note=given.reason)


def _decision_of(row):
    return getattr(row, "decision", None)


def _asked_for(row):
    """Yield what is asked for, for whoever approves it."""
    yield _("What"), row.get_kind_display()
    yield _("Whose"), row.licensee or row.beneficiary
    yield _("Amount"), _money(row.amount, row.currency)
    if row.paid:
        yield _("Leaves the account"), _money(row.paid, row.paid_currency)
        yield _("Paid on"), row.on
    if row.bearer:
        yield _("Who goes without"), Bearer(row.bearer).label
    if row.agreement:
        yield _("Agreement"), row.agreement
    if row.remittance:
        left = Remittance.objects.with_left().get(pk=row.remittance_id)
        yield _("Receipt"), row.remittance
        yield _("Of it without a match"), _money(left.unmatched, row.currency)
    yield _("Why"), row.reason
    yield _("Asked by"), row.asked_by
