"""A statement in a few sentences, stored with it: what was used, and what was earned."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from licensing.quantities import measured
from licensing.words import Meter
from talent import locales
from talent.words import Use, Word
from valuation.statements.snapshot import StatedLine, StatementSnapshot
from valuation.words import Section

LICENSEES_TOLD = 3
USES_TOLD = 3


def in_words(statement: StatementSnapshot) -> tuple[str, ...]:
    """Return a statement's sentences in the active language, which the caller has set."""
    sentences = [
        *_usage(statement),
        *_beside_use(statement),
        *_adjustments(statement),
        *_held(statement),
    ]
    if not statement.lines:
        sentences.append(_("Nothing was used in this period."))
    return (*sentences, *_money(statement))


def spoken(word: Word) -> str:
    """Return a word's label as it stands inside a sentence: "dubbing", but "ADR".

    German writes nouns with a capital anywhere.
    """
    label = _(word.label)
    if label[:2].isupper() or (get_language() or "").startswith("de"):
        return label
    return label[:1].lower() + label[1:]


def _usage(statement: StatementSnapshot) -> list[str]:
    lines = [line for line in statement.lines if line.section == Section.USAGE]
    by_licensee: dict[str, list[StatedLine]] = {}
    for line in lines:
        by_licensee.setdefault(line.licensee, []).append(line)
    ranked = sorted(by_licensee.items(), key=lambda item: -sum(line.amount for line in item[1]))
    told = [_of_licensee(statement, name, own) for name, own in ranked[:LICENSEES_TOLD]]
    if others := len(ranked) - LICENSEES_TOLD:
        told += _others(others)
    return told


def _others(count: int) -> list[str]:
    if count < 1:
        return []
    text = ngettext(
        "%(count)d more licensee is in the lines.",
        "%(count)d more licensees are in the lines.",
        count,
    )
    return [text % {"count": count}]


def _of_licensee(statement: StatementSnapshot, licensee: str, lines: list[StatedLine]) -> str:
    uses: dict[tuple[Use, ...], list[StatedLine]] = {}
    for line in lines:
        uses.setdefault(line.uses, []).append(line)
    parts = [_of_use(statement, own) for own in list(uses.values())[:USES_TOLD]]
    if len(uses) > USES_TOLD:
        parts.append(_("other uses"))
    values = {
        "licensee": licensee,
        "what": _rights(statement, lines),
        "uses": locales.listed(parts, statement.locale),
    }
    return _("%(licensee)s used %(what)s for %(uses)s.") % values


def _of_use(statement: StatementSnapshot, lines: list[StatedLine]) -> str:
    """Say "dubbing in French and German (136 lines)"."""
    locale = statement.locale
    text = " / ".join(spoken(use) for use in lines[0].uses) or _("flat fees")
    tags = dict.fromkeys(tag for line in lines for tag in line.languages)
    if tags:
        names = [locales.language(tag, locale) for tag in tags]
        text = _("%(use)s in %(languages)s") % {
            "use": text,
            "languages": locales.listed(names, locale),
        }
    sums: dict[Meter, Decimal] = {}
    for line in lines:
        if line.meter is not None:
            sums[line.meter] = sums.get(line.meter, Decimal(0)) + line.quantity
    counted = [measured(total, meter, locale) for meter, total in sums.items() if total]
    return f"{text} ({', '.join(counted)})" if counted else text


def _rights(statement: StatementSnapshot, lines: Iterable[StatedLine]) -> str:
    rights = dict.fromkeys(right for line in lines for right in line.rights)
    if not rights:
        return _("your twin") if statement.to_performer else _("the twin")
    names = locales.listed([spoken(right) for right in rights], statement.locale)
    template = _("your %(rights)s") if statement.to_performer else _("the %(rights)s")
    return template % {"rights": names}


def _beside_use(statement: StatementSnapshot) -> list[str]:
    """Say what guarantees and advances added, and what use paid back of those."""
    texts = {
        Section.TRUE_UP: _("The guarantee adds %(amount)s to what use earned."),
        Section.ADVANCE: _("An advance of %(amount)s is due, ahead of use."),
        Section.INTEREST: _("Interest on what was paid late adds %(amount)s."),
        Section.RECOUPMENT: _("Of what use earned, %(amount)s pays advances back."),
    }
    told = []
    for section, text in texts.items():
        lines = [line.amount for line in statement.lines if line.section == section]
        amount = abs(sum(lines, Decimal(0)))
        if amount:
            money = locales.money(amount, statement.currency, statement.locale)
            told.append(text % {"amount": money})
    return told


def _adjustments(statement: StatementSnapshot) -> list[str]:
    lines = [line for line in statement.lines if line.section == Section.ADJUSTMENT]
    if not lines:
        return []
    amount = sum((line.amount for line in lines), Decimal(0))
    values = {"amount": locales.money(amount, statement.currency, statement.locale)}
    return [_("Corrections of earlier periods come to %(amount)s.") % values]


def _held(statement: StatementSnapshot) -> list[str]:
    lines = [line for line in statement.lines if line.section == Section.HELD]
    if not lines:
        return []
    who = locales.listed(list(dict.fromkeys(line.licensee for line in lines)), statement.locale)
    text = ngettext(
        "One line (%(who)s) was outside the consent given: it is held, and nothing is paid for it.",
        "%(count)d lines (%(who)s) were outside the consent given: they are held, and nothing is "
        "paid for them.",
        len(lines),
    )
    return [text % {"count": len(lines), "who": who}]


def _money(statement: StatementSnapshot) -> list[str]:
    if statement.closing_accrued <= 0:
        return []
    text = _("%(amount)s is earned and waits for the studios to pay.")
    money = locales.money(statement.closing_accrued, statement.currency, statement.locale)
    return [text % {"amount": money}]
