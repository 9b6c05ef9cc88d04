"""Forms: which fields the data of each kind of event has, and what is wrong with data as sent.

Only shape and vocabulary are judged here; what a name refers to is looked up in the database
when the event is recorded.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace

from licensing.wire.faults import Fault, FieldFault, pointer_to
from licensing.wire.fields import (
    CHECKS,
    LONGEST_REFERENCE,
    Check,
    digest_fault,
    quantities_faults,
    quantity_fault,
    text_check,
)
from licensing.words import LeafKind, Meter

from .canonical import DIGEST_SUFFIX, WORDING
from .event_types import EventType

GENERATIVE_PREFIX = "gen_ai."  # OpenTelemetry's names for what generated the output.
LONGEST_KEY = 500  # characters of an event's source, and of its id
PERIOD_MONTHS = (1, 3, 6, 12)

_EVENT_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_MONTH = re.compile(r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one kind of data: those with one value, those with parts, those it needs.

    `meter` is the one field whose quantity a report holds; a use has an object of quantities.
    """

    fields: Mapping[str, Check]
    parts: frozenset[str]
    required: tuple[str, ...]
    meter: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every field it has."""
        meter = {self.meter} if self.meter else set()
        return self.parts.union(self.fields, meter)

    @property
    def is_of_a_period(self) -> bool:
        """Whether it reports a period; the others report an instant."""
        return self.meter is not None

    def as_amendment(self) -> "Form":
        """Return the form of its amendment: the same fields, and the event that is replaced."""
        required = ("replaces", *self.required)
        return replace(self, parts=self.parts | {"replaces"}, required=required)


def _report(meter: Meter, *fields: str) -> Form:
    return Form(
        {name: CHECKS[name] for name in (*_REPORT_FIELDS, *fields)},
        frozenset(["period"]),
        (*_REPORT_REQUIRED, meter.value, *fields),
        meter.value,
    )


_USE_REQUIRED = ("twin", "right", "use", "territory", "channel", "quantities")
_REPORT_FIELDS = (
    "agreement", "production", "right", "use", "territory", "language", "channel",
)  # fmt: skip
_REPORT_REQUIRED = ("agreement", "right", "use", "territory", "channel", "period")

FORMS = {
    LeafKind.USE: Form(CHECKS, frozenset(["quantities"]), _USE_REQUIRED),
    LeafKind.REVENUE_REPORT: _report(Meter.REVENUE, "currency"),
    LeafKind.DAY_REPORT: _report(Meter.EQUIVALENT_DAYS),
}
AMENDMENT_FORMS = {kind: form.as_amendment() for kind, form in FORMS.items()}


def form_of(kind: LeafKind, data: Mapping[str, object]) -> Form:
    """Return the form that an event's data should have.

    An amendment has the form of what it puts in place: a report where it has a period.
    """
    if kind is not LeafKind.AMENDMENT:
        return FORMS[kind]
    if data.get("period") is None:
        return AMENDMENT_FORMS[LeafKind.USE]
    has_days = data.get(Meter.EQUIVALENT_DAYS.value) is not None
    return AMENDMENT_FORMS[LeafKind.DAY_REPORT if has_days else LeafKind.REVENUE_REPORT]


def data_faults(data: Mapping[str, object], form: Form, event_type: EventType) -> Iterator[Fault]:
    """Yield everything that is wrong with an event's data, by pointers that begin with /data."""
    for name in form.required:
        if data.get(name) is None:
            yield Fault(f"/data/{name}", "This field is required.", "missing_field")
    for name, sent in data.items():
        if sent is None:
            continue
        if name in form.parts:
            yield from _PARTS[name](sent, event_type.meters)
            continue
        check = form.fields.get(name)
        if fault := check(sent) if check else _other_field_fault(name, sent, form):
            yield fault.at("/data" + pointer_to(name))
    quantities = data.get("quantities")
    if isinstance(quantities, dict) and Meter.REVENUE in quantities and not data.get("currency"):
        yield Fault("/data/currency", "Revenue is told with its currency.", "missing_field")


def _other_field_fault(name: str, sent: object, form: Form) -> FieldFault | None:
    """Check a field that no list names: a report's meter, or one of OpenTelemetry's."""
    if name == form.meter:
        return quantity_fault(sent)
    if form.is_of_a_period:
        return FieldFault("A report has no such field.", "unknown_field")
    if name.endswith(DIGEST_SUFFIX) and name.removesuffix(DIGEST_SUFFIX) in WORDING:
        return digest_fault(sent)  # A dead letter that is read again holds no wording any more.
    if not name.startswith(GENERATIVE_PREFIX) or name in WORDING:
        return FieldFault("A use has no such field.", "unknown_field")
    if isinstance(sent, str) and len(sent) > LONGEST_REFERENCE:
        detail = f"This field has at most {LONGEST_REFERENCE:,} characters."
        return FieldFault(detail, "field_too_long")
    if isinstance(sent, dict | list):
        return FieldFault("This field is a text, a number, true or false.", "unreadable_field")
    return None


def _quantities_faults(sent: object, meters: Container[str]) -> Iterator[Fault]:
    return quantities_faults(sent, "/data/quantities", meters)


def _period_faults(sent: object, _meters: Container[str]) -> Iterator[Fault]:
    pointer, code = "/data/period", "unreadable_period"
    if not isinstance(sent, dict) or sent.keys() != {"starts", "months"}:
        yield Fault(pointer, 'A period is as {"starts": "2026-07", "months": 3}.', code)
        return
    starts, months = sent["starts"], sent["months"]
    if not (isinstance(starts, str) and _MONTH.fullmatch(starts)):
        yield Fault(f"{pointer}/starts", "A period starts with a month, as 2026-07.", code)
    if isinstance(months, bool) or months not in PERIOD_MONTHS:
        yield Fault(f"{pointer}/months", "A period has 1, 3, 6 or 12 months.", code)


def _replaces_faults(sent: object, _meters: Container[str]) -> Iterator[Fault]:
    pointer = "/data/replaces"
    if not isinstance(sent, dict) or sent.keys() not in ({"event"}, {"source", "id"}):
        detail = "An amendment names an event by its number, or by its source and id."
        yield Fault(pointer, detail, "unreadable_reference")
        return
    for name, value in sent.items():
        fault = _event_number_fault(value) if name == "event" else _key_fault(value)
        if fault:
            yield fault.at(f"{pointer}/{name}")


_key_fault = text_check(LONGEST_KEY)


def _event_number_fault(sent: object) -> FieldFault | None:
    if isinstance(sent, str) and _EVENT_NUMBER.fullmatch(sent):
        return None
    detail = "An event's number is the id that its receipt came with, as text."
    return FieldFault(detail, "unreadable_field")


_PARTS: dict[str, Callable[[object, Container[str]], Iterator[Fault]]] = {
    "quantities": _quantities_faults,
    "period": _period_faults,
    "replaces": _replaces_faults,
}
