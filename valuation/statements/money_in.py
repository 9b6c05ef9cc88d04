"""What came in and what became of it: receipts by line, deductions by rate, and pay-by days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from licensing.models import RuleSet
from licensing.money import rounded
from licensing.words import Confidence
from talent.models import Agency, Beneficiary
from talent.periods import label, period_containing
from valuation.cash.paid_out import payable
from valuation.models import JournalEntry, ReleasedPart
from valuation.statements import snapshot
from valuation.words import AccountKind, EntryKind, ReceiptMeans

ZERO, HUNDRED, CENT = Decimal(0), Decimal(100), Decimal("0.01")

# A release: which remittance, of which agreement, when.
Release = tuple[int | None, int | None, datetime]
PERCENTS = {
    AccountKind.COMMISSION: "commission",
    AccountKind.MINOR_TRUST: "minor_trust",
    AccountKind.WITHHOLDING: "withholding",
}


def released_parts(
    entries: Iterable[JournalEntry], beneficiary: Beneficiary
) -> dict[int, list[ReleasedPart]]:
    """Return what each entry released of which line to a beneficiary, by entry. One query."""
    of_release: dict[Release, int] = {
        (entry.remittance_id, entry.agreement_id, entry.recorded_at): entry.pk
        for entry in entries
        # Tax withheld abroad is taken off what the same match released.
        if entry.remittance_id and entry.kind != EntryKind.SOURCE_TAX
    }
    rows = ReleasedPart.objects.filter(
        beneficiary=beneficiary,
        match__remittance__in={remittance for remittance, _, _ in of_release},
        agreement__in={agreement for _, agreement, _ in of_release},
    ).select_related("match__reading", "match__remittance", "agreement__agency")
    found: dict[int, list[ReleasedPart]] = defaultdict(list)
    for row in rows.order_by("pk"):
        key = row.match.remittance_id, row.agreement_id, row.released_at
        if key in of_release:
            found[of_release[key]].append(row)
    return found


def receipt_parts(
    parts: Iterable[ReleasedPart], amount: Decimal, titles: Mapping[int, str]
) -> tuple[snapshot.ReceiptPart, ...]:
    """Return what a receipt pays of which line; nothing where that does not come to its amount.

    `titles` are those of productions, by id.
    """
    sums: dict[int, Decimal] = defaultdict(Decimal)
    firsts: dict[int, ReleasedPart] = {}
    for part in parts:
        sums[part.match.reading_id] += part.amount
        firsts.setdefault(part.match.reading_id, part)
    found = tuple(
        snapshot.ReceiptPart(
            reference=f"R{reading_id}",
            agreement=part.agreement.reference,
            production=", ".join(
                titles[pk] for pk in part.match.reading.summary["production_ids"] if pk in titles
            ),
            period=label(
                period_containing(
                    part.match.reading.period_on, part.agreement.agency.statement_period
                )
            ),
            amount=rounded(sums[reading_id], part.currency),
        )
        for reading_id, part in firsts.items()
        if sums[reading_id]
    )
    return found if sum((one.amount for one in found), ZERO) == amount else ()


def by_rate(
    kind: AccountKind, amount: Decimal, parts: Sequence[ReleasedPart], currency: str
) -> Iterator[snapshot.Deduction]:
    """Yield what was deducted by each rate, with what it is a percentage of and where it is from.

    Nothing, where the rates do not come to the amount: it holds a correction of earlier ones; nor
    of what has no rate. What was written off was never divided.
    """
    name = PERCENTS.get(kind, "")
    if not name:
        return
    bases: dict[tuple[Decimal, str], Decimal] = defaultdict(Decimal)
    for part in parts:
        if part.match.remittance.means == ReceiptMeans.WRITTEN_OFF:
            continue
        rate = getattr(part, name)
        if rate:
            spared = kind is AccountKind.COMMISSION and not part.scale_carries_commission
            key = rate, part.sources.get(name, "")
            bases[key] += part.amount - (part.scale if spared else ZERO)
    if not bases:
        return
    sums = {key: -rounded(base * key[0] / HUNDRED, currency) for key, base in bases.items()}
    missing = amount - sum(sums.values(), ZERO)
    if abs(missing) > CENT * len(parts):
        return
    # Money is rounded once over all that came in so far: the largest carries what that leaves.
    largest = max(sums, key=lambda key: abs(sums[key]))
    sums[largest] += missing
    for key, base in bases.items():
        yield snapshot.Deduction(
            kind=kind,
            percent=key[0].normalize(),
            base=rounded(base, currency),
            amount=sums[key],
            note=key[1],
        )


# By when the law has received money paid


@dataclass(frozen=True, slots=True)
class Owed:
    """Money that is payable: since when, and by which day, where a rule says so."""

    since: date
    amount: Decimal
    pay_by: date | None


class PayBy:
    """The rules by which received money is to be paid out where an agency is. One query."""

    def __init__(self, agency: Agency) -> None:
        self._rules = payable.pay_by_rules(agency)
        self._applied: dict[int, RuleSet] = {}

    def day(self, received_on: date) -> date | None:
        """Return the day by which what came in on a day is to be paid; None: no rule says."""
        found = [
            (received_on + timedelta(days=int(rule.values["pay_within_days"])), rule)
            for rule in self._rules
            if rule.effective_from <= received_on
            and (rule.effective_to is None or received_on <= rule.effective_to)
        ]
        if not found:
            return None
        day, rule = min(found, key=lambda one: (one[0], one[1].pk))
        self._applied[rule.pk] = rule
        return day

    def applied(self) -> tuple[snapshot.StatedRule, ...]:
        """Return the rules that days were asked of."""
        return tuple(stated(rule) for _pk, rule in sorted(self._applied.items()))


def stated(rule: RuleSet) -> snapshot.StatedRule:
    return snapshot.StatedRule(
        title=rule.title,
        citation=", ".join(filter(None, [rule.instrument, rule.clause])),
        confidence=Confidence(rule.confidence).label,
    )


def earliest(owed: Iterable[Owed], paid_out: Decimal) -> date | None:
    """Return the earliest day by which what is still owed is to be paid, the oldest paid first."""
    days = []
    for one in sorted(owed, key=lambda one: one.since):
        covered = min(max(paid_out, ZERO), max(one.amount, ZERO))
        paid_out -= covered
        if one.amount - covered > 0 and one.pay_by:
            days.append(one.pay_by)
    return min(days, default=None)
