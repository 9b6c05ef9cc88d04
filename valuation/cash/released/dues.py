"""Dues: what follows for an agreement once its use is rated, in the order of the waterfall.

True-ups and advances fall due, use pays advances back, contributions are computed, and receipts are
given back where less is owed by now. The night calls it; everything is posted as a difference.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from licensing.models import Advance, Agreement, Guarantee
from licensing.words import ContributionPlan
from valuation.cash.beside_use import advances, contributions, guarantees, late_interest
from valuation.cash.beside_use.charges import Term, post_charges, term_of
from valuation.cash.beside_use.guarantees import EarnedByMonth
from valuation.cash.disputed import holding
from valuation.cash.released import matching
from valuation.models import Contribution, NightRun, Reading
from valuation.words import ReadingKind

ZERO = Decimal(0)
BESIDE_USE = [ReadingKind.TRUE_UP.value, ReadingKind.ADVANCE.value]


@transaction.atomic
def post_dues(agreement_id: int, *, run: NightRun, now: datetime) -> None:
    """Post what follows from an agreement's use and terms by a night's day.

    What moves in the agreements that recoup with it is given back there, too.
    """
    moved = {agreement_id}
    if have_dues([agreement_id]):
        agreement = _lock_group(agreement_id)
        _charge(agreement, run, now)
        late_interest.tell(agreement, run=run)
        moved |= advances.recoup_use(agreement, on=run.as_of, now=now)
        contributions.contribute(agreement, run=run, now=now)
    for pk in sorted(moved):
        matching.give_back(agreement_id=pk, as_of=run.as_of, now=now)
    holding.follow(moved, now=now)


def have_dues(agreement_ids: Iterable[int]) -> set[int]:
    """Return those agreements that owe, or once owed, something beside use. One query."""
    own = {"agreement": OuterRef("pk")}
    agreements = Agreement.objects.filter(
        ~Q(recoups_with="")
        | ~Q(contribution_plan=ContributionPlan.NONE.value)
        | Exists(Guarantee.objects.filter(**own))
        | Exists(Advance.objects.filter(**own))
        | Exists(Contribution.objects.filter(**own))
        | Exists(Reading.objects.filter(**own, kind__in=[*BESIDE_USE, ReadingKind.INTEREST.value])),
        pk__in=list(agreement_ids),
    )
    return set(agreements.values_list("pk", flat=True))


def agreements_due(as_of: date) -> list[int]:
    """Return the signed agreements whose true-ups or advances are not what they come to by a day.

    And those whose payees were not told of interest that was claimed. They may have no use at all.
    A fixed number of queries.
    """
    with_terms = Agreement.objects.filter(
        Q(pk__in=Guarantee.objects.values("agreement"))
        | Q(pk__in=Advance.objects.values("agreement")),
        signed_at__isnull=False,
    )
    agreements = with_terms.prefetch_related("guarantees", "advances").order_by("pk")
    earned = guarantees.earned_by_month(with_terms)
    stored = _stored(with_terms)
    due = {
        agreement.pk
        for agreement in agreements
        if _expected(agreement, earned.get(agreement.pk, {}), as_of) != stored.get(agreement.pk, {})
    }
    return sorted(due | set(late_interest.untold()))


def _stored(agreements: QuerySet[Agreement]) -> dict[int, dict[Term, Decimal]]:
    """Return what is charged beside use, by agreement and term; true-ups of nothing left out."""
    stored: dict[int, dict[Term, Decimal]] = {}
    readings = Reading.objects.filter(agreement__in=agreements.values("pk"), kind__in=BESIDE_USE)
    for reading in readings.exclude(kind=ReadingKind.TRUE_UP.value, gross=0):
        stored.setdefault(reading.agreement_id, {})[term_of(reading)] = reading.gross
    return stored


def _expected(agreement: Agreement, earned: EarnedByMonth, as_of: date) -> dict[Term, Decimal]:
    ahead = list(agreement.advances.all())
    terms = sorted(agreement.guarantees.all(), key=lambda guarantee: guarantee.pk)
    charges = [
        *guarantees.true_ups(agreement, terms, earned, as_of),
        *advances.charges_of(ahead, as_of),
    ]
    return {
        **{charge.key: charge.gross for charge in charges if charge.gross},
        **dict.fromkeys(advances.terms_paid_ahead(ahead, as_of), ZERO),
    }


def _charge(agreement: Agreement, run: NightRun, now: datetime) -> None:
    ahead = list(agreement.advances.order_by("due_on", "pk"))
    earned = guarantees.earned_by_month([agreement.pk]).get(agreement.pk, {})
    terms = agreement.guarantees.order_by("pk")
    post_charges(
        agreement,
        [
            *guarantees.true_ups(agreement, terms, earned, run.as_of),
            *advances.charges_of(ahead, run.as_of),
        ],
        run=run,
        now=now,
    )
    advances.pay_ahead(agreement, ahead, run=run, now=now)


def _lock_group(agreement_id: int) -> Agreement:
    """Lock the agreements that recoup together, in one order, so that two nights never cross."""
    agreement = Agreement.objects.get(pk=agreement_id)
    together = [other.pk for other in advances.recoups_together(agreement)]
    rows = Agreement.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("agency", "twin__performer").filter(pk__in=together)
    own: dict[int, Agreement] = {row.pk: row for row in locked.order_by("pk")}
    return own[agreement_id]
