"""What the pages of a statement show: every figure written out in the reader's locale."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.quantities import measured
from licensing.words import Pricing
from talent import locales
from talent.words import Use
from valuation.statements import chart
from valuation.statements.snapshot import (
    BeneficiaryRow,
    Beside,
    Deduction,
    LicenseeRow,
    PlanContribution,
    ProductionRow,
    Proof,
    RollUpSnapshot,
    Snapshot,
    StatedLine,
    StatementSnapshot,
)
from valuation.statements.summary import spoken
from valuation.words import AccountKind, Section

# Laying out a page of figures takes megabytes of memory. Beyond these limits the pages show sums,
# and only the attached CSV has every line.
LINES_SHOWN = 1000
ROWS_SHOWN = 400

BESIDE_USE = {Section.TRUE_UP, Section.ADVANCE, Section.RECOUPMENT}


def statement_values(statement: StatementSnapshot) -> dict[str, Any]:
    """Return the plain values of templates/statements/statement.html."""
    locale, currency = statement.locale, statement.currency

    def amount(value: Decimal) -> str:
        return locales.amount(value, currency, locale)

    lines = summed(statement.lines)
    return {
        **_common(statement, statement.payee.name, statement.payee.address),
        "title": _("Interim statement") if statement.interim else _("Statement"),
        "interim": statement.interim,
        "beneficiary": statement.beneficiary,
        "payee": statement.payee,
        "to_performer": statement.to_performer,
        "payable_on": statement.payable_on and locales.day(statement.payable_on, locale),
        "earned": amount(statement.earned),
        "received": amount(statement.received),
        "deducted": amount(statement.deducted),
        "opening_balance": amount(statement.opening_balance),
        "closing_balance": amount(statement.closing_balance),
        "overpaid": statement.closing_balance < 0,
        "paid_out": statement.paid_out and amount(-statement.paid_out),
        "opening_accrued": amount(statement.opening_accrued),
        "received_negative": amount(-statement.received),
        "closing_accrued": amount(statement.closing_accrued),
        "shows_accrued": bool(statement.opening_accrued or statement.earned or statement.received),
        "lines": _lines(lines, statement),
        "lines_summed": len(statement.lines) if len(lines) < len(statement.lines) else 0,
        "receipts": [
            {
                "text": _receipt(receipt.licensee, receipt.reference),
                "day": locales.short_day(receipt.received_on, locale),
                "amount": amount(receipt.amount),
            }
            for receipt in statement.receipts
        ],
        "deductions": [
            {"text": _deduction(deduction, statement), "amount": amount(deduction.amount)}
            for deduction in statement.deductions
        ],
        "beside": statement.beside and _beside(statement.beside, statement),
        "chart": chart_spec(statement),
        "chart_text": _chart_text(statement),
        "in_words": statement.in_words,
        "objections": statement.objections,
    }


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
        "commission": amount(-roll_up.total("commission")),
        "receivable": amount(roll_up.owed("closing_receivable")),
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
    }


MOVES = ("earned", "received", "commission", "other_deductions")
CLOSING = ("closing_balance", "closing_accrued")
BENEFICIARY_SUMS = (*MOVES, *CLOSING)
BENEFICIARY_FIGURES = (*MOVES, "net", *CLOSING)
LICENSEE_SUMS = ("opening_receivable", "earned", "received")
LICENSEE_FIGURES = (*LICENSEE_SUMS, "closing_receivable")
PRODUCTION_SUMS = ("earned", "received")


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


def chart_spec(statement: StatementSnapshot) -> dict[str, Any] | None:
    """Return the Vega-Lite specification of the usage chart, or None where there is no usage."""
    if statement.chart is None or not statement.chart.bars:
        return None
    return chart.spec(
        statement.chart,
        use_names={use: _(use.label) for use in Use},
        other=_("Other uses"),
        outside=_("Outside consent"),
        axis=spoken(statement.chart.meter),
        month=lambda day: locales.short_month(day, statement.locale),
        quantity=lambda value: locales.quantity(value, statement.locale),
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


def _lines(lines: Sequence[StatedLine], statement: StatementSnapshot) -> list[dict[str, Any]]:
    """Return the lines as texts; an EIDR is shown only where its production first appears."""
    rows, seen = [], set()
    for line in lines:
        row = _line(line, statement)
        row["eidr"] = "" if line.eidr in seen else line.eidr
        seen.add(line.eidr)
        rows.append(row)
    return rows


def _line(line: StatedLine, statement: StatementSnapshot) -> dict[str, Any]:
    locale = statement.locale
    quantity = measured(line.quantity, line.meter, locale) if line.meter else ""
    if line.factor != 1:
        quantity += f" × {locales.quantity(line.factor, locale)}"
    languages = ", ".join(tag.upper() for tag in line.languages)
    return {
        "licensee": line.licensee,
        "production": line.production,
        "agreement": line.agreement,
        "use": " / ".join(_(use.label) for use in line.uses) or _fee(line),
        "languages": languages,
        "right": ", ".join(spoken(right) for right in line.rights),
        "quantity": quantity if line.quantity or line.section == Section.HELD else "",
        "share": line.share is not None and locales.percent(line.share, locale),
        "rate": _rate(line, statement),
        "held": line.section == Section.HELD,
        "amount": locales.amount(line.amount, statement.currency, locale),
        "note": line.note,
        "prior_period": line.prior_period,
    }


def _fee(line: StatedLine) -> str:
    """Say what a line without a use is for; a correction of one stays a fee."""
    return _(line.section.label) if line.section in BESIDE_USE else _("Fee")


def _rate(line: StatedLine, statement: StatementSnapshot) -> str:
    if line.pricing == Pricing.PERCENTAGE:
        return " → ".join(locales.percent(value, statement.locale) for value in line.rates)
    written = [locales.rate(value, statement.currency, statement.locale) for value in line.rates]
    text = " → ".join(dict.fromkeys(written))
    is_fee = line.pricing == Pricing.FLAT and line.section not in BESIDE_USE
    return f"{text} {_('flat')}".strip() if is_fee else text


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
    return f"{text}. {deduction.note}" if deduction.note else text


def _kept_or_given(deduction: Deduction) -> str:
    is_taken = deduction.amount < 0
    if deduction.kind == AccountKind.ADVANCES:
        return _("Kept for an advance") if is_taken else _("Advanced by the agency")
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


def _chart_text(statement: StatementSnapshot) -> str:
    """Say in words what the chart shows, for those who do not see it."""
    if statement.chart is None:
        return ""
    parts = [
        f"{locales.month(bar.month, statement.locale)}: {_(bar.use.label)} "
        f"{locales.quantity(bar.quantity, statement.locale)}"
        + (f" ({_('outside consent')})" if bar.outside_consent else "")
        for bar in statement.chart.bars
    ]
    return f"{_(statement.chart.meter.label)}. {'; '.join(parts)}"


def _shown(
    rows: Sequence[Any],
    figures: Sequence[str],
    other: Callable[[int], Any],
    limit: int = ROWS_SHOWN,
) -> list[Any]:
    """Return the rows; above `limit`, those with the most earned and one that sums the rest."""
    if len(rows) <= limit:
        return list(rows)
    ranked = sorted(rows, key=lambda row: -row.earned)
    rest = ranked[limit - 1 :]
    sums = {figure: sum(getattr(row, figure) for row in rest) for figure in figures}
    return [*ranked[: limit - 1], replace(other(len(rest)), **sums)]


def _more(count: int) -> str:
    return ngettext("%(count)d more", "%(count)d more", count) % {"count": count}


def _other_beneficiaries(count: int) -> BeneficiaryRow:
    return BeneficiaryRow(name=_more(count))


def _other_licensees(count: int) -> LicenseeRow:
    return LicenseeRow(name=_more(count))


def _other_productions(count: int) -> ProductionRow:
    return ProductionRow(title=_more(count), licensee="")
