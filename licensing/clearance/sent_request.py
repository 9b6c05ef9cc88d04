"""A request as a studio sends it, read and checked. Pure.

Only shape and vocabulary are checked here. A territory or language that does not exist is read as
well; the decision refuses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from licensing.permits.claims import MOST_MINUTES
from licensing.wire.faults import Fault, FieldFault, NotUnderstood, pointer_to
from licensing.wire.fields import (
    CHECKS,
    Check,
    content_stated,
    quantities_faults,
    text_check,
    truth_fault,
)
from licensing.wire.instants import EARLIEST, LATEST, instant

LONGEST_TERRITORY = 6
LONGEST_LANGUAGE = 35
A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A use that a licensee asks for, in the API's names: T7 or a HAND ID, a reference, a title.

    `units` are quantities by meter, in the meter's own unit. Where `reserve` asks for it they are
    reserved for `reserve_minutes`. `approval` names the one that it stands on (Q7); `described` is
    the digest of the description that it comes with.
    """

    twin: str
    right: str
    use: str
    at: datetime
    agreement: str | None = None
    territory: str | None = None
    language: str | None = None
    channel: str | None = None
    production: str | None = None
    build: str | None = None
    prompt_class: str = ""
    real_time: bool = False
    content: tuple[str, ...] | None = None
    units: tuple[tuple[str, Decimal], ...] = ()
    reserve: bool = False
    reserve_minutes: int = A_DAY
    approval: str | None = None
    described: str = ""
    brand: str | None = None


def read_request(sent: object) -> SentRequest | NotUnderstood:
    """Return what was sent as a request, or all the faults because of which it is none."""
    if not isinstance(sent, dict):
        fault = Fault("", "A question is a JSON object.", "unreadable_question")
        return NotUnderstood((fault,))
    faults = tuple(_faults(sent))
    if faults:
        return NotUnderstood(faults)
    fields: dict[str, Any] = {name: sent[name] for name in _CHECKS if sent.get(name) is not None}
    fields["at"] = instant(sent["at"])
    fields["content"] = content_stated(sent.get("content"))
    quantities = sent.get("quantities") or {}
    return SentRequest(
        **fields, units=tuple(sorted((m, Decimal(q)) for m, q in quantities.items()))
    )


def _faults(sent: dict[str, object]) -> Iterator[Fault]:
    for name in REQUIRED:
        if sent.get(name) is None:
            yield Fault(f"/{name}", "This field is required.", "missing_field")
    for name, value in sent.items():
        if name == "quantities":
            yield from quantities_faults(value, "/quantities") if value else ()
        elif value == [] and name == "content":
            continue  # An empty list states nothing, as if the field were not there.
        elif value is not None and (fault := _field_fault(name, value)):
            yield fault.at(pointer_to(name))
    if sent.get("reserve") is True and not sent.get("quantities"):
        yield Fault("/quantities", "Say how much is to be reserved.", "missing_field")


def _field_fault(name: str, value: object) -> FieldFault | None:
    check = _CHECKS.get(name)
    return check(value) if check else FieldFault("A question has no such field.", "unknown_field")


def _instant_fault(value: object) -> FieldFault | None:
    at = instant(value) if isinstance(value, str) else None
    if at and EARLIEST <= at < LATEST:
        return None
    if at:
        detail = "This time is before 1990 or after 2199; check its year."
        return FieldFault(detail, "implausible_time")
    return FieldFault("This is no time of RFC 3339 with its offset.", "unreadable_time")


def _minutes_fault(value: object) -> FieldFault | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_MINUTES:
        return None
    return FieldFault(f"Units are reserved for 1 to {MOST_MINUTES} minutes.", "unreadable_field")


REQUIRED = ("twin", "right", "use", "at", "agreement", "territory", "channel")
_CHECKS: dict[str, Check] = {
    "twin": CHECKS["twin"],
    "right": CHECKS["right"],
    "use": CHECKS["use"],
    "at": _instant_fault,
    "agreement": CHECKS["agreement"],
    "territory": text_check(LONGEST_TERRITORY),
    "language": text_check(LONGEST_LANGUAGE),
    "channel": CHECKS["channel"],
    "production": CHECKS["production"],
    "build": CHECKS["build"],
    "prompt_class": CHECKS["prompt_class"],
    "real_time": CHECKS["real_time"],
    "content": CHECKS["content"],
    "brand": CHECKS["brand"],
    "reserve": truth_fault,
    "reserve_minutes": _minutes_fault,
    "approval": CHECKS["approval"],
}
