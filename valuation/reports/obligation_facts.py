"""What the books know that fulfils obligations: use that was counted, statements issued."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date

from django.db.models import Max, Sum

from licensing.agreements.obligations.facts import KnownFacts, UsedMonth
from valuation.models import StatementLine, UsageTotal
from valuation.words import StatementStepKind


def known_of(agreements: Collection[int]) -> KnownFacts:
    """Return the facts of some agreements as of the last night, in two queries."""
    return KnownFacts(_used(agreements), _stated(agreements))


def _used(agreements: Collection[int]) -> dict[int, frozenset[UsedMonth]]:
    rows = UsageTotal.objects.read().filter(agreement__in=agreements)
    counted = rows.values_list("agreement", "month_on", "production").annotate(Sum("events"))
    used = defaultdict(set)
    for number, month_on, production, events in counted.order_by():
        if events > 0:  # not what was amended away
            used[number].add(UsedMonth(month_on, production))
    return {number: frozenset(months) for number, months in used.items()}


def _stated(agreements: Collection[int]) -> dict[int, dict[date, date]]:
    """Return when an issued statement last showed a month of an agreement."""
    lines = StatementLine.objects.filter(
        residual_line__agreement__in=agreements,
        statement__steps__kind=StatementStepKind.ISSUED.value,
    )
    months = lines.values_list("residual_line__agreement", "residual_line__month_on")
    stated: defaultdict[int, dict[date, date]] = defaultdict(dict)
    for number, month_on, issued_at in months.annotate(Max("statement__steps__at")).order_by():
        stated[number][month_on] = issued_at.astimezone(UTC).date()
    return dict(stated)
