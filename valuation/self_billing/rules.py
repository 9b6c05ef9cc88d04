"""What the law has a self-billed invoice say, and when its tax becomes due, as dated rules."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from valuation.invoices.vat import rule_on
from valuation.words import TaxPoint

from .refusals import SomethingIsMissing


@dataclass(frozen=True, slots=True)
class Law:
    """What a country asks of self-billed invoices."""

    wording: tuple[str, ...]
    tax_point: TaxPoint


def law_of(country: str, on: date) -> Law:
    """Return what counts for a supplier of a country on a day. Raises SomethingIsMissing."""
    rule = rule_on("self_billing.", country, on)
    if rule is None:
        raise SomethingIsMissing(
            _("No rule on self-billing in %s may be relied on. Enter one under Rules.") % country
        )
    return Law(
        wording=tuple(rule.values["wording"]),
        tax_point=TaxPoint(rule.values.get("tax_point", TaxPoint.ISSUE.value)),
    )


def tax_point_of(law: Law, *, issued_on: date, period_ends_on: date) -> date | None:
    """Return the day of the tax point; None: it is that of the payment, which is to come."""
    if law.tax_point is TaxPoint.PERIOD_END:
        return period_ends_on - timedelta(days=1)
    return issued_on if law.tax_point is TaxPoint.ISSUE else None
