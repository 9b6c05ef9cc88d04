"""Invoices: drawn up, approved by somebody else, issued, downloaded; terms and billing details."""

from datetime import datetime
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.core.exceptions import ValidationError
from django.db.models import Q, Sum
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from licensing.models import Licensee
from talent import locales
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, number
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency
from talent.periods import local_day
from valuation.admin.written_once import WrittenOnce
from valuation.invoices import commission, deciding, drawing_up, exports, links, papers, settled
from valuation.invoices.content import from_json
from valuation.models import (
    Account,
    BillingDetails,
    Invoice,
    InvoiceLine,
    InvoiceStep,
    PaymentTerms,
)
from valuation.models.invoices import CLAIMS, InvoiceQuerySet
from valuation.self_billing import agreements, for_studios
from valuation.statements import documents
from valuation.words import AccountKind, InvoiceState

from .ageing import ageing
from .client_accounts import accounts_of
from .late import LateSteps

SEES = "valuation.view_invoice"
STATE_COLOURS = {
    "Waits for approval": "warning", "Approved, not issued": "warning", "Issued": "success",
    "Discarded": "danger",
}  # fmt: skip
PAID_COLOURS = {
    "Open": "info", "Partly paid": "info", "Paid": "success", "Overdue": "danger",
    "Credit to use up": "warning", "Settled with the statement": "success",
}  # fmt: skip
NEXT = {
    InvoiceState.DRAFT: _("Somebody else reads it and approves it."),
    InvoiceState.APPROVED: _("Issue it: it gets its number and its due date."),
    InvoiceState.ISSUED: _("Send the document. Money that names its number pays it."),
    InvoiceState.DISCARDED: _("Nothing. What it took stands on the next one."),
}
# Of what a studio writes itself, where it differs.
NEXT_BY_STUDIO = {
    InvoiceState.DRAFT: _("Somebody else compares the data with what was rated and approves them."),
    InvoiceState.APPROVED: _(
        "The studio takes the data over the API, writes the invoice and tells its number. If it "
        "tells you, record it."
    ),
    InvoiceState.ISSUED: _("The tax is asked for beside the price, and passed on as it comes in."),
}


class PaymentTermsForm(DeskForm):
    """Terms of a licensee, or of one agreement, which is theirs and the agency's."""

    def clean(self):
        given = super().clean()
        agreement = given.get("agreement")
        if agreement and (
            agreement.agency != given.get("agency") or agreement.licensee != given.get("licensee")
        ):
            raise ValidationError({"agreement": _now("It is of another agency or licensee.")})
        return given


@admin.register(PaymentTerms)
class PaymentTermsAdmin(WrittenOnce):
    form = PaymentTermsForm
    list_display = ["licensee", "agency", "agreement", "starts_on", "days", "end_of_month",
                    "interest_percent", "mails_invoices", "source"]  # fmt: skip
    list_filter = ["agency"]
    list_select_related = ["agency", "licensee", "agreement"]
    search_fields = ["licensee__name", "agreement__reference"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "licensee", "agreement"]
    fields = ["agency", "licensee", "agreement", "starts_on", "days", "end_of_month",
              "interest_percent", "mails_invoices", "source"]  # fmt: skip
    when_empty = _(
        "No payment terms yet. Add them for each licensee: by when it pays, and where that is "
        "agreed. Invoices are drawn up by them."
    )


@admin.register(BillingDetails)
class BillingDetailsAdmin(WrittenOnce):
    list_display = ["whose", "agency", "name", "country", "tax_category", "tax_percent", "format",
                    "starts_on"]  # fmt: skip
    list_filter = ["tax_category", "format", "agency"]
    list_select_related = ["agency", "licensee", "beneficiary"]
    search_fields = ["name", "licensee__name", "vat_number"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "licensee", "beneficiary"]
    fieldsets = [
        (None, {"fields": ["agency", "licensee", "beneficiary", "starts_on", "source"]}),
        (_("As it stands on the invoice"), {"fields": [
            "name", "street", "postcode", "town", "country", "vat_number", "registration",
            "buyer_reference"]}),
        (_("Tax"), {"fields": ["tax_category", "tax_percent", "tax_reason"]}),
        (_("As data"), {"fields": ["format", "electronic_scheme", "electronic_address"]}),
    ]  # fmt: skip
    when_empty = _(
        "No billing details yet. Add your agency’s own first, leaving licensee and payee empty, "
        "then those of each licensee: name, address, numbers, and how it is taxed."
    )

    @admin.display(description=_("of"), ordering="licensee__name")
    def whose(self, details):
        return details.licensee or details.beneficiary or _("the agency")


class DrawUpForm(forms.Form):
    """Whose licensees, until which day; one licensee or all of them."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=_("Licensee"), required=False, empty_label=_("Every one"),
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    through = forms.DateField(
        label=_("Posted until the end of"), widget=UnfoldAdminDateWidget,
        help_text=_("What nights posted later stands on the next invoice."),
    )  # fmt: skip

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, drawing_up.DRAWS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        owing = Account.objects.filter(agency__in=agencies, kind=AccountKind.RECEIVABLE.value)
        self.fields["licensee"].queryset = Licensee.objects.filter(
            pk__in=owing.values("licensee")
        ).order_by("name")
        self.fields["through"].initial = timezone.localdate()


class CommissionForm(forms.Form):
    """Which agency, until which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    through = forms.DateField(label=_("Kept until the end of"), widget=UnfoldAdminDateWidget)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, drawing_up.DRAWS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["through"].initial = timezone.localdate()


# What a person says of the mail, and what the issue takes it for.
MAILS = {"": None, "yes": True, "no": False}


class IssueForm(NoteForm):
    """Whether the licensee gets a mail, and a remark."""

    mail = forms.ChoiceField(
        label=_("Mail to the licensee"),
        required=False,
        choices=[
            ("", _("As their terms say")),
            ("yes", _("Mail a link to it")),
            ("no", _("No mail")),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text=_("The link works for thirty days, and for whoever has it."),
    )


class StudiosNumberForm(NoteForm):
    """Under which number and on which day the studio issued it."""

    number = forms.CharField(label=_("The studio’s number"), max_length=40)
    issued_on = forms.DateField(label=_("Issued by them on"), widget=UnfoldAdminDateWidget)
    field_order = ("number", "issued_on", "reason")


class WaitingInvoices(Waiting):
    label = _("Waits for approval")
    narrow = InvoiceQuerySet.waiting


class InvoiceLineInline(FactInline):
    model = InvoiceLine
    fields = readonly_fields = ["position", "kind", "label", "agreement", "period_on",
                                "last_day", number("quantity"), amount("amount"),
                                "rests_on", "earlier"]  # fmt: skip
    ordering = ["position"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agreement", "corrects__invoice")

    @admin.display(description=_("until"))
    def last_day(self, line):
        return from_day_after(line.period_ends_on)

    @admin.display(description=_("rests on"))
    def rests_on(self, line):
        if line.reading_id is None:
            return "–"
        url = reverse("admin:valuation_reading_change", args=[line.reading_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("Reading"))

    @admin.display(description=_("corrects"))
    def earlier(self, line):
        return line.corrects and line.corrects.invoice


def from_day_after(ends_on):
    return datetime.fromordinal(ends_on.toordinal() - 1).date()


class InvoiceStepInline(FactInline):
    model = InvoiceStep
    fields = readonly_fields = ["kind", "at", "by", "by_key", "note", "mail_to"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "by_key")


ISSUED = Q(number__isnull=False)
NET, TAX, TOTAL = amount("net"), amount("tax"), amount("total")
LEFT = amount("left", _("left to pay"))


@admin.register(Invoice)
class InvoiceAdmin(LateSteps, FactAdmin):
    agency_path = "agency"
    list_display = [
        "__str__", "to_whom", "issued_on", TOTAL, LEFT, "due_on", "state_label", "paid_label",
        "papers",
    ]  # fmt: skip
    list_before_template = "admin/list_totals.html"
    totals = {
        _("asked of licensees"): Sum("total", filter=ISSUED & Q(kind__in=CLAIMS)),
        _("commission"): Sum("total", filter=ISSUED & Q(kind__in=deciding.OF_COMMISSION)),
        _("self-billed"): Sum("total", filter=ISSUED & Q(kind__in=agreements.SELF_BILLED)),
    }
    totals_hint = _("Drafts are left out: nobody is asked for them yet.")
    list_filter = [WaitingInvoices, "kind", "currency", "agency"]
    list_select_related = ["agency", "licensee", "beneficiary", "statement"]
    search_fields = ["number", "licensee__name", "beneficiary__name", "lines__agreement__reference"]
    ordering = ["-pk"]
    inlines = [InvoiceLineInline, InvoiceStepInline]
    actions = ["approve", "issue", "discard"]
    actions_list = ["draw_up", "draw_up_commission", "draw_up_for_studios", "see_ageing",
                    "export_list", "export_workbook"]  # fmt: skip
    actions_detail = [
        "approve", "issue", "record_number", "draw_document", "mail", "claim_interest", "discard",
        "record_cancelled",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["state_label", "next_step", "number", "kind", "to_whom", "agency",
                           "agreement", "stands_in", "pages", "files"]}),
        (_("Money"), {"fields": [NET, TAX, TOTAL, "paid_label", LEFT]}),
        (_("Days"), {"fields": ["issued_on", "due_on", "by_terms", "through", "drawn_up_by",
                                "drawn_up_at"]}),
        (_("As data"), {"fields": ["by_the_norm"]}),
        (_("Technical details"), {"fields": ["pdf_sha256"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label", "next_step", "to_whom", "stands_in", "pages", "files",
                       "paid_label",
                       "by_terms", "by_the_norm", NET, TAX, TOTAL, LEFT]  # fmt: skip
    for_programs = ("content",)
    when_empty = _(
        "No invoice yet. Enter billing details and payment terms, then draw up: what the nights "
        "posted to each licensee becomes a draft. Somebody else approves it."
    )

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_state()
        return settled.with_paid(rows, timezone.localdate())

    @admin.display(description=_("to"), ordering="licensee__name")
    def to_whom(self, invoice):
        if invoice.is_by_studio:
            parties = {"buyer": invoice.licensee, "seller": invoice.beneficiary}
            return _now("%(buyer)s, which writes it for %(seller)s") % parties
        return invoice.licensee or invoice.beneficiary

    @admin.display(description=_("its pages"))
    def pages(self, invoice):
        rows = filter(None, [invoice.licensee, invoice.beneficiary, invoice.agreement])
        return format_html_join(
            " · ",
            '<a class="desk-link" href="{}">{}</a>',
            ((reverse(admin_urlname(row._meta, "change"), args=[row.pk]), row) for row in rows),
        )

    @admin.display(description=_("statement"))
    def stands_in(self, invoice):
        if invoice.statement_id is None:
            return None
        url = reverse("admin:valuation_statement_change", args=[invoice.statement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, invoice.statement)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, invoice):
        return invoice.state.label

    @display(description=_("paid"), label=PAID_COLOURS)
    def paid_label(self, invoice):
        if not invoice.number:
            return None
        if invoice.is_by_studio:
            return _("Asked for beside it")
        return settled.standing(invoice, invoice.left, timezone.localdate()).label

    @admin.display(description=_("next"))
    def next_step(self, invoice):
        return (NEXT | NEXT_BY_STUDIO if invoice.is_by_studio else NEXT)[invoice.state]

    @admin.display(description=_("terms"))
    def by_terms(self, invoice):
        return exports.terms_in_words(from_json(invoice.content))

    @admin.display(description=_("by EN 16931"))
    def by_the_norm(self, invoice):
        content = from_json(invoice.content)
        if content.format == "none":
            return _("They take no data beside the PDF.")
        if not invoice.number:
            return _("It is written when the invoice has its number.")
        try:
            exports.xml(content)
        except Refused as refusal:
            return str(refusal)
        return _("It can be downloaded as XML.")

    @admin.display(description=_("files"))
    def papers(self, invoice):
        """Lead to the document and its data; the usage report is on the page of the invoice."""
        return self._links(invoice, [])

    @admin.display(description=_("files"))
    def files(self, invoice):
        of_use = [("uses", _("Usage report")), ("uses-csv", _("Usage CSV"))]
        return self._links(invoice, of_use if invoice.kind in CLAIMS else [])

    def _links(self, invoice, more):
        kinds = [("csv", "CSV"), *more]
        if not invoice.is_by_studio:
            kinds.insert(0, ("document", _("PDF")))
        if invoice.number and invoice.content.get("format") != "none":
            kinds.append(("xml", "XML"))
        page = "admin:valuation_invoice_file"
        return format_html_join(
            " · ",
            '<a class="desk-link" href="{}">{}</a>',
            ((reverse(page, args=[invoice.pk, kind]), label) for kind, label in kinds),
        )

    # Drawing up

    def has_draw_up_permission(self, request, obj=None):
        return seats_with(request.user, drawing_up.DRAWS).exists()

    @action(description=_("Draw up"), permissions=["draw_up"], icon="receipt_long")
    def draw_up(self, request):
        """Draw up what waits to be invoiced, and say for whom nothing was drawn up."""
        form = DrawUpForm(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                drawn = drawing_up.draw_up(
                    agency=given["agency"],
                    licensee=given["licensee"],
                    through=given["through"],
                    by=request.user,
                    at=timezone.now(),
                    pay_to=accounts_of(given["agency"]),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                return self._drawn_up(request, drawn)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Draw up invoices"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/draw_up_invoices.html", context)

    @action(description=_("Draw up commission"), permissions=["draw_up"], icon="percent")
    def draw_up_commission(self, request):
        """Draw up what was kept of payees' money, and say for whom nothing was drawn up."""
        form = CommissionForm(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                drawn = commission.draw_up(**form.cleaned_data, by=request.user, at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                return self._drawn_up(request, drawn)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Draw up commission invoices"),
            "opts": self.opts,
            "form": form,
            "of_commission": True,
        }
        return TemplateResponse(request, "admin/draw_up_invoices.html", context)

    @action(description=_("Draw up for studios"), permissions=["draw_up"], icon="outbox")
    def draw_up_for_studios(self, request):
        """Draw up the data of what studios invoice themselves, and say for whom there is none."""
        form = CommissionForm(request.POST or None, user=request.user)
        form.fields["through"].label = _("Posted until the end of")
        if request.method == "POST" and form.is_valid():
            try:
                drawn = for_studios.draw_up(**form.cleaned_data, by=request.user, at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                return self._drawn_up(request, drawn)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Draw up data for studios that self-bill"),
            "opts": self.opts,
            "form": form,
            "for_studios": True,
        }
        return TemplateResponse(request, "admin/draw_up_invoices.html", context)

    def _drawn_up(self, request, drawn):
        for name, reason in drawn.left_out:
            self.message_user(request, f"{name}: {reason}", messages.WARNING)
        text = _now("%d drawn up. Somebody else approves them; nothing is posted.")
        self.message_user(request, text % len(drawn.invoices), messages.SUCCESS)
        return redirect("admin:valuation_invoice_changelist")

    # Deciding

    @step(
        label=_("Approve"),
        icon="check",
        permission=drawing_up.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, what is asked of whom, how it is taxed, by when it "
            "is due and where it is paid to. Nothing is posted; next, it is issued."
        ),
        done=_("%(row)s is approved. Next, it is issued."),
        form=NoteForm,
        offered=lambda invoice: invoice.state is InvoiceState.DRAFT,
        facts=lambda invoice: about(invoice),
    )
    def approve(self, invoice, given):
        seen = deciding.digest(invoice)
        deciding.approve(
            invoice_id=invoice.pk, seen=seen, by=given.by, at=given.at, note=given.reason
        )

    @step(
        label=_("Issue"),
        icon="send",
        permission="valuation.issue_invoice",
        step_up=True,
        says=_(
            "It gets the next number and its due date, its tax is posted, and it never changes "
            "again. What is corrected later stands on the next one."
        ),
        done=_("%(row)s is issued. Its document is under Files."),
        form=IssueForm,
        offered=lambda invoice: invoice.state is InvoiceState.APPROVED and not invoice.is_by_studio,
        facts=lambda invoice: [*about(invoice), *mailed(invoice)],
        order=["pk"],
    )
    def issue(self, invoice, given):
        deciding.issue(
            invoice_id=invoice.pk, by=given.by, at=given.at, note=given.reason,
            mails=MAILS[given.values.get("mail", "")],
        )  # fmt: skip

    @step(
        label=_("Draw the document"),
        icon="picture_as_pdf",
        permission="valuation.issue_invoice",
        says=_("It is drawn from what was frozen at the issue, as it would have been then."),
        done=_("The document of %(row)s was asked for: it is under Files unless the disk is full."),
        offered=lambda invoice: (
            invoice.state is InvoiceState.ISSUED
            and not (invoice.pdf or invoice.statement_id or invoice.is_by_studio)
        ),
        step_up=True,
    )
    def draw_document(self, invoice, given):
        if papers.complete(invoice.pk):
            links.mail_issued(invoice.pk, at=given.at)

    @step(
        label=_("Record the studio’s number"),
        icon="tag",
        permission="valuation.issue_invoice",
        step_up=True,
        says=_(
            "The studio issued this invoice itself: record its number and day as they told them. "
            "The payee’s tax is charged to the studio from then on, beside the price."
        ),
        done=_("%(row)s is recorded. What the studio is asked for next holds its tax."),
        form=StudiosNumberForm,
        offered=lambda invoice: invoice.state is InvoiceState.APPROVED and invoice.is_by_studio,
        facts=lambda invoice: about(invoice),
    )
    def record_number(self, invoice, given):
        for_studios.record(
            invoice_id=invoice.pk, number=given.values["number"],
            issued_on=given.values["issued_on"], by=given.by, at=given.at, note=given.reason,
        )  # fmt: skip

    @step(
        label=_("Cancelled by the studio"),
        icon="cancel",
        permission="valuation.issue_invoice",
        step_up=True,
        says=_(
            "The studio cancelled its invoice. Its tax is charged no longer, and its lines stand "
            "in the data that are drawn up next."
        ),
        done=_("%(row)s is cancelled."),
        form=ReasonForm,
        offered=lambda invoice: invoice.state is InvoiceState.ISSUED and invoice.is_by_studio,
        facts=lambda invoice: figures(invoice),
    )
    def record_cancelled(self, invoice, given):
        for_studios.cancel(invoice_id=invoice.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Discard"),
        icon="block",
        permission=drawing_up.DRAWS,
        says=_("Nobody is asked for anything. What it took stands on the next one drawn up."),
        done=_("%(row)s is discarded."),
        form=ReasonForm,
        offered=lambda invoice: invoice.state in (InvoiceState.DRAFT, InvoiceState.APPROVED),
        facts=lambda invoice: figures(invoice),
    )
    def discard(self, invoice, given):
        deciding.discard(invoice_id=invoice.pk, by=given.by, at=given.at, reason=given.reason)

    # Files and ageing

    @action(description=_("Ageing"), icon="hourglass_bottom", permissions=["view"])
    def see_ageing(self, request):
        """Lead to what is late."""
        return redirect("admin:ageing")

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("ageing/", view(partial(ageing, self.admin_site)), name="ageing"),
            path(
                "<int:invoice_id>/file/<slug:name>/", view(self.file), name="valuation_invoice_file"
            ),
            *super().get_urls(),
        ]

    def file(self, request, invoice_id, name):
        """Send a file of an invoice; one that cannot be sent is refused with the reason."""
        invoice = self.get_queryset(request).filter(pk=invoice_id).first()
        if invoice is None or name not in FILES or not request.user.has_perm(SEES):
            raise Http404(_now("There is no such file for you."))
        write, kind, ending = FILES[name]
        try:
            content = write(invoice)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:valuation_invoice_change", invoice_id)
        file_name = f"{slugify(invoice)}{ending}"
        if isinstance(content, bytes):
            headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
            return HttpResponse(content, content_type=kind, headers=headers)
        if kind.startswith("text/csv"):
            headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
            return StreamingHttpResponse(content, content_type=kind, headers=headers)
        return FileResponse(content, filename=file_name, content_type=kind)


def _document(invoice):
    """Return the stored document; of what is not issued, one that says it is a draft.

    That of what the agency buys is the statement that it stands in.
    """
    if invoice.is_by_studio:
        raise Http404
    if invoice.statement_id:
        return documents.read(invoice.statement)
    return papers.read(invoice) if invoice.number else papers.draw(from_json(invoice.content))


CSV = "text/csv; charset=utf-8"
FILES = {
    "document": (_document, "application/pdf", ".pdf"),
    "csv": (lambda invoice: exports.lines_csv(from_json(invoice.content)), CSV, ".csv"),
    "uses": (
        lambda invoice: papers.draw_uses(from_json(invoice.content)),
        "application/pdf",
        "-usage.pdf",
    ),
    "uses-csv": (lambda invoice: exports.uses_csv(from_json(invoice.content)), CSV, "-usage.csv"),
    "xml": (lambda invoice: _xml(invoice), "application/xml", ".xml"),
}


def _xml(invoice):
    if not invoice.number:
        raise Http404
    return exports.xml(from_json(invoice.content))


def figures(invoice):
    """Yield what an invoice comes to."""
    yield _("To"), invoice.licensee or invoice.beneficiary
    if invoice.is_by_studio:
        yield _("Written by the studio for"), invoice.beneficiary
    yield _("Agency"), invoice.agency
    for name in ("net", "tax", "total"):
        told = locales.money(getattr(invoice, name), invoice.currency, "en")
        yield Invoice._meta.get_field(name).verbose_name.capitalize(), told
    yield _("State"), invoice.state.label


def about(invoice):
    """Yield what an approver is bound to: parties, tax, terms, account and every line."""
    content = from_json(invoice.content)
    yield from figures(invoice)
    yield _("Posted until the end of"), content.through
    yield _("From"), _party(content.seller)
    yield _("Invoiced as"), _party(content.buyer)
    yield _("Tax"), exports.tax_in_words(content)
    yield _("Terms"), exports.terms_in_words(content) or _("none, it is a credit")
    yield _("Paid to"), content.pay_to.account if content.pay_to else _("no approved account yet")
    yield _("Digest"), deciding.digest(invoice)
    for position, line in enumerate(content.lines, start=1):
        told = locales.money(line.amount, content.currency, "en")
        yield f"{position}. {line.agreement}, {line.label}", f"{line.quantity_told or '–'}: {told}"


def mailed(invoice):
    """Yield where a licensee's invoice would be mailed, and whether their terms say so."""
    if invoice.licensee_id:
        today = local_day(timezone.now(), invoice.agency.time_zone)
        by_terms = links.is_mailed_by_terms(invoice, on=today)
        yield _("Billing address"), invoice.licensee.billing_email or _("none")
        yield _("Mailed by their terms"), _("yes") if by_terms else _("no")


def _party(party):
    return ", ".join(filter(None, [party.name, *party.address, party.country, party.vat_number]))
