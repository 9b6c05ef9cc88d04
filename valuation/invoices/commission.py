"""Commission invoices: what the agency kept of its payees' money, as they are invoiced for it.

The statements have taken it off already: an invoice says it with its tax, and is settled by that.
Its tax is taken off what is payable as it is issued. A line is a difference, as on every invoice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from licensing.models import Agreement
from licensing.money import rounded
from talent import four_eyes, locales
from talent.database.locks import lock_until_commit
from talent.database.sql import sql_file
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.models import BillingDetails, Invoice, InvoiceLine, ReleasedPart
from valuation.words import EInvoiceFormat, InvoiceKind, InvoiceLineKind, TaxCategory

from .ageing import newest_day
from .content import (
    DAY,
    ZERO,
    Content,
    LineTold,
    TaxTold,
    TermsTold,
    from_json,
    to_json,
)
from .drawing_up import APPROVES, DrawnUp, invoicing, party_told
from .refusals import NoRate, NothingToInvoice, NotThatDay
from .terms import details_on
from .vat import percent_of

COMMISSION = sql_file(__file__, "commission.sql")
KINDS = [InvoiceKind.COMMISSION.value, InvoiceKind.COMMISSION_CREDIT.value]


class Kept(NamedTuple):
    """Commission of a payee on one agreement that is posted and not invoiced; since which day."""

    beneficiary_id: int
    currency: str
    agreement_id: int | None
    amount: Decimal
    since: date


def not_invoiced(*, agency: Agency, through: date) -> list[Kept]:
    """Return the commission that was posted by the end of a day and not invoiced. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COMMISSION, {"agency": agency.pk, "through": through})
        return [Kept(*row) for row in cursor.fetchall()]


@transaction.atomic
def draw_up(*, agency: Agency, through: date, by: User, at: datetime) -> DrawnUp:
    """Draw up invoices of an agency's commission until the end of a day: one a payee and currency.

    A payee without billing details is left out, with the reason. Raises NothingToInvoice,
    NotThatDay, four_eyes.NobodyToApprove.
    """
    today = local_day(at, agency.time_zone)
    # In California the day of a night begins the evening before: what it posted is known.
    if through > newest_day(at, agency.time_zone):
        raise NotThatDay(_("That day is to come: invoice what was posted until today."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    # Two people who draw up at once take the same commission only once.
    lock_until_commit(invoicing(agency.pk))
    groups: dict[tuple[int, str], list[Kept]] = defaultdict(list)
    for row in not_invoiced(agency=agency, through=through):
        groups[row.beneficiary_id, row.currency].append(row)
    groups = {key: rows for key, rows in groups.items() if sum((row.amount for row in rows), ZERO)}
    if not groups:
        raise NothingToInvoice(_("All commission that was kept by then stands on an invoice."))
    drafter = _Drafter(agency, through, today, [row for rows in groups.values() for row in rows])
    drawn, left_out = [], []
    for (payee, currency), rows in groups.items():
        try:
            content = drafter.content(payee, currency, rows)
        except (NoRate, NothingToInvoice) as reason:
            left_out.append((drafter.payees[payee].name, str(reason)))
        else:
            drawn.append(_store(agency, payee, content, by, at))
    return DrawnUp(tuple(drawn), tuple(left_out))


class _Drafter:
    """Knows all that the invoices of one drawing up say, in a fixed number of queries."""

    def __init__(self, agency: Agency, through: date, today: date, rows: Sequence[Kept]) -> None:
        self.agency, self.through, self.today = agency, through, today
        self.details = details_on(agency, today)
        self.payees = Beneficiary.objects.in_bulk({row.beneficiary_id for row in rows})
        self.agreements = Agreement.objects.in_bulk(
            {row.agreement_id for row in rows if row.agreement_id}
        )
        released = ReleasedPart.objects.filter(
            agreement__in=self.agreements, beneficiary__in=self.payees, commission__gt=0
        )
        rates = released.order_by().values_list("beneficiary", "agreement", "commission")
        self.percents: dict[tuple[int, int | None], set[Decimal]] = defaultdict(set)
        for who, agreement, percent in rates.distinct():
            self.percents[who, agreement].add(percent)
        issued = Invoice.objects.issued().filter(
            agency=agency, kind=InvoiceKind.COMMISSION.value, beneficiary__in=self.payees
        )
        self.before = {
            (one.beneficiary_id, one.currency): one for one in issued.order_by("issued_on", "pk")
        }
        live = Invoice.objects.live().filter(agency=agency, kind__in=KINDS)
        newest = live.values_list("beneficiary", "currency").annotate(Max("through"))
        self.until: dict[tuple[int | None, str], date] = {
            (who, currency): day for who, currency, day in newest
        }
        self.locale = "en-US" if agency.country == "US" else "en-GB"

    def content(self, payee: int, currency: str, rows: Sequence[Kept]) -> Content:
        """Return what an invoice says. Raises NothingToInvoice, NoRate."""
        seller, buyer = self._parties(payee)
        until = self.until.get((payee, currency))
        if until and until > self.through:
            raise NothingToInvoice(
                _("Invoiced until %s already. Choose that day or a later one.") % until
            )
        lines = tuple(self._lines(rows, until))
        net = sum((line.amount for line in lines), ZERO)
        corrected = self.before.get((payee, currency)) if net < 0 else None
        tax = self._tax(seller, buyer, corrected)
        amount = rounded(net * tax.percent / 100, currency)
        kind = InvoiceKind.COMMISSION_CREDIT if net < 0 else InvoiceKind.COMMISSION
        with_vat = tax.category != TaxCategory.OUTSIDE.value
        return Content(
            kind=kind.value,
            currency=currency,
            locale=self.locale,
            through=self.through,
            agency=self.agency.name,
            customer=self.payees[payee].name,
            seller=party_told(seller, with_vat=with_vat),
            buyer=party_told(buyer, with_vat=with_vat),
            terms=TermsTold(days=0, end_of_month=False, source=""),
            tax=tax,
            lines=lines,
            net=net,
            tax_amount=amount,
            total=net + amount,
            buyer_reference=buyer.buyer_reference,
            format=EInvoiceFormat(buyer.format).value,
            corrects=(corrected.number or "",) if corrected else (),
        )

    def _parties(self, payee: int) -> tuple[BillingDetails, BillingDetails]:
        seller, buyer = self.details.get((None, None)), self.details.get((None, payee))
        if seller is None:
            raise NothingToInvoice(
                _("Enter your agency’s own billing details first: name, address, numbers.")
            )
        if buyer is None:
            raise NothingToInvoice(
                _("Enter their billing details first: they say how commission is taxed.")
            )
        return seller, buyer

    def _tax(
        self, seller: BillingDetails, buyer: BillingDetails, corrected: Invoice | None
    ) -> TaxTold:
        """Return how it is taxed: as what it credits was, else by the agency's country's rate."""
        if corrected:
            return from_json(corrected.content).tax
        percent = percent_of(buyer.tax_category, seller.country, self.today)
        return TaxTold(buyer.tax_category, percent, buyer.tax_reason)

    def _lines(self, rows: Sequence[Kept], until: date | None) -> Iterator[LineTold]:
        for row in rows:
            since = max(row.since or self.through, until + DAY) if until else row.since
            agreement = self.agreements.get(row.agreement_id or 0)
            label = _("Commission on what was received")
            if row.agreement_id is None:
                label = _("Less what stands on self-billed invoices")
            yield LineTold(
                kind=InvoiceLineKind.COMMISSION.value,
                agreement=agreement.reference if agreement else "",
                agreement_id=row.agreement_id or 0,
                label=label,
                period_on=min(since or self.through, self.through),
                last_day=self.through,
                amount=rounded(row.amount, row.currency),
                rates=self._rate(row),
            )

    def _rate(self, row: Kept) -> tuple[str, ...]:
        """Return what the commission is a percentage of; nothing where it had several rates."""
        percents = self.percents.get((row.beneficiary_id, row.agreement_id), set())
        if len(percents) != 1:
            return ()
        (percent,) = percents
        base = rounded(row.amount * 100 / percent, row.currency)
        if rounded(base * percent / 100, row.currency) != rounded(row.amount, row.currency):
            return ()
        told = {
            "percent": locales.percent(percent.normalize(), self.locale),
            "base": locales.amount(base, row.currency, self.locale),
        }
        return (_("%(percent)s of %(base)s") % told,)


def _store(agency: Agency, payee: int, content: Content, by: User, at: datetime) -> Invoice:
    invoice = Invoice.objects.create(
        kind=content.kind,
        agency=agency,
        beneficiary_id=payee,
        currency=content.currency,
        through=content.through,
        net=content.net,
        tax=content.tax_amount,
        total=content.total,
        drawn_up_at=at,
        drawn_up_by=by,
        content=to_json(content),
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=position,
            kind=line.kind,
            agreement_id=line.agreement_id or None,
            label=line.label,
            period_on=line.period_on,
            period_ends_on=line.last_day + DAY,
            amount=line.amount,
            currency=content.currency,
            tax_category=content.tax.category,
            tax_percent=content.tax.percent,
        )
        for position, line in enumerate(content.lines, start=1)
    )
    return invoice
