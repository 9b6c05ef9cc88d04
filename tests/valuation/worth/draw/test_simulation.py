"""V over many draws: by hand where all is fixed, by known moments where it is not."""

import numpy as np
import pytest

from tests.valuation.worth.draw.product import Product
from valuation.words import Term
from valuation.worth.draw.distributions import Fixed, Normal, Pert, Uniform
from valuation.worth.draw.points import BLOCK, BadDraws
from valuation.worth.draw.simulation import Input, Item, Model, simulate


def model(inputs, items, **more):
    return Model(tuple(Input(key, kind) for key, kind in inputs.items()), tuple(items), **more)


FIXED = model(
    {
        "days": Fixed(9), "burn": Fixed(50_000), "market": Fixed(400_000), "share": Fixed(0.6),
        "lines": Fixed(3_140), "rate": Fixed(50), "hours": Fixed(5_800), "gpu": Fixed(2.95),
        "worn": Fixed(35_000),
    },
    [
        Item(Term.SAVINGS, Product(("days", "burn")), begins=0, months=3),
        Item(Term.EXPANSION, Product(("market", "share")), begins=6, months=12),
        Item(Term.LICENSING, Product(("lines", "rate")), begins=2),
        Item(Term.COMPUTE, Product(("hours", "gpu")), begins=1),
        Item(Term.DEPRECIATION, Product(("worn",)), begins=17),
    ],
)  # fmt: skip


def test_v_of_fixed_inputs_is_that_of_a_spreadsheet():
    # | savings      | 9 days × 50,000          |  450,000 |
    # | expansion    | 400,000 × 60 %           |  240,000 |
    # | licensing    | 3,140 lines × 50         | −157,000 |
    # | compute      | 5,800 h × 2.95           |  −17,110 |
    # | depreciation |                          |  −35,000 |
    # | V            |                          |  480,890 |
    outcome = simulate(FIXED, draws=64, seed=7)

    assert outcome.worth.mean == pytest.approx(480_890)
    assert outcome.worth.p5 == outcome.worth.p95 == pytest.approx(480_890)
    assert outcome.below_zero == 0
    assert outcome.term_means == {
        Term.SAVINGS: pytest.approx(450_000),
        Term.EXPANSION: pytest.approx(240_000),
        Term.LICENSING: pytest.approx(157_000),
        Term.COMPUTE: pytest.approx(17_110),
        Term.DEPRECIATION: pytest.approx(35_000),
    }


def test_v_is_spread_over_the_months_in_which_its_items_fall_due():
    flows = simulate(FIXED, draws=64, seed=7).flows

    assert len(flows) == 18
    assert flows[:4] == pytest.approx([150_000, 150_000 - 17_110, 150_000 - 157_000, 0])
    assert flows[6] == pytest.approx(20_000)
    assert flows[17] == pytest.approx(20_000 - 35_000)
    assert sum(flows) == pytest.approx(480_890)


def test_each_month_is_discounted_from_its_beginning_and_the_first_is_now():
    """450,000 in months 1 to 3 at 21 % a year: a month is a twelfth of a year."""
    days = Item(Term.SAVINGS, Product(("days", "burn")), begins=0, months=3)
    worn = Item(Term.DEPRECIATION, Product(("burn",)), begins=12)
    fixed = model({"days": Fixed(9), "burn": Fixed(50_000)}, [days, worn])

    outcome = simulate(fixed, draws=64, seed=7, discount=0.21)

    savings = 150_000 * (1 + 1.21 ** (-1 / 12) + 1.21 ** (-2 / 12))
    assert outcome.present.mean == pytest.approx(savings - 50_000 / 1.21)
    assert outcome.worth.mean == pytest.approx(400_000)


def test_quantiles_shortfall_and_the_chance_of_a_loss_are_those_of_a_normal_v():
    # 100 ± 50 less 40 ± 30: 60 ± √(2,500 + 900) = 58.31.
    both = model(
        {"gain": Normal(100, 50), "cost": Normal(40, 30)},
        [Item(Term.SAVINGS, Product(("gain",))), Item(Term.COMPUTE, Product(("cost",)))],
    )

    outcome = simulate(both, draws=2**15, seed=7)

    assert outcome.worth.mean == pytest.approx(60, abs=0.01)
    assert outcome.worth.p5 == pytest.approx(60 - 1.6449 * 58.31, abs=0.5)
    assert outcome.worth.p95 == pytest.approx(60 + 1.6449 * 58.31, abs=0.5)
    # Φ(−60/58.31) = 0.1518; the mean below P5 is 60 − 58.31 × φ(1.6449)/0.05.
    assert outcome.below_zero == pytest.approx(0.1518, abs=0.002)
    assert outcome.expected_shortfall == pytest.approx(60 - 58.31 * 2.0627, abs=0.7)
    assert sum(outcome.histogram.counts) == outcome.draws


def test_inputs_that_move_together_widen_v():
    inputs = {"one": Normal(0, 1), "other": Normal(0, 1)}
    items = [Item(Term.SAVINGS, Product((key,))) for key in inputs]
    apart = simulate(model(inputs, items), draws=2**14, seed=7)
    together = simulate(
        model(inputs, items, correlation=np.array([[1, 0.8], [0.8, 1]])), draws=2**14, seed=7
    )

    # √2 and √(2 + 2 × 0.8) standard deviations.
    assert apart.worth.p95 == pytest.approx(1.6449 * 2**0.5, abs=0.03)
    assert together.worth.p95 == pytest.approx(1.6449 * 3.6**0.5, abs=0.03)


def test_one_input_may_move_several_items():
    # 1,000 × minutes saved less 1,000 × minutes to redo: nothing, whatever the minutes.
    shared = model(
        {"minutes": Uniform(10, 90), "rate": Fixed(1_000)},
        [
            Item(Term.SAVINGS, Product(("minutes", "rate"))),
            Item(Term.COMPUTE, Product(("minutes", "rate"))),
        ],
    )

    assert simulate(shared, draws=256, seed=7).worth.p95 == 0


def test_the_same_seed_reproduces_every_figure_and_another_does_not():
    spread = model({"a": Pert(0, 1, 9)}, [Item(Term.SAVINGS, Product(("a",)))])

    assert simulate(spread, draws=1_024, seed=7) == simulate(spread, draws=1_024, seed=7)
    assert simulate(spread, draws=1_024, seed=7) != simulate(spread, draws=1_024, seed=8)


def test_progress_is_told_block_by_block_and_what_it_raises_ends_the_draws():
    spread = model({"a": Uniform(0, 1)}, [Item(Term.SAVINGS, Product(("a",)))])
    heard = []

    simulate(spread, draws=4 * BLOCK, seed=7, progress=heard.append)

    assert heard == [BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK]

    def cancel(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(spread, draws=4 * BLOCK, seed=7, progress=cancel)


def test_a_scenario_without_items_is_worth_nothing():
    assert simulate(model({}, []), draws=64, seed=7).worth.mean == 0


@pytest.mark.parametrize("draws", [0, 1_000, 2**21])
def test_a_number_of_draws_that_is_no_power_of_two_or_too_large_is_refused(draws):
    with pytest.raises(BadDraws):
        simulate(FIXED, draws=draws, seed=7)


@pytest.mark.parametrize(
    "correlation",
    [
        [[1, 0.5], [0.4, 1]],
        [[1, 0.5], [0.5, 2]],
        [[1, 1.2], [1.2, 1]],
        [[1, 0.5, 0], [0.5, 1, 0]],
    ],
)
def test_a_matrix_that_is_no_correlation_is_refused(correlation):
    inputs = {"one": Uniform(0, 1), "other": Uniform(0, 1)}
    bad = model(inputs, [Item(Term.SAVINGS, Product(("one",)))], correlation=np.array(correlation))

    with pytest.raises(BadDraws):
        simulate(bad, draws=64, seed=7)
