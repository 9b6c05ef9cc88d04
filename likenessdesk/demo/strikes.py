"""A strike of the demo: declared, narrowed to live work, and lifted a week later."""

from datetime import UTC, date, datetime

from licensing.clearance import holds
from licensing.words import HoldKind
from talent.words import Guild, Use

BEGAN = datetime(2026, 9, 14, 5, tzinfo=UTC)
ENDED = datetime(2026, 9, 21, 5, tzinfo=UTC)


def strike_and_settle() -> None:
    """Hold the live work of a guild's members for a week, except in productions begun before."""
    hold = holds.place(
        kind=HoldKind.STRIKE.value,
        guild=Guild.EQUITY_UK.value,
        starts_at=BEGAN,
        uses=[Use.LIVE.value],
        spares_begun_before=date(2026, 9, 1),
        reason="Talks about live performances by digital twins broke down.",
        at=BEGAN,
        by=None,
    )
    holds.lift(hold=hold, ends_at=ENDED, at=ENDED, by=None, reason="An agreement was reached.")
