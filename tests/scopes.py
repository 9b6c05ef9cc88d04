"""Each field of a scope once: what two layers say, both together, and a use that is outside.

Tests of every place that a scope goes through walk these, so that none forgets a field.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from talent.consent.scope import LanguagesIn, Limit

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
IN_GERMANY = LanguagesIn("DE", frozenset({"de"}))
IN_CANADA = LanguagesIn("CA", frozenset({"fr"}))


@dataclass(frozen=True)
class Narrowed:
    """What one layer says in a field, what another does, and both together.

    `outside` is what differs of a use that the first leaves out, `inside` what has to differ of
    one that it allows; None where a field judges no single use by itself. `odrl` is the left
    operand of the policy's constraint, "" where it has none. `words` is the first layer in words.
    """

    says: Any
    also: Any
    together: Any
    words: str
    outside: dict[str, Any] | None = None
    inside: dict[str, Any] = field(default_factory=dict)
    odrl: str = ""


def some(*codes):
    return frozenset(codes)


EACH_FIELD = {
    "territories": Narrowed(
        some("FR", "US"), some("FR"), some("FR"), "France, United States",
        {"territory": "DE"}, odrl="spatial",
    ),
    "territories_excluded": Narrowed(
        some("DE"), some("US"), some("DE", "US"), "Germany", {"territory": "DE"}, odrl="spatial"
    ),
    "languages": Narrowed(
        some("fr"), some("fr-CA", "de"), some("fr-CA"), "French", {"language": "de"},
        odrl="language",
    ),
    "languages_in": Narrowed(
        (IN_GERMANY,), (IN_CANADA,), (IN_CANADA, IN_GERMANY), "German in Germany",
        {"territory": "DE", "language": "fr"}, odrl="language",
    ),
    "channels_allowed": Narrowed(
        some("streaming", "cinema"), some("streaming"), some("streaming"), "Cinema, Streaming",
        {"channel": "social"}, odrl="deliveryChannel",
    ),
    "channels_excluded": Narrowed(
        some("social"), some("live"), some("social", "live"), "Social", {"channel": "social"},
        odrl="deliveryChannel",
    ),
    "productions_allowed": Narrowed(
        some("5", "6"), some("5"), some("5"), "5, 6", {"production": "7"}, odrl="desk:production"
    ),
    "productions_excluded": Narrowed(
        some("7"), some("8"), some("7", "8"), "7", {"production": "7"}, odrl="desk:production"
    ),
    "licensees_allowed": Narrowed(
        some("lantern", "harbor"), some("lantern"), some("lantern"), "harbor, lantern",
        {"licensee": "paper-moon"}, odrl="recipient",
    ),
    "licensees_excluded": Narrowed(
        some("paper-moon"), some("betco"), some("paper-moon", "betco"), "paper-moon",
        {"licensee": "paper-moon"}, odrl="recipient",
    ),
    "brands_allowed": Narrowed(
        some("fizz", "pop"), some("fizz"), some("fizz"), "fizz, pop", {"brand": "none"},
        {"brand": "fizz"}, odrl="desk:brand",
    ),
    "brands_excluded": Narrowed(
        some("fizz"), some("pop"), some("fizz", "pop"), "fizz", {"brand": "fizz"},
        odrl="desk:brand",
    ),
    "valid_from": Narrowed(
        MARCH, datetime(2026, 2, 1, tzinfo=UTC), MARCH, "2026-03-01",
        {"at": datetime(2026, 2, 28, tzinfo=UTC)}, odrl="dateTime",
    ),
    "valid_to": Narrowed(
        JUNE, datetime(2026, 7, 1, tzinfo=UTC), JUNE, "2026-06-01", {"at": JUNE}, odrl="dateTime"
    ),
    "notice_hours": Narrowed(
        24, 48, 48, "24", {"noticed_at": None},
        {"noticed_at": datetime(2026, 2, 28, tzinfo=UTC)}, odrl="desk:hoursBefore",
    ),
    "withdrawal_notice_hours": Narrowed(24, 48, 48, "24"),
    "exclusions": Narrowed(
        some("tobacco"), some("hate"), some("tobacco", "hate"), "tobacco",
        {"content": ("tobacco",)}, odrl="desk:content",
    ),
    # Unset allows none either: it must be allowed, so the use inside is the one that would be lost.
    "real_time": Narrowed(
        says=True, also=False, together=False, words="allowed", inside={"real_time": True}
    ),
    "limits": Narrowed(
        (Limit("lines", Decimal(10)),), (Limit("lines", Decimal(5)),),
        (Limit("lines", Decimal(5)),), "10 lines", odrl="desk:metered:lines",
    ),
}  # fmt: skip
