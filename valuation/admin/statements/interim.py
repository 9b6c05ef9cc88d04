"""Interim statements: asked for by payee and day, read, taken along as a file. Nothing changes."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from valuation.models import Account
from valuation.statements import exports
from valuation.statements.gathering import Series
from valuation.statements.interim import interim

PERMISSION = "valuation.download_statement"


class InterimForm(forms.Form):
    """Of which agency, for whom, in which currency, at the end of which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    payee = forms.ModelChoiceField(
        Beneficiary.objects.none(), label=gettext_lazy("Payee"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), widget=UnfoldAdminSelectWidget)
    as_of = forms.DateField(
        label=gettext_lazy("At the end of"),
        widget=UnfoldAdminDateWidget,
        help_text=gettext_lazy("As the books stood then. Use counts once a night has rated it."),
    )

    def __init__(self, data, *, user):
        super().__init__(data)
        agencies = seats_with(user, PERMISSION).order_by("name")
        owed = Account.objects.filter(agency__in=agencies, beneficiary__isnull=False)
        payees = Beneficiary.objects.filter(pk__in=owed.values("beneficiary"))
        names = dict(locales.currencies(locale_of_reader()))
        codes = owed.values_list("currency", flat=True).order_by("currency").distinct()
        self.fields["agency"].queryset = agencies
        self.fields["payee"].queryset = payees.order_by("name", "pk")
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]
        self.fields["agency"].initial = agencies.first()
        self.fields["as_of"].initial = timezone.localdate()

    def clean(self):
        given = super().clean()
        if len(given) == len(self.fields) and not self.errors:
            owed = Account.objects.filter(agency=given["agency"], beneficiary=given["payee"])
            if not owed.exists():
                self.add_error("payee", _("%(agency)s has no books of this payee.") % given)
        return given


def answer(model_admin, request: HttpRequest) -> HttpResponse:
    """Show the interim statement that is asked for, or return it as PDF, CSV or JSON."""
    form = InterimForm(request.GET if "as_of" in request.GET else None, user=request.user)
    content = None
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        series = Series(given["agency"], given["payee"], given["currency"])
        try:
            content = interim(series=series, as_of=given["as_of"], now=timezone.now())
            if request.GET.get("format") in FILES:
                return _file(request.GET["format"], content, given)
        except Refused as refusal:
            content = None
            form.add_error(None, str(refusal))
    asked = request.GET.copy()
    asked.pop("format", None)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Interim statement"),
        "opts": model_admin.opts,
        "form": form,
        "figures": list(_figures(content)) if content else [],
        "content": content,
        "files": {kind: f"?{asked.urlencode()}&format={kind}" for kind in FILES},
        "nobody": not form.fields["payee"].queryset.exists(),
    }
    return TemplateResponse(request, "admin/interim.html", context)


def _figures(content):
    """Yield what the balance is made of, as the paper says it."""

    def money(amount):
        return locales.money(amount, content.currency, locale_of_reader())

    yield _("Opening balance"), money(content.opening_balance)
    yield _("Received"), money(content.received)
    yield _("Deducted"), money(content.deducted)
    yield _("Paid out"), money(-content.paid_out)
    yield _("Balance at the end of the day"), money(content.closing_balance)
    yield _("Earned, not yet received"), money(content.closing_accrued)


def _pdf(content):
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from valuation.statements import pdf

    return pdf.draw(content)


FILES = {
    "pdf": (_pdf, "application/pdf"),
    "csv": (exports.lines_csv, "text/csv; charset=utf-8"),
    "json": (exports.content_json, "application/json"),
}


def _file(kind, content, given) -> HttpResponse:
    write, content_type = FILES[kind]
    name = slugify(f"interim {given['payee']} {given['currency']} {given['as_of']}")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return HttpResponse(write(content), content_type=content_type, headers=headers)
