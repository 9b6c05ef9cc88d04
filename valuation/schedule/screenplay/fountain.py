"""Fountain, the plain-text format of screenplays.

Source: Fountain syntax 1.1, fountain.io/syntax. What it says of blank lines decides: a heading
stands between two, a cue behind one. Notes, boneyards, sections and synopses are left out.
"""

import re
from collections.abc import Iterator

from .collecting import Collector, Speech
from .headings import begins_a_scene, with_number
from .script import Script

_KEY = re.compile(r"([^\s:][^:]*):\s*(.*)")
_EMPHASIS = re.compile(r"\\([*_])|[*_]+")
_LEFT_OUT, _FORCED = "#=", ".>@!"
_SPACES = re.compile(r"[ \t]+\n")
_GOES_ON = re.compile(r"(\n)  +(?=\n)")
# Stand where something was cut, and where a line of spaces goes on with a speech; no text of a
# screenplay holds them, because reading refuses it.
_CUT, _STAYS = "\x00", "\x01"
_UNSEEN = f" \t{_CUT}{_STAYS}"

Block = tuple[int, list[str]]


def read(text: str) -> Script:
    """Return what a Fountain text says. Raises NotAScreenplay."""
    collector = Collector()
    title_page: dict[str, str] = {}
    for number, block in _blocks(_without_notes(text)):
        if number == 1 and (title_page := _title_page(block)):
            continue
        _take(collector, number, [line.strip() for line in block])
    return collector.script(title_page)


def _take(collector: Collector, number: int, block: list[str], *, behind: bool = False) -> None:
    """Hand one run of lines between empty ones to the collector, as what it is.

    `behind` says that a line which is left out stands before it, and so no empty one.
    """
    first = block[0]
    begins, alone = first[0], len(block) == 1
    if begins in _LEFT_OUT:
        if not alone:
            _take(collector, number + 1, block[1:], behind=True)
    elif begins in _FORCED:
        _forced(collector, number, block)
    elif begins in "IEie" and begins_a_scene(first):
        _heading(collector, number, block, alone=alone and not behind)
    elif not alone and _is_cue(first):
        _speech(collector, block)
    elif alone and first.endswith("TO:") and first.isupper():
        collector.direction(first)
    else:
        _action(collector, number, block)


def _forced(collector: Collector, number: int, block: list[str]) -> None:
    """Take a run whose first sign says what it is."""
    first, rest = block[0], block[1:]
    begins = first[0]
    if begins == "." and first[1:2].isalnum():
        collector.heading(*with_number(_plain(first[1:])), number)
    elif begins == ">":
        collector.direction(_plain(first.strip("<> ")))
    elif begins == "@" and rest:
        _speech(collector, block)
        return
    else:
        _action(collector, number, [first.removeprefix("!"), *rest])
        return
    if rest:
        _take(collector, number + 1, rest, behind=True)


def _action(collector: Collector, number: int, block: list[str]) -> None:
    """Take action, up to a line in it that a dot makes a heading."""
    for place, line in enumerate(block):
        if place and line.startswith(".") and line[1:2].isalnum():
            collector.action(_plain("\n".join(block[:place])))
            _forced(collector, number + place, block[place:])
            return
    collector.action(_plain("\n".join(block)))


def _heading(collector: Collector, number: int, block: list[str], *, alone: bool) -> None:
    if alone:
        collector.heading(*with_number(_plain(block[0])), number)
        return
    text = (
        f"“{block[0][:60]}” looks like a scene heading; without empty lines around it it is action."
    )
    collector.doubt(number, text)
    _action(collector, number, block)


def _speech(collector: Collector, block: list[str]) -> None:
    cue = block[0]
    beside = cue.endswith("^")
    said = [
        (line.startswith("(") and line.endswith(")"), _plain(line.lstrip("~")))
        for line in block[1:]
        if line
    ]
    collector.speech(Speech(cue.strip("@^ "), said), beside=beside)


def _is_cue(line: str) -> bool:
    """Tell whether a line is in capitals, whatever stands in parentheses behind the name."""
    return line.isupper() or line.partition("(")[0].isupper()


def _plain(text: str) -> str:
    """Return a text without the marks of emphasis."""
    if "*" in text or "_" in text:
        return _EMPHASIS.sub(r"\1", text)
    return text


def _blocks(text: str) -> Iterator[Block]:
    """Yield runs of lines between empty ones, each with the number of its first line.

    A line of two spaces goes on with a speech; one of which only a note was there is no line.
    """
    if " \n" in text or "\t\n" in text:
        text = _SPACES.sub("\n", _GOES_ON.sub(f"\\1{_STAYS}", text))
    number = 1
    for block in text.split("\n\n"):
        lines = block.split("\n")
        following = number + len(lines) + 1
        if not lines[0] or not lines[-1] or _CUT in block or _STAYS in block:
            number += next((place for place, line in enumerate(lines) if line.strip(_UNSEEN)), 0)
            lines = [line.replace(_CUT, "").replace(_STAYS, "") for line in lines if _is_line(line)]
            while lines and not lines[-1].strip():
                lines.pop()
        if lines:
            yield number, lines
        number = following


def _is_line(line: str) -> bool:
    return line.startswith(_STAYS) or bool(line.strip(_UNSEEN))


def _title_page(block: list[str]) -> dict[str, str]:
    """Return the values of a title page by key in lower case; none: the lines are no title page."""
    values: dict[str, str] = {}
    key = ""
    for line in block:
        if line.startswith((" ", "\t")) and key:
            values[key] = f"{values[key]} {_plain(line.strip())}".strip()
        elif found := _KEY.fullmatch(line):
            key = found[1].strip().lower()
            values[key] = _plain(found[2].strip())
        else:
            return {}
    # “FADE IN:” says nothing, so it is the script's first line and no title page.
    return values if any(values.values()) else {}


def _without_notes(text: str) -> str:
    """Return a text without boneyards and notes, with a mark where one was."""
    if "/*" in text:
        text = _cut(text, "/*", "*/")
    if "[[" in text:
        text = _cut(text, "[[", "]]", within="\n\n")
    return text


def _cut(text: str, opens: str, closes: str, within: str = "") -> str:
    """Cut what stands between two marks, keeping line breaks; what is never closed is text.

    With `within`, a pair that has this between is none. Each place is looked for once, so that
    a file of nothing but opening marks costs no more than another.
    """
    kept: list[str] = []
    done, at, end, barrier = 0, text.find(opens), -1, -1
    while at >= 0:
        if end < at + len(opens):
            end = text.find(closes, at + len(opens))
        if end < 0:
            break
        if within and barrier < at:
            barrier = text.find(within, at)
            barrier = len(text) if barrier < 0 else barrier
        if within and barrier < end:
            at = text.find(opens, barrier)
            continue
        stop = end + len(closes)
        kept.append(text[done:at])
        breaks = text.count("\n", at, stop)
        kept.append(_CUT + (f"\n{_CUT}" * breaks))
        done, at = stop, text.find(opens, stop)
    return "".join([*kept, text[done:]])
