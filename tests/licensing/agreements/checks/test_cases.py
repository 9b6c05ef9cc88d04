"""Every rule that has a check says of its worked cases what they were worked to."""

from collections import defaultdict

import pytest

from licensing.agreements.checks.cases import (
    DOES_NOT_COUNT,
    facts_from,
    failing,
    read_cases,
    verdict,
)
from licensing.agreements.checks.check import check, is_checked
from licensing.agreements.checks.registry import CHECKS
from licensing.agreements.rules.rulebook import RulebookIsBroken, read_rulebook

RULES = read_rulebook()
CASES = read_cases()
CODES = sorted(CHECKS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_says_what_the_case_was_worked_to(case):
    assert failing([case], RULES) == []


@pytest.mark.parametrize("code", CODES)
def test_a_check_reads_a_rule_that_the_rulebook_has(code):
    assert code in {rule.code for rule in RULES}


def results_by_rule():
    results = defaultdict(set)
    for case in CASES:
        results[case.rule].add(case.result)
    return results


@pytest.mark.parametrize("code", CODES)
def test_each_rule_has_a_case_that_passes_and_one_that_does_not(code):
    results = results_by_rule()[code]

    assert results & {"pass", "not_applicable"}, f"{code} has no case that passes."
    assert results & {"fail", "at_risk"}, f"{code} has no case that fails."


def first_days():
    """Rules with a first day, each of which needs a case on the day before it."""
    return sorted(
        {r.code for r in RULES if is_checked(r) and r.effective_from.year > 1900}
        - {r.code for r in RULES if r.trigger == "death"}
    )


@pytest.mark.parametrize("code", first_days())
def test_each_dated_rule_has_a_case_before_it_counts(code):
    assert DOES_NOT_COUNT in results_by_rule()[code], f"{code} has no case before its first day."


def test_a_plain_deal_breaks_nothing():
    worst = {one.code: one for one in check(facts_from({}), RULES) if one.result == "fail"}

    assert not worst


def test_a_case_that_names_an_unknown_fact_is_refused(tmp_path):
    (tmp_path / "cases.toml").write_text(
        '[[case]]\nrule = "a"\nsays = "b"\nresult = "pass"\nfacts = { colour = "red" }\n'
    )

    with pytest.raises(RulebookIsBroken, match="unknown colour"):
        read_cases(tmp_path)


def test_a_case_that_was_worked_wrong_is_told_with_what_the_rule_says():
    case = next(c for c in CASES if c.rule == "three_limb_test.california" and c.blocks)
    weaker = [rule for rule in RULES if rule.code != case.rule]

    assert verdict(case, weaker) == DOES_NOT_COUNT
    assert failing([case], weaker) == [(case, DOES_NOT_COUNT)]
