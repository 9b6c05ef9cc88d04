"""How each use of a batch stands to what was agreed, found when it is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from licensing.models import LicenseeTerms
from licensing.usage.references import KnownUse
from licensing.words import Standing


@dataclass(frozen=True, slots=True)
class Stand:
    """A use's standing with its reason; `over` is the part of its quantity past a cap."""

    standing: Standing
    reason: str = ""
    over: Decimal | None = None
    permit_id: int | None = None


def standings(
    uses: Sequence[KnownUse], terms: LicenseeTerms, *, received_at: datetime
) -> list[Stand]:
    """Return the standing of each use, in their order; the facts take a fixed number of queries."""
    return [Stand(Standing.UNCLEARED, "No agreement.") for _ in uses]
