"""What studios have no data of yet, and the data drawn up for a second person to approve."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from talent import four_eyes, locales
from talent.database.locks import lock_until_commit
from talent.database.sql import sql_file
from talent.models import Agency, User
from talent.periods import local_day
from valuation.invoices import by_studios
from valuation.invoices.ageing import newest_day
from valuation.invoices.content import DAY, ZERO, Content, LineTold, to_json
from valuation.invoices.drawing_up import (
    APPROVES,
    LINE_KINDS,
    DrawnUp,
    invoicing,
)
from valuation.invoices.lines import Part, line_told
from valuation.invoices.refusals import NothingToInvoice
from valuation.invoices.terms import details_on
from valuation.models import Invoice, InvoiceLine, Reading, ResidualLine, SelfBillingAgreement
from valuation.self_billing import agreements
from valuation.self_billing.purchases import Told, corrected_by, written
from valuation.self_billing.refusals import NotThatDay, SomethingIsMissing
from valuation.words import (
    EInvoiceFormat,
    InvoiceLineKind,
    ReadingKind,
)

NOT_SELF_BILLED = sql_file(__file__, "not_self_billed.sql")


class Sold(NamedTuple):
    """A payee's part of a reading that a studio has no data of yet, and the last line about it."""

    licensee_id: int
    beneficiary_id: int
    currency: str
    reading_id: int
    recouped: bool
    amount: Decimal
    latest_id: int | None
    quantity: Decimal | None


def not_self_billed(agency: Agency, through: date, since: by_studios.Since) -> list[Sold]:
    """Return what was posted by the end of a day for payees whose invoices studios write.

    What was used before the studio wrote them was invoiced in another way. Two queries.
    """
    asked: dict[str, int | date | list[int]] = {
        "agency": agency.pk,
        "through": through,
        "payees": [payee for _licensee, payee in since],
    }
    with connection.cursor() as cursor:
        cursor.execute(NOT_SELF_BILLED, asked)
        rows = cursor.fetchall()
    readings = Reading.objects.filter(pk__in={row[2] for row in rows})
    known: dict[int, tuple[int, date]] = {
        pk: (licensee, ends_on)
        for pk, licensee, ends_on in readings.values_list(
            "pk", "agreement__licensee", "period_ends_on"
        )
    }
    found = []
    for row in rows:
        licensee, ends_on = known[row[2]]
        first = since.get((licensee, row[0]))
        if first and ends_on > first:
            found.append(Sold(licensee, *row))
    return found


@transaction.atomic
def draw_up(*, agency: Agency, through: date, by: User, at: datetime) -> DrawnUp:
    """Draw up data for what studios buy of an agency's payees, posted by the end of a day.

    One a studio, payee and currency; for whom something is missing is left out, with the reason.
    Raises NothingToInvoice, NotThatDay, four_eyes.NobodyToApprove.
    """
    today = local_day(at, agency.time_zone)
    if through > newest_day(at, agency.time_zone):
        raise NotThatDay(_("That day is to come: take what was posted until today."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    # Two people who draw up at once take the same lines only once.
    lock_until_commit(invoicing(agency.pk))
    groups: dict[tuple[int, int, str], list[Sold]] = defaultdict(list)
    for row in not_self_billed(agency, through, by_studios.since(agency.pk, today)):
        groups[row.licensee_id, row.beneficiary_id, row.currency].append(row)
    if not groups:
        raise NothingToInvoice(
            _("Studios have the data of all that they write invoices for. The next night may add.")
        )
    drafter = _Drafter(agency, through, today, [row for rows in groups.values() for row in rows])
    drawn, left_out = [], []
    for (licensee, payee, currency), rows in groups.items():
        agreement = agreements.in_force(
            agency=agency, beneficiary_id=payee, licensee_id=licensee, on=today
        )
        assert agreement is not None  # noqa: S101 (`since` told those in force)
        try:
            content = drafter.content(agreement, currency, rows)
        except (SomethingIsMissing, NotThatDay) as reason:
            left_out.append((str(agreement.beneficiary), str(reason)))
        else:
            drawn.append(_store(agreement, content, by, at))
    return DrawnUp(tuple(drawn), tuple(left_out))


class _Drafter:
    """Knows all that the data of one drawing up say, in a fixed number of queries."""

    def __init__(self, agency: Agency, through: date, today: date, rows: Sequence[Sold]) -> None:
        self.agency, self.through, self.today = agency, through, today
        self.locale = "en-US" if agency.country == "US" else "en-GB"
        self.details = details_on(agency, today)
        self.readings = Reading.objects.select_related("agreement", "rate_line", "advance").in_bulk(
            {row.reading_id for row in rows}
        )
        self.earlier = InvoiceLine.objects.select_related("invoice").in_bulk(
            {row.latest_id for row in rows if row.latest_id}
        )
        self.shares = _shares(self.readings)
        live = Invoice.objects.live().by_studios().filter(agency=agency).order_by()
        newest = live.values_list("licensee", "beneficiary", "currency").annotate(Max("through"))
        self.until = {tuple(key): day for *key, day in newest}

    def content(
        self, agreement: SelfBillingAgreement, currency: str, rows: Sequence[Sold]
    ) -> Content:
        """Return what the invoice would say. Raises SomethingIsMissing, NotThatDay."""
        until = self.until.get((agreement.licensee_id, agreement.beneficiary_id, currency))
        if until and until > self.through:
            raise NotThatDay(_("Told until %s already. Choose that day or a later one.") % until)
        lines = tuple(sorted(map(self._line, rows), key=lambda line: (line.agreement,
                      line.period_on, line.label, line.reading_id)))  # fmt: skip
        net = sum((line.amount for line in lines), ZERO)
        corrected = corrected_by(agreement, currency) if net < 0 else None
        if net < 0 and corrected is None:
            raise SomethingIsMissing(_("It takes back more than they invoiced."))
        told = Told(self.agency.name, currency, self.locale, self.through)
        content = written(agreement, lines, told, self.today, corrected)
        return replace(
            content,
            customer=str(agreement.licensee),
            format=self._format(agreement),
            wording=(*content.wording, *_whose(content, agreement, self.agency)),
            prepared_by=self.agency.name,
        )

    def _format(self, agreement: SelfBillingAgreement) -> str:
        """Return the syntax that the studio takes; who takes none gets UBL."""
        wanted = self.details[agreement.licensee_id, None].format
        return EInvoiceFormat.UBL.value if wanted == EInvoiceFormat.NONE.value else wanted

    def _line(self, row: Sold) -> LineTold:
        reading = self.readings[row.reading_id]
        before = self.earlier.get(row.latest_id or 0)
        kind, label = LINE_KINDS[ReadingKind(reading.kind)], reading.label
        if reading.factor != 1:
            label = f"{label} × {locales.quantity(reading.factor, self.locale)}"
        if row.recouped:
            kind = InvoiceLineKind.RECOUPMENT
            label = f"{label}: {kind.label.lower()}"
        if share := self.shares.get((row.reading_id, row.beneficiary_id)):
            label = f"{label}, {share}"
        part = Part(row.amount, row.currency, row.quantity, row.recouped)
        return line_told(reading, part, before, kind=kind, label=label, locale=self.locale)


def _shares(readings: Mapping[int, Reading]) -> dict[tuple[int, int], str]:
    """Return of which readings payees have only a share, and which, as their last lines say."""
    newest = (
        ResidualLine.objects.filter(reading__in=readings)
        .order_by("reading", "beneficiary", "-pk")
        .distinct("reading", "beneficiary")
    )
    found = {}
    for line in newest.values_list("reading", "beneficiary", "explanation"):
        reading, payee, explanation = line
        weight, weights = (Decimal(explanation.get(name, "1")) for name in ("weight", "weights"))
        if weight != weights:
            told = {"part": f"{weight.normalize():f}", "whole": f"{weights.normalize():f}"}
            found[reading, payee] = _("share %(part)s of %(whole)s") % told
    return found


def _whose(content: Content, agreement: SelfBillingAgreement, agency: Agency) -> Iterator[str]:
    """Yield whose document it is: it says so itself, wherever it goes."""
    yield _("Issued by %(buyer)s, the buyer, for the supplier, by %(paper)s.") % {
        "buyer": content.buyer.name, "paper": agreement.source
    }  # fmt: skip
    yield _("Its data were prepared by %s, which is no party to it.") % agency.name


def _store(agreement: SelfBillingAgreement, content: Content, by: User, at: datetime) -> Invoice:
    invoice = Invoice.objects.create(
        kind=content.kind,
        agency_id=agreement.agency_id,
        licensee_id=agreement.licensee_id,
        beneficiary_id=agreement.beneficiary_id,
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
        _unsaved(invoice, content, position, line)
        for position, line in enumerate(content.lines, start=1)
    )
    return invoice


def _unsaved(invoice: Invoice, content: Content, position: int, line: LineTold) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        position=position,
        kind=line.kind,
        agreement_id=line.agreement_id,
        payees_reading_id=line.reading_id,
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
