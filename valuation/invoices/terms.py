"""Payment terms and billing details that count on a day: the newest that have begun."""

from datetime import date
from typing import Any

from django.db.models import QuerySet

from talent.models import Agency
from valuation.models import BillingDetails, PaymentTerms

# By licensee's id, and by that of the agreement; none: of all without terms of their own.
Terms = dict[tuple[int, int | None], PaymentTerms]


def terms_on(agency: Agency, on: date) -> Terms:
    """Return an agency's payment terms that count on a day. One query."""
    rows = PaymentTerms.objects.filter(agency=agency, starts_on__lte=on)
    return {(row.licensee_id, row.agreement_id): row for row in _newest_last(rows)}


def details_on(agency: Agency, on: date) -> dict[tuple[int | None, int | None], BillingDetails]:
    """Return billing details that count on a day, by licensee's and payee's id. One query.

    The agency's own have neither.
    """
    rows = BillingDetails.objects.filter(agency=agency, starts_on__lte=on)
    return {(row.licensee_id, row.beneficiary_id): row for row in _newest_last(rows)}


def _newest_last(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("starts_on", "pk")
