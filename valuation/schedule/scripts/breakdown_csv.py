"""A breakdown as CSV: sent with every score, and read back, compared with what is kept."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talent import safe_csv
from talent.errors import Refused
from valuation.models import Scene, Screenplay
from valuation.schedule.scripts import scoring
from valuation.schedule.scripts.scoring import Score

MOST_BYTES = 2_000_000
# Columns that are read back. The others are there for whoever reads, and change nothing.
COLUMNS = {
    "resonance": "resonance", "faces": "face_visibility", "stunt": "stunt", "crowd": "crowd",
    "minutes": "minutes", "location": "location_id", "languages": "languages",
}  # fmt: skip
HEADER = (
    "scene", "heading", "eighths", "characters", *COLUMNS, "resonance_proposed", "faces_proposed",
    "stunt_proposed", "crowd_proposed",
)  # fmt: skip
YES, NO = "yes", "no"
FAULTS_TOLD = 10


class NotABreakdown(Refused):
    """A file is no breakdown of the screenplay; the text says which rows, and why."""

    code = "not_a_breakdown"


@dataclass(frozen=True)
class Line:
    """What a row changes of a scene."""

    scene: Scene
    values: Mapping[str, Any]


def written(screenplay: Screenplay) -> Iterator[str]:
    """Yield the CSV of a screenplay's scenes, line by line."""
    return safe_csv.lines(HEADER, _rows(screenplay))


def _rows(screenplay: Screenplay) -> Iterator[list[object]]:
    scenes = screenplay.scenes.shot().select_related("location")
    for scene in scenes.prefetch_related("parts__character").order_by("place"):
        who = sorted(part.character.name for part in scene.parts.all())
        yield [
            scene.number, scene.heading, scene.eighths, ", ".join(who), scene.resonance,
            scene.face_visibility, _yes_no(scene.stunt), scene.crowd, scene.minutes,
            scene.location and scene.location.name, " ".join(scene.languages or ()),
            scene.proposed_resonance, scene.proposed_face, _yes_no(scene.proposed_stunt),
            scene.proposed_crowd,
        ]  # fmt: skip


def read(screenplay: Screenplay, content: bytes) -> list[Line]:
    """Return what a file changes, scene by scene; columns that it leaves out change nothing.

    Raises NotABreakdown with every row that is wrong.
    """
    rows = _read_rows(content)
    scenes = {scene.number: scene for scene in screenplay.scenes.shot().select_related("location")}
    places = {name: pk for pk, name in screenplay.locations.values_list("pk", "name")}
    lines, faults, seen = [], [], set[str]()
    for place, row in rows:
        number = _shown(row.get("scene", ""))
        try:
            if number not in scenes or number in seen:
                why = "stands in the file twice" if number in seen else "is not in the screenplay"
                raise NotABreakdown(f"scene “{number}” {why}")
            seen.add(number)
            values = _values(row, places)
        except NotABreakdown as fault:
            faults.append(f"row {place}: {fault}")
            continue
        scene = scenes[number]
        new = {name: value for name, value in values.items() if value != getattr(scene, name)}
        if new:
            lines.append(Line(scene, new))
    if faults:
        more = len(faults) - FAULTS_TOLD
        told = "; ".join(faults[:FAULTS_TOLD]) + (f"; and {more} more" if more > 0 else "")
        raise NotABreakdown(f"Nothing is taken: {told}.")
    return lines


def scores(lines: Sequence[Line]) -> list[Score]:
    """Return what lines change as scores, bound to what the scenes had when they were read."""
    return [
        Score(line.scene.pk, line.values, {name: getattr(line.scene, name) for name in line.values})
        for line in lines
    ]


def _read_rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    if len(content) > MOST_BYTES:
        raise NotABreakdown("The file is larger than 2 MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise NotABreakdown("The file is no CSV in UTF-8.") from fault
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "scene" not in names or not set(names) & set(COLUMNS):
        raise NotABreakdown("The first row names the columns: “scene”, and what is said of it.")
    reader.fieldnames = names
    try:
        yield from (
            (reader.line_num, row) for row in reader if any(map(str.strip, map(str, row.values())))
        )
    except csv.Error as fault:
        raise NotABreakdown(f"Row {reader.line_num} cannot be read: {fault}.") from fault


def _values(row: Mapping[str, str], places: Mapping[str, int]) -> dict[str, Any]:
    values = {}
    for column, name in COLUMNS.items():
        if column in row:
            values[name] = _value(column, _shown(row[column]), places)
    return values


def _value(column: str, text: str, places: Mapping[str, int]) -> Any:
    """Return what a cell says; an empty one says that nobody has scored it."""
    if not text:
        return None
    if column == "location":
        if text not in places:
            raise NotABreakdown(f"the place “{text}” is not among the screenplay's")
        return places[text]
    if column == "languages":
        return text.replace(",", " ").split()
    if column == "stunt":
        if text.lower() not in (YES, NO):
            raise NotABreakdown(f"stunt is {YES} or {NO}, not “{text}”")
        return text.lower() == YES
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotABreakdown(f"{column} is a whole number, not “{text}”")
    return _in_range(column, int(text))


def _in_range(column: str, value: int) -> int:
    low, high = scoring.RANGES[COLUMNS[column]]
    if not low <= value <= high:
        raise NotABreakdown(f"{column} goes from {low} to {high}, not {value}")
    return value


def _yes_no(value: object) -> str | None:
    return None if value is None else YES if value else NO


def _shown(cell: str) -> str:
    """Return a cell without the mark that keeps a spreadsheet from running it."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:2] in safe_csv.FORMULA_STARTS else text
