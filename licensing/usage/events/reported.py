"""What an event reports: a use, an amendment, or a report of a period, read and checked.

Only shape and vocabulary are judged here. Whether a twin or an agreement exists is asked of
the desk's records, and how the use stands to what was agreed is clearance's to say.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from licensing.wire.faults import Fault, pointer_to
from licensing.wire.fields import (
    FIELDS,
    LONGEST_REFERENCE,
    Check,
    Found,
    digest,
    quantity_fault,
    quantity_faults,
    reference,
)
from licensing.wire.instants import instant
from licensing.words import LeafKind, Meter
from talent.periods import Days, months_later, starts_at

from .canonical import DIGEST_SUFFIX, WORDING
from .cloudevents import Envelope
from .event_types import BY_TYPE, SCHEMAS, USE, EventType, named_by

USAGE_TYPE = USE.type
GENERATIVE_PREFIX = "gen_ai."  # OpenTelemetry's names for what generated the output.
LONGEST_KEY = 500


PERIOD_MONTHS = (1, 3, 6, 12)


_EVENT = re.compile(r"[1-9][0-9]{0,17}")
_MONTH = re.compile(r"(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class EventReference:
    """An earlier event: by the number of its receipt, or by its source and id."""

    event: str | None = None
    source: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedUse:
    """A use as its licensee reports it. Quantities are in each meter's own unit.

    A report of a period names no twin, its agreement does, and happens when its period begins,
    until the agreement says more. An amendment tells what takes the place of another event.
    """

    twin: str
    right: str
    use: str
    territory: str
    channel: str
    occurred_at: datetime
    quantities: dict[str, Decimal]
    agreement: str | None = None
    build: str | None = None
    production: str | None = None
    language: str | None = None
    prompt_class: str | None = None
    prompt: str | None = field(default=None, repr=False)
    real_time: bool | None = None
    currency: str | None = None
    output_sha256: str | None = None
    c2pa_manifest_sha256: str | None = None
    permit: str | None = None
    kind: LeafKind = LeafKind.USE
    period: Days | None = None
    replaces: EventReference | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Why an event can't be read as a use; it waits among the dead letters."""

    faults: tuple[Fault, ...]


def read(envelope: Envelope) -> ReportedUse | NotUnderstood:
    """Read what an event reports, or say everything about it that isn't understood."""
    told = _type_of(envelope)
    if isinstance(told, NotUnderstood):
        return told
    data: Any = envelope.data
    if not (envelope.has_json_data and isinstance(data, dict)):
        return _not_understood("/data", "unreadable_data", "The data of an event is a JSON object.")
    form = _form_of(told, data)
    occurred_at = instant(envelope.time) if envelope.time else None
    faults = list(_faults(data, form, told))
    if occurred_at is None and not form.of_a_period:
        faults.append(_time_fault(envelope))
    if faults:
        return NotUnderstood(tuple(faults))
    return _reported(told, form, data, occurred_at)


def _type_of(envelope: Envelope) -> EventType | NotUnderstood:
    """Return the type to read by: the event's own, or the narrower one whose schema it names."""
    told = BY_TYPE.get(envelope.type)
    if told is None:
        return _not_understood("/type", "unknown_type", "The desk does not know this event type.")
    if envelope.dataschema is None:
        return told
    named = named_by(envelope.dataschema)
    if named is None:
        detail = f"The desk publishes no such schema; {SCHEMAS} lists those it has."
        return _not_understood("/dataschema", "unknown_schema", detail)
    if named is told or (told is USE and named.kind is USE.kind):
        return named
    return _not_understood("/dataschema", "other_schema", "This schema is of another event type.")


def _form_of(told: EventType, data: dict[str, object]) -> "Form":
    """Return the form of an event's data. An amendment has that of what it stands for."""
    if told.kind is not LeafKind.AMENDMENT:
        return FORMS[told.kind]
    if data.get("period") is None:
        return AMENDED[LeafKind.USE]
    days = data.get(Meter.EQUIVALENT_DAYS.value) is not None
    return AMENDED[LeafKind.DAY_REPORT if days else LeafKind.REVENUE_REPORT]


def _reported(told: EventType, form: "Form", data: dict[str, Any], occurred_at: Any) -> ReportedUse:
    quantities = data["quantities"] if form.meter is None else {form.meter: data[form.meter]}
    plain_fields = {name: sent for name, sent in data.items() if name in form.fields}
    period = _period(data["period"]) if form.of_a_period else None
    return ReportedUse(
        quantities={meter: Decimal(sent) for meter, sent in quantities.items()},
        kind=told.kind,
        occurred_at=starts_at(period.starts_on, "UTC") if period else occurred_at,
        period=period,
        replaces=EventReference(**data["replaces"]) if "replaces" in form.parts else None,
        **{"twin": "", **plain_fields},
    )


def _period(sent: dict[str, Any]) -> Days:
    first = date.fromisoformat(f"{sent['starts']}-01")
    return Days(first, months_later(first, int(sent["months"])))


def _not_understood(pointer: str, code: str, detail: str) -> NotUnderstood:
    return NotUnderstood((Fault(pointer, detail, code),))


def _time_fault(envelope: Envelope) -> Fault:
    if envelope.time is None:
        return Fault("/time", "A use says when it happened.", "missing_field")
    return Fault("/time", "The desk's calendar does not reach this year.", "unreadable_time")


def _faults(data: dict[str, object], form: "Form", told: EventType) -> Iterator[Fault]:
    for name in form.required:
        if data.get(name) is None:
            yield Fault(f"/data/{name}", "This field is required.", "missing_field")
    for name, sent in data.items():
        if sent is None:
            continue
        if name in form.parts:
            yield from PARTS[name](sent, told)
        elif found := (form.fields.get(name) or partial(_other_fault, name, form))(sent):
            yield Fault("/data" + pointer_to(name), *found)
    quantities = data.get("quantities")
    if isinstance(quantities, dict) and Meter.REVENUE in quantities and not data.get("currency"):
        yield Fault("/data/currency", "Revenue is told with its currency.", "missing_field")


def _other_fault(name: str, form: "Form", sent: object) -> Found:
    if name == form.meter:
        return quantity_fault(sent)
    if form.of_a_period:
        return "A report has no such field.", "unknown_field"
    if name.endswith(DIGEST_SUFFIX) and name.removesuffix(DIGEST_SUFFIX) in WORDING:
        return digest(sent)  # A dead letter that is replayed holds no wording any more.
    if not name.startswith(GENERATIVE_PREFIX) or name in WORDING:
        return "A use has no such field.", "unknown_field"
    if isinstance(sent, str) and len(sent) > LONGEST_REFERENCE:
        return f"This field has at most {LONGEST_REFERENCE:,} characters.", "field_too_long"
    if isinstance(sent, dict | list):
        return "This field is a text, a number, true or false.", "unreadable_field"
    return None


def _period_faults(sent: object, told: EventType) -> Iterator[Fault]:
    at = "/data/period"
    if not isinstance(sent, dict) or sent.keys() != {"starts", "months"}:
        yield Fault(at, 'A period is as {"starts": "2026-07", "months": 3}.', "unreadable_period")
        return
    starts, months = sent["starts"], sent["months"]
    if not (isinstance(starts, str) and _MONTH.fullmatch(starts)):
        yield Fault(
            f"{at}/starts", "A period starts with a month, as 2026-07.", "unreadable_period"
        )
    if isinstance(months, bool) or months not in PERIOD_MONTHS:
        yield Fault(f"{at}/months", "A period has 1, 3, 6 or 12 months.", "unreadable_period")


def _replaces_faults(sent: object, told: EventType) -> Iterator[Fault]:
    at = "/data/replaces"
    if not isinstance(sent, dict) or sent.keys() not in ({"event"}, {"source", "id"}):
        detail = "An amendment names an event by its number, or by its source and id."
        yield Fault(at, detail, "unreadable_reference")
        return
    for name, named in sent.items():
        found = _number(named) if name == "event" else reference(LONGEST_KEY)(named)
        if found:
            yield Fault(f"{at}/{name}", *found)


def _number(sent: object) -> Found:
    if isinstance(sent, str) and _EVENT.fullmatch(sent):
        return None
    return "An event's number is the id that its receipt came with, as text.", "unreadable_field"


REQUIRED = ("twin", "right", "use", "territory", "channel", "quantities")
REPORTED = ("agreement", "production", "right", "use", "territory", "language", "channel")
NAMED = ("agreement", "right", "use", "territory", "channel", "period")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one kind of data: those told alone, those with parts, those it needs.

    `meter` is the one field whose quantity a report tells; a use has an object of them.
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
    def of_a_period(self) -> bool:
        """Whether it tells of a period; the rest tell of an instant."""
        return self.meter is not None

    def amended(self) -> "Form":
        """Return the same as an amendment has it: with the event that it replaces."""
        needed = ("replaces", *self.required)
        return replace(self, parts=self.parts | {"replaces"}, required=needed)


def _report(meter: Meter, *fields: str) -> Form:
    return Form(
        {name: FIELDS[name] for name in (*REPORTED, *fields)},
        frozenset(["period"]),
        (*NAMED, meter.value, *fields),
        meter.value,
    )


FORMS = {
    LeafKind.USE: Form(FIELDS, frozenset(["quantities"]), REQUIRED),
    LeafKind.REVENUE_REPORT: _report(Meter.REVENUE, "currency"),
    LeafKind.DAY_REPORT: _report(Meter.EQUIVALENT_DAYS),
}
AMENDED = {kind: form.amended() for kind, form in FORMS.items()}
PARTS: dict[str, Callable[[object, EventType], Iterator[Fault]]] = {
    "quantities": lambda sent, told: quantity_faults(sent, "/data/quantities", told.meters),
    "period": _period_faults,
    "replaces": _replaces_faults,
}
