"""All that is told of a valuation, on its page and in its memo."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from talent import locales
from valuation.models import Valuation
from valuation.words import SourceStanding, Term
from valuation.worth.memo import answers, charts, facts, items
from valuation.worth.memo.answers import Deciding
from valuation.worth.memo.charts import Drawing
from valuation.worth.memo.facts import LegalTable
from valuation.worth.memo.items import TermTable
from valuation.worth.memo.written import Written


@dataclass(frozen=True)
class Told:
    """All that is told of a valuation."""

    headline: str
    likely: str
    chance: str
    decides: Deciding | None
    about: str
    view: str
    total: str
    terms: list[TermTable]
    waterfall: Drawing
    tornado: Drawing | None
    histogram: Drawing | None
    flows: Drawing
    forecasts: list[Drawing]
    money_facts: list[tuple[str, str]]
    conditions: list[tuple[str, str]]
    past_fees: list[tuple[str, str]]
    assumed: int
    legal: LegalTable
    correlations: list[str] = field(default_factory=list)


def told(valuation: Valuation, locale: str, *, width: int | str = "container") -> Told:
    """Return what is told of a valuation that has an outcome; `width` is that of its charts."""
    written = Written(valuation, locale, width)
    plan = written.plan
    tables = [items.table(written, term) for term in Term]
    return Told(
        headline=answers.headline(written),
        likely=answers.likely(written),
        chance=answers.chance(written),
        decides=answers.decides(written),
        about=" · ".join(answers.about(written)),
        view=_(plan.view.label),
        total=written.money(float(valuation.total)),
        terms=tables,
        waterfall=charts.waterfall(written, tables),
        tornado=charts.tornado(written),
        histogram=charts.histogram(written),
        flows=charts.flows(written),
        forecasts=charts.forecasts(written),
        money_facts=list(facts.money_facts(written)),
        conditions=list(facts.conditions(written)),
        past_fees=[
            (fees.agreement, locales.money(fees.amount, fees.currency, locale))
            for fees in plan.past_fees
        ],
        assumed=sum(one.standing == SourceStanding.ASSUMPTION for one in plan.inputs()),
        legal=facts.legal_table(plan.legal_paths, plan.currency, locale),
        correlations=list(facts.correlations(written)),
    )
