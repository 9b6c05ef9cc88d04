"""A self-billing agreement that two people of the agency have said is signed."""

from datetime import UTC, date, datetime

from tests.valuation.world import TONIGHT
from valuation.models import SelfBillingAgreement
from valuation.self_billing import agreements

WINTER = datetime(2027, 1, 5, 3, tzinfo=UTC)


def agree(world, by, second, **fields):
    told = {"agency": world.agency, "beneficiary": world.beneficiary, "tax_category": "S",
            "vat_number": "GB987654321", "starts_on": date(2026, 1, 1),
            "ends_on": date(2027, 1, 1), "source": "Paper of 2 January 2026"}  # fmt: skip
    asked = agreements.ask(agreement=SelfBillingAgreement(**told | fields), by=by, at=TONIGHT)
    agreements.approve(agreement_id=asked.pk, by=second, at=TONIGHT)
    return asked
