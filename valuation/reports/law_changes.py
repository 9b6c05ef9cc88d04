"""A change of law in money: what agreements that read otherwise have earned, before and since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from licensing.agreements.findings.findings import rules_in_use
from licensing.agreements.findings.law_changes import (
    StandsOtherwise,
    before_it_came,
    stand_otherwise,
)
from licensing.agreements.rules.rulebook import Rule
from licensing.models import Agreement
from valuation.models import ResidualLine

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChangeInMoney:
    """What reads otherwise of an agreement, and what hangs on it, in the agreement's currency.

    `lines` residual lines about use from the day on come to `since`: what was rated as if nothing
    had changed. `year_before` is what use of the twelve months before that day came to.
    """

    change: StandsOtherwise
    lines: int
    since: Decimal
    year_before: Decimal

    @property
    def currency(self) -> str:
        return str(self.change.agreement.currency)


def in_money(sought: Sequence[Rule], *, at: datetime) -> list[ChangeInMoney]:
    """Return what would read otherwise under other rules, with the money that hangs on it.

    What would be worse stands first, then by money.
    """
    return _with_money(stand_otherwise(rules_in_use(), sought, at=at))


def of_version(version: Rule, *, among: QuerySet[Agreement], at: datetime) -> list[ChangeInMoney]:
    """Return what reads otherwise since a loaded version of a rule counts, in the same order.

    It is compared with the version that it replaced, from its first day on.
    """
    after = rules_in_use()
    changes = stand_otherwise(
        before_it_came(after, version), after, at=at, since=version.effective_from, among=among
    )
    return _with_money(changes)


def _with_money(changes: Sequence[StandsOtherwise]) -> list[ChangeInMoney]:
    months = _months({change.agreement.pk for change in changes})
    found = [_of(change, months.get(change.agreement.pk, [])) for change in changes]
    return sorted(found, key=lambda one: (not one.change.is_worse, -one.since, -one.year_before))


def _months(agreements: set[int]) -> dict[int, list[tuple[date, int, Decimal]]]:
    """Return lines and sums of each month of use, by agreement, in one query."""
    rows = (
        ResidualLine.objects.filter(agreement__in=agreements)
        .values_list("agreement", "month_on", "currency")
        .annotate(Count("pk"), Sum("amount"))
        .order_by("agreement", "month_on")
    )
    months: dict[int, list[tuple[date, int, Decimal]]] = {}
    for agreement, month_on, _currency, lines, amount in rows:
        months.setdefault(agreement, []).append((month_on, lines, amount))
    return months


def _of(change: StandsOtherwise, months: Sequence[tuple[date, int, Decimal]]) -> ChangeInMoney:
    first = change.since.replace(day=1)
    year_before = first.replace(year=first.year - 1)
    since = [(lines, amount) for on, lines, amount in months if on >= first]
    before = [amount for on, _lines, amount in months if year_before <= on < first]
    return ChangeInMoney(
        change=change,
        lines=sum(lines for lines, _amount in since),
        since=sum((amount for _lines, amount in since), ZERO),
        year_before=sum(before, ZERO),
    )
