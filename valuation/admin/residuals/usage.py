"""Usage by month: what the nights have counted, as a list and as charts."""

from django.contrib import admin
from django.template.response import TemplateResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from talent.admin.base import FactAdmin
from talent.admin.columns import LANGUAGE, TERRITORY
from valuation.models import UsageMonth, UsageTotal
from valuation.reports import usage


@admin.register(UsageTotal)
class UsageTotalAdmin(FactAdmin):
    list_display = ["agreement", "month_on", "production", "right", "use", TERRITORY,
                    LANGUAGE, "standing", "events"]  # fmt: skip
    list_filter = ["standing", "use", "right"]
    list_select_related = ["agreement", "production"]
    search_fields = ["agreement__reference"]
    ordering = ["-month_on", "-pk"]
    actions_list = ["charts", "export_list", "export_workbook"]

    def get_queryset(self, request):
        return super().get_queryset(request).read()

    @action(description=_("Charts"), permissions=["view"], icon="bar_chart")
    def charts(self, request):
        context = {
            **self.admin_site.each_context(request),
            "title": _("Usage by month, use and territory"),
            "opts": self.opts,
            "charts": usage.charts(
                months=UsageMonth.objects.visible_to(request.user),
                totals=self.get_queryset(request),
                locale=get_language() or "en",
            ),
        }
        return TemplateResponse(request, "admin/usage_charts.html", context)
