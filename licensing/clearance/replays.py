"""Replays: deciding stored decisions again, on their own facts and on those of their time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from licensing.decision.decision import Decision, decide, from_json, to_json
from licensing.decision.request import Facts, Request
from licensing.facts.facts import load
from licensing.facts.past import History, as_known
from licensing.models import ClearanceDecision, LicenseeTerms
from licensing.words import Dimension

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A dimension that the records of the time answer otherwise than the decision did."""

    dimension: Dimension
    stored: str
    reconstructed: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What a stored decision says when it is decided again.

    `same` compares on the facts stored with it. `differences` compares with the facts as they
    were known then; `history_since` is when their history begins, where it begins later, and
    the facts are those of that instant.
    """

    pk: int
    same: bool
    differences: tuple[Difference, ...] = ()
    history_since: datetime | None = None


def replays() -> Iterator[Replay]:
    """Replay every stored decision, by the terms it was asked under, oldest first.

    Holds one chunk in memory and takes a fixed number of queries for each.
    """
    rows = ClearanceDecision.objects.select_related("terms__licensee").order_by("terms", "pk")
    found = rows.iterator(chunk_size=CHUNK)
    for _terms, of_terms in groupby(found, key=lambda row: row.terms_id):
        while chunk := list(islice(of_terms, CHUNK)):
            yield from replayed(chunk, terms=chunk[0].terms)


def replayed(rows: Sequence[ClearanceDecision], *, terms: LicenseeTerms) -> list[Replay]:
    """Replay decisions asked under the same terms, in a fixed number of queries.

    One that the desk failed to answer stood on nothing and stays as it is.
    """
    asked = {row.pk: from_json(Request, row.request) for row in rows if row.facts}
    if not asked:
        return [Replay(row.pk, same=True) for row in rows]
    known_at = max(row.known_at for row in rows)
    loaded = load(list(asked.values()), terms, known_at, once=True)
    history = History(loaded)
    return [
        _replayed(row, asked[row.pk], loaded, history) if row.facts else Replay(row.pk, same=True)
        for row in rows
    ]


def _replayed(row: ClearanceDecision, request: Request, loaded, history: History) -> Replay:
    stored = from_json(Facts, row.facts)
    again = decide(request, stored, row.known_at)
    then = as_known(request, stored, row.known_at, loaded, history)
    now = decide(request, then.facts, row.known_at)
    same = to_json(again) == row.decision
    return Replay(row.pk, same, _differences(again, now), then.since)


def _differences(one: Decision, other: Decision) -> tuple[Difference, ...]:
    pairs = zip(one.trace, other.trace, strict=True)
    return tuple(
        Difference(step.dimension, step.code, against.code)
        for step, against in pairs
        if (step.finding, step.code) != (against.finding, against.code)
    )
