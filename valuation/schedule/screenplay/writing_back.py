"""Scene properties written into an .fdx file, every other byte of which stays as it was."""

import re
from collections.abc import Mapping, Sequence
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from .final_draft import HEADING, parsed
from .reading import decoded
from .script import NotAScreenplay

_OPEN = ["FinalDraft", "Content", "Paragraph"]
_PROPERTIES = "SceneProperties"
_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")

Edit = tuple[int, int, bytes]


def with_properties(content: bytes, properties: Sequence[Mapping[str, str]]) -> bytes:
    """Return an .fdx file with attributes of the scenes' properties set, scene by scene.

    Raises NotAScreenplay where it is none, or has another number of scenes.
    """
    text, encoding, skipped = decoded(content)
    parsed(text)
    raw = text.encode()
    edits = _Places(raw, properties).edits()
    for begins, ends, new in reversed(edits):
        raw = raw[:begins] + new + raw[ends:]
    return content[:skipped] + raw.decode().encode(encoding, "xmlcharrefreplace")


class _Places:
    """Walks the tags of a file, and says what to replace where."""

    def __init__(self, raw: bytes, properties: Sequence[Mapping[str, str]]) -> None:
        self.raw, self.wanted = raw, properties
        self.path: list[str] = []
        self.scene = -1
        # Where the properties of the heading at hand go while it has none.
        self.missing: int | None = None
        self.found: list[Edit] = []

    def edits(self) -> list[Edit]:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = lambda name, given: self._start(parser, name, given)
        parser.EndElementHandler = lambda _name: self._end()
        parser.Parse(self.raw, True)  # noqa: FBT003 (its own signature: this is the last part)
        if self.scene + 1 != len(self.wanted):
            raise NotAScreenplay("The file has another number of scenes than the breakdown.")
        return sorted(self.found)

    def _start(self, parser: expat.XMLParserType, name: str, given: dict[str, str]) -> None:
        self.path.append(name)
        at = parser.CurrentByteIndex
        if self.path == _OPEN and given.get("Type", "").startswith(HEADING):
            self.scene += 1
            ends = self._tag_end(at)
            self.missing = None if self.raw[ends - 2 : ends] == b"/>" else ends
        elif self.path == [*_OPEN, _PROPERTIES] and self.missing is not None:
            self.missing = None
            self._replace(at, given)

    def _end(self) -> None:
        if self.path == _OPEN and self.missing is not None:
            tag = f"<{_PROPERTIES}{_written(self._wanted())}/>".encode()
            self.found.append((self.missing, self.missing, tag))
            self.missing = None
        self.path.pop()

    def _replace(self, at: int, given: dict[str, str]) -> None:
        ends = self._tag_end(at)
        closes = b"/>" if self.raw[ends - 2 : ends] == b"/>" else b">"
        attributes = _written({**given, **self._wanted()})
        self.found.append((at, ends, f"<{_PROPERTIES}{attributes}".encode() + closes))

    def _wanted(self) -> Mapping[str, str]:
        return self.wanted[self.scene] if self.scene < len(self.wanted) else {}

    def _tag_end(self, at: int) -> int:
        found = _TAG_END.match(self.raw, at)
        return found.end() if found else len(self.raw)


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def length_in_words(eighths: int) -> str:
    """Return a length as Final Draft and strips write it: “1 3/8”."""
    pages, rest = divmod(eighths, 8)
    parts = [str(pages)] if pages else []
    return " ".join([*parts, f"{rest}/8"] if rest or not parts else parts)
