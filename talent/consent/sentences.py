"""Consent said in plain sentences: one for each cell of a matrix, for people to read."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from babel import Locale
from babel.dates import format_date

from talent.words import Exclusion, Right, Stance, Use

from .matrix import CombinedCell, Scope, label

ENGLISH = Locale("en")

_SUBJECTS = {Right.COMPOSITE.value: "composite likeness"}

_DOINGS = {
    Use.FEATURE.value: "used in feature films",
    Use.SERIES.value: "used in series",
    Use.ANIMATION.value: "used in animation",
    Use.DUBBING.value: "dubbed",
    Use.ADR.value: "used for ADR",
    Use.STUNT.value: "used for stunts",
    Use.BACKGROUND.value: "used in the background",
    Use.GAME.value: "used in games",
    Use.PROMO.value: "used in interactive promos",
    Use.ADVERTISING.value: "used in advertising",
    Use.IMMERSIVE.value: "used in immersive works",
    Use.SOCIAL.value: "used on social media",
    Use.LIVE.value: "used live",
    Use.AGE_CHANGE.value: "made younger or older",
    Use.REALITY.value: "used in reality shows",
    Use.POSTHUMOUS.value: "used to complete a work after death",
    Use.TRAINING.value: "used for training",
}

_STANCES = {
    Stance.ALLOW: "may be {doing}{scope}",
    Stance.ASK: "may be {doing}{scope} only after you have approved it",
    Stance.DENY: "may not be {doing}",
}


def sentence(cell: CombinedCell, *, subject: str = "") -> str:
    """Say one cell: "Your voice may be dubbed into French and German until June 2027."

    `subject` replaces "Your voice", for a cell after another of the same right ("It").
    """
    nowhere = _allows_nothing(cell.scope)
    stance = Stance.DENY if nowhere else cell.stance
    predicate = _STANCES[stance].format(doing=_doing(cell.use), scope=_scope(cell))
    ending = f", because its consent names no {nowhere}" if nowhere else ""
    return f"{subject or _subject(cell.right)} {predicate}{ending}.{_conditions(cell, stance)}"


def paragraph(cells: Iterable[CombinedCell]) -> str:
    """Say several cells of one right as a paragraph: later sentences begin with "It"."""
    sentences: list[str] = []
    last_right = ""
    for cell in cells:
        sentences.append(sentence(cell, subject="It" if cell.right == last_right else ""))
        last_right = cell.right
    return " ".join(sentences)


def word_list(words: Sequence[str], conjunction: str = "and") -> str:
    """Join words the way a person does: French, German and Dutch."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def language_name(tag: str) -> str:
    """Name a BCP 47 tag in English; a tag without a known name is returned as it is."""
    base, _, region = tag.partition("-")
    name = ENGLISH.languages.get(base.lower())
    if not name:
        return tag
    return f"{name} ({territory_name(region)})" if region else name


def territory_name(code: str) -> str:
    """Name an ISO 3166 code in English; a code without a known name is returned as it is."""
    return str(ENGLISH.territories.get(code.upper(), code))


def _subject(right: str) -> str:
    return f"Your {_SUBJECTS.get(right, label(Right, right).lower())}"


def _doing(use: str) -> str:
    return _DOINGS.get(use, f"used for {label(Use, use).lower()}")


def _scope(cell: CombinedCell) -> str:
    scope = cell.scope
    parts = [
        _languages(cell),
        f" in {_names(scope.territories, territory_name)}" if scope.territories else "",
        f" by {word_list(sorted(scope.licensees_allowed))}" if scope.licensees_allowed else "",
        _term(scope),
    ]
    return "".join(parts)


def _languages(cell: CombinedCell) -> str:
    if not cell.scope.languages:
        return ""
    preposition = "into" if cell.use == Use.DUBBING else "in"
    return f" {preposition} {_names(cell.scope.languages, language_name)}"


def _names(codes: Iterable[str], name: Callable[[str], str]) -> str:
    return word_list(sorted(name(code) for code in codes))


def _term(scope: Scope) -> str:
    starts = f" from {_day(scope.valid_from)}" if scope.valid_from else ""
    ends = f" until {_end(scope.valid_to)}" if scope.valid_to else ""
    return starts + ends


def _end(at: datetime) -> str:
    """Write the last day before `at`; the end of a month is written as “June 2027”."""
    last = at - timedelta(microseconds=1)
    if at.day == 1 and not (at.hour or at.minute):
        return format_date(last, "MMMM y", ENGLISH)
    return _day(last)


def _day(at: datetime) -> str:
    return format_date(at, "d MMMM y", ENGLISH)


def _allows_nothing(scope: Scope) -> str:
    """Say which list is empty and so allows nothing; the first of several."""
    lists = {
        "territory": scope.territories,
        "language": scope.languages,
        "licensee": scope.licensees_allowed,
    }
    return next((noun for noun, codes in lists.items() if codes is not None and not codes), "")


def _conditions(cell: CombinedCell, stance: Stance) -> str:
    if stance is Stance.DENY:
        return ""
    scope = cell.scope
    conditions = [
        f"Not with {word_list(_contents(scope), 'or')}." if scope.exclusions else "",
        f"Not by {word_list(sorted(scope.licensees_excluded), 'or')}."
        if scope.licensees_excluded
        else "",
        "Not generated in real time." if scope.real_time is False else "",
        f"At most {scope.maximum_hours} hours." if scope.maximum_hours is not None else "",
        f"You are told {scope.notice_hours} hours before." if scope.notice_hours else "",
    ]
    return "".join(f" {condition}" for condition in conditions if condition)


def _contents(scope: Scope) -> list[str]:
    labels = dict(Exclusion.choices())
    return sorted(labels.get(code, code).lower() for code in scope.exclusions)
