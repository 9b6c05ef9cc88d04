"""A draft that misses nothing, and the same signed."""

import pytest

from tests.factories import NOW, sign_on_paper
from tests.licensing.agreements.papers import draw, make_deal


@pytest.fixture
def deal():
    return make_deal()


@pytest.fixture
def signed(deal):
    """Return it signed, with the document that was to be signed."""
    draw(deal)
    sign_on_paper(agreement=deal, at=NOW, by=None)
    deal.refresh_from_db()
    return deal
