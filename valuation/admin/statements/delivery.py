"""What is handed out: links that were mailed, and reports that are sent again and again."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.forms import DeskForm
from talent.admin.steps import ReasonForm, step
from valuation.delivery import links, reports
from valuation.models import DeliveryLink, ScheduledReport
from valuation.words import LinkState


@admin.register(DeliveryLink)
class DeliveryLinkAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "user", "agency", "sent_at", "expires_at", "state_label"]
    list_filter = ["agency"]
    list_select_related = ["user", "agency", "statement__beneficiary", "statement__agency",
                           "report__agency"]  # fmt: skip
    search_fields = ["user__email", "statement__number"]
    ordering = ["-pk"]
    actions = ["revoke"]
    actions_detail = ["revoke"]
    fieldsets = [
        (None, {"fields": ["state_label", "user", "agency", "statement", "report", "period_on",
                           "currency"]}),
        (_("When"), {"fields": ["sent_at", "sent_by", "expires_at", "revoked_at", "revoked_by"]}),
        (_("Technical details"), {"fields": ["secret_sha256"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label"]
    when_empty = _("No link was mailed yet. One is mailed from the list of statements.")

    @display(
        description=_("state"),
        label={"Works": "success", "Expired": "info", "Revoked": "warning"},
    )
    def state_label(self, link):
        return link.state(timezone.now()).label

    @step(
        label=_("Revoke"),
        icon="link_off",
        permission=links.DOWNLOADS,
        says=_("The link opens nothing any more. Whoever it was mailed to may get another one."),
        done=_("%(row)s: the link opens nothing any more."),
        offered=lambda link: link.state(timezone.now()) is LinkState.GOOD,
        facts=lambda link: [(_("Sent to"), link.user), (_("Until"), link.expires_at)],
    )
    def revoke(self, link, given):
        links.revoke(link_id=link.pk, by=given.by, at=given.at)


class ReportForm(DeskForm):
    """What is sent to whoever fills this in."""

    class Meta:
        model = ScheduledReport
        fields = ["agency", "report", "currency", "cadence", "next_on"]


@admin.register(ScheduledReport)
class ScheduledReportAdmin(DeskAdmin):
    agency_path = "agency"
    form = ReportForm
    list_display = ["report", "agency", "currency", "cadence", "owner", "next_on", "ended_at"]
    list_filter = ["report", "agency"]
    list_select_related = ["agency", "owner"]
    ordering = ["-pk"]
    actions_detail = ["end"]
    when_empty = _(
        "No report is sent yet. Add one: it comes to you by mail as a link, with what you may see "
        "on that day."
    )

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        shown = list(super().get_fields(request, obj))
        return [*shown, "owner", "made_at", "ended_at", "ended_because"] if obj else shown

    def save_model(self, request, obj, form, change):
        obj.owner, obj.made_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)

    @step(
        label=_("Send it no more"),
        icon="unsubscribe",
        permission="valuation.add_scheduledreport",
        says=_("It is not sent any more, and its links open nothing."),
        done=_("%(row)s is not sent any more."),
        form=ReasonForm,
        offered=lambda report: report.ended_at is None,
        facts=lambda report: [(_("Sent to"), report.owner), (_("Next"), report.next_on)],
    )
    def end(self, report, given):
        reports.end(report_id=report.pk, because=given.reason, at=given.at)
