"""New use: what nights have added since an agreement was rated, added up by how it is rated.

An agreement has hundreds of kinds of use, of which its rate lines tell a few apart. Which, only the
lines can say: so the kinds come to them, and then the sums come by their answer. What lines have
answered is remembered by the process: the same kinds come night after night.
"""

import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from threading import local
from typing import Any, NamedTuple, Self

from licensing.usage.totals.statements import DIMENSIONS, METERS
from talent.database import binary_rows
from talent.database.sql import Sql, sql_file
from valuation.models import NightRun, UsageTotal
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.rating import Alike, KindOfUse, UsageCell
from valuation.residuals.totals import Cells, LastRated, MonthCell, new_cells, since

# By a seed of its own for each process: half as long as a kind, and nobody can send two with one.
KIND = "uuid_hash_extended(total.kind, %(seed)s::bigint)"
SEED = secrets.randbits(62)

# More kinds than these are forgotten, and are asked for again.
MOST_KNOWN = 20_000


@dataclass(frozen=True)
class _Statements:
    """The statements that tell kinds of use, and add them up, by some meters alone."""

    kinds: Sql
    rated_alike: Sql

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, meters: tuple[str, ...]) -> Self:
        return cls(
            sql_file(__file__, "kinds_since.sql", kind=KIND),
            sql_file(
                __file__,
                "totals_rated_alike.sql",
                kind=KIND,
                meters="".join(f', total."{meter}"' for meter in meters),
                sums="".join(f', sum("{meter}")' for meter in meters),
            ),
        )


KINDS, RATED_ALIKE = _Statements.of(METERS).kinds, _Statements.of(METERS).rated_alike


def new_use(
    run: NightRun, last: Mapping[int, LastRated], terms: Mapping[int, AgreementTerms]
) -> Cells:
    """Return what is new by a run for each agreement since it was rated, as cells by month.

    Kinds of use that an agreement's lines rate alike are one cell. Where a line rounds each event,
    or some use is told one by one, every total of the agreement is a cell of its own.
    """
    metered = {line.meter for one in terms.values() for line in one.lines()}
    meters = tuple(meter for meter in METERS if meter in metered)
    statements, known = _Statements.of(meters), _KnownKinds.of(meters)
    # What a kind comes to is looked up once for all agreements that rate it in the same way.
    books = {terms[pk].conditions: terms[pk] for pk in last}
    places = {conditions: place for place, conditions in enumerate(books)}
    parameters: dict[str, object] = {
        **since(run, last),
        "books": [places[terms[pk].conditions] for pk in last],
        "seed": SEED,
    }
    one_by_one = {pk for pk in last if terms[pk].rounds_each_event}

    def read() -> list[_Together]:
        asked = {**parameters, "one_by_one": list(one_by_one), **known.numbers_by(books)}
        rows = binary_rows.execute(statements.rated_alike, asked).fetchall()
        together = [
            _Together(agreement_id, month_on, number, digests, figures)
            for agreement_id, month_on, number, digests, *figures in rows
        ]
        one_by_one.update(one.agreement_id for one in together if one.has_some_told_apart)
        return together

    together = read()
    if any(one.is_unknown for one in together):
        samples = binary_rows.execute(statements.kinds, parameters).fetchall()
        known.learn(list(books.values()), samples)
        together = read()
    cells: dict[int, list[MonthCell]] = defaultdict(list)
    for one in together:
        if one.agreement_id not in one_by_one:
            cell = _cell(known.alike(one.digests), meters, *one.figures)
            cells[one.agreement_id].append(MonthCell(one.month_on, cell))
    return {**cells, **new_cells(run, {pk: last[pk] for pk in one_by_one})}


class _Together(NamedTuple):
    """What totals of one agreement and month come to whose kinds have one number in its book.

    Digests are of the kinds; None stands for totals that are told one by one. Without a number it
    is what nothing is known of yet.
    """

    agreement_id: int
    month_on: date
    number: int | None
    digests: Sequence[Any]
    figures: Sequence[Any]

    @property
    def has_some_told_apart(self) -> bool:
        return self.number is None and None in self.digests

    @property
    def is_unknown(self) -> bool:
        return self.number is None and any(digest is not None for digest in self.digests)


class _KnownKinds:
    """Kinds of use that this thread has seen, by digest, and which of them a book rates alike.

    A digest says all that a rate looks at, and a book is its conditions: so nothing of it can turn
    wrong, but it is let go of where it grows too long.
    """

    def __init__(self, meters: tuple[str, ...]) -> None:
        self._meters = meters
        self._kinds: dict[int, KindOfUse] = {}
        # By book: each way to be rated, and each kind, has the number of its way.
        self._ways: dict[Hashable, dict[Hashable, int]] = defaultdict(dict)
        self._numbers: dict[Hashable, dict[int, int]] = defaultdict(dict)
        self._alike: dict[frozenset[int], Alike] = {}

    @classmethod
    def of(cls, meters: tuple[str, ...]) -> "_KnownKinds":
        """Return what this thread knows of agreements that meter by some meters."""
        return THREAD.by_meters.setdefault(meters, cls(meters))

    def numbers_by(self, books: Iterable[Hashable]) -> dict[str, list[int]]:
        """Return the parameters that tell some books' kinds: place of the book, digest, number."""
        known = [
            (place, digest, number)
            for place, book in enumerate(books)
            for digest, number in self._numbers[book].items()
        ]
        columns = zip(*known, strict=True) if known else ((), (), ())
        return dict(zip(("of_books", "kinds", "numbers"), map(list, columns), strict=True))

    def learn(
        self, books: Sequence[AgreementTerms], samples: Sequence[tuple[int, int, int]]
    ) -> None:
        """Take in kinds of some books; each is the place of its book, a digest, a total's id."""
        if len(samples) + sum(map(len, self._numbers.values())) > MOST_KNOWN:
            for known in (self._kinds, self._ways, self._numbers, self._alike):
                known.clear()
        new = {digest: total for _, digest, total in samples if digest not in self._kinds}
        totals = UsageTotal.objects.in_bulk(new.values())
        self._kinds |= {pk: _kind_of(totals[total], self._meters) for pk, total in new.items()}
        for place, digest, _ in samples:
            book = books[place].conditions
            ways = self._ways[book]
            way = books[place].way_of(self._kinds[digest])
            self._numbers[book][digest] = ways.setdefault(way, len(ways))

    def alike(self, digests: Iterable[int]) -> Alike:
        """Return kinds that are rated alike: each stretch of the log has said which it has."""
        seen = frozenset(digests)
        if seen not in self._alike:
            self._alike[seen] = Alike(self._kinds[digest] for digest in seen)
        return self._alike[seen]


class _Thread(local):
    def __init__(self) -> None:
        self.by_meters: dict[tuple[str, ...], _KnownKinds] = {}


THREAD = _Thread()


def _kind_of(total: UsageTotal, meters: Iterable[str]) -> KindOfUse:
    carried = tuple(meter for meter in meters if getattr(total, meter) is not None)
    return KindOfUse(**{name: getattr(total, name) for name in DIMENSIONS}, meters=carried)


def _cell(
    alike: Alike,
    meters: Sequence[str],
    events: int,
    leaves: int,
    first_index: int,
    last_index: int,
    *sums: Decimal | None,
) -> UsageCell:
    """Return a cell of kinds that are rated alike: like the first, with what all come to.

    It has the meters of the first only. The others carry those that it is rated by; and by one that
    it does not carry, it must not be rated.
    """
    first = alike.kinds[0]
    quantities = {meter: sum_ for meter, sum_ in zip(meters, sums, strict=True) if sum_ is not None}
    return UsageCell(
        **{name: getattr(first, name) for name in DIMENSIONS},
        quantities={meter: quantities[meter] for meter in first.meters},
        events=events,
        leaves=leaves,
        first_index=first_index,
        last_index=last_index,
        alike=alike,
    )
