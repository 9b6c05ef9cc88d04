"""Answers in sentences: what it is worth, how likely, and what decides it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from talent import locales
from valuation.words import View
from valuation.worth.memo.written import Written
from valuation.worth.scenario.plans import Plan


def headline(written: Written) -> str:
    whom = _whom(written.plan)
    if written.valuation.total < 0:
        text = _("Costs %(amount)s more than it brings %(whom)s")
    else:
        text = _("Worth %(amount)s %(whom)s")
    return text % {"amount": written.about(abs(float(written.valuation.total))), "whom": whom}


def likely(written: Written) -> str:
    worth = written.result.worth
    if worth.p5 == worth.p95:
        return _("No input varies, so there is no range.")
    return _("most likely between %(low)s and %(high)s") % {
        "low": written.about(worth.p5), "high": written.about(worth.p95),
    }  # fmt: skip


def chance(written: Written) -> str:
    below = written.result.below_zero
    if not below:
        return _("In no draw does it cost more than it brings.")
    if below == 1:
        return _("In every draw it costs more than it brings.")
    if below > 0.5:
        return _("%d chances in 10 that it costs more than it brings.") % round(below * 10)
    return _("1 chance in %d that it costs more than it brings.") % round(1 / below)


@dataclass(frozen=True)
class Deciding:
    """The input that V swings most with, and the scenario's item that it stands in, if it does."""

    name: str
    row: int | None


def decides(written: Written) -> Deciding | None:
    widest = next((one for one in written.result.sways if one.width), None)
    if widest is None:
        return None
    (row,) = (
        item.row for item in written.plan.items if widest.key in {one.key for one in item.inputs}
    )
    return Deciding(written.inputs[widest.key].name, row)


def about(written: Written) -> Iterator[str]:
    yield ", ".join(written.plan.twins)
    if written.plan.production:
        yield written.plan.production
    yield from written.plan.agreements
    yield written.plan.agency
    yield _("as of %s") % locales.day(written.valuation.as_of, written.locale)


def _whom(plan: Plan) -> str:
    if plan.view == View.INDEPENDENT:
        return _("to an independent producer")
    return _("to the production") if plan.production else _("to the studio")
