"""A draft that misses nothing, and the same signed."""

import pytest

from licensing.agreements import agreements
from tests.factories import NOW
from tests.licensing.agreements.papers import draw, make_deal


@pytest.fixture
def deal():
    return make_deal()


@pytest.fixture
def signed(deal):
    """Return it signed, with the document that was to be signed."""
    draw(deal)
    agreements.sign(agreement=deal, at=NOW, by=None)
    deal.refresh_from_db()
    return deal
