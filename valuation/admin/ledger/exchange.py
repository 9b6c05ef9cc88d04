"""Exchange rates: listed by day, taken from the bank's file after a look at what would change."""

import hashlib

from django import forms
from django.contrib import admin, messages
from django.core.cache import cache
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget

from talent.admin.base import FactAdmin
from talent.admin.columns import number
from talent.errors import Refused
from valuation.ledger import ecb, rates
from valuation.models import ExchangeRate

PERMISSION = "valuation.add_exchangerate"
# A file waits so long between the look at it and its import.
WAITS_SECONDS = 900


class RatesFileForm(forms.Form):
    """The bank's file of rates."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "eurofxref-hist.csv of the European Central Bank, unpacked. Rates that are stored stay;"
            " one that differs is stored beside the old one and counts from now on."
        ),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > ecb.MOST_BYTES:
            raise forms.ValidationError(_("The file is too large to be the bank's."))
        return file


@admin.register(ExchangeRate)
class ExchangeRateAdmin(FactAdmin):
    list_display = ["on", "base", "currency", number("rate"), "source", "recorded_at"]
    list_filter = ["currency"]
    search_fields = ["currency"]
    date_hierarchy = "on"
    ordering = ["-on", "currency", "-pk"]
    actions_list = ["import_rates", "export_list", "export_workbook"]
    when_empty = gettext_lazy("No rates yet. An operator imports the central bank's file.")

    def has_import_permission(self, request, obj=None):
        return request.user.has_perm(PERMISSION)

    @action(description=gettext_lazy("Import rates"), permissions=["import"], icon="upload_file")
    def import_rates(self, request):
        """Take a file, show what would come of it, and import it when that is confirmed."""
        if digest := request.POST.get("confirmed"):
            return self._import(request, digest)
        form = RatesFileForm(request.POST or None, request.FILES or None)
        preview = digest = None
        if request.method == "POST" and form.is_valid():
            content = form.cleaned_data["file"].read()
            try:
                preview = rates.record(
                    ecb.read(content), by=request.user, now=timezone.now(), save=False
                )
                digest = hashlib.sha256(content).hexdigest()
                cache.set(_key(request, digest), content, WAITS_SECONDS)
            except Refused as refusal:
                form.add_error("file", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import rates"),
            "opts": self.opts,
            "form": form,
            "preview": preview,
            "digest": digest,
        }
        return TemplateResponse(request, "admin/import_rates.html", context)

    def _import(self, request, digest):
        content = cache.get(_key(request, digest))
        if content is None:
            text = _("The file is no longer kept. Send it in again.")
            self.message_user(request, text, messages.ERROR)
            return redirect("admin:valuation_exchangerate_import_rates")
        report = rates.record(ecb.read(content), by=request.user, now=timezone.now())
        cache.delete(_key(request, digest))
        text = _("Imported: %(new)d new rates, %(corrected)d corrected, %(known)d known before.")
        told = {"new": report.new, "corrected": report.corrected, "known": report.known}
        self.message_user(request, text % told, messages.SUCCESS)
        return redirect("admin:valuation_exchangerate_changelist")


def _key(request, digest: str) -> str:
    return f"rates-{request.user.pk}-{digest[:64]}"
