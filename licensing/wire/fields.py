"""Fields: the checks of values that requests and events have in common.

A check returns None, or a sentence and its stable code; never the value.
"""

import re
from collections.abc import Callable, Container, Iterator
from decimal import Decimal

from licensing.words import Channel, Meter, PromptClass
from talent.consent.matrix import known_language, known_territory
from talent.words import Right, Use

from .canonical import plain
from .faults import Fault, pointer_to

LONGEST_REFERENCE = 200
LONGEST_PERMIT = 8_000
LONGEST_PROMPT = 20_000
LONGEST_TAG = 35  # BCP 47 promises that 35 characters are enough.

Found = tuple[str, str] | None  # a sentence, and its stable code
Check = Callable[[object], Found]

_QUANTITY = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,6})?")


_SHA256 = re.compile(r"[0-9a-f]{64}")
_TERRITORY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_METERS = frozenset(Meter.codes())


def quantity_faults(
    sent: object, at: str, meters: Container[str] = frozenset(Meter)
) -> Iterator[Fault]:
    """Say what is wrong with quantities by meter that stand at a pointer."""
    if not isinstance(sent, dict) or not sent:
        yield Fault(at, "Quantities are an object of at least one meter.", "unreadable_data")
        return
    for meter, quantity in sent.items():
        if found := meter_fault(meter, meters) or quantity_fault(quantity):
            yield Fault(at + pointer_to(meter), *found)


def meter_fault(meter: str, meters: Container[str]) -> Found:
    if meter not in _METERS:
        return "The desk does not know this meter.", "unknown_meter"
    if meter not in meters:
        return "This type of event carries no such meter; send it as a use.", "other_meter"
    return None


def quantity_fault(sent: object) -> Found:
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return "A quantity is a number, best sent as a string.", "unreadable_quantity"
    text = sent if isinstance(sent, str) else plain(Decimal(sent))
    if not _QUANTITY.fullmatch(text):
        return (
            "A quantity has at most 14 digits before and 6 after the point.",
            "unreadable_quantity",
        )
    if text.startswith("-"):
        return "A quantity is not negative; amend an event to take it back.", "negative_quantity"
    return None


def reference(longest: int = LONGEST_REFERENCE) -> Callable[[object], Found]:
    def found(sent: object) -> Found:
        if not isinstance(sent, str) or not sent or "\x00" in sent:
            return "This field is a string that is not empty.", "unreadable_field"
        if len(sent) > longest:
            return f"This field has at most {longest:,} characters.", "field_too_long"
        return None

    return found


def word(codes: list[str], name: str) -> Callable[[object], Found]:
    known, detail = frozenset(codes), f"The desk does not know this {name.replace('_', ' ')}."

    def found(sent: object) -> Found:
        return None if isinstance(sent, str) and sent in known else (detail, f"unknown_{name}")

    return found


def pattern_of(pattern: re.Pattern[str], detail: str) -> Callable[[object], Found]:
    def found(sent: object) -> Found:
        good = isinstance(sent, str) and pattern.fullmatch(sent)
        return None if good else (detail, "unreadable_field")

    return found


def truth(sent: object) -> Found:
    return None if isinstance(sent, bool) else ("This field is true or false.", "unreadable_field")


def territory(sent: object) -> Found:
    if isinstance(sent, str) and _TERRITORY.fullmatch(sent) and known_territory(sent):
        return None
    return (
        "A territory is a code of ISO 3166: a country, or a part such as US-CA.",
        "unknown_territory",
    )


def language(sent: object) -> Found:
    if isinstance(sent, str) and len(sent) <= LONGEST_TAG and known_language(sent):
        return None
    return "A language is a tag of BCP 47 from IANA's registry.", "unknown_language"


digest = pattern_of(_SHA256, "A digest is SHA-256 in 64 lower-case hex digits.")
currency = pattern_of(_CURRENCY, "A currency is a three-letter code of ISO 4217.")


FIELDS: dict[str, Check] = {
    "twin": reference(),
    "agreement": reference(),
    "build": reference(),
    "production": reference(),
    "right": word(Right.codes(), "right"),
    "use": word(Use.codes(), "use"),
    "territory": territory,
    "language": language,
    "channel": word(Channel.codes(), "channel"),
    "prompt_class": word(PromptClass.codes(), "prompt_class"),
    "prompt": reference(LONGEST_PROMPT),
    "real_time": truth,
    "currency": currency,
    "output_sha256": digest,
    "c2pa_manifest_sha256": digest,
    "permit": reference(LONGEST_PERMIT),
}
