"""Kinds of deal: each begins with cells, meters and terms that the desk knows."""

import pytest

from licensing.agreements.wizard.kinds import kind_of_deal
from licensing.agreements.wizard.offered import KEYS
from licensing.models import DealTerms
from licensing.words import DealKind

KINDS = [kind.value for kind in DealKind]


@pytest.mark.parametrize("code", KINDS)
def test_a_kind_is_about_cells_that_there_are_and_counts_something(code):
    kind = kind_of_deal(code)

    assert kind.cells
    assert kind.cells <= set(KEYS)
    assert all(count > 0 for count in kind.meters.values())
    assert kind.real_time <= next(iter(kind.meters.values()))


@pytest.mark.parametrize("code", KINDS)
def test_its_terms_fit_their_columns(code):
    terms = kind_of_deal(code).terms
    row = DealTerms(kind=code, **terms)

    row.clean_fields(exclude=["agreement", "represented_by"])
    assert terms["payment_days"] > 0


@pytest.mark.parametrize("code", KINDS)
def test_every_figure_says_where_it_comes_from(code):
    kind = kind_of_deal(code)
    figures = [name for name, value in kind.terms.items() if name.endswith(("days", "percent"))]

    assert figures
    assert set(figures) <= kind.because.keys()
