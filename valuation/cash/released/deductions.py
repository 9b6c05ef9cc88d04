"""Deductions: the rates that are taken off a beneficiary's money, and where each comes from."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import Agreement, RuleSet, SignedCommission
from talent.models import Beneficiary, Performer, Representation, TaxCertificate
from talent.periods import of_age, period_containing
from talent.words import Guild, Life
from valuation.cash.released.agency_changes import without_commission
from valuation.cash.waterfall import commission_on_scale

ZERO = Decimal(0)
UNITED_STATES = "US"
FINEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates in percent for one beneficiary's part of a receipt, each with its source in words.

    The commission is that of the whole pay, scale included. `reserve` is held back of what is left
    until the day `reserved_until`.
    """

    commission: Decimal = ZERO
    scale_carries_commission: bool = True
    minor_trust: Decimal = ZERO
    withholding: Decimal = ZERO
    reserve: Decimal = ZERO
    reserved_until: date | None = None
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Rate:
    percent: Decimal = ZERO
    source: str = ""


def rates_on(
    day: date,
    *,
    agreement: Agreement,
    beneficiary: Beneficiary,
    performer: Performer | None,
    scale_portion: Decimal = ZERO,
) -> Rates:
    """Return the rates that count for money received on a day.

    Commission is that of the agreement's signing, capped where the guild caps it, and there it
    leaves scale whole. `performer` is the one through whom the beneficiary has their part.
    """
    commission = _commission(agreement, performer, day, scale_portion)
    trust = _minor_trust(performer, day)
    withheld = _withholding(beneficiary, agreement, day)
    named = {"commission": commission, "minor_trust": trust, "withholding": withheld}
    return Rates(
        commission=commission.percent,
        minor_trust=trust.percent,
        withholding=withheld.percent,
        reserve=agreement.reserve_percent,
        reserved_until=_reserved_until(agreement, day),
        sources=tuple((name, rate.source) for name, rate in named.items() if rate.source),
    )


def _reserved_until(agreement: Agreement, day: date) -> date | None:
    """Return the first day after the statement periods for which a receipt's reserve is held."""
    if not agreement.reserve_percent:
        return None
    period = period_containing(day, agreement.agency.statement_period)
    for _ in range(agreement.reserve_periods):
        period = period_containing(period.ends_on, agreement.agency.statement_period)
    return period.ends_on


def _commission(
    agreement: Agreement, performer: Performer | None, day: date, scale_portion: Decimal
) -> _Rate:
    """Return the commission fixed at signing; under the guild's rule capped, and above scale."""
    if performer is None:
        return _Rate()
    if change := without_commission(agreement.agency_id, performer, day):
        return _Rate(source=f"no commission from {change.no_commission_from}: {change.source}")
    agreed = _agreed_commission(agreement, performer)
    if agreement.guild != Guild.SAG_AFTRA:
        return agreed
    rule = _rule("agents.commission_cap", day)
    if rule is None:
        # Not loaded: scale stays whole all the same.
        return _above_scale(agreed, scale_portion, Decimal(1))
    capped = min(Decimal(rule.values["percent"]), agreed.percent)
    source = _words_of(rule) if capped < agreed.percent or scale_portion else agreed.source
    multiple = Decimal(rule.values["scale_multiple"])
    return _above_scale(_Rate(capped, source), scale_portion, multiple)


def _above_scale(agreed: _Rate, scale_portion: Decimal, multiple: Decimal) -> _Rate:
    percent = commission_on_scale(agreed.percent, scale_portion, multiple)
    # Never rounded up: that would take of scale.
    return _Rate(percent.quantize(FINEST, ROUND_DOWN), agreed.source)


def _agreed_commission(agreement: Agreement, performer: Performer) -> _Rate:
    signed = SignedCommission.objects.filter(agreement=agreement, performer=performer).first()
    if signed:
        return _Rate(signed.percent, "representation at signing")
    signed_on = agreement.signed_on
    if signed_on is None:
        return _Rate()
    terms = Representation.objects.on(signed_on).filter(
        agency=agreement.agency_id, performer=performer
    )
    term = terms.first()
    return _Rate(term.commission_percent, f"representation on {signed_on}") if term else _Rate()


def _minor_trust(performer: Performer | None, day: date) -> _Rate:
    """Return the part of a minor's money to block, if a reliable rule of their home asks for it."""
    if performer is None or not _is_minor(performer, day):
        return _Rate()
    rule = _rule("minors.trust_share", day, jurisdiction=performer.domicile)
    if rule is None or not rule_of(rule).may_be_relied_on:
        return _Rate()
    return _Rate(Decimal(rule.values["percent"]), _words_of(rule))


def _is_minor(performer: Performer, day: date) -> bool:
    if performer.life == Life.DECEASED or performer.born_on is None:
        return False
    return not of_age(performer.born_on, day)


def _withholding(beneficiary: Beneficiary, agreement: Agreement, day: date) -> _Rate:
    """Return what the certificate in force on a day says, or else the rule for having none.

    Without a form a payer in the United States withholds by law, so that rule is applied even
    while its figure is not verified: the line says so, and too much withheld can be given back.
    """
    certificates = TaxCertificate.objects.filter(beneficiary=beneficiary, signed_on__lte=day)
    newest = certificates.order_by("-signed_on", "-pk").first()
    if newest is not None and (newest.expires_on is None or day <= newest.expires_on):
        return _Rate(newest.withholding_percent, f"{newest}: {newest.rate_source}")
    if agreement.agency.country != UNITED_STATES:
        return _Rate()
    abroad = newest is not None and newest.residence != UNITED_STATES
    rule = _rule("tax.non_resident" if abroad else "tax.backup_withholding", day)
    if rule is None:
        return _Rate()
    why = "the certificate has expired" if newest else "no certificate"
    return _Rate(Decimal(rule.values["percent"]), f"{why}: {_words_of(rule)}")


def _rule(code: str, day: date, **conditions: str) -> RuleSet | None:
    rule: RuleSet | None = RuleSet.objects.on(day).filter(code=code, **conditions).first()
    return rule


def _words_of(rule: RuleSet) -> str:
    sure = "" if rule_of(rule).may_be_relied_on else ", not verified"
    return f"{rule.title} ({rule.source}{sure})"
