"""Money that nobody claims: by age, with what the law has of it, and what was done to find them."""

from collections.abc import Iterator

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from valuation.cash.paid_out import unclaimed
from valuation.cash.paid_out.unclaimed import Lying
from valuation.models import SearchNote

PERMISSION = "valuation.view_account"
NOTES = "valuation.add_remittance"
NOTES_SHOWN = 3


class LyingForm(forms.Form):
    """At which agency, and for how long."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    days = forms.IntegerField(
        label=gettext_lazy("For at least so many days"), min_value=0, max_value=36_500, initial=180,
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = Agency.objects.visible_to(user).order_by("name")


class NoteForm(forms.Form):
    """Whom one looked for, when and how."""

    holder = forms.ChoiceField(label=gettext_lazy("About"), widget=UnfoldAdminSelectWidget)
    done_on = forms.DateField(label=gettext_lazy("On"), widget=UnfoldAdminDateWidget)
    note = forms.CharField(
        label=gettext_lazy("What was done"), max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("As “Letter to the last address, came back”. It is kept for good."),
    )  # fmt: skip

    def __init__(self, data, *, found):
        super().__init__(data, initial={"done_on": timezone.localdate()})
        self.holders = {_key(one): one.holder for one in found}
        self.fields["holder"].choices = [(key, row.name) for key, row in self.holders.items()]


def _key(one: Lying) -> str:
    return f"{'payee' if isinstance(one.holder, Beneficiary) else 'licensee'}-{one.holder.pk}"


def answer(admin_site, request: HttpRequest) -> HttpResponse:
    """List what lies at an agency; the POST keeps a note of a search."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    first = Agency.objects.visible_to(request.user).order_by("name").first()
    asked = request.GET if "agency" in request.GET else {"agency": first and first.pk, "days": 180}
    form, found, note = LyingForm(asked, user=request.user), [], None
    if form.is_valid():
        agency = form.cleaned_data["agency"]
        found = unclaimed.lying(
            agency=agency, at=timezone.now(), least_days=form.cleaned_data["days"]
        )
        if request.GET.get("format") == "csv":
            return _file(agency, found)
        if found and seats_with(request.user, NOTES).filter(pk=agency.pk).exists():
            note = NoteForm(request.POST if request.method == "POST" else None, found=found)
            if note.is_bound and note.is_valid() and _keep(request, agency, note):
                return redirect(request.get_full_path())
    context = {
        **admin_site.each_context(request),
        "title": _("Money that nobody claims"),
        "opts": SearchNote._meta,
        "form": form,
        "note": note,
        "rows": [_row(one) for one in found],
        "csv": f"?{request.GET.urlencode()}&format=csv" if request.GET else "",
    }
    return TemplateResponse(request, "admin/unclaimed.html", context)


def _keep(request, agency, form) -> bool:
    given = form.cleaned_data
    try:
        unclaimed.note(
            agency=agency, holder=form.holders[given["holder"]], done_on=given["done_on"],
            text=given["note"], by=request.user, at=timezone.now(),
        )  # fmt: skip
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("The note is kept."))
    return True


def _row(one: Lying) -> dict:
    is_payee = isinstance(one.holder, Beneficiary)
    page = "admin:talent_beneficiary_change" if is_payee else "admin:licensing_licensee_change"
    return {
        "name": one.holder.name,
        "url": reverse(page, args=[one.holder.pk]),
        "what": _("Payable") if is_payee else _("Licensee’s credit"),
        "amount": locales.money(one.amount, one.currency, locale_of_reader()),
        "since": one.since,
        "days": one.days,
        "goes_on": one.goes_on,
        "is_due": one.is_due,
        "rule": one.rule,
        "confidence": one.confidence and one.confidence.label,
        "notes": one.notes[:NOTES_SHOWN],
        "more": max(0, len(one.notes) - NOTES_SHOWN),
    }


def _file(agency: Agency, found: list[Lying]) -> HttpResponse:
    header = [_("Whose"), _("What"), _("Amount"), _("Currency"), _("Since"), _("Days"),
              _("To the state on"), _("Rule"), _("How sure"), _("Searches")]  # fmt: skip
    name = f"unclaimed-{agency.slug}.csv"
    return StreamingHttpResponse(
        safe_csv.lines(header, _lines(found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(found: list[Lying]) -> Iterator[tuple]:
    for one in found:
        is_payee = isinstance(one.holder, Beneficiary)
        what = _("Payable") if is_payee else _("Licensee’s credit")
        sure = one.confidence.label if one.confidence else ""
        notes = "; ".join(f"{note.done_on}: {note.note}" for note in one.notes)
        yield (one.holder.name, what, one.amount, one.currency, one.since, one.days,
               one.goes_on or "", one.rule, sure, notes)  # fmt: skip


@admin.register(SearchNote)
class SearchNoteAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "agency", "done_on", "by"]
    list_filter = ["agency"]
    list_select_related = ["agency", "beneficiary", "licensee", "by"]
    search_fields = ["note", "beneficiary__name", "licensee__name"]
    ordering = ["-pk"]
    fields = readonly_fields = ["agency", "beneficiary", "licensee", "done_on", "note", "by", "at"]
    when_empty = gettext_lazy(
        "Nobody was looked for yet. Under Unclaimed money you see whose money lies, and keep notes."
    )
