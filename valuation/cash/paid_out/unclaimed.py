"""Money that lies: balances of payees and credits of licensees by age, and what the law has of it.

After how long unclaimed money goes to the state is dated rule data of where the agency is. Who has
to be looked for, how, and what exempts, the rule's text says; the desk lists, and keeps notes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from licensing.models import Licensee, RuleSet
from licensing.money import rounded
from licensing.words import Confidence
from talent.errors import Refused
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.cash.disputed.left import open_items
from valuation.models import Account, Remittance, SearchNote
from valuation.words import AccountKind

from .remitted import plans_of

ZERO = Decimal(0)
FIRST_DAY = date(1990, 1, 1)


class NotASearch(Refused):
    """A note about nobody, of no day that has come, or without words."""

    code = "not_a_search"


@dataclass(frozen=True)
class Lying:
    """What lies for somebody in one currency, since when, and from when on the law asks for it.

    `goes_on` is null where no rule of the agency's place says; `confidence` says how sure that is.
    """

    holder: Beneficiary | Licensee
    currency: str
    amount: Decimal
    since: date
    days: int
    goes_on: date | None
    rule: str
    confidence: Confidence | None
    notes: tuple[SearchNote, ...]

    @property
    def is_due(self) -> bool:
        return self.goes_on is not None and self.days >= (self.goes_on - self.since).days


def lying(*, agency: Agency, at: datetime, least_days: int) -> list[Lying]:
    """Return what has lain at an agency for so many days, the longest first.

    Of a payee's balance, what came longest ago says since when. Queries grow with the currencies.
    """
    today = local_day(at, agency.time_zone)
    rules = _rules(agency)
    notes: dict[tuple[int | None, int | None], list[SearchNote]] = defaultdict(list)
    for note in SearchNote.objects.filter(agency=agency).select_related("by").order_by("-pk"):
        notes[note.beneficiary_id, note.licensee_id].append(note)
    found = []
    sums: list[tuple[Beneficiary | Licensee, str, Decimal, date]]
    sums = [*_payables(agency), *_credits(agency)]
    for holder, currency, amount, since in sums:
        days = (today - since).days
        if days < least_days:
            continue
        rule = next((one for one in rules if _holds(one, since)), None)
        limit = timedelta(days=int(rule.values["unclaimed_after_days"])) if rule else None
        is_payee = isinstance(holder, Beneficiary)
        key = (holder.pk, None) if is_payee else (None, holder.pk)
        found.append(
            Lying(
                holder=holder,
                currency=currency,
                amount=amount,
                since=since,
                days=days,
                goes_on=since + limit if limit else None,
                rule=str(rule.title) if rule else "",
                confidence=Confidence(rule.confidence) if rule else None,
                notes=tuple(notes[key]),
            )
        )
    return sorted(found, key=lambda one: (-one.days, one.holder.name))


def note(
    *,
    agency: Agency,
    holder: Beneficiary | Licensee,
    done_on: date,
    text: str,
    by: User,
    at: datetime,
) -> SearchNote:
    """Keep what was done to find somebody. Raises NotASearch."""
    if not text.strip():
        raise NotASearch("Say what was done, as “Letter to the last address, came back”.")
    if not FIRST_DAY <= done_on <= local_day(at, agency.time_zone):
        raise NotASearch(f"{done_on} has not come, or is long past; check the day.")
    is_payee = isinstance(holder, Beneficiary)
    whose = {"beneficiary": holder} if is_payee else {"licensee": holder}
    return SearchNote.objects.create(
        agency=agency, done_on=done_on, note=text.strip()[:500], by=by, at=at, **whose
    )


def _rules(agency: Agency) -> Sequence[RuleSet]:
    rows = RuleSet.objects.filter(
        Q(jurisdiction=agency.country) | Q(jurisdiction__startswith=f"{agency.country}-"),
        values__has_key="unclaimed_after_days",
    )
    return sorted(rows, key=lambda one: int(one.values["unclaimed_after_days"]))


def _holds(rule: RuleSet, day: date) -> bool:
    return rule.effective_from <= day and (rule.effective_to is None or day <= rule.effective_to)


def _payables(agency: Agency) -> Iterator[tuple[Beneficiary, str, Decimal, date]]:
    accounts = Account.objects.filter(agency=agency, kind=AccountKind.PAYABLE.value)
    for currency in accounts.values_list("currency", flat=True).distinct().order_by("currency"):
        items = open_items(agency_id=agency.pk, currency=currency)
        payees = Beneficiary.objects.in_bulk(items.keys() - plans_of(agency.pk))
        for payee, of_payee in items.items():
            if payee not in payees:
                continue
            amount = sum((item.amount for item in of_payee), ZERO)
            if amount > 0:
                since = min(item.received_on for item in of_payee if item.amount > 0)
                yield payees[payee], currency, amount, since


def _credits(agency: Agency) -> Iterator[tuple[Licensee, str, Decimal, date]]:
    rows = Remittance.objects.filter(agency=agency).with_unmatched().select_related("licensee")
    sums: dict[tuple[Licensee, str], list[tuple[Decimal, date]]] = defaultdict(list)
    for one in rows.order_by("received_on", "pk"):
        sums[one.licensee, one.currency].append((one.unmatched, one.received_on))
    for (licensee, currency), parts in sums.items():
        amount = sum((amount for amount, _day in parts), ZERO)
        if amount > 0:
            yield licensee, currency, rounded(amount, currency), parts[0][1]
