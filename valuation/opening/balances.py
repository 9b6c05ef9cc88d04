"""Opening balances: entered by one person, posted when another approves, corrected by reversal.

Each balance is an entry of its own against “Counterpart of opening balances”, on the day that the
desk took over. What is left there when all is posted is what nobody has told yet. They are
entered before anything issued says otherwise: before a payee's first statement in the currency is
issued, and before the agency's first roll-up. One that was wrong is reversed, and entered anew
whenever that is found: what is right then stands on the next statement.

What a licensee owes by an agreement, and what its payees have earned of it, are told together: they
are one reading, which a receipt pays, and whose parts it makes payable.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from licensing.models import Agreement
from talent import four_eyes, locales
from talent.errors import Refused
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.cash.released import taken_over
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Opening, OpeningBalance, OpeningDecision, Statement
from valuation.words import AccountKind, EntryKind, OpeningKind, OpeningOutcome, StatementKind

from .told import Told

ENTERS = "valuation.enter_opening"
APPROVES = "valuation.approve_opening"
# What the agency has: debits. Everything else it owes.
HAS = {OpeningKind.ADVANCES, OpeningKind.RECEIVABLE, OpeningKind.TRUST_CASH}
# What a licensee owes, and what was earned of it.
OF_ONE_READING = {OpeningKind.ACCRUED, OpeningKind.RECEIVABLE}
# What stands once, as `Told.key` says it.
KEY = ("kind", "beneficiary", "licensee", "agreement", "until", "currency")


class TooLate(Refused):
    """Something that was issued already says what the opening balance would change."""

    code = "opening_too_late"


class AlreadyOpened(Refused):
    """The same balance was entered before, and stands or waits for approval."""

    code = "already_opened"


class AlreadyDecided(Refused):
    """The opening balances were approved, rejected or taken back before."""

    code = "already_decided"


class NoReason(Refused):
    """Whoever rejects opening balances says why."""

    code = "no_reason"


class NotWhole(Refused):
    """What a licensee owes by an agreement is not what its payees have earned of it."""

    code = "opening_not_whole"


class OverByNow(Refused):
    """A reserve that the day of taking over has made payable already."""

    code = "opening_reserve_is_over"


class StillToCome(Refused):
    """The day on which the desk takes over is still to come."""

    code = "opening_still_to_come"


@transaction.atomic
def enter(
    *,
    agency: Agency,
    on: date,
    source: str,
    told: Sequence[Told],
    file_sha256: str = "",
    by: User,
    at: datetime,
) -> Opening:
    """Keep balances for a second person to approve; nothing is posted.

    `on` is the day that begins with them. Raises StillToCome, TooLate, AlreadyOpened, NotWhole,
    OverByNow, NoDayOfTheBooks, four_eyes.NobodyToApprove.
    """
    _lock(agency)
    journal.refuse_far_day(on)
    if on > local_day(at, agency.time_zone):
        raise StillToCome(_("%s is still to come. Enter the balances once the day begins.") % on)
    _refuse_ended_reserves(told, on)
    _refuse_parts(told)
    _check(agency, told, OpeningBalance.objects.filter(
        Q(opening__decision=None) | Q(entry__isnull=False, entry__reversed_by=None)
    ))  # fmt: skip
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    opening = Opening.objects.create(
        agency=agency, on=on, source=source, file_sha256=file_sha256, written_at=at, written_by=by
    )
    OpeningBalance.objects.bulk_create(
        OpeningBalance(
            opening=opening,
            kind=one.kind.value,
            beneficiary=one.beneficiary,
            licensee=one.licensee,
            agreement=one.agreement,
            until=one.until,
            amount=one.amount,
            currency=one.currency,
        )
        for one in told
    )
    return opening


@transaction.atomic
def approve(*, opening_id: int, by: User, at: datetime, note: str = "") -> Opening:
    """Post balances that somebody else entered, each by an entry of its own.

    Raises AlreadyDecided, TooLate, AlreadyOpened, four_eyes.FourEyes.
    """
    opening = _waiting(opening_id)
    four_eyes.refuse_same_person(by=by, before=[opening.written_by_id])
    rows = opening.balances.select_related(
        "beneficiary", "licensee", "agreement__agency", "agreement__twin__performer"
    )
    balances = list(rows.order_by("pk"))
    _lock_agreements(balances)
    _check(opening.agency, list(map(_told, balances)), OpeningBalance.objects.standing())
    readings = _readings(balances, opening.on)
    for one in balances:
        one.entry = journal.post(
            agency_id=opening.agency_id,
            kind=EntryKind.OPENING,
            currency=one.currency,
            sides=_sides(one, readings.get(one.agreement_id)),
            effective_on=opening.on,
            recorded_at=at,
            description=f"Opening balance: {opening.source}",
            by=by,
            agreement_id=one.agreement_id,
        )
    OpeningBalance.objects.bulk_update(balances, ["entry"])
    ahead = {
        one.agreement for one in balances if one.kind == OpeningKind.ADVANCES and one.agreement
    }
    taken_over.follow(ahead, on=local_day(at, opening.agency.time_zone), now=at)
    _decide(opening, OpeningOutcome.POSTED, by, at, note)
    return opening


@transaction.atomic
def reject(*, opening_id: int, by: User, at: datetime, note: str) -> None:
    """Reject balances, with the reason; who entered them takes them back so.

    Raises AlreadyDecided, NoReason, four_eyes.FourEyes.
    """
    if not note.strip():
        raise NoReason(_("Say why: whoever entered them reads it."))
    opening = _waiting(opening_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[opening.written_by_id],
        permission=APPROVES,
        agency_ids=[opening.agency_id],
    )
    own = opening.written_by_id == by.pk
    outcome = OpeningOutcome.TAKEN_BACK if own else OpeningOutcome.REJECTED
    _decide(opening, outcome, by, at, note)


def _told(one: OpeningBalance) -> Told:
    return Told(
        OpeningKind(one.kind), one.beneficiary, one.licensee, one.currency, one.amount,
        one.agreement, one.until,
    )  # fmt: skip


def _readings(balances: Iterable[OpeningBalance], on: date) -> dict[int | None, int]:
    """Store what licensees owe by agreement as readings; return their ids by agreement."""
    parts: dict[Agreement, dict[Beneficiary, Decimal]] = defaultdict(dict)
    for one in balances:
        if one.kind == OpeningKind.ACCRUED and one.agreement and one.beneficiary:
            parts[one.agreement][one.beneficiary] = one.amount
    return {
        agreement.pk: taken_over.store_reading(agreement, own, on=on).pk
        for agreement, own in parts.items()
    }


def _sides(one: OpeningBalance, reading_id: int | None) -> tuple[Side, Side]:
    kind = OpeningKind(one.kind)
    amount = one.amount if kind in HAS else -one.amount
    about = reading_id if kind in OF_ONE_READING else None
    return (
        Side(
            AccountKind(kind.value),
            amount,
            licensee_id=one.licensee_id,
            beneficiary_id=one.beneficiary_id,
            reading_id=about,
        ),
        Side(AccountKind.OPENING, -amount),
    )


def _refuse_ended_reserves(told: Iterable[Told], on: date) -> None:
    for one in told:
        if one.until and one.until <= on:
            raise OverByNow(
                _("%(whose)s: the reserve is payable by %(day)s. Enter it as payable.")
                % {"whose": _whose(one), "day": one.until}
            )


def _refuse_parts(told: Iterable[Told]) -> None:
    """Refuse what a licensee owes by an agreement without all that was earned of it."""
    owed: dict[Agreement, Decimal] = defaultdict(Decimal)
    earned: dict[Agreement, Decimal] = defaultdict(Decimal)
    for one in told:
        if one.agreement and one.kind in OF_ONE_READING:
            sums = owed if one.kind is OpeningKind.RECEIVABLE else earned
            sums[one.agreement] += one.amount
    for agreement in {**owed, **earned}:
        if owed[agreement] != earned[agreement]:
            raise NotWhole(
                _(
                    "%(agreement)s: the licensee owes %(owed)s, and payees have earned %(earned)s "
                    "of it. Tell both together, before commission and deductions, in one file."
                )
                % {
                    "agreement": agreement.reference,
                    "owed": locales.money(owed[agreement], agreement.currency, "en"),
                    "earned": locales.money(earned[agreement], agreement.currency, "en"),
                }
            )


def _check(agency: Agency, told: Iterable[Told], others: QuerySet[OpeningBalance]) -> None:
    """Refuse what an issued statement has passed by, and what was told before. Four queries.

    What corrects a balance that was reversed is never too late.
    """
    issued = Statement.objects.issued().filter(agency=agency)
    stated: set[tuple[str, int | None, str]] = set(
        issued.values_list("kind", "beneficiary", "currency")
    )
    own_rows = OpeningBalance.objects.filter(opening__agency=agency)
    known = set(others.filter(opening__agency=agency).values_list(*KEY))
    reversed_ = own_rows.filter(entry__reversed_by__isnull=False)
    corrected = set(reversed_.values_list("kind", "beneficiary", "licensee", "currency"))
    terms = set(reversed_.exclude(agreement=None).values_list("kind", "agreement"))
    for one in told:
        payee = one.beneficiary and one.beneficiary.pk
        own = (StatementKind.BENEFICIARY.value, payee, one.currency)
        licensee = one.licensee and one.licensee.pk
        is_stated = (payee and own in stated) or (
            StatementKind.ROLL_UP.value, None, one.currency,
        ) in stated  # fmt: skip
        of_terms = (one.kind.value, one.agreement and one.agreement.pk)
        corrects = (one.kind.value, payee, licensee, one.currency) in corrected or of_terms in terms
        if is_stated and not corrects:
            raise TooLate(
                _(
                    "%(whose)s: a statement in %(currency)s is issued already, and begins without "
                    "it. Leave this line out, and enter the rest."
                )
                % {"whose": _whose(one), "currency": one.currency}
            )
        if one.key in known:
            raise AlreadyOpened(
                _(
                    "%(whose)s: “%(kind)s” in %(currency)s was entered before. Have its entry "
                    "reversed, or what waits rejected, then enter it anew."
                )
                % {"whose": _whose(one), "kind": one.kind.label, "currency": one.currency}
            )


def _lock_agreements(balances: Iterable[OpeningBalance]) -> None:
    # So that no night releases by an agreement's terms meanwhile.
    ids = {one.agreement_id for one in balances if one.agreement_id}
    list(Agreement.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))


def _whose(one: Told) -> str:
    return str(one.beneficiary or one.licensee or _("The client account"))


def _lock(agency: Agency) -> None:
    # So that two people do not enter or approve the same balance at once.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)


def _waiting(opening_id: int) -> Opening:
    opening = Opening.objects.select_related("agency").get(pk=opening_id)
    _lock(opening.agency)
    if OpeningDecision.objects.filter(opening=opening).exists():
        raise AlreadyDecided(_("It was decided before."))
    return opening


def _decide(opening: Opening, outcome: OpeningOutcome, by: User, at: datetime, note: str) -> None:
    OpeningDecision.objects.create(
        opening=opening, outcome=outcome.value, by=by, at=at, note=note.strip()
    )
