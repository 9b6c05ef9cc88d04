"""Avails: may these twins do this until a day, and what blocks it, piece by piece.

The answer has to hold on the whole range, so the range is cut at every instant at which a fact
begins or ends to count, and each piece is decided by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from licensing.decision.batch import instants_of_change
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Facts, Request, request_about
from licensing.facts.facts import Loaded, facts_from, load
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
class Wanted:
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


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the range in which the answer is one: by which dimension, and why.

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
        """When the answer first becomes another."""
        return self.pieces[0].ends_at if len(self.pieces) > 1 else None


def avails(
    twins: Sequence[DigitalTwin], wanted: Wanted, *, terms: LicenseeTerms, at: datetime
) -> list[Avail]:
    """Say for each twin whether a licensee may use it as wanted, in a fixed number of queries.

    Takes for each piece the agreement of the parties that allows most. Whoever calls has made
    sure that the twins are theirs to ask about. Raises NoSuchRange.
    """
    if not timedelta(0) < wanted.ends_at - wanted.starts_at <= LONGEST:
        raise NoSuchRange("Let the range end after it starts, and within ten years.")
    agreements: dict[int, list[Agreement]] = {}
    signed = Agreement.objects.filter(
        agency=terms.agency_id,
        licensee=terms.licensee_id,
        twin__in=twins,
        status__in=[AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value],
    )
    for agreement in signed.order_by("pk"):
        agreements.setdefault(agreement.twin_id, []).append(agreement)
    asked = {
        twin.pk: [
            _request(twin, agreement, wanted, terms, at)
            for agreement in agreements.get(twin.pk) or [None]
        ]
        for twin in twins
    }
    loaded = load([request for requests in asked.values() for request in requests], terms, at)
    return [
        Avail(
            name_of(Prefix.TWIN, twin.pk),
            twin.name,
            tuple(_pieces(asked[twin.pk], wanted, loaded, at)),
        )
        for twin in twins
    ]


def unknown(twin: str, wanted: Wanted) -> Avail:
    """Answer for a name that the desk does not know."""
    decision = decide(
        Request(twin, wanted.right, wanted.use, "", wanted.starts_at), Facts(), wanted.starts_at
    )
    return Avail(twin, "", (_piece(wanted.starts_at, wanted.ends_at, decision, None),))


def _request(
    twin: DigitalTwin,
    agreement: Agreement | None,
    wanted: Wanted,
    terms: LicenseeTerms,
    at: datetime,
) -> Request:
    request = request_about(
        twin=twin.pk,
        agreement=agreement and agreement.pk,
        right=wanted.right,
        use=wanted.use,
        licensee=terms.licensee.slug,
        at=wanted.starts_at,
        territory=wanted.territory,
        language=wanted.language,
        channel=wanted.channel,
        real_time=wanted.real_time,
        units=SOMETHING,
        noticed_at=at,
    )
    return replace(request, production=wanted.production)


def _pieces(
    requests: Sequence[Request], wanted: Wanted, loaded: Loaded, at: datetime
) -> Iterator[Piece]:
    """Decide every piece between two turns; yield those that follow each other alike as one."""
    turns = _turns(requests, wanted, loaded, at)
    last: Piece | None = None
    for starts, ends in pairwise(turns):
        piece = min(
            (_decided(replace(request, at=starts), ends, loaded, at) for request in requests),
            key=lambda one: _WORST_LAST.index(one.answer),
        )
        if last is None:
            last = piece
        elif _told(piece) == _told(last):
            last = replace(last, ends_at=piece.ends_at)
        else:
            yield last
            last = piece
    if last is not None:
        yield last


def _told(piece: Piece) -> tuple[object, ...]:
    return piece.answer, piece.dimension, piece.reason, piece.rule, piece.agreement


def _decided(request: Request, ends_at: datetime, loaded: Loaded, at: datetime) -> Piece:
    facts = facts_from(request, loaded)
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


# Turns: the instants at which the answer can become another.


def _turns(
    requests: Sequence[Request], wanted: Wanted, loaded: Loaded, at: datetime
) -> list[datetime]:
    found: set[datetime] = set()
    for request in requests:
        facts = facts_from(request, loaded)
        found |= instants_of_change(facts, noticed_at=at)
        agreement = loaded.agreements.get(request.agreement or "")
        found |= set(_of_caps(loaded.caps, wanted, agreement.time_zone if agreement else "UTC"))
    inside = {turn for turn in found if wanted.starts_at < turn < wanted.ends_at}
    return [wanted.starts_at, *sorted(inside), wanted.ends_at]


def _of_caps(caps: Iterable[Cap], wanted: Wanted, zone: str) -> Iterator[datetime]:
    """Caps beginning and ending, and the first days of their fiscal years."""
    years = range(wanted.starts_at.year, wanted.ends_at.year + 1)
    for cap in caps:
        days = [cap.year_of(date(year, 12, 31)).starts_on for year in years]
        for day in (cap.starts_on, cap.ends_on, *days):
            if day is not None:
                yield starts_at(day, zone)
