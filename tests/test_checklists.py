"""The steps of docs/checklists.md that a test can hold."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import DecimalField

from licensing.decision import decision
from licensing.models import UsageEvent, UsageSum
from licensing.quantities import COUNTED, measured
from licensing.usage.events.event_types import BY_TYPE
from licensing.usage.totals.statements import OTHER_LEAVES, USES
from licensing.words import Dimension, Meter
from valuation.models import UsageTotal


def page(name):
    return Path(settings.BASE_DIR, "docs", name).read_text()


@pytest.mark.parametrize("meter", Meter)
class TestAMeter:
    def test_is_a_column_of_the_event(self, meter):
        assert isinstance(UsageEvent._meta.get_field(meter.value), DecimalField)

    def test_can_be_said(self, meter):
        assert meter in COUNTED
        assert measured(Decimal(2), meter).startswith("2 ")

    def test_is_carried_by_an_event_type(self, meter):
        assert any(meter in event_type.meters for event_type in BY_TYPE.values())

    def test_is_in_the_page_for_studios(self, meter):
        assert f"`{meter.value}`" in page("usage.md")

    def test_is_added_up(self, meter):
        for added_up in (UsageSum, UsageTotal):
            assert isinstance(added_up._meta.get_field(meter.value), DecimalField)
        assert f"sum(event.{meter.value})" in USES
        assert f"sum(event.sign * event.{meter.value})" in OTHER_LEAVES


@pytest.mark.parametrize("dimension", Dimension)
class TestADimension:
    def test_is_looked_at_in_its_place(self, dimension):
        assert list(decision.CHECKS)[list(Dimension).index(dimension)] == dimension

    def test_is_in_the_page_of_clearances(self, dimension):
        assert f"| {dimension.label.lower()} |" in page("clearance.md")
