"""Which check reads which rule: the one tie between the rule files and the code.

A check is given the facts, the rule, and the rulebook for the figures that a rule refers to. It
takes days, amounts and percentages from the rule's values.
"""

from collections.abc import Callable, Sequence

from licensing.agreements.rules.rulebook import Rule

from .deal_facts import DealFacts
from .rule_check import Answer

Check = Callable[[DealFacts, Rule, Sequence[Rule]], Answer]
Simple = Callable[[DealFacts, Rule], Answer]

CHECKS: dict[str, Check] = {}


def reads(*codes: str) -> Callable[[Simple], Simple]:
    """Have a check read the rules of some codes."""

    def decorate(check: Simple) -> Simple:
        for code in codes:
            _enter(code, lambda facts, rule, _rules: check(facts, rule))
        return check

    return decorate


def reads_with_figures(*codes: str) -> Callable[[Check], Check]:
    """Have a check read rules of some codes, and the rules whose figures they refer to."""

    def decorate(check: Check) -> Check:
        for code in codes:
            _enter(code, check)
        return check

    return decorate


def _enter(code: str, check: Check) -> None:
    if code in CHECKS:
        raise ValueError(f"Two checks read {code}.")
    CHECKS[code] = check
