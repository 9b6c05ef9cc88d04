"""What an event reports, read and checked: a use, an amendment, or a report of a period.

Whether a twin or an agreement exists, and how the use compares with what was agreed, is found
when the use is recorded.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from licensing.wire.faults import Fault, NotUnderstood
from licensing.wire.fields import content_stated
from licensing.wire.instants import instant
from licensing.words import LeafKind
from talent.periods import Days, months_later, starts_at

from .cloudevents import Envelope
from .event_types import BY_TYPE, SCHEMAS, USE, EventType, type_of_schema
from .forms import Form, data_faults, form_of


@dataclass(frozen=True, slots=True)
class EventReference:
    """An earlier event: by the number of its receipt, or by its source and id."""

    event: str | None = None
    source: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedUse:
    """A use as its licensee reports it. Quantities are in each meter's own unit.

    A report of a period names no twin, since its agreement does: `twin` is empty and
    `occurred_at` the start of its period, until the agreement is known. Of an amendment this is
    what takes the place of the event that `replaces` names.
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
    approval: str | None = None
    kind: LeafKind = LeafKind.USE
    period: Days | None = None
    replaces: EventReference | None = None
    content: tuple[str, ...] | None = None
    brand: str | None = None


def read_event(envelope: Envelope) -> ReportedUse | NotUnderstood:
    """Read what an event reports, or say everything about it that isn't understood."""
    event_type = _type_of(envelope)
    if isinstance(event_type, NotUnderstood):
        return event_type
    data: Any = envelope.data
    if not (envelope.has_json_data and isinstance(data, dict)):
        return _not_understood("/data", "unreadable_data", "The data of an event is a JSON object.")
    form = form_of(event_type.kind, data)
    occurred_at = instant(envelope.time) if envelope.time else None
    faults = list(data_faults(data, form, event_type))
    if occurred_at is None and not form.is_of_a_period:
        faults.append(_time_fault(envelope))
    if faults:
        return NotUnderstood(tuple(faults))
    return _reported_use(event_type.kind, form, data, occurred_at)


def _type_of(envelope: Envelope) -> EventType | NotUnderstood:
    """Return the type to read by: the event's own, or the narrower one whose schema it names."""
    event_type = BY_TYPE.get(envelope.type)
    if event_type is None:
        return _not_understood("/type", "unknown_type", "The desk does not know this event type.")
    if envelope.dataschema is None:
        return event_type
    schema_type = type_of_schema(envelope.dataschema)
    if schema_type is None:
        detail = f"The desk publishes no such schema; {SCHEMAS} lists those it has."
        return _not_understood("/dataschema", "unknown_schema", detail)
    if schema_type is event_type or (event_type is USE and schema_type.kind is USE.kind):
        return schema_type
    return _not_understood("/dataschema", "other_schema", "This schema is of another event type.")


def _not_understood(pointer: str, code: str, detail: str) -> NotUnderstood:
    return NotUnderstood((Fault(pointer, detail, code),))


def _time_fault(envelope: Envelope) -> Fault:
    if envelope.time is None:
        return Fault("/time", "A use says when it happened.", "missing_field")
    return Fault("/time", "The desk's calendar does not reach this year.", "unreadable_time")


def _reported_use(
    kind: LeafKind, form: Form, data: dict[str, Any], occurred_at: Any
) -> ReportedUse:
    quantities = data["quantities"] if form.meter is None else {form.meter: data[form.meter]}
    fields = {name: sent for name, sent in data.items() if name in form.fields}
    fields["content"] = content_stated(fields.get("content"))
    period = _period(data["period"]) if form.is_of_a_period else None
    return ReportedUse(
        quantities={meter: Decimal(sent) for meter, sent in quantities.items()},
        kind=kind,
        occurred_at=starts_at(period.starts_on, "UTC") if period else occurred_at,
        period=period,
        replaces=EventReference(**data["replaces"]) if "replaces" in form.parts else None,
        **{"twin": "", **fields},
    )


def _period(sent: dict[str, Any]) -> Days:
    first = date.fromisoformat(f"{sent['starts']}-01")
    return Days(first, months_later(first, int(sent["months"])))
