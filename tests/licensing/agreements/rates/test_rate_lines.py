"""Alternatives of a charge group that nothing tells apart."""

import pytest

from licensing.agreements.rates.rate_lines import Alternative, EqualRateLines, refuse_equal

FRENCH = Alternative("fr", "lines", languages=frozenset({"fr"}))


def line(**terms):
    return Alternative(**({"code": "other", "charge_group": "lines"} | terms))


def are_equal(*lines):
    try:
        refuse_equal(lines)
    except EqualRateLines:
        return True
    return False


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (line(languages=frozenset({"fr"})), True),
        (line(languages=frozenset({"fr-CA"})), True),
        (line(territories=frozenset({"FR"})), True),
        (line(languages=frozenset({"de"})), False),
        (line(languages=frozenset({"fr"}), channels=frozenset({"cinema"})), False),
        (line(), False),
        (line(languages=frozenset({"fr"}), unlicensed=True), False),
        (line(languages=frozenset({"fr"}), charge_group="words"), False),
        (line(languages=frozenset({"fr"}), charge_group=""), False),
        (line(languages=frozenset()), False),
        (line(production="5"), True),
    ],
)
def test_lines_are_equal_if_both_may_rate_a_use_and_neither_is_more_specific(other, equal):
    assert are_equal(FRENCH, other) is equal
    assert are_equal(other, FRENCH) is equal


def test_lines_of_two_productions_never_meet():
    one, other = line(production="5"), line(production="6")
    assert not are_equal(one, other)
    assert are_equal(one, one)
