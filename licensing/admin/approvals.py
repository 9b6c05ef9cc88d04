"""Requests for approval, for staff to follow. Nobody here answers for a performer."""

from django.contrib import admin
from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.facts.approvals import unit_limits
from licensing.models import ApprovalAnswer, ApprovalPart, ApprovalRequest
from licensing.quantities import measured
from licensing.words import ApprovalAnswerKind
from talent import locales
from talent.admin.base import FactAdmin
from talent.admin.columns import LANGUAGES, TERRITORIES, amount, html_table, moment
from talent.principals import deciders

OFFERED = amount("amount", _("offered"))


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("waiting", _("Waiting")),
            ("soon", _("Due within 24 hours")),
            ("approved", _("Approved")),
            ("vetoed", _("Vetoed")),
            ("lapsed", _("Lapsed")),
        ]

    def queryset(self, request, queryset):
        now = timezone.now()
        chosen = {
            "waiting": lambda: queryset.waiting(now),
            "soon": lambda: queryset.due_soon(now),
            "approved": queryset.approved,
            "vetoed": queryset.vetoed,
            "lapsed": lambda: queryset.lapsed(now),
        }
        return chosen[self.value()]() if self.value() in chosen else queryset


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(FactAdmin):
    agency_path = "terms__agency"
    list_display = ["__str__", "state", "licensee", "twin", "what", "production", OFFERED,
                    "due_at"]  # fmt: skip
    list_filter = [StateFilter, "use", "terms__licensee"]
    list_select_related = ["terms__licensee", "terms__agency", "twin", "production"]
    search_fields = ["terms__licensee__name", "twin__name", "production__title", "scene"]
    ordering = ["-due_at", "-pk"]
    fieldsets = [
        (None, {"fields": ["state", "opened_at", "due_at", "twin", "agreement", "clearances"]}),
        (
            _("What is asked"),
            {
                "fields": [
                    "licensee", "production", "scene", "campaign", "lines", "what", "channel",
                    "most", TERRITORIES, LANGUAGES, "starts_at", "ends_at", "real_time",
                    "content", OFFERED, "basis",
                ]
            },
        ),
        (_("Who answers, and what was said"), {"fields": ["parts_table", "steps"]}),
    ]  # fmt: skip
    readonly_fields = [
        "state", "licensee", "what", "most", OFFERED, "clearances", "parts_table", "steps",
        TERRITORIES, LANGUAGES,
    ]  # fmt: skip

    def get_queryset(self, request):
        answers = ApprovalAnswer.objects.select_related("by").order_by("answered_at", "pk")
        parts = ApprovalPart.objects.select_related("performer").order_by("pk")
        parts = parts.prefetch_related(Prefetch("answers", answers), "notices")
        requests = super().get_queryset(request)
        return requests.prefetch_related(Prefetch("parts", parts), "askings")

    @display(
        description=_("state"),
        label={
            "Waiting": "warning",
            "Approved": "success",
            "Vetoed": "danger",
            "Lapsed": "danger",
        },
    )
    def state(self, approval_request):
        return approval_request.state_at(timezone.now()).label

    @admin.display(description=_("licensee"), ordering="terms__licensee__name")
    def licensee(self, approval_request):
        return approval_request.terms.licensee

    @admin.display(description=_("right and use"))
    def what(self, approval_request):
        return f"{approval_request.get_right_display()} × {approval_request.get_use_display()}"

    @admin.display(description=_("at most in one clearance"))
    def most(self, approval_request):
        return ", ".join(
            measured(quantity, meter) for meter, quantity in unit_limits(approval_request).items()
        )

    @admin.display(description=_("clearances"))
    def clearances(self, approval_request):
        return format_html_join(
            ", ",
            '<a class="desk-link" href="{}">C{}</a>',
            (
                (
                    reverse("admin:licensing_clearancedecision_change", args=[asking.decision_id]),
                    asking.decision_id,
                )
                for asking in approval_request.askings.all()
            ),
        )

    @admin.display(description=_("parts"))
    def parts_table(self, approval_request):
        parts = approval_request.parts.all()
        people = deciders([part.performer_id for part in parts], on=timezone.now().date())
        return html_table(
            _("Parts"),
            [_("Performer"), _("Share"), _("Who may decide"), _("Answer")],
            (
                (
                    part.performer.name,
                    locales.percent(part.share_percent, "en"),
                    ", ".join(map(str, people[part.performer_id])) or _("nobody: give the power"),
                    next(
                        (answer.get_kind_display() for answer in reversed(part.answers.all())), "–"
                    ),
                )
                for part in parts
            ),
        )

    @admin.display(description=_("steps"))
    def steps(self, approval_request):
        steps = [(approval_request.opened_at, _("Asked"), approval_request.terms.licensee, "")]
        for part in approval_request.parts.all():
            name = part.performer.name
            steps += [(one.told_at, one.get_kind_display(), name, "") for one in part.notices.all()]
            steps += [
                (one.answered_at, one.get_kind_display(), one.by or name, one.reason)
                for one in part.answers.all()
                if one.kind != ApprovalAnswerKind.LAPSED
            ]
        steps.sort(key=lambda step: step[0])
        return html_table(
            _("Steps"),
            [_("When"), _("What"), _("Who"), _("Reason")],
            ((moment(at), what, who, why) for at, what, who, why in steps),
        )
