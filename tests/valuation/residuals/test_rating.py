from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.agreements.rates.rate_lines import EqualRateLines
from licensing.words import Channel, Factor, Meter, PromptClass, RoundQuantity, Standing
from talent.words import Right, Use
from valuation.residuals.rating import (
    LineConditions,
    PriceFactor,
    UsageCell,
    factors_of,
    lines_for,
    product_of,
    rate_cells,
)

DUBBED = UsageCell(
    right=Right.VOICE,
    use=Use.DUBBING,
    territory="DE",
    language="de",
    channel=Channel.STREAMING,
    prompt_class=PromptClass.SCRIPTED,
    quantities={Meter.LINES: D(12), Meter.WORDS: D(118)},
    production_id=7,
    events=12,
)
PER_LINE = LineConditions("per line", Meter.LINES)


def keys(lines):
    return [line.key for line in lines]


@pytest.mark.parametrize(
    ("condition", "rated"),
    [
        ({}, True),
        ({"rights": (Right.VOICE, Right.FACE)}, True),
        ({"rights": (Right.FACE,)}, False),
        ({"uses": (Use.DUBBING,)}, True),
        ({"uses": (Use.ADR,)}, False),
        ({"territories": ("DE", "AT")}, True),
        ({"territories": ("FR",)}, False),
        ({"territories": ()}, False),
        ({"languages": ("de",)}, True),
        ({"languages": ("de-AT",)}, False),
        ({"channels": (Channel.CINEMA,)}, False),
        ({"prompt_classes": (PromptClass.SCRIPTED,)}, True),
        ({"prompt_classes": (PromptClass.FREE,)}, False),
        ({"production_id": 7}, True),
        ({"production_id": 8}, False),
        ({"meter": Meter.FRAMES}, False),
        ({"unlicensed": True}, False),
    ],
)
def test_a_line_rates_use_that_carries_its_meter_and_meets_its_conditions(condition, rated):
    assert keys(lines_for(DUBBED.kind, [replace(PER_LINE, **condition)])) == ["per line"] * rated


def test_a_language_or_territory_rates_what_lies_within_it():
    quebec = replace(DUBBED, language="fr-CA", territory="CA-QC")
    line = replace(PER_LINE, languages=("fr",), territories=("CA",))

    assert keys(lines_for(quebec.kind, [line])) == ["per line"]


def test_every_line_that_fits_rates_the_use():
    per_word = LineConditions("per word", Meter.WORDS)

    assert keys(lines_for(DUBBED.kind, [PER_LINE, per_word])) == ["per line", "per word"]


def test_of_alternatives_the_most_specific_rates():
    general = replace(PER_LINE, charge_group="voice")
    german = replace(general, key="german", languages=("de",))
    german_film = replace(german, key="german film", production_id=7)
    french = replace(general, key="french", languages=("fr",), uses=(Use.DUBBING,))

    assert keys(lines_for(DUBBED.kind, [general, german_film, french, german])) == ["german film"]


def test_alternatives_of_different_meters_are_alternatives_still():
    general = replace(PER_LINE, charge_group="voice")
    per_word = LineConditions("per word", Meter.WORDS, languages=("de",), charge_group="voice")

    assert keys(lines_for(DUBBED.kind, [general, per_word])) == ["per word"]


def test_equal_alternatives_that_slipped_through_are_refused_by_name():
    line = replace(PER_LINE, charge_group="voice")

    with pytest.raises(EqualRateLines, match="per line and other of the charge group “voice”"):
        lines_for(DUBBED.kind, [line, replace(line, key="other")])


@pytest.mark.parametrize("standing", [word for word in Standing if word != Standing.CLEARED])
def test_use_outside_the_consent_is_rated_by_the_unlicensed_line_only(standing):
    outside = replace(DUBBED, standing=standing)
    penalty = LineConditions("penalty", Meter.LINES, unlicensed=True)

    rated = rate_cells([outside], [PER_LINE, penalty])

    assert [reading.line_key for reading in rated.metered] == ["penalty"]
    assert rated.held == rated.zero == ()


def test_use_outside_the_consent_is_held_where_no_unlicensed_line_rates_it():
    outside = replace(DUBBED, standing=Standing.OUT_OF_SCOPE)
    penalty = LineConditions("penalty", Meter.FRAMES, unlicensed=True)

    metered, held, zero, _aside = rate_cells([outside], [PER_LINE, penalty])

    assert metered == zero == ()
    assert [(one.cell, one.reason) for one in held] == [
        (outside, "Out of scope, and the agreement has no rate for unlicensed use.")
    ]


@pytest.mark.parametrize(
    ("quantities", "reason"),
    [
        ({Meter.GPU_SECONDS: D(5), Meter.FRAMES: D(1)}, "No rate line meters frames, gpu seconds."),
        ({}, "No rate line meters a use without quantities."),
        ({Meter.LINES: D(1)}, "No rate line that meters this use has conditions that it meets."),
    ],
)
def test_cleared_use_that_no_line_rates_is_worth_zero_for_a_reason(quantities, reason):
    cell = replace(DUBBED, quantities=quantities)

    rated = rate_cells([cell], [replace(PER_LINE, languages=("fr",))])

    assert rated.metered == rated.held == ()
    assert [(one.cell, one.reason) for one in rated.zero] == [(cell, reason)]


MULTIPLIERS = [
    PriceFactor(Factor.TERRITORY, "DE", D("1.25")),
    PriceFactor(Factor.LANGUAGE, "fr", D("1.5")),
    PriceFactor(Factor.LANGUAGE, "fr-CA", D("0.8")),
    PriceFactor(Factor.REAL_TIME, "yes", D("7.5")),
]


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"territory": "AT"}, "1"),
        ({}, "1.25"),
        ({"language": "fr"}, "1.875"),
        ({"language": "fr-CA", "territory": "CA"}, "0.8"),
        ({"language": "fr-BE", "territory": "BE"}, "1.5"),
        ({"real_time": True}, "9.375"),
    ],
)
def test_the_factor_is_the_product_of_all_that_apply(change, factor):
    assert product_of(factors_of(replace(DUBBED, **change).kind, MULTIPLIERS)) == D(factor)


def test_an_exclusive_licence_multiplies_all_use():
    assert product_of(factors_of(DUBBED.kind, [PriceFactor(Factor.EXCLUSIVITY, "yes", D(2))])) == D(
        2
    )


def test_a_multiplier_nobody_defined_is_a_bug():
    with pytest.raises(ValueError, match="moon"):
        factors_of(DUBBED.kind, [PriceFactor("moon", "full", D(2))])


def test_each_distinct_factor_is_a_reading_of_its_own():
    swiss = replace(DUBBED, territory="CH", production_id=None, events=3)
    french = replace(DUBBED, territory="FR", language="fr", use=Use.ADR, production_id=3)
    belgian = replace(french, territory="BE", production_id=4)

    rated = rate_cells([DUBBED, swiss, french, belgian], [PER_LINE], MULTIPLIERS)

    summary = {
        reading.factor: (reading.quantity, reading.events, reading.territories)
        for reading in rated.metered
    }
    assert summary == {
        D("1.25"): (D(12), 12, ("DE",)),
        D(1): (D(12), 3, ("CH",)),
        D("1.5"): (D(24), 24, ("BE", "FR")),
    }
    french_reading = rated.metered[-1]
    assert french_reading.uses == (Use.ADR,)
    assert french_reading.rights == (Right.VOICE,)
    assert french_reading.languages == ("fr",)
    assert french_reading.production_ids == (3, 4)


def test_a_line_that_rounds_each_event_rounds_before_it_adds_up():
    line = LineConditions("minutes", Meter.SECONDS, rounding=RoundQuantity.PER_EVENT_UP, step=D(60))
    calls = [
        replace(DUBBED, quantities={Meter.SECONDS: D(seconds)}, events=1) for seconds in (61, 5)
    ]

    assert rate_cells(calls, [line]).metered[0].quantity == D(180)


def test_events_that_carry_the_same_are_rounded_each_and_taken_back_alike():
    line = LineConditions("minutes", Meter.SECONDS, rounding=RoundQuantity.PER_EVENT_UP, step=D(60))
    calls = replace(DUBBED, quantities={Meter.SECONDS: D(183)}, events=3, uniform=True)
    taken_back = replace(calls, quantities={Meter.SECONDS: D(-61)}, events=-1)

    assert rate_cells([calls], [line]).metered[0].quantity == D(360)
    assert rate_cells([calls, taken_back], [line]).metered[0].quantity == D(240)


def test_one_event_taken_back_before_the_line_rounded_each_is_rounded_as_one():
    line = LineConditions("minutes", Meter.SECONDS, rounding=RoundQuantity.PER_EVENT_UP, step=D(60))
    call = replace(DUBBED, quantities={Meter.SECONDS: D(61)}, events=1)
    amended = replace(call, quantities={Meter.SECONDS: D(-61)}, events=-1)
    instead = replace(call, quantities={Meter.SECONDS: D(59)})

    rated = rate_cells([call, amended, instead], [line])

    assert (rated.metered[0].quantity, rated.set_aside) == (D(60), {})


def test_a_metered_use_names_the_ways_to_its_factor():
    in_two = [replace(DUBBED, territory="JP"), replace(DUBBED, language="ja")]
    factors = [
        PriceFactor(Factor.TERRITORY, "JP", D("1.50")),
        PriceFactor(Factor.LANGUAGE, "ja", D("1.5")),
    ]

    (use,) = rate_cells(in_two, [PER_LINE], factors).metered

    assert use.factors == ((("language", "ja", "1.5"),), (("territory", "JP", "1.5"),))


def test_a_sum_of_unlike_events_cannot_be_rounded_each():
    line = LineConditions("minutes", Meter.SECONDS, rounding=RoundQuantity.PER_EVENT_UP, step=D(60))
    calls = replace(DUBBED, quantities={Meter.SECONDS: D(66)}, events=2)

    per_line = replace(PER_LINE, meter=Meter.SECONDS)
    rated = rate_cells([calls], [line, per_line])

    # The other line still meters it.
    assert [use.line_key for use in rated.metered] == ["per line"]
    (set_aside,) = rated.set_aside["minutes"]
    assert (set_aside.cell, set_aside.reason) == (
        calls,
        "The line rounds each event, and these were added up before it did.",
    )


def test_use_between_equal_lines_is_set_aside_with_them_and_the_rest_is_rated():
    line = replace(PER_LINE, charge_group="voice")
    words = LineConditions("words", Meter.WORDS)
    dubbed = replace(DUBBED, quantities={Meter.LINES: D(5), Meter.WORDS: D(50)})

    rated = rate_cells([dubbed], [line, replace(line, key="other"), words])

    assert [use.line_key for use in rated.metered] == ["words"]
    assert set(rated.set_aside) == {"per line", "other"}


CELLS = st.builds(
    replace,
    st.just(DUBBED),
    territory=st.sampled_from(["DE", "FR", "US-CA"]),
    language=st.sampled_from(["de", "fr-CA", "en"]),
    standing=st.sampled_from(list(Standing)),
    real_time=st.booleans(),
    quantities=st.dictionaries(
        st.sampled_from([Meter.LINES, Meter.WORDS, Meter.FRAMES]), st.integers(0, 99).map(D)
    ),
    events=st.integers(1, 9),
)
LINES = [
    replace(PER_LINE, territories=("DE", "FR")),
    LineConditions("penalty", Meter.LINES, unlicensed=True, languages=("de",)),
    LineConditions("words", Meter.WORDS, charge_group="voice"),
    LineConditions("german words", Meter.WORDS, languages=("de",), charge_group="voice"),
]


@given(st.lists(CELLS, max_size=12))
def test_every_cell_has_a_disposition_and_no_quantity_is_lost(cells):
    rated = rate_cells(cells, LINES, MULTIPLIERS)

    unrated = [one.cell for one in rated.held + rated.zero]
    assert len(unrated) == sum(not lines_for(cell.kind, LINES) for cell in cells)
    for line in LINES:
        metered = sum(
            cell.quantities[line.meter] for cell in cells if line in lines_for(cell.kind, LINES)
        )
        read = [reading for reading in rated.metered if reading.line_key == line.key]
        assert sum(reading.quantity for reading in read) == metered
        assert len({reading.factor for reading in read}) == len(read)
