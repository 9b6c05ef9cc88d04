"""Scene headings: where a scene plays, at what time of day, and under which number."""

import re

from valuation.words import Setting

# As Fountain 1.1 has them; Final Draft's headings are marked as such, and begin likewise.
_BEGINS = re.compile(
    r"(?P<both>INT\.?\s?/\s?EXT|EXT\.?\s?/\s?INT|I\s?/\s?E)(?=[\s.])|"
    r"(?P<int>INT)(?=[\s.])|(?P<ext>EXT|EST)(?=[\s.])",
    re.IGNORECASE,
)
# Fountain's own list; another beginning is forced by a dot.
_FOUNTAIN = re.compile(r"(?:INT|EXT|EST|INT\./EXT|INT/EXT|I/E)[. ]", re.IGNORECASE)
_BETWEEN = re.compile(r"\s+[-–—]+\s+")
_TIMES = re.compile(
    r"\b(?:DAY|NIGHT|MORNING|AFTERNOON|EVENING|DAWN|DUSK|NOON|MIDDAY|MIDNIGHT|SUNRISE|SUNSET"
    r"|TWILIGHT|LATER|CONTINUOUS|SAME|MOMENTS)\b",
    re.IGNORECASE,
)
OMITTED = "OMITTED"


def setting_of(heading: str) -> tuple[Setting, str]:
    """Return whether a heading's scene plays indoors, and the heading without that."""
    begins = _BEGINS.match(heading)
    if begins is None:
        return Setting.OTHER, heading
    kind = {"both": Setting.BOTH, "int": Setting.INTERIOR}.get(
        begins.lastgroup or "", Setting.EXTERIOR
    )
    return kind, heading[begins.end() :].lstrip(" .\t")


def begins_a_scene(line: str) -> bool:
    """Tell whether a line of Fountain begins as the headings of scenes do."""
    return _FOUNTAIN.match(line) is not None


def place_and_time(named: str) -> tuple[str, str]:
    """Part a heading behind INT or EXT into its place and its time of day, empty where unsaid."""
    parts = _BETWEEN.split(named.strip())
    if len(parts) > 1 and _TIMES.search(parts[-1]):
        return " - ".join(parts[:-1]).upper(), parts[-1].upper()
    return " - ".join(parts).upper(), ""


def with_number(heading: str) -> tuple[str, str]:
    """Part a Fountain heading and the number behind it: “INT. ROOM - DAY #4A#”."""
    text = heading.rstrip()
    if not text.endswith("#"):
        return text, ""
    begins = text.rfind("#", 0, len(text) - 1)
    number = text[begins + 1 : -1].strip()
    return (text[:begins].rstrip(), number) if begins >= 0 and number else (text, "")
