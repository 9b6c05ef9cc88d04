"""Styles of a workbook that change what a cell says: a percentage, or a line through it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .values import CellKind

# Ids of the percent formats that every spreadsheet knows without a definition.
_PERCENTS = frozenset({"9", "10"})
# What a number format shows as it stands: quoted, escaped, or as wide as a character.
_LITERAL = re.compile(r'"[^"]*"|[\\_*].')


@dataclass
class Styles:
    """Reads the part of a workbook that holds its styles, for expat; `kinds` is what it found."""

    formats: dict[str, str] = field(default_factory=dict)
    struck: list[bool] = field(default_factory=list)
    kinds: dict[str, CellKind] = field(default_factory=dict)
    _place: str = ""
    _count: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2], self._place:
            case (("fonts" | "cellXfs" as place), _):
                self._place = place
            case "numFmt", "":
                self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            case "font", "fonts":
                self.struck.append(False)
            case "strike", "fonts" if self.struck:
                self.struck[-1] = attributes.get("val", "1") not in ("0", "false")
            case "xf", "cellXfs":
                if kind := self._kind_of(attributes):
                    self.kinds[str(self._count)] = kind
                self._count += 1

    def end(self, name: str) -> None:
        if name.rpartition(":")[2] == self._place:
            self._place = ""

    def _kind_of(self, attributes: dict[str, str]) -> CellKind | None:
        font, shown = attributes.get("fontId", ""), attributes.get("numFmtId", "")
        if font.isdecimal() and int(font) < len(self.struck) and self.struck[int(font)]:
            return CellKind.STRUCK
        if shown in _PERCENTS or "%" in _LITERAL.sub("", self.formats.get(shown, "")):
            return CellKind.PERCENT
        return None

    @property
    def handlers(self) -> dict[str, Callable[..., None]]:
        """What expat calls."""
        return {"StartElementHandler": self.start, "EndElementHandler": self.end}
