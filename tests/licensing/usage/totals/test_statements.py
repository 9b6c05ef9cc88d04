"""The statements that add usage up: whole, and served by their indexes.

What they come to is held by tests/valuation/night/test_leaves.py, through the night that uses them.
"""

import re

import pytest
from django.db import connection

from licensing.models import UsageBatch
from licensing.usage.totals.of_leaves import OF_AGREEMENTS
from licensing.usage.totals.statements import (
    COLUMNS,
    MARKS,
    METERS,
    OTHER_LEAVES,
    USES,
    of_batches,
    of_events,
)
from licensing.usage.totals.sums import COLUMNS as OF_A_SUM
from tests.factories import NOW
from tests.plans import indexes_of, plan_of

BOTH = pytest.mark.parametrize("totals", [USES, OTHER_LEAVES], ids=["uses", "other leaves"])
NEW = {**of_batches([7]), "first_event": 5_000, "last_event": 5_999}
DAYS = {"agreement": 1, "since": NOW, "until": NOW, "from_index": 0, "to_index": 9}
LEAVES = {"from_index": 0, "to_index": 99, "first_batch": 1, "last_batch": 9, "agreements": [1]}


@BOTH
def test_every_meter_stands_wherever_one_does(totals):
    """A new meter that one of the lists forgets would be lost without a sound."""
    counts = {meter: len(re.findall(rf"\b{meter}\b", totals)) for meter in METERS}

    assert len(set(counts.values())) == 1, counts


@BOTH
def test_each_condition_on_the_events_has_a_mark(totals):
    marked = {line.rpartition("  -- ")[2] for line in totals.splitlines() if "  -- " in line}

    assert marked == set(MARKS)


@pytest.mark.django_db
@BOTH
def test_some_days_of_one_agreement_can_be_added_up_by_themselves(totals):
    of_days = of_events(totals, "of one agreement")

    assert "%(agreement)s" in of_days
    assert "%(batches)s" not in of_days
    assert plan_of(of_days, NEW | DAYS)


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
@BOTH
@pytest.mark.parametrize("marks", [["of batches"], ["of batches", "of new events"]])
def test_events_are_never_read_in_full(totals, marks):
    """Their batches lead to them, or their ids."""
    statement = of_events(totals, *marks)
    assert indexes_of(statement, NEW)
    in_full = [step for step in plan_of(statement, NEW) if step["Node Type"] == "Seq Scan"]
    assert not [step for step in in_full if "usageevent" in step["Relation Name"]]


@pytest.mark.usefixtures("many_batches")
def test_a_night_reads_of_the_sums_what_is_new_for_its_agreements():
    # By the batches, where the planner knows of few.
    assert indexes_of(OF_AGREEMENTS, LEAVES) & {"usage_sum_agreement", "usage_sum_once"}
    in_full = [step for step in plan_of(OF_AGREEMENTS, LEAVES) if step["Node Type"] == "Seq Scan"]
    assert not [step for step in in_full if "usagesum" in step["Relation Name"]]


def test_a_sum_has_the_columns_of_a_total_but_for_its_place_in_the_batch():
    assert set(COLUMNS) ^ set(OF_A_SUM) == {
        "batch_id", "first_seat", "last_seat", "first_index", "last_index"
    }  # fmt: skip
