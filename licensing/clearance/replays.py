"""Replays: deciding stored decisions again, on their own facts and on those of their time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from licensing.decision.decision import Decision, decide, from_json, to_json
from licensing.decision.request import Facts, Request
from licensing.facts.facts import Records, load_records
from licensing.facts.past import History, past_facts
from licensing.models import ClearanceDecision, LicenseeTerms
from licensing.words import Dimension

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A dimension whose finding changes when the request is decided on the facts of its time.

    `stored` and `reconstructed` are the codes of the two findings.
    """

    dimension: Dimension
    stored: str
    reconstructed: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What a stored decision says when it is decided again.

    `same` says whether the facts stored with it give the same decision. `differences` are those
    to a decision on facts reconstructed from the history. `history_since` is when that history
    begins if it is after the decision; the facts are then those of that instant.
    """

    pk: int
    same: bool
    differences: tuple[Difference, ...] = ()
    history_since: datetime | None = None


def every_replay() -> Iterator[Replay]:
    """Replay every stored decision, by the terms it was asked under, oldest first.

    Holds one chunk in memory and takes a fixed number of queries for each.
    """
    rows = ClearanceDecision.objects.select_related("terms__licensee").order_by("terms", "pk")
    for _terms, of_terms in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row.terms_id):
        while chunk := list(islice(of_terms, CHUNK)):
            yield from replays_of(chunk, terms=chunk[0].terms)


def replays_of(rows: Sequence[ClearanceDecision], *, terms: LicenseeTerms) -> list[Replay]:
    """Replay decisions asked under the same terms, in a fixed number of queries.

    A decision that the desk failed to make stood on no facts, and so stays as it is.
    """
    requests = {row.pk: from_json(Request, row.request) for row in rows if row.facts}
    if not requests:
        return [Replay(row.pk, same=True) for row in rows]
    known_at = max(row.known_at for row in rows)
    records = load_records(list(requests.values()), terms, known_at)
    history = History(records)
    return [
        _replay(row, requests[row.pk], records, history) if row.facts else Replay(row.pk, same=True)
        for row in rows
    ]


def _replay(row: ClearanceDecision, request: Request, records: Records, history: History) -> Replay:
    stored = from_json(Facts, row.facts)
    again = decide(request, stored, row.known_at)
    then = past_facts(request, stored, row.known_at, records, history)
    now = decide(request, then.facts, row.known_at)
    same = to_json(again) == row.decision
    return Replay(row.pk, same, _differences(again, now), then.since)


def _differences(stored: Decision, reconstructed: Decision) -> tuple[Difference, ...]:
    pairs = zip(stored.trace, reconstructed.trace, strict=True)
    return tuple(
        Difference(before.dimension, before.code, now.code)
        for before, now in pairs
        if (before.finding, before.code) != (now.finding, now.code)
    )
