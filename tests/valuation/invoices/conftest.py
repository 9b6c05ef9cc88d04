"""Two people of accounting, and a licensee whose terms and details are known."""

import pytest

from talent.words import Role
from tests import factories
from tests.valuation.invoices import billing


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def owing(world, accountant, without_statements):
    """1,000.00 is owed: 10 lines at 100. It is payable within 30 days."""
    world.line(unit_price="100")
    world.use("10")
    billing.run_night()
    billing.add_terms(world, accountant)
    return world
