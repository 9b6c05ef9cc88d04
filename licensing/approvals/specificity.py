"""Specificity: whether a text says enough, in the languages that the desk reads, and in which not.

What the desk cannot read it judges by length alone, and says so to whoever approves.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_READ = tomllib.loads(Path(__file__).with_name("open_ended.toml").read_text("utf-8"))

# Phrases that seem to describe something and leave it open, each with what to say instead.
OPEN_ENDED: dict[str, str] = {
    phrase: instead
    for language in _READ.values()
    for instead, phrases in language["open_ended"].items()
    for phrase in phrases
}
LANGUAGES_READ = tuple(_READ)

LEAST_WORDS = 5  # different words in a sentence, in scripts that set spaces between words
LEAST_SPECIFIC = 2  # of these, words that are not empty
# Letters in a sentence of a script without spaces, by how much one letter says. Korean sets spaces,
# but between few and long words.
LEAST_LETTERS = {
    "CJK": 8, "HIRAGANA": 12, "KATAKANA": 12, "HANGUL": 10,
    "THAI": 20, "LAO": 20, "KHMER": 20, "MYANMAR": 20, "TIBETAN": 20,
}  # fmt: skip
_JAPANESE = ("HIRAGANA", "KATAKANA")
# A language is recognised if so great a part of a text are its empty words.
_RECOGNISED_BY = 1 / 6
_ACCENTS = re.compile("[\u0300-\u036f]")


def open_ended_phrase(text: str) -> tuple[str, str] | None:
    """Return a phrase that leaves the meaning open, with what to say instead; None without one."""
    words = _words(text)
    spaced, joined = f" {' '.join(words)} ", "".join(words)
    for phrase in _PHRASES:
        if phrase.found_in(spaced, joined):
            return phrase.written, OPEN_ENDED[phrase.written]
    return None


def has_substance(text: str, *, sentence: bool) -> bool:
    """Tell whether a text is more than empty words; a sentence also has a length."""
    words = _words(text)
    script = _script(text)
    if sentence and script in LEAST_LETTERS:
        return _has_letters(words, LEAST_LETTERS[script])
    different = set(words)
    specific = min(len(different - empty) for empty in _EMPTY.values())
    if not sentence:
        return specific > 0
    return len(different) >= LEAST_WORDS and specific >= LEAST_SPECIFIC


def is_readable(text: str) -> bool:
    """Tell whether a text is in a language whose phrases the desk knows."""
    script = _script(text)
    if script in ("CJK", *_JAPANESE, "HANGUL"):
        return True
    words = _words(text)
    known = max(sum(word in empty for word in words) for empty in _EMPTY.values())
    return script == "LATIN" and known >= len(words) * _RECOGNISED_BY


@dataclass(frozen=True, slots=True)
class _Phrase:
    written: str
    words: tuple[str, ...]
    script: str

    def found_in(self, spaced: str, joined: str) -> bool:
        if self.script == "HANGUL":
            return f" {' '.join(self.words)}" in spaced
        if self.script in LEAST_LETTERS:
            return "".join(self.words) in joined
        return f" {' '.join(self.words)} " in spaced


def _has_letters(words: list[str], least: int) -> bool:
    """Tell whether a sentence without spaces is long enough, and not of empty words alone."""
    letters = "".join(words)
    specific = letters
    for empty in _EMPTY_PARTS:
        specific = specific.replace(empty, "")
    return len(letters) >= least and len(set(specific)) >= least // 2


def _words(text: str) -> list[str]:
    """Return the words without case and accents. A vowel sign or a tone belongs to its letter."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).casefold()
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in plain).split()


def _script(text: str) -> str:
    """Return the script of most letters; Japanese has some kana among its characters."""
    names = (unicodedata.name(c, "").split(" ")[0] for c in text if c.isalpha())
    scripts = Counter(name.partition("-")[0] for name in names)
    if not scripts:
        return ""
    most = scripts.most_common(1)[0][0]
    return next((kana for kana in _JAPANESE if most == "CJK" and scripts[kana]), most)


_PHRASES = [_Phrase(phrase, tuple(_words(phrase)), _script(phrase)) for phrase in OPEN_ENDED]
_EMPTY = {name: frozenset(_words(language["empty"])) for name, language in _READ.items()}
_EMPTY_PARTS = sorted((word for name in ("ja", "zh", "ko") for word in _EMPTY[name]), key=len)[::-1]
