"""How far a night is: agreements, leaves and money so far, and how long the rest may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Sum

from licensing.money import rounded
from valuation.models import NightRun
from valuation.residuals.totals import RATED
from valuation.words import ShardStatus

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at an instant: agreements by what became of them, leaves, and amounts by currency.

    `rest` is how long the agreements that are left take at the pace so far; None: not known, or
    there are none.
    """

    done: int
    failed: int
    left: int
    leaves: int
    leaves_read: int
    amounts: dict[str, Decimal]
    rest: timedelta | None

    @property
    def agreements(self) -> int:
        return self.done + self.failed + self.left

    @property
    def percent(self) -> int:
        """Whole percents, rounded down: only a night without any agreement left is at 100."""
        through = self.done + self.failed
        return 100 * through // self.agreements if self.agreements else 100


def of(run: NightRun, now: datetime) -> Progress:
    """Return how far a run is, in one query over its parts.

    Once it has ended, its amounts are all that it posted, also beside use.
    """
    counts: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    leaves = 0
    rows = (
        run.shards.order_by()
        .values_list("status", "agreement__currency")
        .annotate(
            agreements=Count("pk"),
            amount=Sum("posted"),
            leaves=Sum(F("events_rated") + F("events_held") + F("events_zero")),
        )
    )
    for status, currency, count, posted, read in rows:
        counts[status] = counts.get(status, 0) + count
        leaves += read
        if posted:
            amounts[currency] = amounts.get(currency, ZERO) + posted
    return Progress(
        done=sum(counts.get(status, 0) for status in RATED),
        failed=counts.get(ShardStatus.FAILED.value, 0),
        left=counts.get(ShardStatus.WAITING.value, 0),
        leaves=leaves,
        leaves_read=run.events_read,
        amounts=_posted(run) if run.finished_at else _rounded(amounts),
        rest=_rest(run, counts, now),
    )


def _posted(run: NightRun) -> dict[str, Decimal]:
    return {currency: Decimal(amount) for currency, amount in sorted(run.amounts.items())}


def _rounded(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {currency: rounded(amount, currency) for currency, amount in sorted(amounts.items())}


def _rest(run: NightRun, counts: dict[str, int], now: datetime) -> timedelta | None:
    left = counts.get(ShardStatus.WAITING.value, 0)
    through = sum(counts.values()) - left - run.rated_before
    if run.finished_at or not left or through <= 0 or run.rating_since is None:
        return None
    return max(now - run.rating_since, timedelta(0)) / through * left
