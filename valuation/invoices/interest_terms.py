"""Whose money interest on late payment is: as an agreement or the agency has it, by two people."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import Agreement
from talent import four_eyes
from talent.models import Agency, User
from valuation.models import InterestTerms
from valuation.words import InterestOwner

from .refusals import NotItsTurn, WhoseIsUnknown

APPROVES = "valuation.approve_interestterms"


def owner_of(agreement: Agreement, *, on: date) -> InterestOwner:
    """Return whose interest is on a debt of an agreement that is late since a day.

    An agreement's own terms go before what the agency has for all. Raises WhoseIsUnknown.
    """
    rows = InterestTerms.objects.in_force(on).filter(agency=agreement.agency_id)
    for about in (agreement.pk, None):
        terms = rows.filter(agreement=about).order_by("-starts_on", "-pk").first()
        if terms:
            return InterestOwner(terms.owner)
    raise WhoseIsUnknown(
        _(
            "Nobody has said whose interest on %(agreement)s is from %(day)s on: the payees’ or "
            "the agency’s. Enter it under Money, Interest terms; somebody else approves it."
        )
        % {"agreement": agreement.reference, "day": on}
    )


@transaction.atomic
def approve(*, terms_id: int, by: User, at: datetime) -> InterestTerms:
    """Have terms count that somebody else entered; what was claimed stays whose it was.

    Raises NotItsTurn, four_eyes.FourEyes.
    """
    terms = InterestTerms.objects.get(pk=terms_id)
    # Locked, so that two people do not approve at once.
    Agency.objects.select_for_update(no_key=True).get(pk=terms.agency_id)
    terms.refresh_from_db()
    if terms.approved_at:
        raise NotItsTurn(_("It was approved before."))
    four_eyes.refuse_same_person(by=by, before=[terms.written_by_id])
    terms.approved_at, terms.approved_by = at, by
    terms.save(update_fields=["approved_at", "approved_by"])
    return terms
