"""The fonts of every document: vendored, and read from nowhere else."""

import unicodedata
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

SCHEME = "font:"  # how a style sheet names a vendored font: font:SourceSans3-Regular.ttf


@cache
def folder() -> Path:
    """Return the folder of the vendored fonts. Raises FileNotFoundError if it is missing."""
    found = finders.find("fonts/SourceSans3-Regular.ttf")
    if not found:
        raise FileNotFoundError("fonts/SourceSans3-Regular.ttf is not among the static files")
    return Path(found).parent


def read(url: str) -> bytes:
    """Return the bytes of the font that a `font:` address names. Raises OSError if missing."""
    return (folder() / Path(url.removeprefix(SCHEME)).name).read_bytes()


# The first that has a character prints it. Names come in many scripts; what is beside the first is
# loaded only where it is needed.
FAMILIES = {
    "Source Sans 3": "SourceSans3-Regular.ttf",
    "Noto Sans Arabic": "NotoSansArabic-Regular.ttf",
    "Noto Sans JP": "NotoSansJP-Regular.ttf",
}


@cache
def _characters(file: str) -> frozenset[int]:
    """Return the code points that a vendored font has."""
    # Imported here: few pages ask, and it takes a while.
    from fontTools.ttLib import TTFont

    with TTFont(folder() / file, lazy=True) as font:
        return frozenset(font.getBestCmap())


def families_for(text: str) -> dict[str, str]:
    """Return the families that a text needs beside the first, with their files."""
    wanted = {ord(one) for one in text} - _characters(next(iter(FAMILIES.values())))
    needed = {}
    for family, file in [*FAMILIES.items()][1:] if wanted else ():
        if wanted & _characters(file):
            needed[family] = file
            wanted -= _characters(file)
    return needed


def lacking(text: str) -> list[str]:
    """Return the characters of a text that no vendored font has, each once and by its name.

    What is not printed, such as a line's end or a mark of direction, is not among them.
    """
    wanted = dict.fromkeys(text)
    for file in FAMILIES.values():
        if wanted:
            known = _characters(file)
            wanted = {one: None for one in wanted if ord(one) not in known}
    return [
        f"“{one}” ({unicodedata.name(one, f'U+{ord(one):04X}').lower()})"
        for one in wanted
        if unicodedata.category(one) not in {"Cc", "Cf", "Zl", "Zp"}
    ]
