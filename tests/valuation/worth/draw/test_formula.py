from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.words import Term
from valuation.worth.draw.formula import Item, NoSource, value


def test_v_is_what_is_gained_less_what_it_costs():
    valued = value(
        [
            Item(Term.SAVINGS, "Two shooting days", D("300000"), "assumption: daily burn"),
            Item(Term.SAVINGS, "Travel", D("12500.505"), "assumption: travel"),
            Item(Term.EXPANSION, "French dub", D("40000"), "assumption: market"),
            Item(Term.LICENSING, "Fees", D("46800"), "agreement A-1"),
            Item(Term.COMPUTE, "GPU hours", D("2950"), "usage"),
            Item(Term.DEPRECIATION, "Planned exposure", D("10000"), "exposure model"),
        ],
        "USD",
    )

    assert {term.value: str(amount) for term, amount in valued.terms.items()} == {
        "c_savings": "312500.51",
        "m_expansion": "40000.00",
        "l_licensing": "46800.00",
        "t_compute": "2950.00",
        "r_depreciation": "10000.00",
    }
    # 312500.51 + 40000 − 46800 − 2950 − 10000
    assert str(valued.total) == "292750.51"
    assert valued.currency == "USD"


def test_a_twin_of_which_nothing_is_known_is_worth_zero():
    valued = value([], "JPY")

    assert valued.total == 0
    assert dict.fromkeys(Term, D(0)) == valued.terms


@pytest.mark.parametrize("source", ["", "  "])
def test_an_amount_without_a_source_is_refused(source):
    with pytest.raises(NoSource, match="“Fees”"):
        Item(Term.LICENSING, "Fees", D(1), source)


@given(
    st.lists(
        st.builds(
            Item,
            st.sampled_from(list(Term)),
            st.just("item"),
            st.decimals(-(10**9), 10**9, places=4),
            st.just("assumption"),
        )
    )
)
def test_the_items_add_up_to_the_terms_and_the_terms_to_v(items):
    valued = value(items, "EUR")
    terms = valued.terms

    assert sum(item.amount for item in valued.items) == sum(terms.values())
    assert valued.total == (
        terms[Term.SAVINGS]
        + terms[Term.EXPANSION]
        - (terms[Term.LICENSING] + terms[Term.COMPUTE] + terms[Term.DEPRECIATION])
    )
