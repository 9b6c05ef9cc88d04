"""The statements that add usage up: whole, and served by their indexes.

What they come to is held by tests/valuation/night/test_leaves.py, through the night that uses them.
"""

import re

import pytest
from django.db import connection

from licensing.models import UsageBatch
from licensing.usage.totals import METERS, OTHER_LEAVES, USES, without
from licensing.wire.instants import SKEW
from tests.factories import NOW
from tests.plans import indexes_of, plan_of

STATEMENTS = [without(totals, "of one agreement") for totals in (USES, OTHER_LEAVES)]
SPAN = {
    "from_index": 0,
    "to_index": 1_000,
    "each_event": ["per_event_up"],
    "skew": SKEW,
    "zone": "UTC",
}


@pytest.mark.parametrize("totals", STATEMENTS, ids=["uses", "other leaves"])
def test_every_meter_stands_wherever_one_does(totals):
    """A new meter that one of the lists forgets would be lost without a sound."""
    counts = {meter: len(re.findall(rf"\b{meter}\b", totals)) for meter in METERS}

    assert len(set(counts.values())) == 1, counts


@pytest.mark.django_db
@pytest.mark.parametrize("totals", STATEMENTS, ids=["uses", "other leaves"])
def test_quantities_are_compared_only_where_a_rate_rounds_each_event(totals):
    together = without(totals, "per event")

    assert "ROW(" in totals
    assert "ROW(" not in together
    assert plan_of(together, SPAN)


@pytest.mark.django_db
@pytest.mark.parametrize("totals", [USES, OTHER_LEAVES], ids=["uses", "other leaves"])
def test_some_days_of_one_agreement_can_be_added_up_by_themselves(totals):
    days = {"agreement": 1, "since": NOW, "until": NOW}

    assert "%(agreement)s" in totals
    assert "%(agreement)s" not in without(totals, "of one agreement")
    assert plan_of(totals, SPAN | days)


@pytest.fixture
def many_batches(terms):
    """A log of 20,000 leaves whose figures the planner knows: of few batches any index would do."""
    UsageBatch.objects.bulk_create(
        UsageBatch(terms=terms, door="api", received_at=NOW, size=10, first_index=first)
        for first in range(0, 20_000, 10)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE licensing_usagebatch")


@pytest.mark.usefixtures("many_batches")
@pytest.mark.parametrize("totals", STATEMENTS, ids=["uses", "other leaves"])
def test_events_are_never_read_in_full(totals):
    """Only the batches of new leaves lead to them."""
    assert "licensing_usagebatch_first_index_key" in indexes_of(totals, SPAN)
    in_full = [step for step in plan_of(totals, SPAN) if step["Node Type"] == "Seq Scan"]
    assert not [step for step in in_full if "usageevent" in step["Relation Name"]]
