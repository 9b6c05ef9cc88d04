"""Until when a line may be disputed: as its agreement says, else by the rule when it was stated."""

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import RuleSet
from talent import four_eyes
from talent.models import Agency, User
from valuation.models import ObjectionTerms

from .refusals import NotItsTurn

APPROVES = "valuation.approve_objectionterms"


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


def agreed_months(agreements: Collection[int], on: date) -> dict[int, int]:
    """Return the months that agreements themselves name on a day, by id. One query."""
    rows = ObjectionTerms.objects.in_force(on).filter(agreement__in=agreements)
    return dict(rows.order_by("starts_on", "pk").values_list("agreement", "months"))


def agreed_period(
    content: Mapping[str, Any], *, stated_on: date, agreement: str = ""
) -> ObjectionPeriod | None:
    """Return until when lines may be disputed by what an issued statement says of its agreements.

    Of the statement as a whole it is the longest, where each agreement names one. None: the rule
    counts.
    """
    told = {one["reference"]: one.get("objection_months") for one in content.get("agreements", ())}
    own = {agreement: told.get(agreement)} if agreement else told
    months = [int(named) for named in own.values() if named]
    if not own or len(months) < len(own):
        return None
    return ObjectionPeriod(_months_after(stated_on, max(months)), ", ".join(own), "")


@transaction.atomic
def approve(*, terms_id: int, by: User, at: datetime) -> ObjectionTerms:
    """Have terms count that somebody else entered. Raises NotItsTurn, four_eyes.FourEyes."""
    terms: ObjectionTerms = ObjectionTerms.objects.select_for_update().get(pk=terms_id)
    if terms.approved_at:
        raise NotItsTurn(_("It was approved before."))
    four_eyes.refuse_same_person(by=by, before=[terms.written_by_id])
    terms.approved_at, terms.approved_by = at, by
    terms.save(update_fields=["approved_at", "approved_by"])
    return terms


def _months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of a shorter month."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = divmod(whole, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
