"""How a verdict is weighed: by what was read of its rule, by its day, and by what is not known."""

from dataclasses import replace
from datetime import date

import pytest

from licensing.agreements.checks.arithmetic import months_later, years_later
from licensing.agreements.checks.cases import facts_from
from licensing.agreements.checks.check import blocking, check
from licensing.agreements.checks.deal_facts import Days, Person
from licensing.agreements.rules.rulebook import RuleSource, read_rulebook
from licensing.words import CheckResult, Confidence, RuleStatus, Trigger
from talent.words import Life

RULES = read_rulebook()
BLANKET = facts_from({"description": "Any and all uses."})
CODE = "three_limb_test.california"


def of_rule(facts, rules=RULES, code=CODE):
    (found,) = [one for one in check(facts, rules) if one.code == code]
    return found


def another(**fields):
    return [replace(rule, **fields) if rule.code == CODE else rule for rule in RULES]


def test_what_was_read_in_the_primary_text_forbids():
    assert of_rule(BLANKET).blocks
    assert blocking(check(BLANKET, RULES)) == [of_rule(BLANKET)]


@pytest.mark.parametrize(
    ("second", "blocks"), [(None, False), (RuleSource("Another law firm"), True)]
)
def test_one_secondary_source_shows_and_two_forbid(second, blocks):
    rules = another(confidence=Confidence.SECONDARY, second_source=second)

    found = of_rule(BLANKET, rules)

    assert (found.result, found.blocks) == (CheckResult.FAIL, blocks)


@pytest.mark.parametrize("confidence", [Confidence.UNVERIFIED, Confidence.CONFLICTING])
def test_what_was_not_verified_warns_and_says_how_sure_it_is_even_with_two_sources(confidence):
    rules = another(confidence=confidence, second_source=RuleSource("A blog"))

    found = of_rule(BLANKET, rules)

    assert (found.result, found.blocks) == (CheckResult.AT_RISK, False)
    assert "ask" in found.sentence


def test_a_bill_warns_and_says_that_it_is_not_law():
    found = of_rule(BLANKET, another(status=RuleStatus.PROPOSED))

    assert (found.result, found.blocks) == (CheckResult.AT_RISK, False)
    assert "not law yet" in found.sentence


def test_a_rule_that_expired_says_nothing():
    found = check(BLANKET, another(status=RuleStatus.EXPIRED))

    assert CODE not in {one.code for one in found}


def test_a_rule_that_begins_within_the_term_is_at_risk_from_its_day_and_forbids_nothing_yet():
    begins = date(2027, 3, 1)

    found = of_rule(BLANKET, another(effective_from=begins))

    assert (found.result, found.day, found.blocks) == (CheckResult.AT_RISK, begins, False)
    assert "2027-03-01" in found.sentence


def test_of_a_term_that_runs_the_days_that_have_passed_are_not_asked():
    """A rule that ended last month says nothing of performances that are still to come."""
    facts = replace(
        BLANKET,
        today=date(2027, 2, 1),
        days={**BLANKET.days, Trigger.FIXATION: Days(date(2026, 12, 1), date(2027, 11, 30))},
    )
    ended = another(effective_to=date(2027, 1, 31))
    still = another(effective_to=date(2027, 2, 1))

    assert CODE not in {one.code for one in check(facts, ended)}
    assert of_rule(facts, still).day == date(2027, 2, 1)


def test_a_country_leaves_open_which_of_its_states():
    facts = facts_from(
        {
            "description": "Any and all uses.",
            "governing_law": "US",
            "person": {"domicile": "GB"},
        }
    )

    assert of_rule(facts).result is CheckResult.UNKNOWN


def test_of_two_who_died_only_the_one_whom_a_law_reaches_is_asked_about():
    died = {"life": "deceased", "name": "Old Example", "domicile": "US-IL"}
    facts = facts_from(
        {
            "days": {"death": {"first": date(1998, 6, 1), "last": date(2001, 6, 1)}},
            "persons": [
                died | {"died_on": date(1998, 6, 1)},
                died | {"died_on": date(2001, 6, 1), "estate": ["Ines Heir"]},
            ],
        }
    )

    assert of_rule(facts, code="post_mortem.illinois").result is CheckResult.PASS


def test_a_birthday_tells_a_minor_whatever_was_noted_of_them():
    child = Person(name="Kit Example", life=Life.LIVING, born_on=date(2008, 12, 2))
    grown = Person(name="Kit Example", life=Life.MINOR, born_on=date(2008, 12, 1))

    assert child.is_minor(date(2026, 12, 1))
    assert not grown.is_minor(date(2026, 12, 1))


def test_real_time_floors_ask_nothing_of_a_deal_without_real_time():
    facts = facts_from(
        {
            "guild": "sag_aftra",
            "engagement": "voice",
            "production_kinds": ["game"],
            "person": {"commission_percent": "10"},
            "price": {
                "meter": "sessions", "unit": "1300", "unit_in_real_time": "1300",
                "production_kinds": ["game"],
            },
        }
    )  # fmt: skip

    assert of_rule(facts, code="agents.commission_cap").result is CheckResult.PASS


@pytest.mark.parametrize(
    ("day", "years", "then"),
    [
        (date(2024, 2, 29), 1, date(2025, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2190, 5, 5), 100, date(2199, 12, 31)),
    ],
)
def test_years_later_is_the_same_day_or_the_first_after_it(day, years, then):
    assert years_later(day, years) == then


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 12, 1), 24, date(2028, 12, 1)),
        (date(2026, 1, 31), 1, date(2026, 3, 1)),
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
        (date(2199, 12, 1), 2, date(2199, 12, 31)),
    ],
)
def test_months_later_is_the_same_day_or_the_first_of_the_next_month(day, months, then):
    assert months_later(day, months) == then


def test_a_deal_without_an_end_is_checked_in_the_last_year_too():
    facts = replace(BLANKET, today=date(2199, 12, 31), starts_on=date(2199, 12, 31), ends_on=None)

    assert check(facts, RULES)


def test_another_sentence_is_another_finding():
    described = replace(BLANKET, description="")

    assert of_rule(BLANKET).digest != of_rule(described).digest
    assert of_rule(BLANKET).digest == of_rule(BLANKET).digest
