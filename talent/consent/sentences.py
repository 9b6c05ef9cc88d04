"""Consent said in plain sentences: one for each cell of a matrix, for people to read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from babel import Locale
from babel.dates import format_date

from talent.territories import place_name
from talent.words import Channel, Exclusion, Right, Stance, Use

from .matrix import CombinedCell, label
from .scope import (
    LanguagesIn,
    Scope,
    allows_nothing,
    brand_in_words,
    language_name,
    limit_in_words,
)

ENGLISH = Locale("en")

# How people call what a scope names by its code: a licensee, a production, a brand. What is not
# in it is said as it stands.
Names = Mapping[tuple[str, str], str]

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


def sentence(cell: CombinedCell, *, subject: str = "", names: Names | None = None) -> str:
    """Say one cell: "Your voice may be dubbed into French and German until June 2027."

    `subject` replaces "Your voice", for a cell after another of the same right ("It").
    """
    names = names or {}
    nowhere = allows_nothing(cell.scope)
    stance = Stance.DENY if nowhere else cell.stance
    predicate = _STANCES[stance].format(doing=_doing(cell.use), scope=_scope(cell, names))
    ending = f", because its consent names no {nowhere}" if nowhere else ""
    conditions = _conditions(cell, stance, names)
    return f"{subject or _subject(cell.right)} {predicate}{ending}.{conditions}"


def paragraph(cells: Iterable[CombinedCell], *, names: Names | None = None) -> str:
    """Say several cells of one right as a paragraph: later sentences begin with "It"."""
    sentences: list[str] = []
    last_right = ""
    for cell in cells:
        subject = "It" if cell.right == last_right else ""
        sentences.append(sentence(cell, subject=subject, names=names))
        last_right = cell.right
    return " ".join(sentences)


def word_list(words: Sequence[str], conjunction: str = "and") -> str:
    """Join words the way a person does: French, German and Dutch."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def _subject(right: str) -> str:
    return f"Your {_SUBJECTS.get(right, label(Right, right).lower())}"


def _doing(use: str) -> str:
    return _DOINGS.get(use, f"used for {label(Use, use).lower()}")


def _scope(cell: CombinedCell, names: Names) -> str:
    scope = cell.scope
    return "".join(
        [
            _languages(cell),
            _territories(scope),
            f" on {_list(_CHANNELS.get(c, c) for c in scope.channels_allowed)}"
            if scope.channels_allowed
            else "",
            _parties(" in", "production", scope.productions_allowed, names),
            _parties(" by", "licensee", scope.licensees_allowed, names),
            _parties(" for", "brand", scope.brands_allowed, names),
            _term(scope),
        ]
    )


def _languages(cell: CombinedCell) -> str:
    if not cell.scope.languages:
        return ""
    preposition = "into" if cell.use == Use.DUBBING else "in"
    return f" {preposition} {_list(map(language_name, cell.scope.languages))}"


def _territories(scope: Scope) -> str:
    places = _list(map(place_name, scope.territories or ()))
    left_out = _list(map(place_name, scope.territories_excluded))
    if not left_out:
        return f" in {places}" if places else ""
    return f" in {places} except {left_out}" if places else f" everywhere except in {left_out}"


def _parties(preposition: str, noun: str, codes: Iterable[str] | None, names: Names) -> str:
    called = _called(noun, codes or (), names)
    return f"{preposition} {_list(called)}" if called else ""


def _called(noun: str, codes: Iterable[str], names: Names) -> list[str]:
    return [names.get((noun, code), brand_in_words(code)) for code in codes]


def _list(words: Iterable[str]) -> str:
    return word_list(sorted(words))


_CHANNELS = {channel.value: channel.label.lower() for channel in Channel}


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


def _conditions(cell: CombinedCell, stance: Stance, names: Names) -> str:
    if stance is Stance.DENY:
        return ""
    scope = cell.scope
    conditions = [
        *(_language_there(cell.use, there) for there in scope.languages_in),
        _not("with", _contents(scope)),
        _not("on", [_CHANNELS.get(code, code) for code in scope.channels_excluded]),
        _not("in", _called("production", scope.productions_excluded, names)),
        _not("by", _called("licensee", scope.licensees_excluded, names)),
        _not("for", _called("brand", scope.brands_excluded, names)),
        "Not generated in real time." if scope.real_time is False else "",
        *(f"At most {limit_in_words(limit)}." for limit in scope.limits),
        f"You are told {scope.notice_hours} hours before." if scope.notice_hours else "",
        f"If you take it back, it ends {scope.withdrawal_notice_hours} hours later."
        if scope.withdrawal_notice_hours
        else "",
    ]
    return "".join(f" {condition}" for condition in conditions if condition)


def _language_there(use: str, there: LanguagesIn) -> str:
    preposition = "into" if use == Use.DUBBING else "in"
    languages = _list(map(language_name, there.languages))
    said = f"only {preposition} {languages}" if languages else "in no language"
    return f"In {place_name(there.territory)} {said}."


def _not(preposition: str, words: Iterable[str]) -> str:
    words = sorted(words)
    return f"Not {preposition} {word_list(words, 'or')}." if words else ""


def _contents(scope: Scope) -> list[str]:
    labels = dict(Exclusion.choices())
    return sorted(labels.get(code, code).lower() for code in scope.exclusions)
