"""Final Draft's XML (.fdx): read without entities.

Source: what Final Draft 8 to 13 write; the vendor publishes no schema. A paragraph has a type and
texts; notes, an omitted scene's old text and the look of the page are left out.
"""

import re
from typing import Any

from lxml import etree

from .collecting import Collector, Speech
from .script import NotAScreenplay, Script

# No entity is resolved, no document type, file or address is read, and no tree grows huge.
PARSER = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "dtd_validation": False,
    "huge_tree": False, "remove_comments": True, "remove_pis": True, "collect_ids": False,
}  # fmt: skip
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_DECLARES = ("doctype", "entity")
_LENGTH = re.compile(r"\s*(?:(\d{1,3})(?![/\d]))?\s*(?:(\d{1,2})/8)?\s*")
_UNREVISED = ("", "0")
_SAID = ("Dialogue", "Parenthetical", "Singing", "Lyrics")
_DIRECTIONS = ("Transition", "Shot")
HEADING = "Scene Heading"
SECOND = 2

Element = Any


def read(text: str) -> Script:
    """Return what the text of an .fdx file says. Raises NotAScreenplay."""
    root = parsed(text)
    content = root.find("Content")
    if content is None:
        raise NotAScreenplay("the file has no content.", root.sourceline)
    collector = Collector()
    reader = _Reader(collector, _revisions(root))
    for element in content:
        reader.take(element)
    reader.end()
    return collector.script(_title_page(root))


def parsed(text: str) -> Element:
    """Return the root of an .fdx text. Raises NotAScreenplay."""
    if (place := _declares(text)) is not None:
        line = text.count("\n", 0, place) + 1
        raise NotAScreenplay(
            "the XML declares a document type or an entity, which none does.", line
        )
    begins = _DECLARATION.match(text)
    # Blanks instead of the declaration, whose encoding no longer holds, keep lines where they are.
    whole = text[begins.end() :] if begins else text
    skipped = text.count("\n", 0, begins.end()) if begins else 0
    try:
        root = etree.fromstring(b"\n" * skipped + whole.encode(), etree.XMLParser(**PARSER))
    except etree.XMLSyntaxError as fault:
        reason = f"the XML breaks off or is not well formed: {fault.msg}."
        raise NotAScreenplay(reason, fault.lineno) from fault
    if root.tag != "FinalDraft":
        raise NotAScreenplay(f"the XML is no Final Draft script but “{root.tag}”.", root.sourceline)
    return root


def _declares(text: str) -> int | None:
    """Return where a document type or an entity is declared; None: nowhere."""
    place = text.find("<!")
    while place >= 0:
        if text[place + 2 : place + 12].strip().lower().startswith(_DECLARES):
            return place
        place = text.find("<!", place + 2)
    return None


class _Reader:
    """Takes paragraph after paragraph; a cue waits for what is said."""

    def __init__(self, collector: Collector, revisions: dict[str, str]) -> None:
        self.collector, self.revisions = collector, revisions
        self.said: Speech | None = None
        self.beside = False

    def take(self, element: Element) -> None:
        """Take a paragraph, or two columns of speech."""
        if element.tag == "DualDialogue":
            self._take_dual(element)
        elif element.tag == "Paragraph":
            self._paragraph(element)

    def end(self) -> None:
        """Hand over the speech that was begun."""
        if self.said is not None:
            self.collector.speech(self.said, beside=self.beside)
        self.said, self.beside = None, False

    def _take_dual(self, dual: Element) -> None:
        self.end()
        cues = 0
        for paragraph in dual.iterchildren("Paragraph"):
            self._paragraph(paragraph)
            if paragraph.get("Type") == "Character":
                cues += 1
                self.beside = cues == SECOND
        self.end()

    def _paragraph(self, paragraph: Element) -> None:
        """Take a paragraph's texts by its type, and what else stands in it."""
        kind = paragraph.get("Type", "")
        texts, marks = [], []
        for child in paragraph:
            tag = child.tag
            if tag == "Text":
                texts.append(child.text or "")
                if (mark := child.get("RevisionID", "0")) not in _UNREVISED:
                    marks.append(mark)
            elif tag == "DualDialogue":
                self._take_dual(child)
        text = "".join(texts)
        if kind.startswith(HEADING):
            self.end()
            self._heading(paragraph, text)
        else:
            self._line(kind, text)
        for mark in marks:
            self.collector.revised(self.revisions.get(mark, mark))

    def _line(self, kind: str, text: str) -> None:
        """Take what is no heading. A speech goes on until something else is said or seen."""
        if kind == "Character":
            self.end()
            self.said = Speech(text.strip(), [])
        elif self.said is not None and kind in _SAID:
            self.said.parts.append((kind == "Parenthetical", text))
        elif text := text.strip():
            self.end()
            take = self.collector.direction if kind in _DIRECTIONS else self.collector.action
            take(text)

    def _heading(self, paragraph: Element, text: str) -> None:
        properties = paragraph.find("SceneProperties")
        said = properties.attrib if properties is not None else {}
        self.collector.heading(
            text,
            paragraph.get("Number") or said.get("Number") or "",
            paragraph.sourceline or 0,
            length=length_of(said.get("Length", "")),
            omitted=paragraph.find("OmittedScene") is not None,
        )


def length_of(said: str) -> int | None:
    """Return a length such as “1 3/8” in eighths; None: it is not said so."""
    found = _LENGTH.fullmatch(said)
    if not found or not any(found.groups()):
        return None
    return int(found[1] or 0) * 8 + int(found[2] or 0) or None


def _text(paragraph: Element) -> str:
    return "".join([text.text or "" for text in paragraph.iterchildren("Text")])


def _revisions(root: Element) -> dict[str, str]:
    return {
        one.get("ID", ""): one.get("Name", "") or one.get("ID", "")
        for one in root.iterfind("Revisions/Revision")
    }


def _title_page(root: Element) -> dict[str, str]:
    """Return the title: the first line of the title page, which has no keys."""
    lines = (_text(one).strip() for one in root.iterfind("TitlePage/Content/Paragraph"))
    title = next((line for line in lines if line), "")
    return {"title": title} if title else {}
