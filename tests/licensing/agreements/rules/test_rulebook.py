"""The rulebook: what the files say, which rule counts on a day, what is refused."""

from datetime import date

import pytest

from licensing.agreements.rules.rulebook import (
    RulebookIsBroken,
    read_rulebook,
    read_rules,
)
from licensing.words import Confidence, RuleStatus

RULE = """
[[rule]]
code = "scale.test"
instrument = "An agreement"
title = "A title"
summary = "A summary."
trigger = "payment"
source = {{ name = "A source" }}
confidence = "secondary"
status = "in_force"
{more}
"""


@pytest.fixture(scope="module")
def rulebook():
    return read_rulebook()


def in_force(rulebook, code, day):
    """The rule of a code that counts on a day; a bill and an expired rule never do."""
    rules = (rule for rule in rulebook if rule.code == code and rule.counts_on(day))
    return next((rule for rule in rules if rule.status is RuleStatus.IN_FORCE), None)


def written(tmp_path, more, file="rules.toml"):
    path = tmp_path / file
    path.write_text(RULE.format(more=more), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("code", "day", "key", "figure"),
    [
        ("scale.day_performer", date(2023, 11, 8), "amount", "1082.00"),
        ("scale.day_performer", date(2023, 11, 9), "amount", "1158.00"),
        ("scale.day_performer", date(2026, 6, 30), "amount", "1246.00"),
        ("scale.day_performer", date(2026, 7, 1), "amount", "1283.00"),
        ("contributions.theatrical", date(2021, 7, 1), "residuals", "20.00"),
        ("contributions.theatrical", date(2026, 6, 30), "principal", "21.00"),
        ("contributions.television_ceiling", date(2023, 1, 1), "half_hour", "15000.00"),
        ("contributions.television_ceiling", date(2024, 1, 1), "half_hour", "25000.00"),
        ("scale.interactive_session", date(2026, 10, 31), "amount", "1135.06"),
        ("scale.interactive_session", date(2026, 11, 1), "amount", "1169.11"),
        ("tax.other_income_report", date(2025, 12, 31), "threshold", "600.00"),
        ("tax.other_income_report", date(2026, 1, 1), "threshold", "2000.00"),
        ("agents.commission_cap", date(2026, 7, 1), "percent", "10"),
        ("agents.trust_account", date(2026, 7, 1), "pay_within_days", 30),
    ],
)
def test_the_day_of_the_fact_selects_the_figure(rulebook, code, day, key, figure):
    assert in_force(rulebook, code, day).values[key] == figure


def test_a_rule_that_does_not_count_yet_is_not_in_force(rulebook):
    assert in_force(rulebook, "theatrical.dubbing_consent", date(2026, 11, 22)) is None
    assert in_force(rulebook, "theatrical.dubbing_consent", date(2027, 7, 1))


def test_a_rule_ends_with_its_last_day(rulebook):
    assert in_force(rulebook, "theatrical.strike", date(2030, 6, 30))
    assert in_force(rulebook, "theatrical.strike", date(2030, 7, 1)) is None


def test_a_bill_is_never_in_force(rulebook):
    assert in_force(rulebook, "no_fakes.licence_term", date(2026, 11, 22)) is None


def test_a_figure_that_was_not_found_has_no_value_to_apply(rulebook):
    rule = in_force(rulebook, "contributions.theatrical", date(2026, 7, 1))

    assert rule.confidence is Confidence.CONFLICTING
    assert not rule.values
    assert not rule.may_be_relied_on


@pytest.mark.parametrize(
    ("code", "relied_on"),
    [
        ("scale.day_performer", True),
        ("scale.background_actor", False),
        ("scale.interactive_line", False),
        ("tax.backup_withholding", False),
        ("theatrical.consent_after_death", False),
    ],
)
def test_what_was_not_verified_is_not_relied_on(rulebook, code, relied_on):
    assert in_force(rulebook, code, date(2026, 11, 22)).may_be_relied_on is relied_on


def test_scale_grows_as_its_source_says(rulebook):
    """×1.07, ×1.04, ×1.035, then ×1.03 a year, from 1,082 to whole dollars."""
    days = [date(2023, 11, 9), *(date(year, 7, 1) for year in range(2024, 2030))]
    amounts = [in_force(rulebook, "scale.day_performer", day).values["amount"] for day in days]

    assert amounts == [
        "1158.00", "1204.00", "1246.00", "1283.00", "1321.00", "1361.00", "1402.00",
    ]  # fmt: skip


def test_every_rule_says_where_it_was_read(rulebook):
    assert all(rule.source.name for rule in rulebook)
    assert {rule.status for rule in rulebook} == {RuleStatus.IN_FORCE, RuleStatus.PROPOSED}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("values = { rate = 1.5 }", r"rules\.toml: scale\.test: value rate"),
        ('effective_from = "2026-07-01"', r"scale\.test: effective_from must be a day"),
        ("effective_from = 2026-07-01T00:00:00", r"effective_from must be a day"),
        ("effective_from = 2026-07-01\neffective_to = 2026-06-30", r"ends before it starts"),
        ('colour = "red"', r"scale\.test: unknown colour"),
        ("clause = 3", r"clause must be a text"),
        ("values = 3", r"values must be a table"),
        ("version = 3", r"scale\.test: versions are"),
        ("version = [", r"rules\.toml: "),
    ],
)
def test_a_broken_rule_names_its_file_and_code(tmp_path, more, complaint):
    with pytest.raises(RulebookIsBroken, match=complaint):
        read_rules(written(tmp_path, more))


@pytest.mark.parametrize(
    ("line", "broken", "complaint"),
    [
        ('code = "scale.test"', "", r"rules\.toml: a rule without a code: code"),
        ('title = "A title"', 'title = " "', r"title must be a text"),
        ('trigger = "payment"', 'trigger = "moon"', r"trigger must be one of agreement_date"),
        ("source = {{ name", "source = {{ url", r"source must have a name"),
        ('"A source" }}', '"A source", url = "http://x.example" }}', r"must start with https"),
    ],
)
def test_a_rule_must_say_all_that_a_rule_says(tmp_path, line, broken, complaint):
    path = tmp_path / "rules.toml"
    path.write_text(RULE.replace(line, broken).format(more=""), encoding="utf-8")

    with pytest.raises(RulebookIsBroken, match=complaint):
        read_rules(path)


def test_two_versions_may_not_count_on_one_day(tmp_path):
    written(tmp_path, "effective_from = 2026-01-01", "a.toml")
    written(tmp_path, "effective_from = 2026-07-01", "b.toml")

    with pytest.raises(RulebookIsBroken, match=r"scale\.test: two versions count on 2026-07-01"):
        read_rulebook(tmp_path)


def test_a_version_ends_the_day_before_the_next(tmp_path):
    path = written(
        tmp_path,
        "[[rule.version]]\n[[rule.version]]\neffective_from = 2026-07-01",
    )

    first, second = read_rules(path)

    assert first.effective_to == date(2026, 6, 30)
    assert second.effective_to is None
