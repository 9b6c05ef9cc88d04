"""Column maps: which column of a file says what, as dated rule data, and whether it is verified."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


class BadColumnMap(ValueError):
    """A map names what no row has, or a column twice."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The columns of a file, each with the field it shows; `caveat` is empty once verified."""

    columns: tuple[tuple[str, str], ...]
    caveat: str

    @classmethod
    def of(cls, told: Sequence[str], known: Iterable[str], *, caveat: str) -> "ColumnMap":
        """Read columns such as "Box 4 tax withheld=withheld". Raises BadColumnMap."""
        pairs = []
        for one in told:
            heading, _sign, field = one.rpartition("=")
            if not heading or field not in set(known):
                raise BadColumnMap(f"“{one}” names nothing that a row has.")
            pairs.append((heading, field))
        if len({heading for heading, _field in pairs}) < len(pairs):
            raise BadColumnMap("A column stands there twice.")
        return cls(tuple(pairs), caveat)

    @property
    def header(self) -> list[str]:
        """The headings; while the map is unverified, the last one says so."""
        return [heading for heading, _field in self.columns] + (
            ["UNVERIFIED COLUMNS"] if self.caveat else []
        )

    def rows(self, values: Iterable[Mapping[str, object]]) -> Iterator[list[object]]:
        for row in values:
            cells = [row.get(field) for _heading, field in self.columns]
            yield [*cells, self.caveat] if self.caveat else cells
