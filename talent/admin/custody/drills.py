"""The leak drill of an item: a page that only shows, and the same as a PDF."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSplitDateTimeWidget

from talent.custody import destruction
from talent.custody.drill import report
from talent.models import CustodyItem
from talent.periods import local_day


class DrillForm(forms.Form):
    """Which days are looked at, and when the leak became known."""

    starts_on = forms.DateField(label=_("From"), widget=UnfoldAdminDateWidget)
    ends_on = forms.DateField(label=_("To"), widget=UnfoldAdminDateWidget)
    known_at = forms.SplitDateTimeField(
        label=_("Known since"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Deadlines run from then."),
    )

    def clean(self):
        given = super().clean()
        starts, ends = given.get("starts_on"), given.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", _now("It ends before it begins."))
        return given


def page_of(model_admin, request: HttpRequest, item_id: int) -> HttpResponse:
    """Show who could have read an item, and who did; or send that as a PDF."""
    item = model_admin.get_object(request, str(item_id))
    if not model_admin.has_seat(request, destruction.HOLDS, item):
        raise PermissionDenied
    asked = "show" in request.GET or "pdf" in request.GET
    initial = {
        "starts_on": local_day(item.begun_at, item.agency.time_zone),
        "ends_on": local_day(timezone.now(), item.agency.time_zone),
        "known_at": timezone.localtime().replace(second=0, microsecond=0),
    }
    form = DrillForm(request.GET if asked else None, initial=initial)
    told = report.drill(item=item, **form.cleaned_data) if asked and form.is_valid() else None
    if told is not None and "pdf" in request.GET:
        return _sent(item, told)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Leak drill: %(item)s") % {"item": item},
        "opts": model_admin.opts,
        "original": item,
        "form": form,
        "back": reverse("admin:talent_custodyitem_change", args=[item.pk]),
        **(report.values_of(told) if told else {}),
    }
    return TemplateResponse(request, "admin/leak_drill.html", context)


def _sent(item: CustodyItem, told: report.Drill) -> HttpResponse:
    response = HttpResponse(report.drawn(told, at=timezone.now()), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="leak-drill-{item.pk}.pdf"'
    return response
