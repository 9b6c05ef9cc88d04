"""The page on which a person says how a bank's CSV is read, sees what would come of it, imports."""

import hashlib
import re
from functools import partial

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency
from talent.plain_text import is_line
from valuation.bank_files import csv_lines
from valuation.bank_files.csv_lines import CsvMapping
from valuation.cash.received import csv_imports
from valuation.models import Account, BankCsvMapping, BankLine
from valuation.words import AccountKind

MAY_RECORD = "valuation.add_remittance"
# A file waits so long between its upload and its import; it is kept nowhere else.
WAITS_SECONDS = 3_600
ROWS_SHOWN = 12


class CsvMappingForm(forms.Form):
    """Which column is what, how days and amounts are written, and whose account it is."""

    account = forms.CharField(
        label=gettext_lazy("Your account"), max_length=64, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "Its IBAN or number, written as in the bank’s other files: lines are known by it."
        ),
    )  # fmt: skip
    currency = forms.ChoiceField(label=gettext_lazy("Its currency"), widget=UnfoldAdminSelectWidget)
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"), choices=[*csv_lines.ENCODINGS.items()],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Right, where names with accents read well below."),
    )  # fmt: skip
    separator = forms.ChoiceField(
        label=gettext_lazy("Separator"), choices=[*csv_lines.SEPARATORS.items()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    decimal_sign = forms.ChoiceField(
        label=gettext_lazy("Decimal sign"), choices=[*csv_lines.DECIMAL_SIGNS.items()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    date_order = forms.ChoiceField(
        label=gettext_lazy("Days are written as"), choices=[*csv_lines.DATE_ORDERS.items()],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    header = forms.IntegerField(
        label=gettext_lazy("Row of the headings"), min_value=0, max_value=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("0: there is none. Rows above it are left out."),
    )  # fmt: skip
    alike_too = forms.BooleanField(
        label=gettext_lazy("Take rows, too, that look like lines of another file"), required=False,
        widget=UnfoldBooleanWidget,
    )  # fmt: skip

    def __init__(self, data, *, headings, initial=None):
        super().__init__(data, initial=initial)
        names = dict(locales.currencies(locale_of_reader()))
        self.fields["currency"].choices = [*names.items()]
        choices = [("", _("– none –")), *((str(n), name) for n, name in enumerate(headings))]
        for name, label in csv_lines.FIELDS.items():
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=_(label), choices=choices, required=False, widget=UnfoldAdminSelectWidget
            )

    @property
    def columns(self):
        return [self[f"column_{name}"] for name in csv_lines.FIELDS]

    @property
    def ways(self):
        names = ["account", "currency", "encoding", "separator", "decimal_sign", "date_order",
                 "header"]  # fmt: skip
        return [self[name] for name in names]

    def clean_account(self):
        account = self.cleaned_data["account"]
        if not is_line(account):
            raise forms.ValidationError(_("An account is one line."))
        # As files of banks write an IBAN, so that both are one account.
        together = re.sub(r"\s", "", account).upper()
        return together if re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", together) else account

    def clean(self):
        given = super().clean()
        taken = self._columns_in(given)
        if "booked_on" not in taken:
            self.add_error("column_booked_on", _("Say which column is the day of booking."))
        if not {"amount", "came_in", "went_out"} & set(taken):
            self.add_error("column_amount", _("Say which column is the amount."))
        if "amount" in taken and {"came_in", "went_out"} & set(taken):
            self.add_error("column_amount", _("Either one column with a sign, or two without."))
        return given

    @staticmethod
    def _columns_in(given) -> dict[str, int]:
        told = {name: given.get(f"column_{name}") for name in csv_lines.FIELDS}
        return {name: int(place) for name, place in told.items() if place}

    @property
    def mapping(self) -> CsvMapping:
        given = self.cleaned_data
        said = {name: given[name] for name in ("account", "currency", "encoding", "separator",
                                               "decimal_sign", "date_order", "header")}  # fmt: skip
        return CsvMapping(**said, columns=self._columns_in(given))


def lead_to_mapping(
    request: HttpRequest, agency: Agency, content: bytes, name: str
) -> HttpResponse:
    """Keep a file for a while, and lead to the page of its columns. Raises NotABankFile."""
    csv_imports.proposed(agency, content)
    digest = hashlib.sha256(content).hexdigest()
    cache.set(_key(request, digest), (agency.pk, name, content), WAITS_SECONDS)
    return redirect("admin:map_bank_csv", digest)


def mapping(model_admin, request: HttpRequest, digest: str) -> HttpResponse:
    """Show how a file is read and what would come of it; its POST with `import` imports that."""
    if not seats_with(request.user, MAY_RECORD).exists():
        raise PermissionDenied
    kept = cache.get(_key(request, digest))
    agency = kept and seats_with(request.user, MAY_RECORD).filter(pk=kept[0]).first()
    if agency is None:
        text = _("The file is no longer kept. Upload it again.")
        model_admin.message_user(request, text, messages.WARNING)
        return redirect("admin:valuation_bankfile_upload_file")
    _agency_id, name, content = kept
    proposed, was_kept = csv_imports.proposed(agency, content)
    form, outlook = _form(request, agency, content, proposed), None
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("import"):
                return _import(model_admin, request, agency, kept, form)
            outlook = csv_imports.look(
                agency, content, form.mapping, alike_too=form.cleaned_data["alike_too"]
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("The columns of %s") % name,
        "opts": model_admin.opts,
        "agency": agency,
        "was_kept": was_kept,
        "ambiguous": csv_lines.survey(content).ambiguous_dates and not was_kept,
        "form": form,
        "outlook": outlook,
        **(_told(outlook, form.mapping.currency) if outlook else {}),
    }
    return TemplateResponse(request, "admin/map_bank_csv.html", context)


def _form(request, agency, content, proposed) -> CsvMappingForm:
    """Return the form as sent; as proposed, it is filled and looked at before anything is sent."""
    sent = request.POST if request.method == "POST" else None
    told = {**proposed.as_json(), **_usual_account(agency, proposed)}
    columns = told.pop("columns")
    told |= {f"column_{name}": str(place) for name, place in columns.items()}
    written = proposed
    if sent is not None and sent.get("encoding") in csv_lines.ENCODINGS:
        separator = sent.get("separator", "")
        header = sent.get("header", "")
        written = CsvMapping(
            "", "", encoding=sent["encoding"],
            separator=separator if separator in csv_lines.SEPARATORS else proposed.separator,
            header=int(header) if header.isascii() and header.isdecimal() else 0,
        )  # fmt: skip
    try:
        headings = csv_lines.headings(content, written)
    except Refused:
        headings = csv_lines.headings(content, proposed)
    ready = sent is None and told["account"] and told["currency"]
    return CsvMappingForm(told if ready else sent, headings=headings, initial=told)


def _usual_account(agency, proposed) -> dict[str, str]:
    """Propose, where nothing was kept, the account and currency of the agency's last bank line."""
    if proposed.account:
        return {}
    last = BankLine.objects.filter(agency=agency).order_by("pk").last()
    if last:
        return {"account": last.account, "currency": last.currency}
    cash = Account.objects.filter(agency=agency, kind=AccountKind.TRUST_CASH.value).first()
    return {"currency": cash.currency if cash else "USD"}


def _import(model_admin, request, agency, kept, form) -> HttpResponse:
    _agency_id, name, content = kept
    file = csv_imports.take_in(
        agency=agency,
        content=content,
        name=name,
        mapping=form.mapping,
        alike_too=form.cleaned_data["alike_too"],
        seen=request.POST.get("seen", ""),
        by=request.user,
        at=timezone.now(),
    )
    cache.delete(_key(request, csv_imports.content_digest(content)))
    text = _("%(new)d lines are new, %(known)d were known, %(left)d rows were left out.")
    left = file.lines_alike + len(file.rows_wrong)
    told = {"new": file.lines.count(), "known": file.lines_known, "left": left}
    model_admin.message_user(request, text % told, messages.SUCCESS)
    return redirect(f"{reverse('admin:valuation_bankline_changelist')}?left=open&direction=in")


def _told(outlook: csv_imports.Outlook, currency: str) -> dict:
    money = partial(locales.money, currency=currency, locale=locale_of_reader())

    def rows(found):
        return [
            (number, line.booked_on, money(line.amount), line.counterparty, line.text,
             line.end_to_end or line.bank_reference)
            for number, line in found[:ROWS_SHOWN]
        ]  # fmt: skip

    return {
        "new": len(outlook.new), "came_in": money(outlook.came_in),
        "went_out": money(outlook.went_out), "rows": rows(outlook.new),
        "alike": rows(outlook.alike), "alike_count": len(outlook.alike),
        "balances": [money(one) for one in outlook.balances if one is not None],
        "faults": outlook.faults[:ROWS_SHOWN], "fault_count": len(outlook.faults),
    }  # fmt: skip


def in_words(kept: BankCsvMapping) -> list[tuple[str, str]]:
    """Return what a kept mapping says, for its page."""
    said = CsvMapping(**kept.mapping)
    headings = [*kept.headings]

    def heading(place):
        return headings[place] if place < len(headings) else _("Column %d") % (place + 1)

    return [
        (_("Encoding"), csv_lines.ENCODINGS.get(said.encoding, said.encoding)),
        (_("Separator"), csv_lines.SEPARATORS.get(said.separator, said.separator)),
        (_("Decimal sign"), csv_lines.DECIMAL_SIGNS.get(said.decimal_sign, said.decimal_sign)),
        (_("Days are written as"), csv_lines.DATE_ORDERS.get(said.date_order, said.date_order)),
        *((_(csv_lines.FIELDS[name]), heading(place)) for name, place in said.columns.items()),
    ]


def _key(request: HttpRequest, digest: str) -> str:
    return f"bank-csv-{request.user.pk}-{digest[:64]}"
