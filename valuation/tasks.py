"""What valuation does in the background."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from talent.errors import Refused
from valuation.residuals import nightly


@shared_task
def night() -> dict[str, Any]:
    """Run the night as of today; return its record, or why there was none."""
    now = timezone.now()
    try:
        return nightly.record(nightly.run_night(as_of=timezone.localdate(now), now=now))
    except Refused as refusal:
        return {"refused": refusal.code, "detail": str(refusal)}
