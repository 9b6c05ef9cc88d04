"""Nights: how far they are, started and cancelled by hand; their shards, and those that failed."""

from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDateWidget

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table, moment
from talent.admin.parts import FactInline
from talent.admin.steps import step
from talent.admin.waiting import Waiting
from talent.database.locks import is_held
from talent.errors import Refused
from talent.sign_in import proofs
from valuation import night, tasks
from valuation.models import NightFailure, NightRun, NightShard
from valuation.models.residuals import NightShardQuerySet
from valuation.reports import progress
from valuation.words import RunStatus, Trouble

RUNS = "valuation.change_nightrun"


class ShardInline(FactInline):
    model = NightShard
    fields = readonly_fields = ["agreement", "status", "posted", "events_rated", "events_held",
                                "events_zero", "error"]  # fmt: skip
    ordering = ["agreement_id"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agreement")


class NightForm(forms.Form):
    """The day of a night that is started by hand."""

    as_of = forms.DateField(
        label=_("As of"),
        widget=UnfoldAdminDateWidget,
        help_text=_("Uses sealed by the end of this day, in UTC, are rated. Not before the last."),
    )

    def clean_as_of(self):
        day = self.cleaned_data["as_of"]
        last = NightRun.objects.standing().order_by("-pk").first()
        try:
            night.refuse_wrong_day(day, timezone.now(), "UTC", last)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return day


@admin.register(NightRun)
class NightRunAdmin(FactAdmin):
    list_display = ["__str__", "status_label", "how_far", "events_read", "events_rated",
                    "events_held", "events_zero", "rejected", "posted", "started_at",
                    "finished_at"]  # fmt: skip
    list_filter = ["status"]
    list_select_related = ["started_by", "cancelled_by"]
    ordering = ["-pk"]
    inlines = [ShardInline]
    fieldsets = [
        (None, {"fields": ["day", "status", "who", "started_at", "finished_at", "kills",
                           "cancelled_by", "cancelled_at", "rerated_because", "detail"]}),
        (_("What it read"), {"fields": ["events_read", "events_rated", "events_held",
                                        "events_zero", "rejected", "from_index", "to_index"]}),
        (_("What came of it"), {"fields": ["posted", "drawn_at", "taken_back_at",
                                           "taken_back_because"]}),
    ]  # fmt: skip
    readonly_fields = ["day", "who", "posted"]
    actions_list = ["start_night", "export_list", "export_workbook"]
    actions_detail = ["cancel"]
    change_form_outer_before_template = "admin/night_progress.html"
    when_empty = _("No night has run yet. The timetable runs one each day; start one by hand.")

    def get_urls(self):
        view = self.admin_site.admin_view(self.progress_view)
        name = "valuation_nightrun_progress"
        return [path("<int:pk>/progress/", view, name=name), *super().get_urls()]

    @display(
        description=_("status"),
        ordering="status",
        label={
            "Running": "info",
            "Finished": "success",
            "Finished with failures": "danger",
            "Cancelled": "warning",
        },
    )
    def status_label(self, run):
        return run.get_status_display()

    @admin.display(description=_("through"))
    def how_far(self, run):
        if run.status != RunStatus.RUNNING.value:
            return "–"
        return f"{progress.of(run, timezone.now()).percent} %"

    @admin.display(description=_("posted"))
    def posted(self, run):
        locale = locale_of_reader()
        amounts = sorted(run.amounts.items())
        return (
            ", ".join(locales.money(Decimal(text), code, locale) for code, text in amounts) or "–"
        )

    @admin.display(description=_("as of"))
    def day(self, run):
        return f"{run.as_of} ({run.zone})"

    @admin.display(description=_("started by"))
    def who(self, run):
        return run.started_by or _("the timetable")

    # How far it is

    def change_view(self, request, object_id, form_url="", extra_context=None):
        run = self.get_object(request, object_id)
        shown = {**_shown(run), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, shown)

    def progress_view(self, request, pk):
        """Answer the page of a run, which asks again and again how far it is."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        run = self.get_object(request, str(pk))
        answer = render(request, "admin/night_progress.html", _shown(run))
        if run.status != RunStatus.RUNNING.value:
            # It has ended since: the whole page says other things now.
            answer["HX-Refresh"] = "true"
        return answer

    # Starting and cancelling

    @action(description=_("Run a night"), permissions=["run"], icon="bedtime", url_path="start")
    def start_night(self, request):
        """Say what a night by hand does, and start it in the background."""
        if asked := proofs.step_up(request):
            return asked
        today = timezone.now().date()
        form = NightForm(request.POST or None, initial={"as_of": today})
        if request.method == "POST" and form.is_valid() and self._start(request, form):
            return redirect("admin:valuation_nightrun_changelist")
        running = NightRun.objects.filter(status=RunStatus.RUNNING.value).first()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Run a night"),
            "opts": self.opts,
            "form": form,
            "running": running,
            "at_work": is_held(night.LOCK),
            "last": NightRun.objects.standing().order_by("-pk").first(),
        }
        return TemplateResponse(request, "admin/start_night.html", context)

    def _start(self, request, form):
        day = form.cleaned_data["as_of"]
        try:
            if is_held(night.LOCK):
                raise night.NightIsRunning(_("A night is running already. Look at it, or wait."))
            tasks.night_soon(as_of=day, started_by=request.user.pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return False
        text = _(
            "The night of %s is asked for. It stands in this list once it has read the log; look "
            "again in a moment. If it is not there within a minute, no worker took it: start it "
            "again."
        )
        self.message_user(request, text % day, messages.SUCCESS)
        return True

    def has_run_permission(self, request):
        return request.user.has_perm(RUNS)

    @step(
        label=_("Cancel this night"),
        icon="cancel",
        permission=RUNS,
        step_up=True,
        says=_(
            "It ends after the piece of work that it is at. What it has rated stays. The rest is "
            "rated by the next night, or by one that you start by hand; it comes to the same."
        ),
        done=_("%(row)s is being cancelled. What it has rated stays."),
        offered=lambda run: run.status == RunStatus.RUNNING.value and run.cancelled_at is None,
        facts=lambda run: [
            (_("As of"), run.as_of),
            (_("Started"), moment(run.started_at)),
            (_("Started by"), run.started_by or _("the timetable")),
        ],
    )
    def cancel(self, run, given):
        night.cancel(run_id=run.pk, by=given.by, now=given.at)


def _shown(run):
    """Return what the panel above a run's page shows."""
    is_running = run.status == RunStatus.RUNNING.value
    far = progress.of(run, timezone.now())
    return {
        "run": run,
        "opts": NightRun._meta,
        "far": far,
        "rest": far.rest is not None and in_words(far.rest),
        "is_running": is_running,
        "is_at_work": is_running and is_held(night.LOCK),
    }


def in_words(rest):
    """Say how long something may take: in minutes from two on, before that in seconds."""
    seconds = round(rest.total_seconds())
    if seconds < 2 * 60:
        return _("%d s") % seconds
    if seconds < 2 * 60 * 60:
        return _("%d min") % round(seconds / 60)
    return _("%d h") % round(seconds / 3600)


class Left(admin.SimpleListFilter):
    """What the next night has to try again."""

    title = _("left to rate")
    parameter_name = "left"

    def lookups(self, request, model_admin):
        return [("unfinished", _("Failed, use set aside, or cancelled before"))]

    def queryset(self, request, queryset):
        return queryset.unfinished() if self.value() == "unfinished" else queryset


class Unpriced(Waiting):
    title = _("price")
    parameter_name = "price"
    label = _("Uses without one, and rates not changed since")
    narrow = NightShardQuerySet.unpriced


class OpenFilter(admin.SimpleListFilter):
    title = _("still open")
    parameter_name = "open"

    def lookups(self, request, model_admin):
        return [("yes", _("Yes"))]

    def queryset(self, request, queryset):
        return queryset.open() if self.value() == "yes" else queryset


class TroubleFilter(admin.SimpleListFilter):
    title = _("what happened")
    parameter_name = "trouble"

    def lookups(self, request, model_admin):
        return Trouble.choices()

    def queryset(self, request, queryset):
        if self.value() not in Trouble.codes():
            return queryset
        return queryset.in_trouble(Trouble(self.value()))


@admin.register(NightFailure)
class NightFailureAdmin(FactAdmin):
    list_display = ["as_of", "at", "trouble_label", "detail"]
    list_filter = [OpenFilter, TroubleFilter]
    fields = readonly_fields = ["as_of", "at", "trouble_label", "detail"]
    search_fields = ["detail"]
    ordering = ["-pk"]
    when_empty = _("No night was refused, failed or cancelled, and none is incomplete.")

    @display(
        description=_("what happened"),
        label={
            "Failed": "danger",
            "Incomplete": "danger",
            "Cancelled": "warning",
            "Statements not drawn": "danger",
        },
    )
    def trouble_label(self, failure):
        return failure.trouble.label


@admin.register(NightShard)
class NightShardAdmin(FactAdmin):
    list_display = ["run", "agreement", "status", "posted", "events_rated", "events_unpriced",
                    "error"]  # fmt: skip
    list_filter = ["status", Left, Unpriced]
    fields = readonly_fields = ["run", "agreement", "status", "error", "posted", "events_rated",
                                "events_held", "events_zero", "events_unpriced",
                                "use_set_aside"]  # fmt: skip
    list_select_related = ["run", "agreement"]
    search_fields = ["agreement__reference"]
    ordering = ["-pk"]

    @admin.display(description=_("use set aside"))
    def use_set_aside(self, shard):
        """Show what could not be rated; its leaves lead to the events."""
        if not shard.set_aside:
            return "–"
        names = [_("Period from"), _("Rate line"), _("Why"), _("Uses"), _("Leaves of the log")]
        return html_table(
            _("Use set aside"),
            names,
            (
                (
                    use["period_on"],
                    use["rate_line"],
                    use["reason"],
                    use["events"],
                    _link_to_leaves(shard, use["first_index"], use["last_index"]),
                )
                for use in shard.set_aside
            ),
        )


def _link_to_leaves(shard, first, last):
    leaves = f"{first}-{last}"
    query = urlencode({"agreement__id__exact": shard.agreement_id, "leaves": leaves})
    url = f"{reverse('admin:licensing_usageevent_changelist')}?{query}"
    return format_html('<a class="desk-link" href="{}">{}</a>', url, leaves)
