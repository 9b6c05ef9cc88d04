"""Availability: whether twins are free for a use on a whole range of days, and what blocks it.

The answer has to hold on the whole range, so the range is cut at every instant at which a fact
begins or ends to count, and each piece is decided by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from licensing.decision.batch import instants_of_change, limits_units
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Facts, Request, request_about
from licensing.facts.facts import Records, facts_about, load_records
from licensing.models import Agreement, Cap, LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import AgreementStatus, Availability, Dimension, Meter, Outcome
from talent.errors import Refused
from talent.models import DigitalTwin
from talent.periods import starts_at

LONGEST = timedelta(days=10 * 366)

# The least that the desk measures: it fits as long as a cap has any room.
LEAST = Decimal("0.000001")
SOMETHING = tuple((meter.value, LEAST) for meter in Meter)

NO_AGREEMENT = "no_agreement"
UNLICENSED = "No agreement between the parties is about this twin."

_ANSWERS = {
    Outcome.CLEARED: Availability.AVAILABLE,
    Outcome.NEEDS_APPROVAL: Availability.NEEDS_APPROVAL,
    Outcome.REFUSED: Availability.BLOCKED,
}
_WORST_LAST = list(Availability)


class NoSuchRange(Refused):
    """A range ends after it starts, and is no longer than ten years."""

    code = "no_such_range"


@dataclass(frozen=True, slots=True)
class PlannedUse:
    """A use that somebody plans, and when: the start included, the end not."""

    right: str
    use: str
    starts_at: datetime
    ends_at: datetime
    territory: str | None = None
    language: str | None = None
    channel: str | None = None
    production: str | None = None
    real_time: bool = False
    content: tuple[str, ...] | None = None
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the range in which the answer stays the same: by which dimension, and why.

    `reason` is safe to show the studio, `rule` is the staff's.
    """

    starts_at: datetime
    ends_at: datetime
    answer: Availability
    dimension: Dimension
    reason: str
    rule: str
    nearest_change: str
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class Avail:
    """Whether one twin is available for the whole range."""

    twin: str
    name: str
    pieces: tuple[Piece, ...]

    @property
    def worst(self) -> Piece:
        """The piece that decides for the whole range: the earliest of the worst."""
        return max(self.pieces, key=lambda piece: _WORST_LAST.index(piece.answer))

    @property
    def changes_at(self) -> datetime | None:
        """When the answer first changes; None where it never does."""
        return self.pieces[0].ends_at if len(self.pieces) > 1 else None


def avails(
    twins: Sequence[DigitalTwin], planned: PlannedUse, *, terms: LicenseeTerms, at: datetime
) -> list[Avail]:
    """Say for each twin whether a licensee may use it as planned, in a fixed number of queries.

    For each piece that agreement of the parties counts which allows most. The caller has made
    sure that the twins are theirs to ask about. Raises NoSuchRange.
    """
    if not timedelta(0) < planned.ends_at - planned.starts_at <= LONGEST:
        raise NoSuchRange("Let the range end after it starts, and within ten years.")
    agreements: dict[int, list[Agreement | None]] = {}
    signed = Agreement.objects.filter(
        agency=terms.agency_id,
        licensee=terms.licensee_id,
        twin__in=twins,
        status__in=[AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value],
    )
    for agreement in signed.order_by("pk"):
        agreements.setdefault(agreement.twin_id, []).append(agreement)
    requests = {
        twin.pk: [
            _request(twin, agreement, planned, terms, at)
            for agreement in agreements.get(twin.pk) or [None]
        ]
        for twin in twins
    }
    records = load_records(
        [request for of_twin in requests.values() for request in of_twin], terms, at
    )
    return [
        Avail(
            name_of(Prefix.TWIN, twin.pk),
            twin.name,
            tuple(_pieces(requests[twin.pk], planned, records, at)),
        )
        for twin in twins
    ]


def avail_of_unknown_twin(twin: str, planned: PlannedUse) -> Avail:
    """Return the answer for a name that the desk does not know: nothing may be done with it."""
    decision = decide(
        Request(twin, planned.right, planned.use, "", planned.starts_at), Facts(), planned.starts_at
    )
    return Avail(twin, "", (_piece(planned.starts_at, planned.ends_at, decision, None),))


def _request(
    twin: DigitalTwin,
    agreement: Agreement | None,
    planned: PlannedUse,
    terms: LicenseeTerms,
    at: datetime,
) -> Request:
    request = request_about(
        twin=twin.pk,
        agreement=agreement.pk if agreement else None,
        right=planned.right,
        use=planned.use,
        licensee=terms.licensee.slug,
        at=planned.starts_at,
        territory=planned.territory,
        language=planned.language,
        channel=planned.channel,
        real_time=planned.real_time,
        content=planned.content,
        brand=planned.brand,
        units=SOMETHING,
        noticed_at=at,
    )
    return replace(request, production=planned.production)


def _pieces(
    requests: Sequence[Request], planned: PlannedUse, records: Records, at: datetime
) -> Iterator[Piece]:
    """Decide every piece between two changes; yield neighbours with the same answer as one."""
    instants = _instants(requests, planned, records, at)
    last: Piece | None = None
    for starts, ends in pairwise(instants):
        piece = min(
            (_decide_piece(replace(request, at=starts), ends, records, at) for request in requests),
            key=lambda piece: _WORST_LAST.index(piece.answer),
        )
        if last is None:
            last = piece
        elif _answer(piece) == _answer(last):
            last = replace(last, ends_at=piece.ends_at)
        else:
            yield last
            last = piece
    if last is not None:
        yield last


def _answer(piece: Piece) -> tuple[object, ...]:
    return piece.answer, piece.dimension, piece.reason, piece.rule, piece.agreement


def _decide_piece(request: Request, ends_at: datetime, records: Records, at: datetime) -> Piece:
    facts = facts_about(request, records)
    return _piece(request.at or at, ends_at, decide(request, facts, at), facts)


def _piece(
    starts_at: datetime, ends_at: datetime, decision: Decision, facts: Facts | None
) -> Piece:
    deciding = decision.deciding
    if deciding.code == NO_AGREEMENT:
        deciding = replace(deciding, rule=UNLICENSED, public=UNLICENSED)
    return Piece(
        starts_at,
        ends_at,
        _ANSWERS[decision.outcome],
        deciding.dimension,
        deciding.public or deciding.rule,
        deciding.rule,
        decision.nearest_change.replace("Name an agreement", "Make an agreement about it"),
        facts.agreement.reference if facts and facts.agreement else "",
    )


def _instants(
    requests: Sequence[Request], planned: PlannedUse, records: Records, at: datetime
) -> list[datetime]:
    """Return the range's start and end, and in between the instants when the answer can change."""
    changes: set[datetime] = set()
    for request in requests:
        facts = facts_about(request, records)
        changes |= instants_of_change(facts, noticed_at=at)
        if limits_units(facts):
            changes |= set(_years_of_limits(planned))
        agreement = records.agreements.get(request.agreement or "")
        changes |= set(
            _changes_of_caps(records.caps, planned, agreement.time_zone if agreement else "UTC")
        )
    inside = {change for change in changes if planned.starts_at < change < planned.ends_at}
    return [planned.starts_at, *sorted(inside), planned.ends_at]


def _years_of_limits(planned: PlannedUse) -> Iterator[datetime]:
    """Yield when the years begin in which consents count their limits."""
    for year in range(planned.starts_at.year, planned.ends_at.year + 1):
        yield datetime(year, 1, 1, tzinfo=UTC)


def _changes_of_caps(caps: Iterable[Cap], planned: PlannedUse, zone: str) -> Iterator[datetime]:
    """Yield when caps begin and end, and when their fiscal years begin."""
    years = range(planned.starts_at.year, planned.ends_at.year + 1)
    for cap in caps:
        days = [cap.year_of(date(year, 12, 31)).starts_on for year in years]
        for day in (cap.starts_on, cap.ends_on, *days):
            if day is not None:
                yield starts_at(day, zone)
