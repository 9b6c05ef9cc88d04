"""Drawing up: what was posted to a licensee and stands on no invoice becomes the draft of one.

The difference between what is posted for a reading and what was invoiced of it is a line. So a
correction after the issue stands on the next invoice, and where that comes to less than nothing,
it is a credit note.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from licensing.models import Licensee, Production
from licensing.money import rounded
from talent import four_eyes, locales
from talent.database.locks import lock_until_commit
from talent.database.sql import sql_file
from talent.models import Agency, User
from talent.periods import local_day
from talent.words import Use
from valuation.models import (
    BillingDetails,
    Invoice,
    InvoiceLine,
    NightRun,
    PaymentTerms,
    Reading,
    ResidualLine,
)
from valuation.words import (
    EInvoiceFormat,
    InvoiceKind,
    InvoiceLineKind,
    ReadingKind,
    TaxCategory,
)

from . import by_studios
from .ageing import newest_day
from .content import (
    DAY,
    ZERO,
    Content,
    LineTold,
    PartyTold,
    PayToTold,
    TaxTold,
    TermsTold,
    UseTold,
    to_json,
)
from .lines import Part, in_words, line_told
from .refusals import NothingToInvoice, NotThatDay
from .terms import Terms, details_on, terms_on

NOT_INVOICED = sql_file(__file__, "not_invoiced.sql")
USES = sql_file(__file__, "uses.sql")
DRAWS = "valuation.draw_invoice"
APPROVES = "valuation.approve_invoice"
NO_INVOICE = gettext_lazy(
    "This is a request for payment and no invoice for tax: by self-billing agreement you write the"
    " invoices of this work yourself."
)
LINE_KINDS = {
    ReadingKind.USE: InvoiceLineKind.USE,
    ReadingKind.TRUE_UP: InvoiceLineKind.TRUE_UP,
    ReadingKind.ADVANCE: InvoiceLineKind.ADVANCE,
    ReadingKind.CONTRIBUTION: InvoiceLineKind.CONTRIBUTION,
    ReadingKind.PASSED_TAX: InvoiceLineKind.PASSED_TAX,
}


class Claim(NamedTuple):
    """What is posted for a reading and not invoiced, with the latest line about the same."""

    reading_id: int
    licensee_id: int
    currency: str
    recouped: bool
    amount: Decimal
    latest_id: int | None
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class DrawnUp:
    """The invoices that were drawn up, and for whom none was, with the reason."""

    invoices: tuple[Invoice, ...]
    left_out: tuple[tuple[str, str], ...]


def invoicing(agency_id: int) -> str:
    """Return the name of the lock under which an agency's invoices are drawn up and numbered."""
    return f"invoices of agency {agency_id}"


def not_invoiced(*, agency: Agency, through: date, licensee: Licensee | None = None) -> list[Claim]:
    """Return what was posted by the end of a day and stands on no invoice. One query."""
    asked: dict[str, date | int | None] = {
        "agency": agency.pk,
        "licensee": licensee.pk if licensee else None,
        "through": through,
    }
    with connection.cursor() as cursor:
        cursor.execute(NOT_INVOICED, asked)
        return [Claim(*row) for row in cursor.fetchall()]


@transaction.atomic
def draw_up(
    *,
    agency: Agency,
    through: date,
    by: User,
    at: datetime,
    licensee: Licensee | None = None,
    pay_to: Mapping[str, PayToTold] | None = None,
) -> DrawnUp:
    """Draw up what an agency's licensees are to be asked for, posted by the end of a day.

    One invoice a licensee and currency, and one for each agreement with payment terms of its own.
    `pay_to` is the agency's own account by currency. A licensee without terms or billing details
    is left out, with the reason. Raises NothingToInvoice, NotThatDay, four_eyes.NobodyToApprove.
    """
    today = local_day(at, agency.time_zone)
    # In California the day of a night begins the evening before: what it posted is known.
    if through > newest_day(at, agency.time_zone):
        raise NotThatDay(_("That day is to come: invoice what was posted until today."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    # Two people who draw up at once take the same lines only once.
    lock_until_commit(invoicing(agency.pk))
    claims = not_invoiced(agency=agency, through=through, licensee=licensee)
    if not claims:
        raise NothingToInvoice(
            _("All that was posted by then stands on an invoice. The next night may add more.")
        )
    drafter = _Drafter(agency, through, today, pay_to or {}, claims)
    drawn, left_out = [], []
    for key, own in drafter.groups().items():
        if reason := drafter.why_not(key):
            left_out.append((drafter.name_of(key), reason))
        else:
            drawn.append(_store(agency, key, drafter.content(key, own), by, at))
    return DrawnUp(tuple(drawn), tuple(dict.fromkeys(left_out)))


class Group(NamedTuple):
    """What stands on one invoice: a licensee's currency, all but agreements with own terms.

    What a licensee writes the payees' invoices of itself is only asked for: `by_studio`.
    """

    licensee_id: int
    currency: str
    agreement_id: int | None
    by_studio: bool = False


class _Drafter:
    """Knows all that the invoices of one drawing up say, in a fixed number of queries."""

    def __init__(
        self,
        agency: Agency,
        through: date,
        today: date,
        pay_to: Mapping[str, PayToTold],
        claims: Sequence[Claim],
    ) -> None:
        self.agency, self.through, self.pay_to = agency, through, pay_to
        self.claims = claims
        self.locale = "en-US" if agency.country == "US" else "en-GB"
        self.terms: Terms = terms_on(agency, today)
        self.details = details_on(agency, today)
        self.readings = Reading.objects.select_related("agreement", "rate_line", "advance").in_bulk(
            {claim.reading_id for claim in claims}
        )
        self.licensees = Licensee.objects.in_bulk({claim.licensee_id for claim in claims})
        self.earlier = InvoiceLine.objects.select_related("invoice").in_bulk(
            {claim.latest_id for claim in claims if claim.latest_id}
        )
        live = Invoice.objects.live().claims().filter(agency=agency)
        newest = live.values_list("licensee", "currency").annotate(Max("through"), Max("pk"))
        self.before = {(who, currency): day for who, currency, day, _pk in newest}
        self.by_studio, self.mixed = self._written_by_studios(today)
        self.tax_on = self._numbers_of_studios()
        self.uses = self._uses()
        self.until_run = (
            NightRun.objects.filter(as_of__lte=through).aggregate(last=Max("pk"))["last"] or 0
        )

    def groups(self) -> dict[Group, list[Claim]]:
        found: dict[Group, list[Claim]] = defaultdict(list)
        for claim in self.claims:
            agreement_id = self.readings[claim.reading_id].agreement_id
            own = agreement_id if (claim.licensee_id, agreement_id) in self.terms else None
            by_studio = claim.reading_id in self.by_studio
            found[Group(claim.licensee_id, claim.currency, own, by_studio)].append(claim)
        return found

    def _written_by_studios(self, today: date) -> tuple[set[int], set[int]]:
        """Return of which readings studios write a payee's invoice, and of which not every one's.

        The tax of such an invoice is asked for beside them.
        """
        of_tax = {pk for pk, one in self.readings.items() if one.kind == ReadingKind.PASSED_TAX}
        since = by_studios.since(self.agency.pk, today)
        if not since:
            return of_tax, set()
        rows = ResidualLine.objects.filter(reading__in=self.readings).order_by()
        written: dict[int, set[bool]] = defaultdict(set)
        for reading_id, payee in rows.values_list("reading", "beneficiary").distinct():
            reading = self.readings[reading_id]
            first = since.get((reading.agreement.licensee_id, payee))
            written[reading_id].add(first is not None and reading.period_ends_on > first)
        some = {pk for pk, told in written.items() if True in told}
        return some | of_tax, {pk for pk in some if len(written[pk]) == 2}

    def name_of(self, key: Group) -> str:
        name: str = self.licensees[key.licensee_id].name
        return name

    def why_not(self, key: Group) -> str:
        """Return why no invoice is drawn up; empty: one is."""
        if (None, None) not in self.details:
            return _("Enter your agency’s own billing details first: name, address, numbers.")
        if (key.licensee_id, None) not in self.details:
            return _("Enter their billing details first: they say how it is taxed.")
        if self._terms_of(key) is None:
            return _("Enter their payment terms first: they say by when it is paid.")
        if self._is_mixed(key):
            return _(
                "They write the invoices of some payees of an agreement themselves and not of all,"
                " and are to be charged tax. Agree on self-billing with all of its payees."
            )
        before = self.before.get((key.licensee_id, key.currency))
        if before is not None and before > self.through:
            return str(_("Invoiced until %s already. Choose that day or a later one.") % before)
        return ""

    def _numbers_of_studios(self) -> dict[int, str]:
        """Return of readings of payees' tax by which number a studio charged it, and for whom."""
        of_tax = [pk for pk, one in self.readings.items() if one.kind == ReadingKind.PASSED_TAX]
        if not of_tax:
            return {}
        charged = InvoiceLine.objects.filter(payees_reading__in=of_tax, amount__gt=0)
        rows = charged.values_list(
            "payees_reading", "invoice__number", "invoice__beneficiary__name"
        )
        return {
            reading: _("Tax on your %(number)s for %(payee)s") % {"number": number, "payee": payee}
            for reading, number, payee in rows.order_by("pk")
        }

    def _is_mixed(self, key: Group) -> bool:
        """Tell whether tax would be charged twice, or not at all, on some payees' parts."""
        if not key.by_studio or not self.details[key.licensee_id, None].tax_percent:
            return False
        return any(self.readings[pk].agreement.licensee_id == key.licensee_id for pk in self.mixed)

    def _terms_of(self, key: Group) -> PaymentTerms | None:
        own = self.terms.get((key.licensee_id, key.agreement_id))
        return own or self.terms.get((key.licensee_id, None))

    def content(self, key: Group, claims: Iterable[Claim]) -> Content:
        """Return what an invoice says. Tax is worked out on the sum of its lines, once."""
        seller, buyer = self.details[None, None], self.details[key.licensee_id, None]
        terms = self._terms_of(key)
        assert terms is not None  # noqa: S101 (`why_not` was asked before)
        lines = tuple(sorted(map(self._line, claims), key=_order))
        net = sum((line.amount for line in lines), ZERO)
        told_tax = TaxTold(buyer.tax_category, buyer.tax_percent, buyer.tax_reason)
        if key.by_studio:
            told_tax = TaxTold(TaxCategory.OUTSIDE.value, ZERO, _("No tax: you charge it yourself"))
        tax = rounded(net * told_tax.percent / 100, key.currency)
        is_outside = told_tax.category == TaxCategory.OUTSIDE.value
        kind = InvoiceKind.CREDIT_NOTE if net + tax < 0 else InvoiceKind.INVOICE
        return Content(
            kind=kind.value,
            currency=key.currency,
            locale=self.locale,
            through=self.through,
            agency=self.agency.name,
            customer=self.name_of(key),
            seller=party_told(seller, with_vat=not is_outside),
            buyer=party_told(buyer, with_vat=not is_outside),
            terms=TermsTold(terms.days, terms.end_of_month, terms.source),
            tax=told_tax,
            lines=lines,
            net=net,
            tax_amount=tax,
            total=net + tax,
            uses=tuple(use for line in lines for use in self.uses.get(line.reading_id or 0, ())
                       if line.kind == InvoiceLineKind.USE.value),
            until_run=self.until_run,
            pay_to=self.pay_to.get(key.currency),
            buyer_reference=buyer.buyer_reference,
            format=EInvoiceFormat.NONE.value
            if key.by_studio else EInvoiceFormat(buyer.format).value,
            corrects=tuple(dict.fromkeys(line.corrects for line in lines if line.corrects)),
            wording=(str(NO_INVOICE),) if key.by_studio else (),
        )  # fmt: skip

    def _line(self, claim: Claim) -> LineTold:
        reading = self.readings[claim.reading_id]
        before = self.earlier.get(claim.latest_id or 0)
        kind = LINE_KINDS[ReadingKind(reading.kind)]
        label = self.tax_on.get(reading.pk, reading.label)
        if claim.recouped:
            kind, label = InvoiceLineKind.RECOUPMENT, f"{label}: {kind.RECOUPMENT.label.lower()}"
        elif reading.factor != 1:
            label = f"{label} × {locales.quantity(reading.factor, self.locale)}"
        part = Part(claim.amount, claim.currency, claim.quantity, claim.recouped)
        return line_told(reading, part, before, kind=kind, label=label, locale=self.locale)

    def _uses(self) -> dict[int, list[UseTold]]:
        """Return by reading the months of use that are new since the invoice before."""
        after: dict[int, list[int]] = defaultdict(list)
        for claim in self.claims:
            if self.readings[claim.reading_id].rate_line and not claim.recouped:
                latest = self.earlier.get(claim.latest_id or 0)
                run = latest.invoice.content.get("until_run", 0) if latest else 0
                after[run].append(claim.reading_id)
        rows = [row for run, readings in after.items() for row in self._months(readings, run)]
        ids = {pk for reading in self.readings.values() for pk in _productions(reading)}
        titles = {one.pk: one.title for one in Production.objects.filter(pk__in=ids)}
        found: dict[int, list[UseTold]] = defaultdict(list)
        for reading_id, month_on, quantity, amount in rows:
            found[reading_id].append(
                self._use(self.readings[reading_id], month_on, quantity, amount, titles)
            )
        return found

    def _months(self, readings: list[int], after: int) -> list[tuple[int, date, Decimal, Decimal]]:
        with connection.cursor() as cursor:
            cursor.execute(USES, {"readings": readings, "after": after, "through": self.through})
            return list(cursor.fetchall())

    def _use(
        self,
        reading: Reading,
        month_on: date,
        quantity: Decimal,
        amount: Decimal,
        titles: Mapping[int, str],
    ) -> UseTold:
        summary = reading.summary
        return UseTold(
            agreement=reading.agreement.reference,
            label=reading.label,
            month_on=month_on,
            quantity=quantity,
            quantity_told=in_words(reading, quantity, self.locale),
            amount=rounded(amount, reading.currency),
            uses=tuple(str(Use(code).label) for code in summary.get("uses", [])),
            languages=tuple(summary.get("languages", [])),
            territories=tuple(summary.get("territories", [])),
            productions=tuple(titles[pk] for pk in _productions(reading) if pk in titles),
        )


def _productions(reading: Reading) -> Iterable[int]:
    ids: list[int] = reading.summary.get("production_ids", [])
    return ids


def _order(line: LineTold) -> tuple[object, ...]:
    return line.agreement, line.period_on, line.label, line.reading_id


def party_told(details: BillingDetails, *, with_vat: bool = True) -> PartyTold:
    """Return a party as an invoice shows it; what is not subject to tax names no VAT number."""
    return PartyTold(
        name=details.name,
        country=details.country,
        street=details.street,
        postcode=details.postcode,
        town=details.town,
        vat_number=details.vat_number if with_vat else "",
        registration=details.registration,
        electronic_scheme=details.electronic_scheme,
        electronic_address=details.electronic_address,
    )


def _store(agency: Agency, key: Group, content: Content, by: User, at: datetime) -> Invoice:
    invoice = Invoice.objects.create(
        kind=content.kind,
        agency=agency,
        licensee_id=key.licensee_id,
        agreement_id=key.agreement_id,
        currency=key.currency,
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
            agreement_id=line.agreement_id,
            reading_id=line.reading_id,
            corrects_id=line.corrects_id,
            label=line.label[:300],
            period_on=line.period_on,
            period_ends_on=line.last_day + DAY,
            quantity=line.quantity,
            amount=line.amount,
            currency=content.currency,
            tax_category=content.tax.category,
            tax_percent=content.tax.percent,
        )
        for position, line in enumerate(content.lines, start=1)
    )
    return invoice
