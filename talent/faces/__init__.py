"""The faces of every document: font files that lie here, and no other.

A document is set in them in the order of `fonts.conf`, whatever the machine has: so that its text
and its layout are the same everywhere.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

FACES = Path(__file__).parent
# In the order in which they are asked for a character: those of most names first, the largest last.
FILES = [
    "SourceSans3-Regular.ttf",
    "NotoSans-Regular.ttf",
    *(
        f"NotoSans{script}-Regular.ttf"
        for script in (
            *("Arabic", "Hebrew", "Devanagari", "Thai", "Armenian", "Bengali", "Ethiopic"),
            *("Georgian", "Gujarati", "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam"),
            *("Myanmar", "Sinhala", "Tamil", "Telugu"),
        )
    ),
    "NotoSansCJKjp-Regular.otf",
]
CUTS = ["SourceSans3-It.ttf", "SourceSans3-Semibold.ttf"]
SCRIPTS = (
    "Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, Ethiopic, Chinese, Japanese or "
    "Korean script, or in one of India, Sri Lanka, Thailand, Laos, Cambodia or Myanmar"
)
# Written in one language only: kana, Hangul, and the phonetic signs of Taiwan.
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_BOPOMOFO = re.compile("[\u3105-\u312f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


class FaceMissing(OSError):
    """A vendored font file is missing, so that a document would be set in another one."""


def folder() -> Path:
    """Return the folder of the vendored fonts. Raises FaceMissing if one is not there."""
    for name in (*FILES, *CUTS, "fonts.conf"):
        if not (FACES / name).is_file():
            raise FaceMissing(f"{name} is not among the desk's fonts ({FACES.name})")
    return FACES


@cache
def _characters(file: str) -> frozenset[int]:
    """Return the code points that a vendored font has."""
    # Imported here: few pages ask, and it takes a while.
    from fontTools.ttLib import TTFont

    with TTFont(FACES / file, lazy=True) as font:
        return frozenset(font.getBestCmap())


def lacking(text: str) -> list[str]:
    """Return the characters of a text that no vendored font has, each once and by its name.

    What is not printed, such as a line's end or a mark of direction, is not among them.
    """
    if text.isascii():
        return []
    wanted = dict.fromkeys(text)
    for file in FILES:
        if wanted:
            known = _characters(file)
            wanted = {one: None for one in wanted if ord(one) not in known}
    return [
        f"“{one}” ({unicodedata.name(one, f'U+{ord(one):04X}').lower()})"
        for one in wanted
        if unicodedata.category(one) not in {"Cc", "Cf", "Zl", "Zp"} and not _is_a_selector(one)
    ]


def _is_a_selector(character: str) -> bool:
    """Tell whether a character only chooses the form of the one before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def cannot_print(lacking_ones: list[str]) -> str:
    """Say which characters cannot be printed, and what to do about it."""
    return f"No font of the desk has {', '.join(lacking_ones)}. Write it in {SCRIPTS}."


def language_of(text: str, otherwise: str = "") -> str:
    """Return the language whose forms a text with ideographs is printed in; empty: it has none.

    Kana, Hangul and Bopomofo say it themselves. Ideographs alone are those of `otherwise`, the
    language of who reads it, where it writes them, and Japanese else.
    """
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    if _BOPOMOFO.search(text):
        return "zh-Hant"
    if not _HAN.search(text):
        return ""
    return otherwise if otherwise.split("-")[0] in {"zh", "ja", "ko"} else "ja"
