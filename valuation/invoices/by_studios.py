"""Whose invoices studios write themselves: what they are asked for is no invoice for tax."""

from datetime import date

from valuation.models import SelfBillingAgreement

# By licensee's and payee's id: the first day from which the studio writes the payee's invoices.
Since = dict[tuple[int, int], date]


def since(agency_id: int, on: date) -> Since:
    """Return whose invoices studios write on a day, and from when on they do.

    Agreements are signed anew each year: the first of the same parties counts. Two queries.
    """
    of_studios = SelfBillingAgreement.objects.filter(agency=agency_id, licensee__isnull=False)
    now = set(of_studios.in_force(on).values_list("licensee", "beneficiary"))
    rows = of_studios.approved().order_by("-starts_on")
    found = {(who, payee): day for who, payee, day in
             rows.values_list("licensee", "beneficiary", "starts_on")} if now else {}  # fmt: skip
    return {key: day for key, day in found.items() if key in now}
