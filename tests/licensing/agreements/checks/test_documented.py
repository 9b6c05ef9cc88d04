"""Every rule of the rulebook has a check, or docs/rules.md says why it has none."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from licensing.agreements.checks.registry import CHECKS
from licensing.agreements.rules.rulebook import read_rulebook

PAGE = Path(settings.BASE_DIR, "docs", "rules.md").read_text("utf-8")
CHECKED, _, REST = PAGE.partition("## Rules that have none, and why")
NAMED = re.compile(r"^\| `(?P<code>[a-z0-9_.]+\*?)` \| (?P<says>.+) \|$", re.MULTILINE)
RULES = read_rulebook()


def without_a_check():
    return {found["code"]: found["says"] for found in NAMED.finditer(REST)}


def test_the_page_lists_the_rules_that_have_a_check():
    listed = {found["code"] for found in NAMED.finditer(CHECKED)}

    assert listed == set(CHECKS)


@pytest.mark.parametrize("code", sorted({rule.code for rule in RULES} - set(CHECKS)))
def test_a_rule_without_a_check_says_why(code):
    reasons = without_a_check()

    assert code in reasons or f"{code.partition('.')[0]}.*" in reasons


def test_what_the_page_says_forbids_does():
    forbids = {found["code"] for found in NAMED.finditer(CHECKED) if "| forbids" in found["says"]}

    assert forbids == {rule.code for rule in RULES if rule.may_block and rule.code in CHECKS}


def test_no_rule_without_a_check_claims_to_forbid():
    assert not [rule.code for rule in RULES if rule.blocks and rule.code not in CHECKS]
