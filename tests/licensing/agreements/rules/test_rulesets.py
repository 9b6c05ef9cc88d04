"""Rule sets: loading the rulebook into the database, again and again."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command

from licensing.agreements.rules import rulebook, rulesets
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import RuleSet

pytestmark = pytest.mark.django_db


def test_every_rule_of_the_files_becomes_a_row():
    loaded = load_rules()

    assert loaded.new == loaded.rules == RuleSet.objects.count()
    rows = RuleSet.objects.order_by("id")
    assert [rulesets.rule_of(row) for row in rows] == rulebook.read_rulebook()


def test_loading_again_adds_nothing_and_puts_a_changed_row_right():
    load_rules()
    figure = RuleSet.objects.get(code="scale.day_performer", effective_from=date(2026, 7, 1))
    RuleSet.objects.filter(pk=figure.pk).update(values={"amount": "1.00"})

    loaded = load_rules()

    figure.refresh_from_db()
    assert loaded.new == 0
    assert figure.values["amount"] == "1283.00"


def test_a_rule_that_staff_entered_stays():
    load_rules()
    RuleSet.objects.filter(code="agents.commission_cap").update(code="house.commission_cap")

    load_rules()

    assert RuleSet.objects.filter(code="house.commission_cap").exists()


def test_the_command_says_how_many(capsys):
    call_command("load_rules")

    assert f"{RuleSet.objects.count()} rules are in the rulebook" in capsys.readouterr().out


def test_a_broken_file_writes_nothing(monkeypatch):
    def broken(directory):
        raise rulebook.RulebookIsBroken("scale.toml: scale.day_performer: title must be a text.")

    monkeypatch.setattr(rulesets, "read_rulebook", broken)

    with pytest.raises(CommandError, match=r"scale\.toml"):
        call_command("load_rules")
    assert not RuleSet.objects.exists()
