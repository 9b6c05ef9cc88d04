"""Escalators: what the amounts of a rate card have risen to by a rating period.

Steps fall on first days of rating periods, so a period has one price. What the steps come to is
multiplied in full, or to 24 decimal places; money is rounded once, when the period is priced.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, localcontext

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.models import Escalator, PriceIndex, RateCard
from licensing.money import EXACT
from licensing.pricing import NO_RISE, Rise, Rises
from licensing.words import Escalates
from talent import locales
from talent.database.json_rows import parts_of
from talent.errors import Refused
from talent.periods import MONTHS, months_later, period_containing
from talent.words import Period

from .rate_cards import CardIncomplete

ONE, HUNDRED = Decimal(1), Decimal(100)
FINE = Decimal(1).scaleb(-24)


class IndexFigureMissing(Refused):
    """The figure of an index that a step follows is not entered yet, so nobody knows the price."""

    code = "index_figure_missing"


def rises_on(card: RateCard, day: date) -> Rises:
    """Return what a card's amounts have risen to in the rating period that begins on a day.

    Raises IndexFigureMissing.
    """
    return _rises((escalator, steps_by(escalator, day)) for escalator in _in_order(card))


def foreseen_rises(card: RateCard, day: date) -> tuple[Rises, list[str]]:
    """Return what a card's amounts will have risen to by a day, as far as figures are entered.

    A step by an index that has no figure yet is not made; the sentences name each.
    """
    made, missing = [], []
    for escalator in _in_order(card):
        steps = steps_by(escalator, day)
        known = next(n for n in range(steps, -1, -1) if n == 0 or _is_known(escalator, n))
        made.append((escalator, known))
        if known < steps:
            missing.append(
                f"Steps of “{in_words(escalator)}” whose figures are not entered yet: prices "
                "stay as the step before them left them"
            )
    return _rises(made), missing


def _is_known(escalator: Escalator, steps: int) -> bool:
    try:
        _times(escalator, steps)
    except IndexFigureMissing:
        return False
    return True


def _rises(made: Iterable[tuple[Escalator, int]]) -> Rises:
    """Return what escalators come to that have made so many steps."""
    rises = dict.fromkeys(Escalates, NO_RISE)
    for escalator, steps in made:
        if steps:
            times, name = _times(escalator, steps), in_words(escalator, steps)
            for code in escalator.raises:
                rises[Escalates(code)] = _and(rises[Escalates(code)], times, name)
    return Rises(rises[Escalates.PRICES], rises[Escalates.FEES], rises[Escalates.BOUNDS])


def steps_by(escalator: Escalator, day: date) -> int:
    """Return how many steps an escalator has made by a day, that day's included."""
    if day < escalator.first_on:
        return 0
    if not escalator.every:
        return 1
    return _months_between(escalator.first_on, day) // MONTHS[escalator.every] + 1


def in_words(escalator: Escalator, steps: int = 0) -> str:
    """Say how an escalator raises, and how often it has: "+3 % each year from January 2027"."""
    if escalator.index is not None and escalator.base_on is not None:
        how = _("as %(index)s has since %(month)s") % {
            "index": escalator.index,
            "month": _month(escalator.base_on),
        }
    else:
        how = f"{Decimal(escalator.percent or 0).normalize():+f} %"
    month = _month(escalator.first_on)
    if escalator.every:
        period = Period(escalator.every).label.lower()
        how = _("%(how)s each %(period)s from %(month)s") % {
            "how": how, "period": period, "month": month,
        }  # fmt: skip
    else:
        how = _("%(how)s from %(month)s") % {"how": how, "month": month}
    return how + (ngettext(", %d step", ", %d steps", steps) % steps if steps else "")


def refuse_unsteady(card: RateCard) -> None:
    """Raise CardIncomplete for an escalator that would step within a rating period."""
    for escalator in _in_order(card):
        if why := _why_unsteady(escalator, card):
            raise CardIncomplete(f"The escalator “{in_words(escalator)}” {why}")


def _why_unsteady(escalator: Escalator, card: RateCard) -> str:
    agreement = card.agreement
    if escalator.first_on <= card.effective_from:
        return f"begins before its rates have counted: they count from {card.effective_from}."
    length = MONTHS[agreement.rating_period]
    period = period_containing(
        escalator.first_on, agreement.rating_period, agreement.fiscal_year_start_month
    )
    if escalator.first_on != period.starts_on or MONTHS[escalator.every or "year"] % length:
        return (
            f"would step within a rating period, which is a {agreement.rating_period}. Have it "
            f"begin on {period.starts_on} or {period.ends_on}, and step with whole periods."
        )
    try:
        _base(escalator)
    except IndexFigureMissing as missing:
        return f"has no base. {missing}"
    return ""


def _in_order(card: RateCard) -> list[Escalator]:
    return sorted(parts_of(card, "escalators"), key=lambda one: (one.first_on, one.pk))


def _times(escalator: Escalator, steps: int) -> Decimal:
    with localcontext(EXACT):
        if escalator.index is None or escalator.base_on is None:
            return _fine((ONE + (escalator.percent or 0) / HUNDRED) ** steps)
        months = MONTHS[escalator.every] * (steps - 1) if escalator.every else 0
        step_on = months_later(escalator.first_on, months)
        now = _figure(escalator.index, months_later(step_on, -escalator.months_before))
        return _fine(now / _base(escalator))


def _base(escalator: Escalator) -> Decimal:
    """Return the figure that stands for the card's amounts; one where no index is followed."""
    if escalator.index is None or escalator.base_on is None:
        return ONE
    return _figure(escalator.index, escalator.base_on)


def _figure(index: PriceIndex, month_on: date) -> Decimal:
    for row in index.figures.all():
        if row.month_on == month_on:
            return Decimal(row.figure)
    raise IndexFigureMissing(f"The figure of {index} for {_month(month_on)} is not entered yet.")


def _and(rise: Rise, times: Decimal, name: str) -> Rise:
    with localcontext(EXACT):
        both = _fine(rise.times * times)
    return Rise(both, "; ".join(filter(None, [rise.name, name])))


def _fine(times: Decimal) -> Decimal:
    """Return a factor to 24 decimal places, without the zeros at its end."""
    return times.quantize(FINE).normalize()


def _month(day: date) -> str:
    return locales.month(day, "en")


def _months_between(first: date, day: date) -> int:
    return (day.year - first.year) * 12 + day.month - first.month
