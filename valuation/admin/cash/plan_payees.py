"""To whom plans are paid: named by one person, approved by another."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.words import ContributionPlan
from talent.admin.forms import DeskForm
from talent.admin.steps import step
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.periods import local_day
from valuation.admin.written_once import WrittenOnce
from valuation.cash.beside_use import plan_payees
from valuation.models import PlanPayee
from valuation.models.plans import PlanPayeeQuerySet


class PlanPayeeForm(DeskForm):
    """A plan and its payee; what cannot count is refused before it is written."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "plan" in self.fields:
            none = ContributionPlan.NONE.value
            self.fields["plan"].choices = [
                one for one in self.fields["plan"].choices if one[0] != none
            ]

    def clean(self):
        given = super().clean()
        if not self.errors:
            named = PlanPayee(**{name: given[name] for name in self.Meta.fields})
            named.written_on = local_day(timezone.now(), named.agency.time_zone)
            try:
                plan_payees.refuse_unfit(named)
            except Refused as refusal:
                self.add_error(None, str(refusal))
        return given

    class Meta:
        model = PlanPayee
        fields = ["agency", "plan", "payee", "starts_on", "source"]


class WaitingPayees(Waiting):
    label = _("Waits for approval")
    narrow = PlanPayeeQuerySet.waiting


@admin.register(PlanPayee)
class PlanPayeeAdmin(WrittenOnce):
    form = PlanPayeeForm
    list_display = ["plan", "agency", "payee", "starts_on", "state_label", "written_by"]
    list_filter = [WaitingPayees, "plan", "agency"]
    list_select_related = ["agency", "payee", "written_by", "approved_by"]
    search_fields = ["payee__name", "source"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "payee"]
    fields = ["agency", "plan", "payee", "starts_on", "source"]
    actions_detail = ["approve"]
    when_empty = _(
        "Nobody is named for a plan: what is received of contributions stays owed to it. Enter the "
        "plan as a beneficiary that is “payee of” the agency, then name it here."
    )

    def save_model(self, request, obj, form, change):
        obj.written_on = local_day(timezone.now(), obj.agency.time_zone)
        super().save_model(request, obj, form, change)

    @display(description=_("state"), label={"Waits for approval": "warning", "Approved": "success"})
    def state_label(self, named):
        return _("Approved") if named.approved_at else _("Waits for approval")

    @step(
        label=_("Approve"),
        icon="check",
        permission=plan_payees.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this is who collects for the plan. What is "
            "received of its contributions from that day on is payable to them; the next payout "
            "run may pay it once their bank details are approved."
        ),
        done=_("%(row)s counts."),
        offered=lambda named: named.approved_at is None,
        facts=lambda named: about(named),
    )
    def approve(self, named, given):
        plan_payees.approve(named_id=named.pk, by=given.by, at=given.at)


def about(named):
    """Yield what a second person is bound to."""
    yield _("Agency"), named.agency
    yield _("Plan"), named.get_plan_display()
    yield _("Paid to"), named.payee
    yield _("From"), named.starts_on
    yield _("Source"), named.source
    yield _("Entered by"), named.written_by
