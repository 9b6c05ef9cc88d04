"""Fields: the checks of values that requests and events have in common.

A check takes a value as it was sent and returns what is wrong with it, or None; what it returns
never repeats the value. `…_fault` is a check, `…_check` makes one.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from decimal import Decimal

from licensing.words import NO_CONTENT_STATED, Channel, Meter, PromptClass
from talent.consent.scope import is_known_language
from talent.plain_text import MORE_THAN_A_LINE, is_line
from talent.territories import is_known_territory
from talent.words import Exclusion, Right, Use

from .canonical import plain
from .faults import Fault, FieldFault, pointer_to

LONGEST_REFERENCE = 200
LONGEST_PERMIT = 8_000
LONGEST_PROMPT = 20_000
LONGEST_TAG = 35  # BCP 47 promises that 35 characters are enough.

Check = Callable[[object], FieldFault | None]

_QUANTITY = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,6})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TERRITORY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_METERS = frozenset(Meter.codes())
_CONTENTS = frozenset([*Exclusion.codes(), NO_CONTENT_STATED])


def quantities_faults(
    sent: object, pointer: str, meters: Container[str] = frozenset(Meter)
) -> Iterator[Fault]:
    """Yield the faults of an object that holds quantities by meter.

    `pointer` leads to the object; `meters` are those that are allowed in it.
    """
    if not isinstance(sent, dict) or not sent:
        yield Fault(pointer, "Quantities are an object of at least one meter.", "unreadable_data")
        return
    for meter, quantity in sent.items():
        if fault := meter_fault(meter, meters) or quantity_fault(quantity):
            yield fault.at(pointer + pointer_to(meter))


def meter_fault(meter: str, meters: Container[str]) -> FieldFault | None:
    """Check that the desk knows a meter, and that it is one of the `meters` allowed here."""
    if meter not in _METERS:
        return FieldFault("The desk does not know this meter.", "unknown_meter")
    if meter not in meters:
        detail = "This type of event carries no such meter; send it as a use."
        return FieldFault(detail, "other_meter")
    return None


def quantity_fault(sent: object) -> FieldFault | None:
    """Check a quantity: a number, or a string that holds one, zero or more.

    It has at most 14 digits before the point and 6 after it.
    """
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return FieldFault("A quantity is a number, best sent as a string.", "unreadable_quantity")
    text = sent if isinstance(sent, str) else plain(Decimal(sent))
    if not _QUANTITY.fullmatch(text):
        detail = "A quantity has at most 14 digits before and 6 after the point."
        return FieldFault(detail, "unreadable_quantity")
    if text.startswith("-"):
        detail = "A quantity is not negative; amend an event to take it back."
        return FieldFault(detail, "negative_quantity")
    return None


def text_check(longest: int = LONGEST_REFERENCE, *, is_free: bool = False) -> Check:
    """Return the check of a text of 1 to `longest` characters, one line unless it is free."""

    def text_fault(sent: object) -> FieldFault | None:
        if not isinstance(sent, str) or not sent:
            return FieldFault("This field is a string that is not empty.", "unreadable_field")
        if "\x00" in sent or not (is_free or is_line(sent)):
            return FieldFault(MORE_THAN_A_LINE, "unseen_characters")
        if len(sent) > longest:
            return FieldFault(f"This field has at most {longest:,} characters.", "field_too_long")
        return None

    return text_fault


def code_check(codes: Iterable[str], name: str) -> Check:
    """Return the check of a field that holds one of `codes`; `name` says what they are codes of."""
    known = frozenset(codes)
    detail = f"The desk does not know this {name.replace('_', ' ')}."
    unknown = FieldFault(detail, f"unknown_{name}")

    def code_fault(sent: object) -> FieldFault | None:
        return None if isinstance(sent, str) and sent in known else unknown

    return code_fault


def pattern_check(pattern: re.Pattern[str], detail: str) -> Check:
    """Return the check that a pattern matches a whole text; `detail` is what the fault says."""
    unreadable = FieldFault(detail, "unreadable_field")

    def pattern_fault(sent: object) -> FieldFault | None:
        return None if isinstance(sent, str) and pattern.fullmatch(sent) else unreadable

    return pattern_fault


def truth_fault(sent: object) -> FieldFault | None:
    """Check that a value is true or false."""
    if isinstance(sent, bool):
        return None
    return FieldFault("This field is true or false.", "unreadable_field")


def territory_fault(sent: object) -> FieldFault | None:
    """Check that a territory stands in ISO 3166, as a country or as a part of one."""
    if isinstance(sent, str) and _TERRITORY.fullmatch(sent) and is_known_territory(sent):
        return None
    detail = "A territory is a code of ISO 3166: a country, or a part such as US-CA."
    return FieldFault(detail, "unknown_territory")


def language_fault(sent: object) -> FieldFault | None:
    """Check that a language is a tag made of what IANA's registry holds (BCP 47)."""
    if isinstance(sent, str) and len(sent) <= LONGEST_TAG and is_known_language(sent):
        return None
    return FieldFault("A language is a tag of BCP 47 from IANA's registry.", "unknown_language")


def content_fault(sent: object) -> FieldFault | None:
    """Check a statement of content: known codes, or `none` alone. An empty list states nothing."""
    if not isinstance(sent, list) or not sent:
        detail = 'Content is a list of codes; ["none"] says that there is none.'
        return FieldFault(detail, "unreadable_field")
    if any(not isinstance(code, str) or code not in _CONTENTS for code in sent):
        return FieldFault("The desk does not know this content.", "unknown_content")
    if NO_CONTENT_STATED in sent and len(sent) > 1:
        return FieldFault("“none” stands alone, or it is not none.", "contradictory_content")
    return None


def content_stated(sent: list[str] | None) -> tuple[str, ...] | None:
    """Return the content that a checked list states, empty for none; None says nothing."""
    if not sent:
        return None
    return tuple(sorted(set(sent) - {NO_CONTENT_STATED}))


digest_fault = pattern_check(_SHA256, "A digest is SHA-256 in 64 lower-case hex digits.")
currency_fault = pattern_check(_CURRENCY, "A currency is a three-letter code of ISO 4217.")

# The checks of the fields that describe a use; `quantities_faults` checks its quantities.
CHECKS: dict[str, Check] = {
    "twin": text_check(),
    "agreement": text_check(),
    "build": text_check(),
    "production": text_check(),
    "right": code_check(Right.codes(), "right"),
    "use": code_check(Use.codes(), "use"),
    "territory": territory_fault,
    "language": language_fault,
    "channel": code_check(Channel.codes(), "channel"),
    "prompt_class": code_check(PromptClass.codes(), "prompt_class"),
    "prompt": text_check(LONGEST_PROMPT, is_free=True),
    "real_time": truth_fault,
    "content": content_fault,
    "brand": text_check(),
    "currency": currency_fault,
    "output_sha256": digest_fault,
    "c2pa_manifest_sha256": digest_fault,
    "permit": text_check(LONGEST_PERMIT),
    "approval": text_check(),
}
