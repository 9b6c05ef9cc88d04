"""A change of law is a diff: what reads otherwise, from which day; nothing is written."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from licensing.agreements.findings.findings import rules_in_use
from licensing.agreements.findings.law_changes import StandsOtherwise, changed, stand_otherwise
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import DealTerms, FindingSet
from licensing.words import CheckResult
from tests.factories import record_consent
from valuation.reports.law_changes import in_money

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
RULE = "three_limb_test.california"


@pytest.fixture
def agreed(agreement):
    load_rules()
    agreement.description = "Any and all uses."
    agreement.guild = "sag_aftra"
    agreement.save()
    DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", governing_law="US-CA", represented_by="union"
    )
    return agreement


def with_another(rules, code, **fields):
    return [replace(rule, **fields) if rule.code == code else rule for rule in rules]


def without_unions(rules):
    rule = next(rule for rule in rules if rule.code == RULE)
    return with_another(rules, RULE, values=rule.values | {"union_agreements": []})


def test_the_same_rules_change_nothing(agreed):
    rules = rules_in_use()

    assert changed(rules, rules) == []
    assert stand_otherwise(rules, rules, at=AT) == []


def test_what_a_change_turns_is_listed_with_its_day_verdicts_and_mend(agreed):
    rules = rules_in_use()

    (change,) = stand_otherwise(rules, without_unions(rules), at=AT)

    assert (change.agreement, change.code) == (agreed, RULE)
    assert (change.before, change.after) == ("pass", "fail")
    assert change.since == date(2026, 11, 28)
    assert change.is_worse
    assert "Describe the uses" in change.mend
    assert not FindingSet.objects.exists()


@pytest.mark.parametrize(
    ("effective_from", "since"),
    [
        (date(2026, 11, 27), date(2026, 11, 28)),
        (date(2026, 11, 28), date(2026, 11, 28)),
        (date(2026, 12, 15), date(2026, 12, 15)),
    ],
)
def test_a_rule_of_days_to_come_counts_from_its_own_day(agreed, effective_from, since):
    rules = rules_in_use()
    without = [rule for rule in rules if rule.code != RULE]
    later = without_unions(rules)
    rule = next(one for one in later if one.code == RULE)

    (change,) = stand_otherwise(
        without, [*without, replace(rule, effective_from=effective_from)], at=AT
    )

    assert (change.since, change.after) == (since, "fail")


def test_a_rule_that_begins_when_the_agreement_has_ended_changes_nothing(agreed):
    """It ends on the last day of 2026."""
    rules = rules_in_use()
    without = [rule for rule in rules if rule.code != RULE]
    later = next(one for one in without_unions(rules) if one.code == RULE)

    on_the_last_day = replace(later, effective_from=date(2026, 12, 31))
    a_day_later = replace(later, effective_from=date(2027, 1, 1))

    assert stand_otherwise(without, [*without, on_the_last_day], at=AT)
    assert not stand_otherwise(without, [*without, a_day_later], at=AT)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (None, "pass", False),
        ("not_applicable", "pass", False),
        (None, "unknown", True),
        (None, "at_risk", True),
        ("pass", "fail", True),
        ("fail", "at_risk", False),
        ("fail", None, False),
    ],
)
def test_only_what_stands_against_an_agreement_is_worse(before, after, worse):
    verdicts = {"before": before and CheckResult(before), "after": after and CheckResult(after)}
    change = StandsOtherwise(
        agreement=None, code="x", title="X", since=AT.date(), says="", mend="", **verdicts
    )

    assert change.is_worse is worse


def test_a_rule_that_goes_is_told_as_one_that_counts_no_longer(agreed):
    rules = rules_in_use()

    (change,) = stand_otherwise(rules, [r for r in rules if r.code != RULE], at=AT)

    assert (change.before, change.after) == ("pass", None)
    assert not change.is_worse


def test_the_consents_and_the_money_that_hang_on_it_are_told(agreed, twin):
    record_consent(twin=twin)
    (found,) = in_money(without_unions(rules_in_use()), at=AT)

    assert [matrix.twin for matrix in found.change.matrices if matrix.twin] == [twin]
    assert (found.lines, found.since, found.year_before, found.currency) == (0, 0, 0, "USD")
