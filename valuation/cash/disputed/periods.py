"""Until when a line may be disputed: the period of the rule in force when it was stated."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import RuleSet
from talent.models import Agency


@dataclass(frozen=True, slots=True)
class ObjectionPeriod:
    """The last day on which a line may be disputed, and the rule that says so."""

    last_day: date
    rule: str
    source: str


def objection_period(agency: Agency, *, stated_on: date) -> ObjectionPeriod | None:
    """Return until when a line stated on a day may be disputed; None: no rule that is relied on.

    A rule of the agency's country counts before a general one, a later one before an earlier. What
    nobody has verified shortens nobody's time. One query.
    """
    rows = RuleSet.objects.on(stated_on).filter(
        Q(jurisdiction="") | Q(jurisdiction=agency.country), values__has_key="objection_months"
    )
    relied_on = [row for row in rows if rule_of(row).may_be_relied_on]
    rule = max(
        relied_on, key=lambda row: (bool(row.jurisdiction), row.effective_from), default=None
    )
    if rule is None:
        return None
    last = _months_after(stated_on, int(rule.values["objection_months"]))
    return ObjectionPeriod(last, str(rule.title), str(rule.source))


def _months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of a shorter month."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = divmod(whole, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
