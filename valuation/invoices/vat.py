"""Rates of VAT and other rules of a country, as dated rules.

A country's own rule goes before that of a group it lies in. What may not be relied on is not
applied.
"""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import RuleSet
from talent.territories import covers_place
from valuation.words import TaxCategory

from .refusals import NoRate


def percent_of(category: str, country: str, on: date) -> Decimal:
    """Return the rate of a category in a country on a day, in per cent.

    Raises NoRate.
    """
    if category != TaxCategory.STANDARD.value:
        return Decimal(0)
    rule = rule_on("vat.standard_", country, on)
    if rule is None:
        raise NoRate(
            _("No rate of VAT in %(country)s on %(day)s may be relied on. Enter one under Rules.")
            % {"country": country, "day": on}
        )
    return Decimal(rule.values["percent"])


def rule_on(prefix: str, country: str, on: date) -> RuleSet | None:
    """Return the rule of a family that may be relied on in a country on a day; its own first."""
    found = [
        rule
        for rule in RuleSet.objects.on(on).filter(code__startswith=prefix)
        if rule_of(rule).may_be_relied_on and covers_place(frozenset([rule.jurisdiction]), country)
    ]
    found.sort(key=lambda rule: (rule.jurisdiction != country, rule.code))
    return found[0] if found else None
