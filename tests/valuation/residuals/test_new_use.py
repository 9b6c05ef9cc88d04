"""New use, added up by how it is rated, comes to what its totals come to one by one."""

from datetime import date
from decimal import Decimal as D
from itertools import product
from unittest.mock import Mock

import pytest

from licensing.models import RateCard, UsageEvent
from talent.database import binary_rows
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.models import NightRun
from valuation.residuals import loading, totals
from valuation.residuals import new_use as new_use_module
from valuation.residuals.new_use import new_use
from valuation.residuals.totals import LastRated

pytestmark = pytest.mark.django_db

KINDS = [
    {"territory": territory, "language": language, "standing": standing, "use": use}
    for territory, language, standing, use in product(
        ["US", "US-CA", "FR"], ["en", "fr-CA"], ["cleared", "over_cap"], ["dubbing", "adr", "game"]
    )
]
METERS = [("lines", "10"), ("words", "7"), ("frames", "5")]


@pytest.fixture
def mixed(world):
    """Rate one agreement by conditions, groups and factors that cross; let all kinds be used."""
    world.line(unit_price=D(1), territories=["US"], charge_group="where")
    world.line(code="somewhere", unit_price=D(2), charge_group="where")
    world.line(code="words", meter="words", unit_price=D(1), languages=["fr"])
    world.line(code="penalty", unit_price=D(9), unlicensed=True, territories=["FR"])
    world.factor("territory", "US-CA", "2")
    for kind, (meter, quantity) in product(KINDS, METERS):
        world.use(quantity, meter=meter, **kind)
    return world


def added_up(world):
    """Return what is new, with the terms: by how it is rated, and total by total."""
    night.sequencer.seal(at=TONIGHT)
    run = night.start(TONIGHT.date(), TONIGHT, "UTC")
    totals.add_new_leaves(run, [world.agreement.pk])
    terms, last = loading._terms_of([world.agreement.pk]), {world.agreement.pk: LastRated()}
    alike, each = new_use(run, last, terms), totals.new_cells(run, last)
    return terms[world.agreement.pk], alike[world.agreement.pk], each[world.agreement.pk]


def rated(terms, cells):
    days = terms.rate(terms.period_of(JULY), cells)
    months = [month for part in days.segments for month in part.months.values()]
    metered = {(use.line_key, use.factor): use for month in months for use in month.metered}
    return metered, days.leaf_counts(from_index=0)


def test_it_is_rated_as_its_totals_are(mixed):
    terms, alike, each = added_up(mixed)

    assert rated(terms, alike) == rated(terms, each)
    assert len(each) == len(KINDS)
    # Within the consent by three places and two languages, past the cap by place alone.
    assert len(alike) == 9


def test_each_card_that_counts_tells_kinds_apart(mixed):
    mixed.card = RateCard.objects.create(agreement=mixed.agreement, effective_from=date(2026, 8, 1))
    mixed.line(unit_price=D(3), languages=["en"])
    mixed.use("4", on="2026-08-02", language="en")
    mixed.use("6", on="2026-08-02", language="fr")

    terms, alike, each = added_up(mixed)

    assert rated(terms, alike) == rated(terms, each)


def test_kinds_are_asked_for_once_and_again_where_some_are_new_or_were_forgotten(
    mixed, monkeypatch
):
    new_use_module.THREAD.by_meters.clear()
    asked = Mock(wraps=binary_rows.execute)
    monkeypatch.setattr(binary_rows, "execute", asked)

    def passes():
        asked.reset_mock()
        terms, alike, each = added_up(mixed)
        assert rated(terms, alike) == rated(terms, each)
        NightRun.objects.update(status="finished")
        return sum("min(total.id)" in call.args[0] for call in asked.call_args_list)

    assert [passes(), passes()] == [1, 0]
    mixed.use("4", language="de")
    assert [passes(), passes()] == [1, 0]
    monkeypatch.setattr(new_use_module, "MOST_KNOWN", 1)
    mixed.use("4", language="it")
    assert [passes(), passes()] == [1, 0]


ROUNDED = {"code": "rounded", "round_quantity": "per_event_up", "round_to": D(60)}


@pytest.mark.parametrize(
    "when", ["it rounds each event", "it has come to round each event", "it has not happened"]
)
def test_where_more_counts_than_the_kind_each_total_stands_for_itself(mixed, when):
    if when == "it has come to round each event":
        night.sequencer.seal(at=TONIGHT)
        totals.add_up_old_batches(from_index=0, to_index=UsageEvent.objects.count())
    if when == "it has not happened":
        mixed.use("3", on="2026-12-01")
    else:
        mixed.line(unit_price=D(1), **ROUNDED)

    terms, alike, each = added_up(mixed)

    assert sorted(alike, key=repr) == sorted(each, key=repr)
    assert rated(terms, alike) == rated(terms, each)
