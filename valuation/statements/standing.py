"""What a statement says beside its money: agreements, tax form, the year so far, objections."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.models import Agreement, DealTerms, RuleSet
from licensing.money import rounded
from licensing.words import Confidence
from talent import locales
from talent.models import Beneficiary, TaxCertificate
from talent.periods import Days
from talent.words import TaxForm
from valuation.cash.disputed.periods import agreed_months
from valuation.models import ResidualLine, Statement
from valuation.statements import snapshot

ZERO = Decimal(0)
CUSTOM = "statements.custom"


def agreements_of(found: Iterable[Agreement], on: date) -> tuple[snapshot.StatedAgreement, ...]:
    """Return agreements with the day they were signed and what they say of audits and objections.

    As of a period's last day. Two queries.
    """
    by_id = {agreement.pk: agreement for agreement in found}
    deals = {deal.agreement_id: deal for deal in DealTerms.objects.filter(agreement__in=by_id)}
    months = agreed_months(by_id, on)
    rows = []
    for agreement in sorted(by_id.values(), key=lambda one: (one.licensee.name, one.reference)):
        deal = deals.get(agreement.pk)
        rows.append(
            snapshot.StatedAgreement(
                reference=agreement.reference,
                licensee=agreement.licensee.name,
                signed_on=agreement.signed_on,
                audit_years=deal and deal.audit_years_back,
                audit_notice_days=deal and deal.audit_notice_days,
                objection_months=months.get(agreement.pk),
            )
        )
    return tuple(rows)


def tax_standing(beneficiary: Beneficiary, on: date) -> snapshot.TaxStanding | None:
    """Return the newest tax form that was given by a day; None where it is over, or there is none.

    One query.
    """
    newest = (
        TaxCertificate.objects.filter(beneficiary=beneficiary, signed_on__lte=on)
        .order_by("-signed_on", "-pk")
        .first()
    )
    if newest is None or (newest.expires_on is not None and newest.expires_on < on):
        return None
    return snapshot.TaxStanding(
        form=TaxForm(newest.form),
        signed_on=newest.signed_on,
        residence=newest.residence,
        percent=newest.withholding_percent.normalize(),
        source=newest.rate_source,
        expires_on=newest.expires_on,
    )


def year_to_date(
    before: QuerySet[Statement], days: Days, own: snapshot.StatementSnapshot
) -> snapshot.YearToDate | None:
    """Return the sums of a calendar year's statements; None where this is the first of it.

    `before` are the statements of the same chain. One query.
    """
    sums = before.filter(period_on__year=days.starts_on.year, period_on__lt=days.starts_on)
    moved = sums.aggregate(
        **{name: Sum(name, default=ZERO) for name in ("earned", "received", "deductions", "net")}
    )
    earned, received, deducted, net = (rounded(one, own.currency) for one in moved.values())
    paid_out = received + deducted - net
    if not (earned or received or deducted or paid_out):
        return None
    return snapshot.YearToDate(
        year=days.starts_on.year,
        earned=earned + own.earned,
        received=received + own.received,
        deducted=deducted + own.deducted,
        paid_out=paid_out + own.paid_out,
    )


def leaves_of(lines: Sequence[ResidualLine]) -> snapshot.Leaves | None:
    """Return between which log indexes the usage of lines lies; None: they are of no usage."""
    read = [line.reading for line in lines if line.reading.events]
    if not read:
        return None
    return snapshot.Leaves(
        first=min(one.first_index for one in read), last=max(one.last_index for one in read)
    )


def custom_of(on: date) -> RuleSet | None:
    """Return the custom of the trade about objections, as it stands on a day. One query."""
    rule: RuleSet | None = RuleSet.objects.on(on).filter(code=CUSTOM).first()
    return rule


def objections(content: snapshot.StatementSnapshot, custom: RuleSet | None) -> str:
    """Say how to object, and until when: by the agreements, else by custom, said to be one.

    In the active language, which the caller has set.
    """
    told = [
        _(
            "To object, write to %(agency)s and name the line. A line in dispute is held; the rest "
            "is paid."
        )
        % {"agency": content.payee.name}
    ]
    told += _agreed_objections(content)
    agreed: dict[tuple[int, int | None], list[str]] = {}
    for one in content.agreements:
        if one.audit_years:
            agreed.setdefault((one.audit_years, one.audit_notice_days), []).append(one.reference)
    for (years, notice), references in agreed.items():
        until = locales.day(_years_after(content.period_ends_on, years), content.locale)
        words = _("Under %(agreements)s the books may be audited until %(day)s") % {
            "agreements": locales.listed(references, content.locale), "day": until,
        }  # fmt: skip
        if notice:
            words += ngettext(
                ", on %(count)d day’s notice", ", on %(count)d days’ notice", notice
            ) % {"count": notice}
        told.append(f"{words}.")
    names_none = not agreed and not any(one.objection_months for one in content.agreements)
    if names_none and custom is not None and "objection_years_from" in custom.values:
        words = _(
            "No agreement names a term; by custom of the trade it is %(first)d to %(last)d years"
        ) % {
            "first": custom.values["objection_years_from"],
            "last": custom.values["objection_years_to"],
        }
        unsure = _("not verified")
        sure = Confidence(custom.confidence) is not Confidence.UNVERIFIED
        told.append(f"{words}." if sure else f"{words} ({unsure}).")
    return " ".join(told)


def _agreed_objections(content: snapshot.StatementSnapshot) -> Iterator[str]:
    """Say for how long lines may be disputed by what agreements name themselves."""
    by_months: dict[int, list[str]] = {}
    for one in content.agreements:
        if one.objection_months:
            by_months.setdefault(one.objection_months, []).append(one.reference)
    for months, references in sorted(by_months.items()):
        yield ngettext(
            "Lines under %(agreements)s may be disputed within %(count)d month after the issue.",
            "Lines under %(agreements)s may be disputed within %(count)d months after the issue.",
            months,
        ) % {"agreements": locales.listed(references, content.locale), "count": months}


def _years_after(day: date, years: int) -> date:
    """Return the last day of so many years that begin on a day."""
    try:
        return day.replace(year=day.year + years) - timedelta(days=1)
    except ValueError:  # From 29 February, or past the last year.
        return date.max if day.year + years > date.max.year else date(day.year + years, 2, 28)
