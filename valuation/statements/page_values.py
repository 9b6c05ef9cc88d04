"""What the pages of a statement show: every figure written out in the reader's locale."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.agreements.rates import explained
from licensing.quantities import measured
from licensing.words import PricePart, Pricing
from talent import faces, locales
from valuation.invoices.content import Content, PartyTold
from valuation.statements import money_chart
from valuation.statements.snapshot import (
    AgeingRow,
    BeneficiaryRow,
    Beside,
    Deduction,
    LicenseeRow,
    PlanContribution,
    PricedPart,
    ProductionRow,
    Proof,
    Receipt,
    RollUpSnapshot,
    Snapshot,
    StatedLine,
    StatedRule,
    StatementSnapshot,
    TaxStanding,
    TrustStanding,
    YearToDate,
)
from valuation.statements.summary import spoken
from valuation.words import AccountKind, Section, TaxPoint

# Laying out a page of figures takes megabytes of memory. Beyond these limits the pages show sums,
# and only the attached CSV has every line.
LINES_SHOWN = 1000
ROWS_SHOWN = 400
PARTS_SHOWN = 12
PURPOSES_SHOWN = 6
BY_AGREEMENT = attrgetter("licensee", "agreement")

BESIDE_USE = {Section.TRUE_UP, Section.ADVANCE, Section.INTEREST, Section.RECOUPMENT}


def statement_values(statement: StatementSnapshot) -> dict[str, Any]:
    """Return the plain values of templates/statements/statement.html."""
    locale, currency = statement.locale, statement.currency

    def amount(value: Decimal) -> str:
        return locales.amount(value, currency, locale)

    # Stable, so that late lines follow the others of their agreement.
    lines = sorted(summed(statement.lines), key=BY_AGREEMENT)
    numbers = {line.reference: n for n, line in enumerate(lines, start=1) if line.reference}
    deducted = statement.deducted - _kept_for_advances(statement)
    return {
        **_common(statement, statement.payee.name, statement.payee.address),
        "title": _("Interim statement") if statement.interim else _("Statement"),
        "interim": statement.interim,
        "beneficiary": statement.beneficiary,
        "name_language": faces.language_of(statement.beneficiary.name, locale),
        "payee": statement.payee,
        "to_performer": statement.to_performer,
        "payable_on": statement.payable_on and locales.day(statement.payable_on, locale),
        "earned": amount(statement.earned),
        "received": amount(statement.received),
        "deducted": amount(deducted),
        "recouped": statement.recouped and amount(statement.recouped),
        "opening_balance": amount(statement.opening_balance),
        "closing_balance": amount(statement.closing_balance),
        "overpaid": statement.closing_balance < 0,
        "owes_nothing": not statement.closing_balance,
        "paid_out": statement.paid_out and amount(-statement.paid_out),
        "payouts": [
            {"day": locales.short_day(payout.on, locale), "amount": amount(-payout.amount)}
            for payout in statement.payouts
        ],
        "opening_accrued": amount(statement.opening_accrued),
        "received_negative": amount(-statement.received),
        "closing_accrued": amount(statement.closing_accrued),
        "shows_accrued": bool(statement.opening_accrued or statement.earned or statement.received),
        "flow": _flow(statement),
        "purposes": _purposes(statement),
        "groups": _groups(lines, statement),
        "lines_summed": len(statement.lines) if len(lines) < len(statement.lines) else 0,
        "receipts": [_received(receipt, statement, numbers) for receipt in statement.receipts],
        "deductions": [
            {"text": _deduction(one, statement), "note": one.note, "amount": amount(one.amount)}
            for one in statement.deductions
        ],
        "invoice": statement.self_billed and _invoice(statement.self_billed, statement),
        "beside": statement.beside and _beside(statement.beside, statement),
        "in_words": statement.in_words,
        "objections": statement.objections,
        "tax": statement.tax and _tax(statement.tax, statement),
        "year_to_date": statement.year_to_date and _year_to_date(statement.year_to_date, statement),
        "applied": [*map(_rule, statement.rules), *_agreements(statement)],
        "leaves": statement.leaves
        and {
            "first": locales.quantity(Decimal(statement.leaves.first), locale),
            "last": locales.quantity(Decimal(statement.leaves.last), locale),
        },
    }


def _invoice(invoice: Content, statement: StatementSnapshot) -> dict[str, Any]:
    """Return the self-billed invoice as texts; what a credit note takes back is above zero."""
    locale, sign = statement.locale, -1 if invoice.is_credit else 1

    def amount(value: Decimal) -> str:
        return locales.amount(sign * value, statement.currency, locale)

    percent = locales.percent(invoice.tax.percent, locale)
    return {
        "title": _("Self-billed credit note") if invoice.is_credit else _("Self-billed invoice"),
        "number": invoice.number,
        "issued_on": invoice.issued_on and locales.day(invoice.issued_on, locale),
        "corrects": ", ".join(invoice.corrects),
        "wording": invoice.wording,
        "seller": _invoiced(invoice.seller, locale),
        "buyer": _invoiced(invoice.buyer, locale),
        "lines": [
            {
                "label": ", ".join(filter(None, [line.label, line.agreement])),
                "amount": amount(line.amount),
            }
            for line in invoice.lines
        ],
        "net": amount(invoice.net),
        "tax": amount(invoice.tax_amount),
        "tax_words": _("VAT, %s") % percent if invoice.tax.percent else invoice.tax.reason,
        "total": amount(invoice.total),
        "agreed": invoice.terms.source,
        "tax_point": _tax_point(invoice, locale),
    }


def _tax_point(invoice: Content, locale: str) -> str:
    if invoice.tax_point == TaxPoint.PAYMENT:
        return _("The tax becomes due when this is paid.")
    if invoice.tax_point_on is None:
        return ""
    return _("Tax point: %s.") % locales.day(invoice.tax_point_on, locale)


def _invoiced(party: PartyTold, locale: str) -> dict[str, Any]:
    place = [*party.address, locales.territory(party.country, locale)]
    number = _("VAT number %s") % party.vat_number if party.vat_number else party.registration
    return {"name": party.name, "address": ", ".join(place), "number": number}


def _kept_for_advances(statement: StatementSnapshot) -> Decimal:
    kept = (d.amount for d in statement.deductions if d.kind == AccountKind.ADVANCES)
    return sum((amount for amount in kept if amount < 0), Decimal(0))


def _flow(statement: StatementSnapshot) -> list[dict[str, Any]]:
    """Return how the opening balance became the closing one: labels, figures and their bars."""
    kept: dict[str, Decimal] = {}
    for one in statement.deductions:
        label = _kept_or_given(one)
        kept[label] = kept.get(label, Decimal(0)) + one.amount
    moves = [
        (_("Opening balance"), statement.opening_balance),
        (_("Received from licensees"), statement.received),
        *kept.items(),
        (_("Paid out"), -statement.paid_out),
    ]
    shown = [(label, amount) for label, amount in moves if amount]
    closing = _("Closing balance"), statement.closing_balance
    bars = money_chart.steps([amount for _label, amount in shown])
    return [
        {
            "label": label,
            "amount": locales.amount(amount, statement.currency, statement.locale),
            "bar": bar,
        }
        for (label, amount), bar in zip([*shown, closing], bars, strict=True)
    ]


def _purposes(statement: StatementSnapshot) -> list[dict[str, Any]]:
    """Return what the money was earned for, the largest first: by kind of use and licensee."""
    sums: dict[tuple[str, str], Decimal] = {}
    for line in statement.lines:
        key = _purpose(line), line.licensee
        sums[key] = sums.get(key, Decimal(0)) + line.amount
    ranked = sorted(sums.items(), key=lambda item: -abs(item[1]))
    rows = [(what, who, amount) for (what, who), amount in ranked if amount]
    if len(rows) > PURPOSES_SHOWN:
        rest = rows[PURPOSES_SHOWN - 1 :]
        other = sum((amount for _what, _who, amount in rest), Decimal(0))
        rows = [*rows[: PURPOSES_SHOWN - 1], (_more(len(rest)), "", other)]
    bars = money_chart.lengths([amount for _what, _who, amount in rows])
    return [
        {
            "what": what,
            "who": who,
            "language": faces.language_of(who, statement.locale),
            "amount": locales.amount(amount, statement.currency, statement.locale),
            "bar": bar,
        }
        for (what, who, amount), bar in zip(rows, bars, strict=True)
    ]


def _purpose(line: StatedLine) -> str:
    return " / ".join(_(use.label) for use in line.uses) or _fee(line)


def _received(
    receipt: Receipt, statement: StatementSnapshot, numbers: Mapping[str, int]
) -> dict[str, Any]:
    """Return a receipt as texts, with the part of it that pays each line."""
    locale = statement.locale
    parts = [
        {
            "line": numbers.get(part.reference, 0),
            "text": " · ".join(filter(None, [part.production, part.agreement, part.period])),
            "amount": locales.amount(part.amount, statement.currency, locale),
        }
        for part in receipt.parts
    ]
    return {
        "text": _receipt(receipt.licensee, receipt.reference),
        "day": locales.short_day(receipt.received_on, locale),
        "pay_by": receipt.pay_by and locales.short_day(receipt.pay_by, locale),
        "amount": locales.amount(receipt.amount, statement.currency, locale),
        "parts": parts[:PARTS_SHOWN],
        "more_parts": max(len(parts) - PARTS_SHOWN, 0),
    }


def _tax(tax: TaxStanding, statement: StatementSnapshot) -> dict[str, str]:
    locale = statement.locale
    return {
        "form": _(tax.form.label),
        "signed_on": locales.day(tax.signed_on, locale),
        "percent": locales.percent(tax.percent, locale),
        "residence": locales.territory(tax.residence, locale),
        "source": tax.source,
        "expires_on": locales.day(tax.expires_on, locale) if tax.expires_on else "",
    }


def _year_to_date(year: YearToDate, statement: StatementSnapshot) -> dict[str, str]:
    def amount(value: Decimal) -> str:
        return locales.amount(value, statement.currency, statement.locale)

    return {
        "year": str(year.year),
        "earned": amount(year.earned),
        "received": amount(year.received),
        "deducted": amount(year.deducted),
        "paid_out": amount(-year.paid_out),
    }


def _rule(rule: StatedRule) -> str:
    """Say which rule was applied, where it stands, and how sure the desk is of it."""
    sure = f" ({_(rule.confidence).lower()})" if rule.confidence else ""
    return f"{rule.title}: {rule.citation}{sure}."


def _agreements(statement: StatementSnapshot) -> list[str]:
    """Name each agreement with the day on which it was signed."""
    return [
        _("%(agreement)s with %(licensee)s, signed %(day)s.")
        % {
            "agreement": one.reference,
            "licensee": one.licensee,
            "day": locales.day(one.signed_on, statement.locale),
        }
        for one in statement.agreements
        if one.signed_on
    ]


def roll_up_values(roll_up: RollUpSnapshot) -> dict[str, Any]:
    """Return the plain values of templates/statements/roll_up.html."""
    locale, currency = roll_up.locale, roll_up.currency

    def amount(value: Decimal) -> str:
        return locales.amount(value, currency, locale)

    other = roll_up.total("other_deductions")
    return {
        **_common(roll_up, roll_up.agency.name, roll_up.agency.address),
        "title": _("Agency statement"),
        "earned": amount(roll_up.total("earned")),
        "received": amount(roll_up.total("received")),
        "commission": amount(roll_up.total("commission")),
        "receivable": amount(roll_up.owed("closing_receivable")),
        "payable": amount(roll_up.total("closing_balance")),
        "beneficiaries": [
            {
                "name": row.name,
                "statement": row.statement,
                "figures": [amount(getattr(row, figure)) for figure in BENEFICIARY_FIGURES],
            }
            for row in _shown(roll_up.beneficiaries, BENEFICIARY_SUMS, _other_beneficiaries)
        ],
        "beneficiary_totals": [amount(roll_up.total(figure)) for figure in BENEFICIARY_FIGURES],
        "other_deductions": other and amount(other),
        "licensees": [
            {
                "name": row.name,
                "oldest": row.oldest_due_on and locales.short_day(row.oldest_due_on, locale),
                "figures": [amount(getattr(row, figure)) for figure in LICENSEE_FIGURES],
            }
            for row in _shown(roll_up.licensees, LICENSEE_SUMS, _other_licensees)
        ],
        "licensee_totals": [amount(roll_up.owed(figure)) for figure in LICENSEE_FIGURES],
        "productions": [
            {
                "title": row.title,
                "eidr": row.eidr,
                "licensee": row.licensee,
                "figures": [amount(row.earned), amount(row.received)],
            }
            for row in _shown(roll_up.productions, PRODUCTION_SUMS, _other_productions)
        ],
        "production_totals": [amount(roll_up.total("earned")), amount(roll_up.total("received"))],
        "ageing": [
            {"name": row.name, "figures": [amount(getattr(row, one)) for one in AGEING_FIGURES]}
            for row in _shown(roll_up.ageing, AGEING_SUMS, _other_ageing, by="owed")
        ],
        "ageing_totals": [
            amount(sum((getattr(row, one) for row in roll_up.ageing), Decimal(0)))
            for one in AGEING_FIGURES
        ],
        "ageing_on": roll_up.ageing_on and locales.day(roll_up.ageing_on, locale),
        "flow": _money_by_beneficiary(roll_up),
        "trust": roll_up.trust and _trust(roll_up.trust, roll_up),
    }


def _money_by_beneficiary(roll_up: RollUpSnapshot) -> list[dict[str, Any]]:
    """Return whose money was received, the largest first: labels, figures and their bars."""
    rows = [row for row in roll_up.beneficiaries if row.received]
    shown = _shown(rows, BENEFICIARY_SUMS, _other_beneficiaries, CHARTED, by="received")
    shown = sorted(shown[:CHARTED], key=lambda row: -row.received)
    bars = money_chart.lengths([row.received for row in shown])
    return [
        {
            "label": row.name,
            "language": faces.language_of(row.name, roll_up.locale),
            "amount": locales.amount(row.received, roll_up.currency, roll_up.locale),
            "bar": bar,
        }
        for row, bar in zip(shown, bars, strict=True)
    ]


def _trust(trust: TrustStanding, roll_up: RollUpSnapshot) -> dict[str, Any]:
    """Return the client account as texts: what the bank holds, and whose the money is."""

    def amount(value: Decimal) -> str:
        return locales.amount(value, roll_up.currency, roll_up.locale)

    return {
        "on": locales.day(trust.on, roll_up.locale),
        "bank": amount(trust.bank) if trust.bank is not None else "",
        "cash": amount(trust.trust_cash),
        "shares": [(_(one.share.label), amount(one.amount)) for one in trust.shares],
        "differences": [(_(one.reason.label), amount(one.amount)) for one in trust.differences],
    }


MOVES = ("earned", "received", "commission", "other_deductions")
CLOSING = ("closing_balance", "closing_accrued")
BENEFICIARY_SUMS = (*MOVES, *CLOSING)
BENEFICIARY_FIGURES = (*MOVES, "net", *CLOSING)
LICENSEE_SUMS = ("opening_receivable", "earned", "received")
LICENSEE_FIGURES = (*LICENSEE_SUMS, "closing_receivable")
PRODUCTION_SUMS = ("earned", "received")
AGEING_SUMS = ("not_invoiced", "credit", "not_due", "to_30", "to_60", "to_90", "over_90")
AGEING_FIGURES = (*AGEING_SUMS, "owed")
CHARTED = 6


def summed(lines: Sequence[StatedLine], limit: int = LINES_SHOWN) -> Sequence[StatedLine]:
    """Return the lines; above `limit`, fewer lines that add them up, grouped ever more coarsely."""
    for same in GROUPINGS:
        if len(lines) <= limit:
            break
        groups: dict[tuple[Any, ...], list[StatedLine]] = {}
        for line in lines:
            groups.setdefault(same(line), []).append(line)
        lines = [_sum(group) for group in groups.values()]
    return lines


GROUPINGS: tuple[Callable[[StatedLine], tuple[Any, ...]], ...] = (
    lambda line: (line.section, line.licensee, line.production, line.uses, line.rights, line.meter),
    lambda line: (line.section, line.licensee, line.meter),
    lambda line: (line.section, line.meter),
)


def _sum(lines: list[StatedLine]) -> StatedLine:
    first = lines[0]
    if len(lines) == 1:
        return first
    kept = {
        field: getattr(first, field)
        for field in ("licensee", "production", "eidr", "uses", "rights")
        if all(getattr(line, field) == getattr(first, field) for line in lines)
    }
    return StatedLine(
        section=first.section,
        meter=first.meter,
        quantity=sum((line.quantity for line in lines), Decimal(0)),
        amount=sum((line.amount for line in lines), Decimal(0)),
        languages=tuple(dict.fromkeys(tag for line in lines for tag in line.languages)),
        note=ngettext("%(count)d row", "%(count)d rows added up", len(lines))
        % {"count": len(lines)},
        **{"licensee": _("several licensees"), **kept},
    )


def _common(snapshot: Snapshot, name: str, address: Sequence[str]) -> dict[str, Any]:
    locale = snapshot.locale
    return {
        "agency": name,
        "address": address,
        "number": snapshot.number,
        "previous": snapshot.previous,
        "issued": snapshot.issued,
        "issued_on": snapshot.issued_on and locales.day(snapshot.issued_on, locale),
        "language": locales.known(locale).language,
        "period": locales.period(snapshot.period_starts_on, snapshot.period_ends_on, locale),
        "currency": snapshot.currency,
        "currency_name": locales.currency_name(snapshot.currency, locale),
        "notes": snapshot.notes,
        "paper": snapshot.paper,
        "figure_size": 13,
        "answer_size": 17,
        "answer_width": 28,
        "proof": _proof(snapshot.proof, locale),
    }


def _proof(proof: Proof | None, locale: str) -> dict[str, str] | None:
    if proof is None or proof.end_index <= proof.first_index:
        return None
    return {
        "first": locales.quantity(Decimal(proof.first_index), locale),
        "last": locales.quantity(Decimal(proof.end_index - 1), locale),
        "log": proof.log,
        "checkpoint": proof.checkpoint,
    }


def _groups(lines: Sequence[StatedLine], statement: StatementSnapshot) -> list[dict[str, Any]]:
    """Return the lines as texts, numbered, under the licensee and the agreement that they are of.

    An EIDR is shown only where its production first appears.
    """
    groups, seen = [], set()
    numbered = enumerate(lines, start=1)
    for (licensee, agreement), own in groupby(numbered, key=lambda item: BY_AGREEMENT(item[1])):
        rows = []
        for number, line in own:
            row = {"number": number, **_line(line, statement)}
            row["eidr"] = "" if line.eidr in seen else line.eidr
            seen.add(line.eidr)
            rows.append(row)
        groups.append(
            {
                "licensee": licensee,
                "language": faces.language_of(licensee, statement.locale),
                "agreement": agreement,
                "lines": rows,
            }
        )
    return groups


def _line(line: StatedLine, statement: StatementSnapshot) -> dict[str, Any]:
    locale = statement.locale
    quantity = measured(line.quantity, line.meter, locale) if line.meter else ""
    what = [
        _purpose(line),
        ", ".join(tag.upper() for tag in line.languages),
        ", ".join(spoken(right) for right in line.rights),
    ]
    return {
        # What is held is told in all: its productions are not told apart.
        "production": line.production
        or (_(line.section.label) if line.section == Section.HELD else ""),
        "language": faces.language_of(line.production, locale),
        "what": " · ".join(filter(None, what)),
        "quantity": quantity if line.quantity or line.section == Section.HELD else "",
        "share": line.share is not None and locales.percent(line.share, locale),
        "gross": line.gross is not None and locales.amount(line.gross, statement.currency, locale),
        "priced": _priced(line, statement),
        "factors": explained.factors_in_words(line.factors, locale),
        "held": line.section == Section.HELD,
        "amount": locales.amount(line.amount, statement.currency, locale),
        "note": line.note,
        "prior_period": line.prior_period,
    }


def _priced(line: StatedLine, statement: StatementSnapshot) -> list[str]:
    """Return each bracket with its quantity and price; else the prices of those reached."""
    times = f" × {locales.quantity(line.factor, statement.locale)}" if line.factor != 1 else ""
    if line.pricing == Pricing.PERCENTAGE or not any(part.bracket for part in line.parts):
        text = _rate(line, statement)
        return [f"{text}{times}"] if text else []
    return [f"{_part(part, statement)}{times}" for part in line.parts if part.amount]


def _part(part: PricedPart, statement: StatementSnapshot) -> str:
    locale, currency = statement.locale, statement.currency
    if part.part == PricePart.UNITS:
        price = locales.rate(part.price, currency, locale)
        return f"{locales.quantity(part.quantity, locale)} × {price}"
    return f"{_(part.part.label)} {locales.rate(part.amount, currency, locale)}"


def _fee(line: StatedLine) -> str:
    """Say what a line without a use is for; a correction of one stays a fee."""
    return _(line.section.label) if line.section in BESIDE_USE else _("Fee")


def _rate(line: StatedLine, statement: StatementSnapshot) -> str:
    if line.pricing == Pricing.PERCENTAGE:
        return " → ".join(locales.percent(value, statement.locale) for value in line.rates)
    written = [locales.rate(value, statement.currency, statement.locale) for value in line.rates]
    text = " → ".join(dict.fromkeys(written))
    is_fee = line.pricing == Pricing.FLAT and line.section not in BESIDE_USE
    flat = _("flat")
    return f"{text} {flat}".strip() if is_fee else text


def _receipt(licensee: str, reference: str) -> str:
    text = _("Received from %(licensee)s") % {"licensee": licensee}
    return f"{text} ({reference})" if reference else text


def _deduction(deduction: Deduction, statement: StatementSnapshot) -> str:
    text = _kept_or_given(deduction)
    if deduction.percent is not None:
        text += f" {locales.percent(deduction.percent, statement.locale)}"
    if deduction.base is not None:
        base = locales.amount(deduction.base, statement.currency, statement.locale)
        text = _("%(deduction)s of %(base)s") % {"deduction": text, "base": base}
    return text


def _kept_or_given(deduction: Deduction) -> str:
    is_taken = deduction.amount < 0
    if deduction.kind == AccountKind.ADVANCES:
        return _("Kept for an advance") if is_taken else _("Advanced by the agency")
    if deduction.kind == AccountKind.TAX:
        return _("Tax on commission")
    if deduction.kind == AccountKind.PAYABLE:
        return (
            _("Paid to somebody else as directed")
            if is_taken
            else _("Paid by somebody else’s letter of direction")
        )
    if deduction.kind == AccountKind.OPENING:
        return _("Correction of the opening balance")
    if deduction.kind == AccountKind.RESERVE:
        return _("Held in reserve") if is_taken else _("Released from the reserve")
    return _(deduction.kind.label)


def _beside(beside: Beside, statement: StatementSnapshot) -> dict[str, Any]:
    """Return what stands beside the balance as texts; of a balance that is nothing, nothing."""

    def amount(value: Decimal) -> str:
        return locales.amount(value, statement.currency, statement.locale)

    balances = [
        (_("Advances still to be paid back"), beside.opening_advances, beside.advances),
        (_("Held in reserve"), beside.opening_reserve, beside.reserve),
    ]
    return {
        "balances": [
            {"name": name, "opening": amount(opening), "closing": amount(closing)}
            for name, opening, closing in balances
            if opening or closing
        ],
        "contributions": [
            {
                "text": _contribution(row, statement),
                "amount": amount(row.amount),
                "how_sure": " ".join(
                    filter(None, [row.confidence and f"{row.confidence}.", row.note])
                ),
                "paid_by": _("charged to the licensee and paid by the agency")
                if row.paid_by_agency
                else _("paid by the licensee to the plan"),
            }
            for row in beside.contributions
        ],
    }


def _contribution(row: PlanContribution, statement: StatementSnapshot) -> str:
    """Say "SAG-AFTRA, theatrical: 20.5 % of 1,000.00, Harbor Nine (Theatrical reporting)"."""
    text = _(row.plan)
    if row.percent is not None:
        percent = locales.percent(row.percent, statement.locale)
        base = locales.amount(row.base, statement.currency, statement.locale)
        text += ": " + _("%(percent)s of %(base)s") % {"percent": percent, "base": base}
    text += f", {row.production}" if row.production else ""
    return f"{text} ({row.clause})" if row.clause else text


def _shown(
    rows: Sequence[Any],
    figures: Sequence[str],
    other: Callable[[int], Any],
    limit: int = ROWS_SHOWN,
    by: str = "earned",
) -> list[Any]:
    """Return the rows; above `limit`, those with the most earned and one that sums the rest."""
    if len(rows) <= limit:
        return list(rows)
    ranked = sorted(rows, key=lambda row: -getattr(row, by))
    rest = ranked[limit - 1 :]
    sums = {figure: sum(getattr(row, figure) for row in rest) for figure in figures}
    return [*ranked[: limit - 1], replace(other(len(rest)), **sums)]


def _more(count: int) -> str:
    return ngettext("%(count)d more", "%(count)d more", count) % {"count": count}


def _other_beneficiaries(count: int) -> BeneficiaryRow:
    return BeneficiaryRow(name=_more(count))


def _other_ageing(count: int) -> AgeingRow:
    return AgeingRow(name=_more(count))


def _other_licensees(count: int) -> LicenseeRow:
    return LicenseeRow(name=_more(count))


def _other_productions(count: int) -> ProductionRow:
    return ProductionRow(title=_more(count), licensee="")
