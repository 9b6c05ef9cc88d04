"""To whom plans are paid: named by one person, approved by another."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.errors import Refused
from talent.models import Agency, Beneficiary, User
from valuation.models import Account, PaymentDirection, PlanPayee
from valuation.words import AccountKind

from . import plan_money

APPROVES = "valuation.approve_planpayee"


class NotItsTurn(Refused):
    """Somebody approved it before."""

    code = "plan_payee_not_its_turn"


class NoPayeeOfPlans(Refused):
    """Whoever is paid for a plan is a payee of the agency, and paid nothing else."""

    code = "no_payee_of_plans"


class TooEarly(Refused):
    """Another payee was named before, and was paid what came in until today."""

    code = "plan_payee_too_early"


def refuse_unfit(named: PlanPayee) -> None:
    """Raise NoPayeeOfPlans or TooEarly for what cannot count."""
    payee = named.payee
    if payee.payee_of_id != named.agency_id:
        raise NoPayeeOfPlans(
            _("Enter %s as a beneficiary that is “payee of” the agency first.") % payee
        )
    if (
        Account.objects.filter(beneficiary=payee, kind=AccountKind.PAYABLE.value).exists()
        or PaymentDirection.objects.filter(payee=payee).exists()
    ):
        raise NoPayeeOfPlans(
            _("%s is paid money of payees. Enter the plan as a beneficiary of its own.") % payee
        )
    before = PlanPayee.objects.approved().filter(agency=named.agency, plan=named.plan)
    if named.starts_on < named.written_on and before.exists():
        raise TooEarly(
            _("Another payee is named for what came in before. Begin on %s at the earliest.")
            % named.written_on
        )


@transaction.atomic
def approve(*, named_id: int, by: User, at: datetime) -> PlanPayee:
    """Have a payee count that somebody else named: what was received for the plan is payable.

    Raises NotItsTurn, NoPayeeOfPlans, TooEarly, four_eyes.FourEyes.
    """
    named = PlanPayee.objects.select_related("agency", "payee").get(pk=named_id)
    # Locked, so that two people do not decide at once, nor a run pays what moves.
    Agency.objects.select_for_update(no_key=True).get(pk=named.agency_id)
    named.refresh_from_db()
    if named.approved_at:
        raise NotItsTurn(_("It was approved before."))
    four_eyes.refuse_same_person(by=by, before=[named.written_by_id])
    refuse_unfit(named)
    named.approved_at, named.approved_by = at, by
    named.save(update_fields=["approved_at", "approved_by"])
    plan_money.follow_agency(named.agency_id, now=at)
    return named


def is_for_a_plan(payee: Beneficiary) -> bool:
    """Whether somebody named a beneficiary as who is paid for a plan."""
    return PlanPayee.objects.filter(payee=payee).exists()
