"""A performer who changes agency: what counts once a second person approves it."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from licensing.models import Agreement
from talent import four_eyes
from talent.errors import Refused
from talent.models import Agency, Performer, User
from talent.periods import starts_at
from valuation.models import AgencyChange, ReleasedPart
from valuation.words import Collector

APPROVES = "valuation.approve_agencychange"


class NotItsTurn(Refused):
    """Somebody approved it before."""

    code = "agency_change_not_its_turn"


class NotTheirPerformer(Refused):
    """The agency never represented the performer."""

    code = "not_their_performer"


class StillSigned(Refused):
    """What was signed here goes on, so that this agency goes on collecting."""

    code = "still_signed"


class TooLate(Refused):
    """Money came in by then, with commission: no later term takes of it."""

    code = "agency_change_too_late"


@transaction.atomic
def approve(*, change_id: int, by: User, at: datetime) -> AgencyChange:
    """Have a change count that somebody else entered.

    Raises NotItsTurn, NotTheirPerformer, StillSigned, TooLate, four_eyes.FourEyes.
    """
    change = AgencyChange.objects.select_related("agency", "performer").get(pk=change_id)
    # Locked, so that two people do not approve at once, nor money is released meanwhile.
    Agency.objects.select_for_update(no_key=True).get(pk=change.agency_id)
    change.refresh_from_db()
    if change.approved_at:
        raise NotItsTurn(_("It was approved before."))
    four_eyes.refuse_same_person(by=by, before=[change.written_by_id])
    refuse_unfit(change)
    change.approved_at, change.approved_by = at, by
    change.save(update_fields=["approved_at", "approved_by"])
    return change


def refuse_unfit(change: AgencyChange) -> None:
    """Raise NotTheirPerformer, StillSigned or TooLate for what cannot count."""
    if not change.performer.representations.filter(agency=change.agency).exists():
        raise NotTheirPerformer(
            _("%(agency)s has represented %(performer)s on no day.")
            % {"agency": change.agency, "performer": change.performer}
        )
    if change.collector == Collector.NEW:
        _refuse_signed(change)
    if change.no_commission_from:
        _refuse_taken(change, change.no_commission_from)


def _refuse_taken(change: AgencyChange, day: date) -> None:
    came = ReleasedPart.objects.filter(
        Q(agreement__twin__performer=change.performer) | Q(beneficiary__performer=change.performer),
        agreement__agency=change.agency,
        match__remittance__received_on__gte=day,
        commission__gt=0,
    )
    last = came.aggregate(last=Max("match__remittance__received_on"))["last"]
    if last:
        raise TooLate(
            _("Commission was taken of what came in until %s. Choose a later day.") % last
        )


def _refuse_signed(change: AgencyChange) -> None:
    begins = starts_at(change.starts_on, change.agency.time_zone)
    goes_on = [row.reference for row in agreements_of(change) if _ends_after(row, begins)]
    if goes_on:
        raise StillSigned(
            _("What was signed here goes on after that day: %s. End it first, or go on collecting.")
            % ", ".join(goes_on)
        )


def agreements_of(change: AgencyChange) -> list[Agreement]:
    """Return what an agency signed for a performer alone: it names nobody else's twin."""
    rows = Agreement.objects.filter(
        agency=change.agency, twin__performer=change.performer, signed_at__isnull=False
    )
    return list(rows.select_related("agency", "licensee", "twin").order_by("reference"))


def _ends_after(agreement: Agreement, instant: datetime) -> bool:
    return agreement.ends_at is None or agreement.ends_at > instant


def without_commission(agency_id: int, performer: Performer, on: date) -> AgencyChange | None:
    """Return the change by which an agency takes no commission of a day's receipts any more.

    The newest that somebody approved counts. One query.
    """
    rows = AgencyChange.objects.approved().filter(agency=agency_id, performer=performer)
    newest: AgencyChange | None = rows.order_by("-pk").first()
    ends_on = newest and newest.no_commission_from
    return newest if ends_on and ends_on <= on else None
