"""Facts beside the answer: money in time, conditions, what moves together, legal paths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from talent import locales
from valuation.worth.legal.risks import Assessment, Path, PathState, legal_exposure
from valuation.worth.memo.written import Written

# A hundredfold a year.
HIGHEST_RETURN = 100.0


@dataclass(frozen=True)
class PathRow:
    """What a plan rests on in law, how far that is on file, and what could be claimed, if known.

    `risk` is how likely a claim is, and what is at risk; `said` who says so, and from when.
    """

    key: str
    name: str
    state: str
    source: str
    risk: str
    said: str
    amount: str
    is_licensed: bool


@dataclass(frozen=True)
class LegalTable:
    """The legal paths of a plan, what could be claimed in all, and what that leaves out."""

    rows: list[PathRow]
    answer: str
    total: str


def money_facts(written: Written) -> Iterator[tuple[str, str]]:
    worth, present = written.result.worth, written.result.present
    # Its items' means, each rounded once: what stands in the tables adds up to it.
    yield _("Mean of V"), written.money(float(written.valuation.total))
    yield _("P5, P50, P95"), " · ".join(map(written.money, (worth.p5, worth.p50, worth.p95)))
    yield (
        _("Chance that V is below zero"),
        locales.percent(Decimal(repr(round(written.result.below_zero * 100, 2))), written.locale),
    )
    worst = locales.percent(Decimal(5), written.locale)
    yield _("Mean of the worst %s") % worst, written.money(written.result.expected_shortfall)
    rate = locales.percent(written.plan.discount * 100, written.locale)
    likely = f"{written.money(present.p5)} – {written.money(present.p95)}"
    now = f"{written.money(present.mean)} ({likely})"
    yield _("Net present value at %s a year") % rate, now
    yield _("Internal rate of return"), _returns(written)
    yield _("Payback"), _payback(written)


def _returns(written: Written) -> str:
    found = [_return(written, one) for one in written.result.returns]
    if not found:
        return _("none: no yearly rate makes the flows come to nothing")
    if len(found) == 1:
        return found[0]
    return _("not one rate: what comes in and goes out changes sign more than once, so go by "
             "the net present value. Nearest to zero is %(first)s; there is also "
             "%(others)s.") % {
        "first": found[0], "others": ", ".join(found[1:]),
    }  # fmt: skip


def _return(written: Written, rate: float) -> str:
    """Write a yearly rate; where next to nothing is put in first, its size says no more."""
    if rate > HIGHEST_RETURN:
        most = locales.percent(_percent(HIGHEST_RETURN), written.locale)
        return _("more than %s: little is put in before it pays") % most
    return locales.percent(_percent(rate), written.locale)


def _payback(written: Written) -> str:
    month = written.result.payback
    if month is None:
        return _("not within the scenario's months")
    return _("never below zero") if month == 0 else _("in month %d") % month


def conditions(written: Written) -> Iterator[tuple[str, str]]:
    plan, locale = written.plan, written.locale
    yield _("Scenario"), plan.scenario
    yield _("Whose view"), _(plan.view.label)
    yield _("Currency"), locales.currency_name(plan.currency, locale)
    yield _("Months"), _("%(months)d from %(day)s") % {
        "months": plan.months, "day": locales.short_day(plan.begins_on, locale),
    }  # fmt: skip
    yield (
        _("Discount rate"),
        "{} ({})".format(
            locales.percent(plan.discount * 100, locale),
            plan.discount_source or _("no source named: an assumption"),
        ),
    )
    yield _("Draws"), _("%(draws)s of a scrambled Sobol sequence, seed %(seed)d") % {
        "draws": written.quantity(plan.draws), "seed": plan.seed,
    }  # fmt: skip


def correlations(written: Written) -> Iterator[str]:
    for pair in written.plan.together:
        yield _("%(one)s and %(other)s move together by %(by)s (%(source)s)") % {
            "one": written.inputs[pair.one].name,
            "other": written.inputs[pair.other].name,
            "by": locales.quantity(Decimal(str(pair.coefficient)), written.locale),
            "source": pair.source,
        }


def legal_table(paths: Sequence[Path], currency: str, locale: str) -> LegalTable:
    """Tell the legal paths of a plan in its currency."""
    found = legal_exposure(paths)
    total = locales.money(found.total, currency, locale) if found.assessed else ""
    unknown = len(found.unknown)
    parts = []
    if found.assessed:
        parts.append(_("Legal exposure: %(total)s, of what was assessed.") % {"total": total})
    else:
        parts.append(_("Legal exposure: nobody has assessed it yet."))
    if unknown:
        parts.append(
            ngettext(
                "%d path is not assessed: unknown, not zero.",
                "%d paths are not assessed: unknown, not zero.",
                unknown,
            )
            % unknown
        )
    parts.append(_("It is never part of V."))
    rows = [_path_row(path, currency, locale) for path in paths]
    return LegalTable(rows, " ".join(parts), total)


def _path_row(path: Path, currency: str, locale: str) -> PathRow:
    states = {
        PathState.LICENSED: _("on file"),
        PathState.UNLICENSED: _("not on file"),
        PathState.CONTAMINATED: _("contaminated"),
        PathState.UNKNOWN: _("not known here"),
    }
    is_licensed = path.state is PathState.LICENSED
    source = path.source
    if path.on is not None:
        source = f"{source}, {locales.day(path.on, locale)}"
    said = None if is_licensed else path.assessment
    return PathRow(
        key=path.key,
        name=path.name,
        state=states[path.state],
        source=source,
        risk=_risk(said, locale) if said else "",
        said=f"{said.source}, {locales.day(said.on, locale)}" if said else "",
        amount=locales.money(said.exposure, currency, locale) if said else "",
        is_licensed=is_licensed,
    )


def _risk(said: Assessment, locale: str) -> str:
    at_risk = locales.money(said.at_risk, said.currency, locale)
    risk = f"{locales.percent(said.probability * 100, locale)} × {at_risk}"
    if said.conversion is None:
        return risk
    rate = locales.quantity(round(said.conversion.rate, 6), locale)
    return _("%(risk)s × %(rate)s (%(source)s, %(day)s)") % {
        "risk": risk,
        "rate": rate,
        "source": said.conversion.source,
        "day": locales.short_day(said.conversion.on, locale),
    }


def _percent(rate: float) -> Decimal:
    return Decimal(repr(round(rate * 100, 2)))
