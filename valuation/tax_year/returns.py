"""Who is reported where: by the tax form in force on the day of payment, and what it was for.

Wages never stand on a 1099: what an employment-based or background replica brings the performer
goes to a paymaster. What cannot be told stands in a list of its own, with the reason, and on no
return. The desk keeps no taxpayer numbers, and does not know whether a payee is a loan-out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import Agreement, RuleSet
from talent.models import Agency, Beneficiary, TaxCertificate
from talent.periods import Days
from talent.words import LegalClass, TaxForm
from valuation.words import HeldOut, IncomeKind, TaxReport

from .columns import ColumnMap
from .payments import ZERO, Paid, paid_in, sent_back_later, tax_year

UNITED_STATES, DOLLARS = "US", "USD"
EMPLOYED = {LegalClass.EMPLOYMENT_BASED, LegalClass.BACKGROUND}
FOREIGN = {TaxForm.W8BEN, TaxForm.W8BEN_E}
COLUMN_RULES = {
    TaxReport.FORM_1099_MISC: "tax.columns_1099_misc",
    TaxReport.FORM_1042_S: "tax.columns_1042_s",
    TaxReport.PAYMASTER: "tax.columns_paymaster",
}
FIELDS = (
    "year", "corrected", "payer", "payee", "tin", "address", "residence", "gross", "royalties",
    "other", "withheld", "income_code", "chapter", "exemption", "rate", "agreements", "currency",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Return:
    """What one payee was paid in a year that stands on one return, or on none, and why.

    `directed` is their income that was paid to others by letters of direction; `for_whom` says,
    with who got it, whose income it is: there it is no gross.
    """

    report: TaxReport
    beneficiary: Beneficiary
    currency: str
    held_out: HeldOut | None
    certificate: TaxCertificate | None
    by_kind: Mapping[IncomeKind, Decimal]
    net: Decimal
    commission: Decimal
    withheld: Decimal
    trust: Decimal
    agreements: tuple[Agreement, ...]
    is_due: bool
    sent_back: Decimal
    directed: Decimal
    for_whom: tuple[tuple[Beneficiary, Decimal], ...]

    @property
    def gross(self) -> Decimal:
        return sum(self.by_kind.values(), ZERO)

    @property
    def is_corrected(self) -> bool:
        """Whether a payment of the year came back after its end, so that a return is corrected."""
        return bool(self.sent_back)


@dataclass(frozen=True, slots=True)
class TaxYear:
    """A tax year of an agency: its days, what is reported where, and the rules behind it."""

    agency: Agency
    year: int
    days: Days
    returns: tuple[Return, ...]
    rules: Mapping[str, RuleSet]

    def due(self, report: TaxReport) -> list[Return]:
        return [one for one in self.returns if one.report is report and one.is_due]

    @property
    def returns_due(self) -> int:
        """How many returns are to be filed: wages are the paymaster's."""
        return sum(
            len(self.due(report)) for report in (TaxReport.FORM_1099_MISC, TaxReport.FORM_1042_S)
        )

    def caveat(self, code: str) -> str:
        """Return what is to be said of a rule; empty: it may be relied on."""
        rule = self.rules.get(code)
        if rule is None:
            return "no rule is loaded for this year"
        return "" if rule_of(rule).may_be_relied_on else f"{rule.source}, not verified"


def report(agency: Agency, year: int) -> TaxYear:
    """Return a tax year, named by the year in which it begins. A fixed number of queries."""
    days, _rule = tax_year(agency, year)
    paid = paid_in(agency, days)
    last = days.ends_on - timedelta(days=1)
    rules = {
        rule.code: rule
        for rule in RuleSet.objects.on(last).filter(code__startswith="tax.", jurisdiction="US")
    }
    back = sent_back_later(agency, days)
    known = _Known(agency, [*paid, *back])
    groups: dict[Place, list[Paid]] = defaultdict(list)
    returned: dict[Place, list[Paid]] = defaultdict(list)
    for one in paid:
        groups[known.place(one)].append(one)
    for one in back:
        # All that stood there may have come back: the return is then corrected to nothing.
        returned[known.place(one)].append(one)
    found = [
        known.gathered(place, groups.get(place, []), returned.get(place, []), rules)
        for place in {**groups, **returned}
    ]
    order = list(TaxReport)
    found.sort(key=lambda one: (order.index(one.report), one.beneficiary.name, one.currency))
    return TaxYear(agency, year, days, tuple(found), rules)


class Place(NamedTuple):
    """Where payments stand: of whom, in which currency, on which return, and by which form."""

    payee: int
    currency: str
    target: TaxReport
    held_out: HeldOut | None
    certificate: int | None


class _Known:
    """What decides where a payment stands, read once for all."""

    def __init__(self, agency: Agency, paid: Sequence[Paid]) -> None:
        self.agency = agency
        payees = {one.beneficiary_id for one in paid}
        self.payees = Beneficiary.objects.select_related("performer").in_bulk(payees)
        self.agreements = Agreement.objects.select_related("twin").in_bulk(
            {one.agreement_id for one in paid if one.agreement_id}
        )
        self.certificates: dict[int, list[TaxCertificate]] = defaultdict(list)
        rows = TaxCertificate.objects.filter(beneficiary__in=payees)
        for row in rows.order_by("signed_on", "pk"):
            self.certificates[row.beneficiary_id].append(row)

    def place(self, one: Paid) -> Place:
        """Return where a payment stands: of whom, in which currency, where, and by which form."""
        certificate = self.certificate(one.beneficiary_id, one.booked_on)
        target, because = self._target(one, certificate)
        pk = certificate.pk if certificate and target is TaxReport.FORM_1042_S else None
        return Place(one.beneficiary_id, one.currency, target, because, pk)

    def certificate(self, payee: int, on: date) -> TaxCertificate | None:
        """Return the newest form of a payee, if it is in force on a day."""
        signed = [row for row in self.certificates[payee] if row.signed_on <= on]
        newest = signed[-1] if signed else None
        if newest is None or newest.form == TaxForm.NONE:
            return None
        return newest if newest.expires_on is None or on <= newest.expires_on else None

    def _target(
        self, one: Paid, certificate: TaxCertificate | None
    ) -> tuple[TaxReport, HeldOut | None]:
        if self.agency.country != UNITED_STATES:
            return TaxReport.NONE, None
        because = self._held_out(one, certificate)
        if because:
            return TaxReport.HELD_OUT, because
        if self.kind(one) is IncomeKind.WAGES:
            return TaxReport.PAYMASTER, None
        if certificate and certificate.form in FOREIGN:
            return TaxReport.FORM_1042_S, None
        return TaxReport.FORM_1099_MISC, None

    def _held_out(self, one: Paid, certificate: TaxCertificate | None) -> HeldOut | None:
        if self.payees[one.beneficiary_id].agency_id:
            return HeldOut.OWN
        if one.for_whom or self.payees[one.beneficiary_id].payee_of_id:
            return HeldOut.DIRECTED
        if one.agreement_id is None:
            return HeldOut.NO_AGREEMENT
        if one.currency != DOLLARS:
            return HeldOut.OTHER_CURRENCY
        if certificate is None and self.kind(one) is not IncomeKind.WAGES:
            return HeldOut.NO_FORM
        return None

    def kind(self, one: Paid) -> IncomeKind:
        """Return what a payment was for: wages to who was employed, royalties, or to an heir."""
        agreement = self.agreements.get(one.agreement_id or 0)
        if agreement is None or self.payees[one.beneficiary_id].performer_id is None:
            return IncomeKind.OTHER
        employed = LegalClass(agreement.twin.legal_class) in EMPLOYED
        return IncomeKind.WAGES if employed else IncomeKind.ROYALTIES

    def gathered(
        self,
        place: Place,
        paid: Sequence[Paid],
        returned: Sequence[Paid],
        rules: Mapping[str, RuleSet],
    ) -> Return:
        by_kind: dict[IncomeKind, Decimal] = defaultdict(Decimal)
        for one in paid:
            by_kind[self.kind(one)] += one.gross
        every = [*paid, *returned]
        withheld = sum((one.withheld for one in paid), ZERO)
        ids = dict.fromkeys(one.agreement_id for one in every if one.agreement_id)
        return Return(
            report=place.target,
            beneficiary=self.payees[place.payee],
            currency=place.currency,
            held_out=place.held_out,
            certificate=self.certificate(place.payee, every[0].booked_on),
            by_kind=by_kind,
            net=sum((one.net for one in paid), ZERO),
            commission=sum((one.commission for one in paid), ZERO),
            withheld=withheld,
            trust=sum((one.trust for one in paid), ZERO),
            agreements=tuple(self.agreements[pk] for pk in ids),
            is_due=_is_due(place.target, by_kind, withheld, rules) or bool(returned),
            sent_back=sum((one.net + one.directed for one in returned), ZERO),
            directed=sum((one.directed for one in paid), ZERO),
            for_whom=self._for_whom(paid),
        )

    def _for_whom(self, paid: Iterable[Paid]) -> tuple[tuple[Beneficiary, Decimal], ...]:
        sums: dict[int, Decimal] = defaultdict(Decimal)
        for one in paid:
            if one.for_whom is not None:
                sums[one.for_whom] += one.net
        found = [(self.payees[payer], amount) for payer, amount in sums.items()]
        return tuple(sorted(found, key=lambda told: told[0].name))


def _is_due(
    target: TaxReport,
    by_kind: Mapping[IncomeKind, Decimal],
    withheld: Decimal,
    rules: Mapping[str, RuleSet],
) -> bool:
    """Tell whether a return is filed: from a threshold on, or whenever tax was withheld.

    Without a rule for the year it is: nobody is left out by a figure that is not known.
    """
    if target is not TaxReport.FORM_1099_MISC or withheld:
        return True
    codes = {
        IncomeKind.ROYALTIES: "tax.royalty_report",
        IncomeKind.OTHER: "tax.other_income_report",
    }
    return any(
        amount > 0
        and (rules.get(code) is None or amount >= Decimal(rules[code].values["threshold"]))
        for kind, code in codes.items()
        if (amount := by_kind.get(kind, ZERO))
    )


# Files


def column_map(year: TaxYear, target: TaxReport) -> ColumnMap | None:
    """Return the columns of a return's file; None: no rule says them. Raises BadColumnMap."""
    code = COLUMN_RULES[target]
    rule = year.rules.get(code)
    if rule is None:
        return None
    return ColumnMap.of(rule.values["columns"], FIELDS, caveat=year.caveat(code))


def rows(year: TaxYear, target: TaxReport) -> Iterable[dict[str, object]]:
    """Yield what a return's file says of each payee, by field; taxpayer numbers are the filer's."""
    about = year.rules.get("tax.return_1042_s")
    codes = about.values if about else {}
    statutory = year.rules.get("tax.non_resident")
    for one in year.due(target):
        rate = one.certificate.withholding_percent if one.certificate else None
        lowered = rate is not None and statutory and rate < Decimal(statutory.values["percent"])
        yield {
            "year": year.year,
            "corrected": "yes" if one.is_corrected else "no",
            "payer": year.agency.name,
            "payee": one.beneficiary.name,
            "tin": "",
            "address": ", ".join(one.beneficiary.address.splitlines()),
            "residence": one.certificate.residence if one.certificate else "",
            "gross": one.gross,
            "royalties": one.by_kind.get(IncomeKind.ROYALTIES, ZERO),
            "other": one.by_kind.get(IncomeKind.OTHER, ZERO),
            "withheld": one.withheld,
            "income_code": codes.get("income_code", ""),
            "chapter": "3",
            "exemption": codes.get("treaty_exemption" if lowered else "no_exemption", ""),
            "rate": rate,
            "agreements": ", ".join(agreement.reference for agreement in one.agreements),
            "currency": one.currency,
        }
