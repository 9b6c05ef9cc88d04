"""The demo's two prompts: one was read for a ruling, the other erased as its performer asked."""

from datetime import datetime

from licensing.models import EventKey
from licensing.usage import prompts
from licensing.words import RevealPurpose
from talent.models import User
from talent.words import Role


def read_and_erase(at: datetime) -> None:
    """Do what business affairs did with the prompts of the game's ship."""
    by = User.objects.get(
        memberships__agency__slug="meridian", memberships__role=Role.BUSINESS_AFFAIRS.value
    )
    prompts.reveal(
        event_id=_event("MER-2026-001-advert"),
        by=by,
        purpose=RevealPurpose.RULING,
        note="The ship of MER-2026-001 seems to advertise. What was it told to say?",
        at=at,
    )
    prompts.erase(
        event_id=_event("MER-2026-001-prompted"),
        by=by,
        reason="The performer asked that the wording go; the use stays on record.",
        at=at,
    )


def _event(key: str) -> int:
    return EventKey.objects.get(key=key).event_id
