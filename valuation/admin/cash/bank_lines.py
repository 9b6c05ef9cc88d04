"""Bank files: uploaded; each line is recorded as a licensee's money, or set aside."""

from functools import partial

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, Sum
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
)

from licensing.models import Agreement, Licensee
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, once_a_row
from talent.admin.parts import FactInline
from talent.admin.steps import ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency
from valuation.bank_files import reading
from valuation.bank_files.statements import LARGEST_FILE
from valuation.cash.paid_out import commission, payouts
from valuation.cash.received import bank_lines, requests
from valuation.cash.received.proposals import only_one
from valuation.models import BankCsvMapping, BankFile, BankLine, BankLineStep, CashRequest, Invoice
from valuation.statements import settled

from . import bank_csv, reconciliation, unclaimed

MAY_RECORD = "valuation.add_remittance"
PROPOSALS_SHOWN = 5


class BankFileForm(forms.Form):
    """A bank's file, and whose account it tells of."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "camt.053 (XML), MT940 or CSV, as your bank's portal offers it. Of a CSV you say next "
            "which column is what. A line that you uploaded before is kept once."
        ),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = seats_with(user, MAY_RECORD).order_by("name")
        self.fields["agency"].initial = self.fields["agency"].queryset.first()

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("A bank's file has at most 20 MB."))
        return file


class RecordForm(forms.Form):
    """From whom a line is, and what it pays first."""

    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=gettext_lazy("From"), widget=UnfoldAdminSelectWidget
    )
    agreements = forms.ModelMultipleChoiceField(
        Agreement.objects.none(),
        label=gettext_lazy("Pays first"),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text=gettext_lazy("Left empty: what has been owed longest is paid first."),
    )
    invoices = forms.ModelMultipleChoiceField(
        Invoice.objects.none(),
        label=gettext_lazy("Invoices that it pays before"),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
    )

    def about(self, rows):
        """Offer who owes the agency of the row, with what is proposed chosen."""
        (row,) = rows
        agreements = Agreement.objects.filter(agency=row.agency_id, signed_at__isnull=False)
        self.fields["licensee"].queryset = Licensee.objects.filter(
            agreements__in=agreements
        ).distinct()
        self.fields["agreements"].queryset = agreements.order_by("reference")
        issued = (
            Invoice.objects.issued().claims().filter(agency=row.agency_id, currency=row.currency)
        )
        self.fields["invoices"].queryset = issued.filter(licensee__isnull=False).order_by("number")
        for proposal in bank_lines.proposals_of([row])[row.pk][:1]:
            self.fields["licensee"].initial = proposal.licensee
            self.fields["agreements"].initial = [debt.agreement for debt in proposal.named]
            self.fields["invoices"].initial = [debt.invoice for debt in proposal.named]

    def clean(self):
        given = super().clean()
        licensee, agreements = given.get("licensee"), given.get("agreements", ())
        foreign = [one for one in agreements if licensee and one.licensee_id != licensee.pk]
        if foreign:
            names = ", ".join(map(str, foreign))
            self.add_error("agreements", _("Not an agreement of this licensee: %s.") % names)
        others = [one for one in given.get("invoices", ()) if licensee and
                  one.licensee_id != licensee.pk]  # fmt: skip
        if others:
            names = ", ".join(map(str, others))
            self.add_error("invoices", _("Not an invoice to this licensee: %s.") % names)
        return given


class RefundedForm(forms.Form):
    """Which refund a debit of the bank is."""

    refund = forms.ModelChoiceField(
        CashRequest.objects.none(),
        label=gettext_lazy("Which refund it is"),
        widget=UnfoldAdminSelectWidget,
    )

    def about(self, rows):
        (row,) = rows
        found = requests.refunds_in_transit(row)
        self.fields["refund"].queryset = CashRequest.objects.filter(
            pk__in=[one.pk for one in found]
        )
        self.fields["refund"].initial = found[0] if found else None


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("what became of it")
    parameter_name = "left"

    def lookups(self, request, model_admin):
        return [("open", _("waits for a decision")), ("done", _("recorded or set aside"))]

    def queryset(self, request, queryset):
        wanted = {"open": True, "done": False}.get(self.value())
        return queryset if wanted is None else queryset.filter(is_open=wanted)


class DirectionFilter(admin.SimpleListFilter):
    title = gettext_lazy("direction")
    parameter_name = "direction"

    def lookups(self, request, model_admin):
        return [("in", _("came in")), ("out", _("went out"))]

    def queryset(self, request, queryset):
        if self.value() == "in":
            return queryset.filter(amount__gt=0)
        return queryset.filter(amount__lt=0) if self.value() == "out" else queryset


@admin.register(BankFile)
class BankFileAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["name", "agency", "uploaded_at", "uploaded_by", "lines_known", "lines_pending",
                    "left_out"]  # fmt: skip
    list_filter = ["agency"]
    list_select_related = ["agency", "uploaded_by"]
    search_fields = ["name"]
    ordering = ["-pk"]
    readonly_fields = ["its_lines", "rows_not_read"]
    fieldsets = [
        (None, {"fields": ["name", "agency", "uploaded_at", "uploaded_by", "its_lines"]}),
        (gettext_lazy("What it held"), {"fields": ["lines_known", "lines_pending", "lines_alike",
                                                   "rows_not_read", "csv_mapping"]}),
        (gettext_lazy("Technical details"), {"fields": ["sha256"]}),
    ]  # fmt: skip
    actions_list = ["upload_file", "export_list", "export_workbook"]
    when_empty = gettext_lazy(
        "No bank file yet. Upload one, and its receipts wait to be recorded, each with a proposal."
    )

    @admin.display(description=gettext_lazy("lines"))
    def its_lines(self, file):
        url = reverse("admin:valuation_bankline_changelist")
        return format_html(
            '<a href="{}?file__id__exact={}">{}</a>', url, file.pk, _("The lines that it brought")
        )

    @admin.display(description=gettext_lazy("rows left out"))
    def left_out(self, file):
        return file.lines_alike + len(file.rows_wrong)

    @admin.display(description=gettext_lazy("rows that could not be read"))
    def rows_not_read(self, file):
        if not file.rows_wrong:
            return _("None.")
        header = [_("Row"), _("What is wrong")]
        return html_table(_("Rows that could not be read"), header, file.rows_wrong)

    def get_urls(self):
        page = partial(reconciliation.reconciliation, self.admin_site)
        page = self.admin_site.admin_view(page)
        lying = self.admin_site.admin_view(partial(unclaimed.answer, self.admin_site))
        mapping = self.admin_site.admin_view(partial(bank_csv.mapping, self))
        return [
            path("reconciliation/", page, name="reconciliation"),
            path("unclaimed/", lying, name="unclaimed"),
            path("csv/<slug:digest>/", mapping, name="map_bank_csv"),
            *super().get_urls(),
        ]

    def has_upload_permission(self, request, obj=None):
        return seats_with(request.user, MAY_RECORD).exists()

    @action(description=gettext_lazy("Upload a file"), permissions=["upload"], icon="upload_file")
    def upload_file(self, request):
        """Take a bank's file, keep its lines, and lead to those that wait."""
        form = BankFileForm(request.POST or None, request.FILES or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            upload, agency = form.cleaned_data["file"], form.cleaned_data["agency"]
            content = upload.read()
            try:
                if not reading.is_known(content):
                    return bank_csv.lead_to_mapping(request, agency, content, upload.name)
                file = bank_lines.upload(
                    agency=agency, content=content, name=upload.name,
                    by=request.user, at=timezone.now(),
                )  # fmt: skip
            except Refused as refusal:
                form.add_error("file", str(refusal))
            else:
                new = file.lines.count()
                text = _("%(new)d lines are new, %(known)d were known, %(pending)d not booked yet.")
                told = {"new": new, "known": file.lines_known, "pending": file.lines_pending}
                self.message_user(request, text % told, messages.SUCCESS)
                url = reverse("admin:valuation_bankline_changelist")
                return redirect(f"{url}?left=open&direction=in")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload a bank's file"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/upload_bank_file.html", context)


class BankLineStepInline(FactInline):
    model = BankLineStep
    fields = readonly_fields = ["kind", "remittance", "at", "by", "reason"]
    ordering = ["pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("remittance__licensee", "by")


@admin.register(BankCsvMapping)
class BankCsvMappingAdmin(FactAdmin):
    """How the CSV of each account is read; another is kept with the next file."""

    agency_path = "agency"
    list_display = ["__str__", "agency", "currency", "saved_at", "saved_by"]
    list_filter = ["agency"]
    list_select_related = ["agency", "saved_by"]
    search_fields = ["account"]
    ordering = ["-pk"]
    readonly_fields = ["in_words"]
    fields = ["agency", "account", "currency", "in_words", "saved_at", "saved_by"]
    for_programs = ("mapping", "headings")
    when_empty = gettext_lazy(
        "No mapping yet. Upload a bank’s CSV under Bank files, and say which column is what."
    )

    @admin.display(description=gettext_lazy("how it is read"))
    def in_words(self, mapping):
        return html_table(_("How it is read"), [_("What"), _("How")], bank_csv.in_words(mapping))


@admin.register(BankLine)
class BankLineAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "agency", amount("amount"), "booked_on", "counterparty", "text",
                    "proposed", "waits"]  # fmt: skip
    list_before_template = "admin/list_totals.html"
    totals = {
        gettext_lazy("came in"): Sum("amount", filter=Q(amount__gt=0)),
        gettext_lazy("went out"): Sum("amount", filter=Q(amount__lt=0)),
    }
    list_filter = [OpenFilter, DirectionFilter, "currency", "is_return", "agency", "file"]
    list_select_related = ["agency"]
    search_fields = ["counterparty", "text", "bank_reference", "end_to_end"]
    date_hierarchy = "booked_on"
    ordering = ["-booked_on", "-pk"]
    inlines = [BankLineStepInline]
    actions = ["record_as_proposed", "confirm_payout", "set_aside"]
    actions_detail = ["record", "confirm_payout", "send_back", "confirm_refund", "draw_commission",
                      "set_aside", "take_up"]  # fmt: skip
    readonly_fields = ["proposed", "why", "waits"]
    fieldsets = [
        (None, {"fields": ["agency", "booked_on", "valued_on", "amount", "currency",
                           "counterparty", "text", "end_to_end", "is_return"]}),
        (gettext_lazy("Whose it may be"), {"fields": ["why", "waits"]}),
        (gettext_lazy("At the bank"), {"fields": ["account", "counterparty_account",
                                                  "bank_reference", "file"]}),
    ]  # fmt: skip
    when_empty = gettext_lazy("No line of a bank. Upload a file of your bank under Bank files.")

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    def get_changelist_instance(self, request):
        """Find the proposals of a page's lines together, before its rows are drawn one by one."""
        changelist = super().get_changelist_instance(request)
        lines = list(changelist.result_list)
        waiting = [line for line in lines if line.is_open]
        found, payments = bank_lines.proposals_of(waiting), payouts.explained(waiting)
        for line in lines:
            line.proposals = found.get(line.pk, [])
            line.payments = payments.get(line.pk, [])
        changelist.result_list = lines
        return changelist

    @admin.display(description=gettext_lazy("waits"), boolean=True)
    def waits(self, line):
        return line.is_open

    @admin.display(description=gettext_lazy("proposed"))
    def proposed(self, line):
        if explained := _explained(line):
            return explained
        chosen = only_one(_proposals(line))
        return chosen.name if chosen else ""

    @admin.display(description=gettext_lazy("why"))
    @once_a_row
    def why(self, line):
        if explained := _explained(line):
            return explained
        found = _proposals(line)[:PROPOSALS_SHOWN]
        if not found:
            return _("Nothing that the desk knows speaks for anyone.")
        rows = [(one.name, _reasons(one), _named(one)) for one in found]
        return html_table(_("Proposals"), [_("Licensee"), _("Why"), _("It names")], rows)

    @step(
        label=gettext_lazy("Record as received"),
        icon="payments",
        permission=MAY_RECORD,
        step_up=True,
        says=gettext_lazy(
            "The money is posted as received from the licensee you choose, and pays what they owe "
            "in the next night. Two people can reverse it."
        ),
        done=gettext_lazy("%(row)s is recorded."),
        form=RecordForm,
        offered=lambda line: line.is_open and line.amount > 0,
        facts=lambda line: _told(line),
    )
    def record(self, line, given):
        bank_lines.record(
            line=line,
            licensee=given.values["licensee"],
            agreements=given.values["agreements"],
            invoices=given.values["invoices"],
            by=given.by,
            at=given.at,
        )

    @step(
        label=gettext_lazy("Record as proposed"),
        icon="payments",
        permission=MAY_RECORD,
        step_up=True,
        says=gettext_lazy(
            "Each line is posted as received from the licensee named beside it. Leave out whatever "
            "is wrong: go back and take its mark away."
        ),
        done=gettext_lazy("%(row)s is recorded."),
        offered=lambda line: (
            line.is_open and line.amount > 0 and only_one(_proposals(line)) is not None
        ),
        facts=lambda line: _told(line),
    )
    def record_as_proposed(self, line, given):
        chosen = only_one(_proposals(line))
        bank_lines.record(
            line=line,
            licensee=Licensee.objects.get(pk=chosen.licensee),
            agreements=Agreement.objects.filter(pk__in=[debt.agreement for debt in chosen.named]),
            invoices=Invoice.objects.filter(pk__in=[debt.invoice for debt in chosen.named]),
            by=given.by,
            at=given.at,
        )

    @step(
        label=gettext_lazy("Confirm a payout"),
        icon="task_alt",
        permission=payouts.CONFIRMS,
        step_up=True,
        says=gettext_lazy(
            "The bank has paid out what a run told it. It is posted as paid, each payee gets an "
            "advice by mail, and their statements are paid."
        ),
        done=gettext_lazy("%(row)s is posted as paid out."),
        offered=lambda line: line.amount < 0 and bool(_payments_of(line)),
        facts=lambda line: _payments(line),
    )
    def confirm_payout(self, line, given):
        settled.confirm(line=line, by=given.by, at=given.at)

    @step(
        label=gettext_lazy("A payout that came back"),
        icon="undo",
        permission=payouts.CONFIRMS,
        step_up=True,
        says=gettext_lazy(
            "The bank sent a payment back. The money is payable again, and the payee is held until "
            "there are other bank details."
        ),
        done=gettext_lazy("%(row)s: the money is payable again. Ask the payee for their account."),
        offered=lambda line: line.amount > 0 and bool(_payments_of(line)),
        facts=lambda line: _payments(line),
    )
    def send_back(self, line, given):
        settled.give_back(line=line, by=given.by, at=given.at)

    @step(
        label=gettext_lazy("Confirm a refund"),
        icon="task_alt",
        permission=payouts.CONFIRMS,
        step_up=True,
        says=gettext_lazy(
            "The bank has sent a licensee’s money back, as two people asked. It is posted off the "
            "trust account."
        ),
        done=gettext_lazy("%(row)s is posted as a refund."),
        form=RefundedForm,
        offered=lambda line: line.is_open and bool(requests.refunds_in_transit(line)),
        facts=lambda line: _refunds(line),
    )
    def confirm_refund(self, line, given):
        requests.confirm_refund(line=line, request=given.values["refund"], by=given.by, at=given.at)

    @step(
        label=gettext_lazy("Commission drawn"),
        icon="savings",
        permission=commission.DRAWS,
        step_up=True,
        says=gettext_lazy(
            "The agency took this from its client account. It is posted as commission drawn, and "
            "never more than what was earned and not drawn."
        ),
        done=gettext_lazy("%(row)s is posted as commission drawn."),
        offered=lambda line: line.is_open and line.amount < 0 and not _payments_of(line),
        facts=lambda line: _told(line),
    )
    def draw_commission(self, line, given):
        commission.draw(line=line, by=given.by, at=given.at)

    @step(
        label=gettext_lazy("Set aside"),
        icon="block",
        permission=MAY_RECORD,
        says=gettext_lazy(
            "The line stays, and waits no more: a fee, interest, or money of the agency's own. "
            "Nothing is posted. It can be taken up again."
        ),
        done=gettext_lazy("%(row)s is set aside."),
        form=ReasonForm,
        offered=lambda line: line.is_open,
        facts=lambda line: _told(line),
    )
    def set_aside(self, line, given):
        bank_lines.set_aside(line=line, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=gettext_lazy("Take up again"),
        icon="undo",
        permission=MAY_RECORD,
        says=gettext_lazy("The line waits for a decision again."),
        done=gettext_lazy("%(row)s waits again."),
        form=ReasonForm,
        offered=lambda line: not line.is_open and line.was_set_aside,
        facts=lambda line: _told(line),
    )
    def take_up(self, line, given):
        bank_lines.take_up(line=line, reason=given.reason, by=given.by, at=given.at)


def _proposals(line):
    """Return a line's proposals: those that the list found for all, else its own."""
    if not line.is_open:
        return []
    if not hasattr(line, "proposals"):
        line.proposals = bank_lines.proposals_of([line])[line.pk]
    return line.proposals


def _explained(line):
    """Return which payments a line of the bank is, if any."""
    paid = _payments_of(line)
    if len(paid) > 1:
        return _("Payout %(run)s, %(count)d payees") % {"run": paid[0].run, "count": len(paid)}
    return str(paid[0]) if paid else ""


def _payments_of(line):
    """Return the payments that an open line is: those that the list found for all, else its own."""
    if not hasattr(line, "payments"):
        found = payouts.explained([line]) if line.is_open else {}
        line.payments = found.get(line.pk, [])
    return line.payments


def _payments(line):
    """Yield what a line says, and each payment that it is."""
    yield _("Line"), line
    for payment in _payments_of(line):
        yield payment.beneficiary, f"{payment.end_to_end}, {payment.run.reference}"
        if line.amount > 0 and (fee := payouts.fee_of(line, payment.amount)):
            money = locales.money(fee, line.currency, locale_of_reader())
            yield _("Fee kept by the bank, borne by the agency"), money


def _refunds(line):
    """Yield what a line says, and each refund that it may be."""
    yield _("Line"), line
    for refund in requests.refunds_in_transit(line):
        yield f"R{refund.pk}", f"{refund}: {refund.reason}"


def _told(line):
    """Yield what a line says, and from whom it seems to be, for who decides about it."""
    yield _("Line"), line
    yield _("Text"), line.text or line.end_to_end
    chosen = only_one(_proposals(line))
    if chosen:
        yield _("From"), chosen.name
        yield _("Why"), _reasons(chosen)
        yield _("Pays first"), _named(chosen) or _("what has been owed longest")


def _reasons(proposal):
    return "; ".join(str(reason.label) for reason in proposal.reasons)


def _named(proposal):
    return ", ".join(debt.reference for debt in proposal.named)
