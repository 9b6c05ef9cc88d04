"""Quantities in words: "1 line", "2.5 equivalent days"."""

from decimal import Decimal

from django.utils.translation import ngettext_lazy

from licensing.words import Meter
from talent import locales

SEVERAL = 2
COUNTED = {
    Meter.LINES: ngettext_lazy("%(quantity)s line", "%(quantity)s lines", "count"),
    Meter.WORDS: ngettext_lazy("%(quantity)s word", "%(quantity)s words", "count"),
    Meter.CHARACTERS: ngettext_lazy("%(quantity)s character", "%(quantity)s characters", "count"),
    Meter.SECONDS: ngettext_lazy("%(quantity)s second", "%(quantity)s seconds", "count"),
    Meter.FRAMES: ngettext_lazy("%(quantity)s frame", "%(quantity)s frames", "count"),
    Meter.SHOTS: ngettext_lazy("%(quantity)s shot", "%(quantity)s shots", "count"),
    Meter.TOKENS: ngettext_lazy("%(quantity)s token", "%(quantity)s tokens", "count"),
    Meter.PROMPTS: ngettext_lazy("%(quantity)s prompt", "%(quantity)s prompts", "count"),
    Meter.SESSIONS: ngettext_lazy("%(quantity)s session", "%(quantity)s sessions", "count"),
    Meter.GPU_SECONDS: ngettext_lazy(
        "%(quantity)s GPU second", "%(quantity)s GPU seconds", "count"
    ),
    Meter.EQUIVALENT_DAYS: ngettext_lazy(
        "%(quantity)s equivalent day", "%(quantity)s equivalent days", "count"
    ),
    Meter.RUNS: ngettext_lazy("%(quantity)s run", "%(quantity)s runs", "count"),
    Meter.COPIES: ngettext_lazy("%(quantity)s copy", "%(quantity)s copies", "count"),
    Meter.REVENUE: ngettext_lazy("%(quantity)s revenue", "%(quantity)s revenue", "count"),
}


def measured(quantity: Decimal, meter: str, locale: str = "en") -> str:
    """Write a quantity with what its meter counts, in the figures of a locale: "2.5 lines"."""
    # Plural forms are chosen by a whole number: a fraction takes the form of several.
    count = int(quantity) if quantity == int(quantity) else SEVERAL
    return COUNTED[Meter(meter)] % {
        "quantity": locales.quantity(quantity, locale),
        "count": count,
    }
