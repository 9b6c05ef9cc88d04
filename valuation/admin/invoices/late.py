"""What is late: interest claimed on an invoice, letters by levels, papers mailed to licensees."""

from django import forms
from django.contrib import admin, messages
from django.http import FileResponse, Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from licensing.models import Licensee
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount
from talent.admin.forms import DeskForm
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency
from talent.periods import local_day
from valuation.admin.written_once import WrittenOnce
from valuation.invoices import dunning, interest, interest_terms, links, papers
from valuation.models import DunningLetter, InterestTerms, Invoice, LateInterest, PaperLink
from valuation.models.dunning import InterestTermsQuerySet
from valuation.words import InvoiceKind, InvoiceState

from .client_accounts import accounts_of

LEVELS = [(level, title) for level, title in dunning.TITLES.items()]
# One object each: the form finds a column among those to read by itself.
INTEREST, FIXED_SUM, TOTAL = amount("amount"), amount("fixed"), amount("total")


def is_late(invoice):
    today = local_day(timezone.now(), invoice.agency.time_zone)
    return bool(invoice.kind == InvoiceKind.INVOICE and invoice.due_on and invoice.due_on < today)


class LateSteps:
    """What somebody does about an issued invoice: mails it, claims interest on it."""

    @step(
        label=_("Mail it"),
        icon="mail",
        permission="valuation.issue_invoice",
        step_up=True,
        says=_(
            "The licensee gets a mail with a link to the document. It works for thirty days, and "
            "for whoever has it: they have no account."
        ),
        done=_("%(row)s is on its way."),
        form=NoteForm,
        offered=lambda invoice: bool(
            invoice.state is InvoiceState.ISSUED and invoice.pdf and invoice.licensee_id
        ),
        facts=lambda invoice: [
            (_("To"), invoice.licensee and (invoice.licensee.billing_email or "–"))
        ],
    )
    def mail(self, invoice, given):
        links.mail_invoice(invoice_id=invoice.pk, by=given.by, at=given.at)

    @step(
        label=_("Claim interest"),
        icon="percent",
        permission=interest.CLAIMS,
        step_up=True,
        says=_(
            "The licensee owes this beside the invoice from now on. Whose it is, the interest "
            "terms say. What is disputed bears none. A letter says it to them."
        ),
        done=_("Interest on %(row)s is claimed until today."),
        form=NoteForm,
        offered=is_late,
        facts=lambda invoice: about(invoice),
    )
    def claim_interest(self, invoice, given):
        on = local_day(given.at, invoice.agency.time_zone)
        found = interest.worked_out(invoice, on=on)
        interest.claim(
            invoice_id=invoice.pk, on=on, seen=found.amount + found.fixed, by=given.by, at=given.at
        )


def about(invoice):
    """Yield how the interest on an invoice comes about until today, or why there is none."""
    try:
        found = interest.worked_out(invoice, on=local_day(timezone.now(), invoice.agency.time_zone))
    except Refused as refusal:
        yield _("Interest"), str(refusal)
        return
    for one in found.stretches:
        owed = locales.money(one.owed, invoice.currency, "en")
        yield f"{one.since} – {one.until}", f"{owed}, {one.percent.normalize():f} %: {one.source}"
    for label, value in (
        (_("Disputed, bears none"), found.disputed), (_("Claimed before"), found.claimed),
        (_("Fixed sum by law"), found.fixed), (_("To be claimed"), found.amount + found.fixed),
    ):  # fmt: skip
        yield label, locales.money(value, invoice.currency, "en")
    try:
        for part in interest.parts_of(invoice, found):
            told = locales.money(part.amount, invoice.currency, "en")
            yield part.agreement, f"{told}: {part.owner.label}"
    except Refused as refusal:
        yield _("Whose it is"), str(refusal)


class WaitingTerms(Waiting):
    label = _("Waits for approval")
    narrow = InterestTermsQuerySet.waiting


class InterestTermsForm(DeskForm):
    """Of an agreement of the agency, or of all."""

    def clean(self):
        given = super().clean()
        agreement = given.get("agreement")
        if agreement and agreement.agency != given.get("agency"):
            self.add_error("agreement", _now("It is of another agency."))
        return given


@admin.register(InterestTerms)
class InterestTermsAdmin(WrittenOnce):
    form = InterestTermsForm
    list_display = ["__str__", "agency", "starts_on", "source", "written_by", "approved_by"]
    list_filter = [WaitingTerms, "owner", "agency"]
    list_select_related = ["agency", "agreement", "written_by", "approved_by"]
    search_fields = ["agreement__reference", "source"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "agreement"]
    fields = ["agency", "agreement", "starts_on", "owner", "source"]
    actions_detail = ["approve"]
    when_empty = _(
        "Nobody has said whose interest on late payment is, so none is claimed. Enter it for an "
        "agreement, or for all of the agency; somebody else approves it."
    )

    @step(
        label=_("Approve"),
        icon="check",
        permission=interest_terms.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this is what is agreed. What is claimed from now "
            "on of debts that are late from that day on is theirs; what was claimed stays."
        ),
        done=_("%(row)s counts."),
        offered=lambda terms: terms.approved_at is None,
        facts=lambda terms: [
            (_("Agency"), terms.agency), (_("Agreement"), terms.agreement or _("all")),
            (_("From"), terms.starts_on), (_("Whose it is"), terms.get_owner_display()),
            (_("Where it is agreed"), terms.source), (_("Entered by"), terms.written_by),
        ],
    )  # fmt: skip
    def approve(self, terms, given):
        interest_terms.approve(terms_id=terms.pk, by=given.by, at=given.at)


@admin.register(LateInterest)
class LateInterestAdmin(FactAdmin):
    agency_path = "invoice__agency"
    list_display = ["invoice", INTEREST, FIXED_SUM, "until", "by", "at",
                    "taken_back_at"]  # fmt: skip
    list_filter = ["currency", "invoice__agency"]
    list_select_related = ["invoice", "by"]
    search_fields = ["invoice__number", "invoice__licensee__name"]
    ordering = ["-pk"]
    actions_detail = ["take_back"]
    fields = ["invoice", INTEREST, FIXED_SUM, "until", "stretches", "entry", "by",
              "at", "taken_back_at", "taken_back_by", "reason"]  # fmt: skip
    readonly_fields = [INTEREST, FIXED_SUM, "stretches"]
    for_programs = ("content",)
    when_empty = _("No interest was claimed yet. It is claimed on the page of a late invoice.")

    @admin.display(description=_("how it comes about"))
    def stretches(self, claimed):
        return "; ".join(
            f"{one['since']} – {one['until']}: {one['owed']} × {one['percent']} % ({one['source']})"
            for one in claimed.content
        )

    @step(
        label=_("Take back"),
        icon="undo",
        permission=interest.CLAIMS,
        step_up=True,
        says=_("It is owed no longer; what was paid of it is given back by the next night."),
        done=_("The claim on %(row)s is taken back."),
        form=ReasonForm,
        offered=lambda claimed: claimed.taken_back_at is None,
    )
    def take_back(self, claimed, given):
        interest.take_back(interest_id=claimed.pk, by=given.by, at=given.at, reason=given.reason)


class LetterForm(forms.Form):
    """To whom, in which currency, how urgent."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=_("Licensee"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=_("Currency"), widget=UnfoldAdminSelectWidget)
    level = forms.TypedChoiceField(
        label=_("Letter"), choices=LEVELS, coerce=int, widget=UnfoldAdminSelectWidget,
        help_text=_("A later one only after the one before it."),
    )  # fmt: skip

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, dunning.WRITES).order_by("name")
        owing = Invoice.objects.issued().claims().filter(agency__in=agencies)
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["licensee"].queryset = Licensee.objects.filter(
            pk__in=owing.values("licensee")
        ).order_by("name")
        currencies = owing.order_by("currency").values_list("currency", flat=True).distinct()
        self.fields["currency"].choices = [(one, one) for one in currencies]


@admin.register(DunningLetter)
class DunningLetterAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "title", TOTAL, "on", "by", "mailed_to", "file"]
    list_filter = ["level", "currency", "agency"]
    list_select_related = ["agency", "licensee", "by"]
    search_fields = ["licensee__name", "invoices__number"]
    ordering = ["-pk"]
    actions_list = ["write_letter", "export_list", "export_workbook"]
    fields = ["title", "licensee", "agency", TOTAL, "asks_for", "on", "by", "at",
              "mailed_to", "file", "pdf_sha256"]  # fmt: skip
    readonly_fields = ["title", TOTAL, "asks_for", "file"]
    for_programs = ("content",)
    when_empty = _(
        "No letter yet. Ageing shows what is late; write a reminder from here. Nothing is ever "
        "sent by itself."
    )

    @admin.display(description=_("letter"), ordering="level")
    def title(self, letter):
        return dunning.TITLES[letter.level]

    @admin.display(description=_("asks for"))
    def asks_for(self, letter):
        return "; ".join(
            f"{row['number']}: {row['amount']}, {row['days']} days"
            for row in letter.content["rows"]
        )

    @admin.display(description=_("file"))
    def file(self, letter):
        url = reverse("admin:valuation_dunningletter_file", args=[letter.pk])
        return format_html('<a class="desk-link" href="{}">PDF</a>', url)

    def get_urls(self):
        view = self.admin_site.admin_view(self.send_file)
        return [
            path("<int:letter_id>/file/", view, name="valuation_dunningletter_file"),
            *super().get_urls(),
        ]

    def send_file(self, request, letter_id):
        letter = self.get_queryset(request).filter(pk=letter_id).first()
        if letter is None or not request.user.has_perm("valuation.view_dunningletter"):
            raise Http404(_now("There is no such file for you."))
        try:
            content = papers.read(letter)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:valuation_dunningletter_change", letter_id)
        return FileResponse(content, filename=f"letter-{letter.pk}.pdf")

    def has_write_letter_permission(self, request, obj=None):
        return seats_with(request.user, dunning.WRITES).exists()

    @action(description=_("Write a letter"), permissions=["write_letter"], icon="edit_note")
    def write_letter(self, request):
        """Show what is late and not disputed of a licensee, and write and mail the letter."""
        form = LetterForm(request.POST or None, user=request.user)
        rows, seen = [], ""
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            if "sure" in request.POST:
                try:
                    letter = dunning.write(
                        **given,
                        by=request.user,
                        at=timezone.now(),
                        seen=request.POST.get("seen", ""),
                        pay_to=accounts_of(given["agency"]).get(given["currency"]),
                    )
                except Refused as refusal:
                    form.add_error(None, str(refusal))
                else:
                    self.message_user(request, _now("The letter is written."), messages.SUCCESS)
                    return redirect("admin:valuation_dunningletter_change", letter.pk)
            else:
                rows, seen = self._late(given), self._seen(given)
                if not rows:
                    form.add_error(None, _now("Nothing of theirs is late."))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Write a letter about what is late"),
            "opts": self.opts,
            "form": form,
            "rows": rows,
            "seen": seen,
        }
        return TemplateResponse(request, "admin/write_letter.html", context)

    def _seen(self, given):
        on = local_day(timezone.now(), given["agency"].time_zone)
        return dunning.digest_of_late(
            agency=given["agency"], licensee=given["licensee"], currency=given["currency"], on=on
        )

    def _late(self, given):
        on = local_day(timezone.now(), given["agency"].time_zone)
        locale = locale_of_reader()
        found = dunning.overdue(
            agency=given["agency"], licensee=given["licensee"], currency=given["currency"], on=on
        )
        return [
            {
                "invoice": row,
                "days": (on - row.due_on).days,
                "left": locales.money(left, row.currency, locale),
                "disputed": off and locales.money(off, row.currency, locale),
                "asked": locales.money(left - off, row.currency, locale),
            }
            for row, left, off in found
        ]


@admin.register(PaperLink)
class PaperLinkAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "agency", "sent_to", "sent_at", "sent_by", "expires_at"]
    list_filter = ["agency"]
    list_select_related = ["agency", "invoice", "letter__licensee", "sent_by"]
    search_fields = ["sent_to", "invoice__number"]
    ordering = ["-pk"]
    fields = ["invoice", "letter", "agency", "sent_to", "sent_at", "sent_by", "expires_at"]
    when_empty = _("No paper was mailed yet. It is done on the page of an issued invoice.")
