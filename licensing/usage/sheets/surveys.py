"""Surveys: what a sheet's columns look like as a whole, before anybody says what they mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from licensing.words import Meter

from .rows import ColumnMapping
from .values import proposed_order, proposed_sign, samples_of

# Enough to see how a column is written; a sheet may have 200,000 rows.
LOOKED_AT = 20_000
SAMPLES = 3


@dataclass(frozen=True)
class Survey:
    """A sheet's rows, and by column: samples, blanks, and the decimal sign and order of dates."""

    rows: int
    samples: dict[str, list[str]] = field(default_factory=dict)
    blanks: dict[str, int] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)

    def completed(self, mapping: ColumnMapping) -> ColumnMapping:
        """Return a mapping with what these rows themselves show of numbers and dates.

        What was said of an earlier sheet stands, unless these rows can only be written otherwise.
        """
        meters = [name for name, target in mapping.columns.items() if target in Meter.codes()]
        signs = {self.signs[name] for name in meters or self.signs if name in self.signs}
        orders = set(self.orders.values())
        sign, order = _only(signs), _only(orders)
        return replace(
            mapping,
            decimal_sign=sign or mapping.decimal_sign,
            date_order=order or mapping.date_order,
        )


def survey_of(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Survey:
    """Survey a sheet's rows, which are read to their end."""
    columns: dict[str, list[str]] = {name: [] for name in headers if name}
    count = 0
    for cells in rows:
        count += 1
        if count <= LOOKED_AT:
            for name, cell in zip(headers, cells, strict=False):
                if name:
                    columns[name].append(cell)
    signs = {name: proposed_sign(cells)[0] for name, cells in columns.items()}
    orders = {name: proposed_order(cells)[0] for name, cells in columns.items()}
    return Survey(
        count,
        {name: samples_of(cells, SAMPLES) for name, cells in columns.items()},
        {name: sum(not cell for cell in cells) for name, cells in columns.items()},
        {name: sign.value for name, sign in signs.items() if sign},
        {name: order.value for name, order in orders.items() if order},
    )


def _only(found: set[str]) -> str:
    return found.pop() if len(found) == 1 else ""
