"""New use: what nights have added since an agreement was rated, added up by how it is rated.

An agreement has hundreds of kinds of use, of which its rate lines tell a few apart. Which, only the
lines can say: so the kinds come to them, and then the sums come by their answer.
"""

import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Self

from licensing.usage.totals.statements import DIMENSIONS, METERS
from talent.database import binary_rows
from talent.database.sql import Sql, sql_file
from valuation.models import NightRun, UsageTotal
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.rating import Alike, KindOfUse, UsageCell
from valuation.residuals.totals import Cells, LastRated, MonthCell, new_cells, since

# By a seed of its own for each chunk: half as long as a kind, and nobody can send two with one.
KIND = "uuid_hash_extended(total.kind, %(seed)s::bigint)"


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
    # What a kind comes to is looked up once for all agreements that rate it in the same way.
    alike: dict[Hashable, int] = {}
    books = {pk: alike.setdefault(terms[pk].conditions, len(alike)) for pk in last}
    parameters: dict[str, object] = {
        **since(run, last),
        "books": list(books.values()),
        "seed": secrets.randbits(62),
    }
    statements = _Statements.of(meters)
    one_by_one = {pk for pk in last if terms[pk].rounds_each_event}
    samples: dict[tuple[int, int], int] = {}
    for book, digest, total, told_apart in binary_rows.execute(
        statements.kinds, parameters
    ).fetchall():
        if digest is None:
            one_by_one.add(told_apart)
        else:
            samples[book, digest] = total
    kinds = _kinds({digest: total for (_, digest), total in samples.items()}, meters)
    terms_of_book = {book: terms[pk] for pk, book in books.items()}
    numbers: dict[Hashable, int] = {}
    ways = {
        "one_by_one": list(one_by_one),
        "of_books": [book for book, _ in samples],
        "kinds": [digest for _, digest in samples],
        "ways": [
            numbers.setdefault(terms_of_book[book].way_of(kinds[digest]), len(numbers))
            for book, digest in samples
        ],
    }
    together: dict[frozenset[int], Alike] = {}
    cells: dict[int, list[MonthCell]] = defaultdict(list)
    for pk, month_on, digests, *figures in binary_rows.execute(
        statements.rated_alike, parameters | ways
    ).fetchall():
        # Each stretch of the log has said which kinds it has.
        seen = frozenset(digests)
        if seen not in together:
            together[seen] = Alike(kinds[digest] for digest in seen)
        cells[pk].append(MonthCell(month_on, _cell(together[seen], meters, *figures)))
    return {**cells, **new_cells(run, {pk: last[pk] for pk in one_by_one})}


def _kinds(samples: Mapping[int, int], meters: Sequence[str]) -> dict[int, KindOfUse]:
    """Return kinds of use by their digests; of each the id of a total is given."""
    totals = UsageTotal.objects.in_bulk(samples.values())
    return {digest: _kind_of(totals[pk], meters) for digest, pk in samples.items()}


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
