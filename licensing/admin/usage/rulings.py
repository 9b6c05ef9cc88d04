"""Rulings in the admin: what was decided about an event, and the page to decide it."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from licensing.models import Replacement, Ruling, RulingReason, UsageEvent
from licensing.usage import rulings
from licensing.usage.archive import archived_events
from licensing.words import Treatment
from talent.access import roles_with
from talent.admin.columns import moment, once_a_row
from talent.admin.steps import step
from talent.models import Membership

PERMISSION = "licensing.rule_usage"
OPERATOR = "operator"


class RulingForm(forms.Form):
    """How a use is treated from now on, and why."""

    treatment = forms.ChoiceField(
        label=_("Treat it"), choices=Treatment.choices(), widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=RulingReason._meta.get_field("text").max_length,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("Staff read it here. The log holds only a commitment to it."),
    )


class RulingActions:
    """What became of an event, and the step that decides about it."""

    @admin.display(description=_("replaces"))
    @once_a_row
    def replaces(self, event):
        return _event(event.about) if event.kind == "amendment" else "–"

    @admin.display(description=_("about"))
    @once_a_row
    def subject(self, event):
        """Lead to the use that an amendment or a ruling is about."""
        return _event(event.about)

    @admin.display(description=_("replaced by"))
    @once_a_row
    def replaced_by(self, event):
        by = Replacement.objects.filter(event_id=event.pk)
        return _event(by.values_list("amendment_id", flat=True).first())

    @admin.display(description=_("rulings"))
    @once_a_row
    def rulings(self, event):
        """List the rulings on an event, the one that counts first."""
        made = Ruling.objects.filter(about_id=event.pk).select_related("ruled_by", "reason")
        rows = [
            (
                one.get_treatment_display(),
                _reason(one),
                one.ruled_by,
                moment(one.ruled_at),
                one.pk,
            )
            for one in made.order_by("-event_id")
        ]
        text = "<p><strong>{}</strong>: {} <small>({}, {}, no. {})</small></p>"
        return format_html_join("", text, rows) or "–"

    @step(
        label=_("Rule on it"),
        icon="gavel",
        permission=PERMISSION,
        step_up=True,
        says=_(
            "A ruling decides what is charged for it from the next night on. It gives no "
            "permission, and the use stands as it does for good. Where a cap was crossed, only the "
            "part past it is ruled on; the part within is licensed."
        ),
        done=_("%(row)s is treated so from tonight on. Its standing stays as it is."),
        form=RulingForm,
        offered=lambda event: event.kind != "ruling" and rulings.is_outside(event),
        facts=lambda event: _stands(event),
    )
    def rule(self, event, given):
        rulings.rule(
            event_id=event.pk,
            treatment=Treatment(given.values["treatment"]),
            reason=given.reason,
            by=given.by,
            role=_role(given.by, event.agency_id),
            at=given.at,
        )


def _stands(event):
    """Yield how a use stands, why, and how it has been treated so far."""
    yield _("Stands as"), event.get_standing_display()
    yield _("Because"), event.standing_reason
    made = Ruling.objects.filter(about_id=event.pk).order_by("-event_id").first()
    yield _("Treated so far"), made.get_treatment_display() if made else _("as agreed, or held")


def _role(user, agency_id) -> str:
    """Return the role of the seat that gives the right; the log names it beside the number."""
    seats = Membership.objects.current().filter(
        user=user, agency=agency_id, role__in=roles_with(PERMISSION)
    )
    return seats.values_list("role", flat=True).first() or OPERATOR


def _reason(ruling) -> str:
    return ruling.reason.text if hasattr(ruling, "reason") else _("The reason was erased.")


def _event(number) -> str:
    if number is None:
        return "–"
    url = reverse("admin:licensing_usageevent_change", args=[number])
    rows = UsageEvent.objects.select_related("twin").filter(pk=number)
    event = rows.first() or archived_events.event_in_archive(number)
    return format_html('<a class="desk-link" href="{}">{}</a>', url, event)
