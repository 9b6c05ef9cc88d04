"""Payout runs: drawn up, approved by somebody else, fetched as a file, followed to the bank."""

from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
)

from licensing.models import Agreement
from licensing.money import rounded
from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, moment, once_a_row
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency
from talent.sign_in import proofs
from valuation.admin.reports import plan_report
from valuation.cash.disputed.left import Item
from valuation.cash.paid_out import payouts
from valuation.models import Account, PayoutPayment, PayoutRun, PayoutStep
from valuation.models.payouts import PayoutRunQuerySet
from valuation.reports import plan_contributions
from valuation.words import (
    AccountKind,
    PaymentScheme,
    PayoutHold,
    PayoutPaymentState,
    PayoutRunState,
    PayoutStepKind,
)

ZERO = Decimal(0)
# What an agency pays out: money of payees, and of plans.
PAID_OUT = [AccountKind.PAYABLE.value, AccountKind.CONTRIBUTIONS.value]
STATE_COLOURS = {
    "Waits for approval": "warning", "Approved, file not fetched": "warning",
    "With the bank": "info", "Booked by the bank": "success", "Cancelled": "danger",
    "Held": "warning", "Planned": "info", "Paid": "success", "Sent back": "danger",
    "Payable again": "warning",
}  # fmt: skip
NEXT = {
    PayoutRunState.DRAWN_UP: _("Somebody else reads it and approves it; the file is made then."),
    PayoutRunState.APPROVED: _("Fetch the file, and hand it to your bank’s portal."),
    PayoutRunState.SENT: _(
        "Once your bank has booked it, upload the bank’s file and confirm the lines that went out."
    ),
    PayoutRunState.SETTLED: _("Nothing: the bank has booked it."),
    PayoutRunState.CANCELLED: _("Nothing. Draw up another run."),
}


class DrawUpForm(forms.Form):
    """Whose payees, in which currency, on which day, by which file."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=_("Currency"), widget=UnfoldAdminSelectWidget)
    pay_on = forms.DateField(label=_("The bank pays on"), widget=UnfoldAdminDateWidget)
    scheme = forms.ChoiceField(
        label=_("File"), choices=PaymentScheme.choices(), widget=UnfoldAdminSelectWidget
    )
    minimum = forms.DecimalField(
        label=_("Agency’s minimum"), min_value=0, max_digits=12, decimal_places=2, initial=0,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Whoever is owed less is carried to a later run."),
    )  # fmt: skip

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, payouts.DRAWS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        owed = Account.objects.filter(agency__in=agencies, kind__in=PAID_OUT)
        codes = owed.values_list("currency", flat=True).order_by("currency").distinct()
        names = dict(locales.currencies(locale_of_reader()))
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]
        self.fields["pay_on"].initial = timezone.localdate()
        last = PayoutRun.objects.filter(agency__in=agencies).order_by("pk").last()
        if last:
            self.fields["currency"].initial = last.currency
            self.fields["minimum"].initial = last.minimum
            self.fields["scheme"].initial = last.scheme


class WaitingRuns(Waiting):
    title = _("approval")
    label = _("Waits for approval")
    narrow = PayoutRunQuerySet.waiting


class TransitFilter(admin.SimpleListFilter):
    title = _("bank")
    parameter_name = "left"

    def lookups(self, request, model_admin):
        return [("transit", _("not booked by the bank"))]

    def queryset(self, request, queryset):
        return queryset.in_transit() if self.value() == "transit" else queryset


class PaymentInline(FactInline):
    model = PayoutPayment
    fields = readonly_fields = ["payee", amount("payable"), "pays", "why", "pay_by", "account",
                                "statement", "how_far"]  # fmt: skip
    ordering = ["pk"]
    per_page = 50
    verbose_name_plural = _("payees")

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_state()
        return rows.select_related(
            "beneficiary", "details__beneficiary", "entry__reversed_by"
        ).prefetch_related("statements")

    @admin.display(description=_("payee"))
    def payee(self, payment):
        url = reverse("admin:valuation_payoutpayment_change", args=[payment.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, payment.beneficiary)

    @admin.display(description=_("paid by this run"))
    def pays(self, payment):
        paid = ZERO if payment.holds else payment.amount
        return locales.money(paid, payment.currency, locale_of_reader())

    @admin.display(description=_("held, because"))
    def why(self, payment):
        return holds_of(payment)

    @admin.display(description=_("account"))
    def account(self, payment):
        return payment.details and payment.details.masked

    @admin.display(description=_("statements"))
    def statement(self, payment):
        return ", ".join(map(str, payment.statements.all())) or "–"

    @admin.display(description=_("how far"))
    def how_far(self, payment):
        return payment.state.label


class RunStepInline(FactInline):
    model = PayoutStep
    fields = readonly_fields = ["kind", "payment", "at", "by", "line", "note"]
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("payment__beneficiary", "line", "by")


@admin.register(PayoutRun)
class PayoutRunAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["reference", "agency", "pay_on", amount("total"), "payees", "held",
                    "state_label", "drawn_up_by"]  # fmt: skip
    list_filter = [WaitingRuns, "currency", "agency"]
    list_select_related = ["agency", "drawn_up_by", "account__beneficiary"]
    list_before_template = "admin/list_totals.html"
    totals = {_("to be paid or paid"): Sum("amount")}
    search_fields = ["reference", "payments__end_to_end"]
    ordering = ["-pk"]
    inlines = [PaymentInline, RunStepInline]
    actions_list = ["draw_up", "export_list", "export_workbook"]
    actions_detail = ["approve", "fetch_file", "cancel"]
    fieldsets = [
        (None, {"fields": ["state_label", "next_step", "agency", "in_all", "payees", "held",
                           "pay_on", "fetched"]}),
        (_("How it is paid"), {"fields": ["reference", "scheme", "account", "minimum",
                                          "drawn_up_by", "drawn_up_at"]}),
        (_("Technical details"), {"fields": ["file_sha256"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label", "next_step", "in_all", "payees", "held", "fetched"]
    for_programs = ("digest",)
    when_empty = _(
        "No payout run yet. Draw one up: it lists whom you may pay and who has to wait, and why. "
        "No money moves until somebody else approves it."
    )

    in_all = staticmethod(amount("total"))

    def rows_to_total(self, rows):
        return PayoutPayment.objects.filter(run__in=rows, holds=[])

    def get_queryset(self, request):
        free = Q(payments__holds=[])
        return (
            super()
            .get_queryset(request)
            .with_state()
            .defer("file")
            .annotate(
                total=Coalesce(Sum("payments__amount", filter=free), ZERO),
                paid=Count("payments", filter=free),
                kept=Count("payments", filter=~free),
            )
        )

    @admin.display(description=_("payees"))
    def payees(self, run):
        return run.paid

    @admin.display(description=_("held"))
    def held(self, run):
        return run.kept

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, run):
        return run.state.label

    @admin.display(description=_("next"))
    def next_step(self, run):
        return NEXT[run.state]

    @admin.display(description=_("file fetched"))
    @once_a_row
    def fetched(self, run):
        return fetches_of(run) or _("not yet")

    # Drawing up

    def has_draw_up_permission(self, request, obj=None):
        return seats_with(request.user, payouts.DRAWS).exists()

    @action(description=_("Draw up a run"), permissions=["draw_up"], icon="playlist_add_check")
    def draw_up(self, request):
        """Write down whom an agency would pay, and lead to it."""
        if request.method == "POST" and (asked := proofs.step_up(request)):
            return asked
        form = DrawUpForm(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                run = payouts.draw_up(
                    agency=given["agency"],
                    currency=given["currency"],
                    pay_on=given["pay_on"],
                    minimum=given["minimum"],
                    scheme=PaymentScheme(given["scheme"]),
                    by=request.user,
                    at=timezone.now(),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                text = _now("%s is drawn up. Somebody else approves it; no money moved yet.")
                self.message_user(request, text % run, messages.SUCCESS)
                return redirect("admin:valuation_payoutrun_change", run.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Draw up a payout run"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/draw_up_payout.html", context)

    # Deciding

    @step(
        label=_("Approve"),
        icon="check",
        permission=payouts.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, who is paid what and to which account. The file is "
            "made, and what it pays is payable no more: it is with the bank. Nothing is paid until "
            "the file is handed to the bank."
        ),
        done=_("%(row)s is approved. Next, the file is fetched and handed to the bank."),
        form=NoteForm,
        offered=lambda run: run.state is PayoutRunState.DRAWN_UP,
        facts=lambda run: about(run),
    )
    def approve(self, run, given):
        seen = payouts.digest_of(run)
        payouts.approve(run_id=run.pk, seen=seen, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Cancel"),
        icon="block",
        permission=payouts.DRAWS,
        step_up=True,
        says=_("Nothing of it is paid. What it had taken is payable again."),
        done=_("%(row)s is cancelled. Its money is payable again."),
        form=ReasonForm,
        offered=lambda run: run.state in (PayoutRunState.DRAWN_UP, PayoutRunState.APPROVED),
        facts=lambda run: figures(run),
    )
    def cancel(self, run, given):
        payouts.cancel(run_id=run.pk, by=given.by, at=given.at, reason=given.reason)

    # The file

    def has_fetch_permission(self, request, object_id=None):
        run = object_id and self.get_object(request, object_id)
        if not run:
            return request.user.has_perm(payouts.DRAWS)
        has_file = run.state not in (PayoutRunState.DRAWN_UP, PayoutRunState.CANCELLED)
        return has_file and self.has_seat(request, payouts.DRAWS, run)

    @action(description=_("Fetch the file"), permissions=["fetch"], icon="download")
    def fetch_file(self, request, object_id):
        """Say who fetched the file before; its POST sends the file."""
        run = self.get_object(request, object_id)
        if asked := proofs.step_up(request):
            return asked
        if request.method == "POST":
            try:
                content = payouts.fetch(run_id=run.pk, by=request.user, at=timezone.now())
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                return redirect("admin:valuation_payoutrun_change", run.pk)
            name = payouts.file_name(run)
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return HttpResponse(content, content_type="application/octet-stream", headers=headers)
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Fetch the file of %s") % run,
            "opts": self.opts,
            "run": run,
            "figures": list(figures(run)),
            "fetched": fetches_of(run),
            "changed": [payment.beneficiary for payment in payouts.changed_since(run)],
        }
        return TemplateResponse(request, "admin/fetch_payout_file.html", context)


def fetches_of(run):
    rows = PayoutStep.objects.filter(run=run, kind=PayoutStepKind.DOWNLOADED.value)
    told = [(moment(row.at), row.by) for row in rows.select_related("by").order_by("pk")]
    return format_html_join("; ", "{}, {}", told)


def figures(run):
    """Yield what a run comes to."""
    paid = run.payments.filter(holds=[])
    total = paid.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    yield _("Agency"), run.agency
    yield _("Total"), locales.money(total, run.currency, "en")
    yield _("Payees"), paid.count()
    yield _("Held"), run.payments.exclude(holds=[]).count()
    yield _("The bank pays on"), run.pay_on
    yield _("From"), run.account.masked
    yield _("File"), PaymentScheme(run.scheme).label
    yield _("State"), run.state.label


def about(run):
    """Yield what an approver is bound to: every payee, amount, account and reason."""
    yield from figures(run)
    yield _("Digest"), payouts.digest_of(run)
    rows = run.payments.select_related("beneficiary", "details__beneficiary").order_by("pk")
    for payment in rows:
        told = locales.money(payment.amount, payment.currency, "en")
        account = payment.details.masked if payment.details else "–"
        held = f"; {_now('held')}: {holds_of(payment)}" if payment.holds else ""
        late = ""
        if payment.pay_by and payment.pay_by < run.pay_on:
            late = f"; {_now('late, due by law on')} {payment.pay_by}"
        yield payment.beneficiary, f"{told}, {account}{held}{late}"


def holds_of(payment):
    reasons = [str(PayoutHold(code).label) for code in payment.holds]
    return "; ".join(filter(None, [*reasons, payment.note]))


class ChangeForm(ReasonForm):
    """Another amount for one payee; zero holds the payment."""

    amount = forms.DecimalField(
        label=_("Pay"), min_value=0, max_digits=20, decimal_places=4,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Zero holds it. The rest stays payable, and comes with a later run."),
    )  # fmt: skip
    field_order = ("amount", "reason")

    def about(self, rows):
        (row,) = rows
        self.fields["amount"].initial = rounded(row.amount, row.currency)


@admin.register(PayoutPayment)
class PayoutPaymentAdmin(FactAdmin):
    """One payee's payment, and the remittance advice: what it is for."""

    agency_path = "run__agency"
    list_display = ["beneficiary", "run", amount("amount"), "why", "pay_by", "state_label",
                    "end_to_end"]  # fmt: skip
    list_before_template = "admin/list_totals.html"
    totals = {
        _("to be paid or paid"): Sum("amount", filter=Q(holds=[])),
        _("held"): Sum("payable", filter=~Q(holds=[])),
    }
    list_filter = [TransitFilter, "currency", "run__agency"]
    list_select_related = ["beneficiary", "run", "entry__reversed_by"]
    search_fields = ["beneficiary__name", "end_to_end", "run__reference"]
    ordering = ["-pk"]
    actions_detail = ["change_amount"]
    fieldsets = [
        (None, {"fields": ["state_label", "beneficiary", "its_run", "could_be_paid", "is_paid",
                           "why", "pay_by", "rule"]}),
        (_("Remittance advice"), {"fields": ["account", "end_to_end", "its_statements", "for_what",
                                             "file"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label", "its_run", "could_be_paid", "is_paid", "why",
                       "account", "its_statements", "for_what", "file"]  # fmt: skip
    when_empty = _("No payment yet. Payments are drawn up by payout runs.")

    could_be_paid = staticmethod(amount("payable"))
    is_paid = staticmethod(amount("amount"))

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_state()
        return rows.select_related("details__beneficiary", "run__agency", "entry__reversed_by")

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, payment):
        return payment.state.label

    @admin.display(description=_("held, because"))
    def why(self, payment):
        return holds_of(payment)

    @admin.display(description=_("run"))
    def its_run(self, payment):
        url = reverse("admin:valuation_payoutrun_change", args=[payment.run_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, payment.run)

    @admin.display(description=_("account"))
    def account(self, payment):
        return payment.details and payment.details.masked

    @admin.display(description=_("statements"))
    @once_a_row
    def its_statements(self, payment):
        page = "admin:valuation_statement_change"
        return format_html_join(
            ", ",
            '<a class="desk-link" href="{}">{}</a>',
            ((reverse(page, args=[one.pk]), one) for one in payment.statements.all()),
        )

    @admin.display(description=_("what it is for"))
    @once_a_row
    def for_what(self, payment):
        locale = locale_of_reader()
        if lines := plan_contributions.remitted(payment):
            return html_table(_("What it is for"), *as_table(lines, locale))
        rows = [
            (day, agreement, locales.money(part, payment.currency, locale))
            for day, agreement, part in advice(payment)
        ]
        head = [_("Received"), _("Agreement"), _("Amount")]
        return html_table(_("What it is for"), head, rows)

    @admin.display(description=_("file"))
    def file(self, payment):
        url = reverse("admin:valuation_payoutpayment_advice", args=[payment.pk])
        return format_html('<a class="desk-link" href="{}">CSV</a>', url)

    @step(
        label=_("Pay another amount"),
        icon="edit",
        permission=payouts.DRAWS,
        step_up=True,
        says=_("Only this run changes. Whoever approves it sees the amount, and why."),
        done=_("%(row)s is changed."),
        form=ChangeForm,
        offered=lambda payment: (
            payment.state is PayoutPaymentState.PLANNED
            or (
                payment.state is PayoutPaymentState.HELD
                and payment.holds == [PayoutHold.BY_HAND.value]
            )
        ),
        facts=lambda payment: [
            (_("Payable"), locales.money(payment.payable, payment.currency, "en")),
            (_("Paid so far by this run"), locales.money(payment.amount, payment.currency, "en")),
        ],
    )
    def change_amount(self, payment, given):
        payouts.change(
            payment_id=payment.pk,
            amount=given.values["amount"],
            reason=given.reason,
            by=given.by,
            at=given.at,
        )

    def get_urls(self):
        view = self.admin_site.admin_view(self.advice)
        name = "valuation_payoutpayment_advice"
        return [path("<int:payment_id>/advice/", view, name=name), *super().get_urls()]

    def advice(self, request, payment_id):
        """Send the remittance advice of a payment as CSV."""
        payment = self.get_queryset(request).filter(pk=payment_id).first()
        if payment is None or not request.user.has_perm("valuation.view_payoutpayment"):
            raise Http404
        if lines := plan_contributions.remitted(payment):
            columns = plan_contributions.column_map(payment.run.pay_on)
            return plan_report.file_of(lines, columns, "advice", payment.end_to_end)
        name = f"advice-{payment.end_to_end}"
        header = [_now("Payee"), _now("Reference"), _now("Received"), _now("Agreement"),
                  _now("Amount"), _now("Currency")]  # fmt: skip
        rows = (
            (payment.beneficiary.name, payment.end_to_end, day.isoformat(), agreement, part,
             payment.currency)
            for day, agreement, part in advice(payment)
        )  # fmt: skip
        return StreamingHttpResponse(
            safe_csv.lines(header, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )


def as_table(lines, locale):
    """Return heading and rows of what a payment pays a plan."""
    head = [_("Performer"), _("Production"), _("Agreement"), _("Period"), _("Correction"),
            _("Amount")]  # fmt: skip
    names = ("performer", "production", "agreement", "period", "adjustment")
    return head, [
        (*(line[name] for name in names), locales.money(line["amount"], line["currency"], locale))
        for line in lines
    ]


def advice(payment):
    """Return what a payment is for: day of receipt, agreement's reference, amount."""
    items = [Item.from_json(one) for one in payment.items]
    known = Agreement.objects.in_bulk({one.agreement_id for one in items if one.agreement_id})
    return [(one.received_on, str(known.get(one.agreement_id, "–")), one.amount) for one in items]
