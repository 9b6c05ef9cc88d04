"""Successions: which event an amendment takes the place of, and that no period counts twice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from licensing.models import (
    Agreement,
    EventArchive,
    LicenseeTerms,
    Replacement,
    ReportedPeriod,
    UsageEvent,
)
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.events.reported import EventReference
from licensing.wire.faults import Fault, NotUnderstood
from licensing.words import Meter

from . import copy
from .arrivals import Key, Message
from .references import KnownUse

TAKE_BACK = "take the event back (an amendment of zero) and report it anew."


def in_turn(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Cut a batch before each amendment of an event that its part would bring itself."""
    part: list[Message] = []
    keys: set[Key] = set()
    for message in messages:
        if _key_amended(message.envelope) in keys:
            yield part
            part, keys = [], set()
        part.append(message)
        keys.add(message.key)
    yield part


def _key_amended(envelope: Envelope) -> Key | None:
    """Return the key that an amendment names, as far as it can be read."""
    if envelope.type != AMENDMENT.type or not isinstance(envelope.data, dict):
        return None
    match envelope.data.get("replaces"):
        case {"source": str(source), "id": str(key)}:
            return Key(source, key)
    return None


class Successions:
    """What the amendments and reports of a batch build on, locked until the transaction ends.

    Takes a fixed number of queries, and none for a batch of uses.
    """

    def __init__(self, uses: Iterable[KnownUse], terms: LicenseeTerms):
        amendments = [use.reported.replaces for use in uses if use.reported.replaces]
        reports = [use for use in uses if use.reported.period]
        self._originals, self._archived = _originals(amendments, terms)
        ids = {event.pk for event in self._originals.values()}
        self._replaced = _replaced(ids)
        self._periods = _periods(reports)
        self._reports = {row.event_id: row for row in _reports_of(ids)}
        self.any = bool(amendments or reports)

    def of(self, use: KnownUse) -> KnownUse | NotUnderstood:
        """Return the use with the event it replaces, or why it can't stand; asked once for each."""
        original = None
        if use.reported.replaces:
            original = self._originals.get(use.reported.replaces)
            if fault := self._amendment_fault(use, original):
                return NotUnderstood((fault,))
        if use.reported.period:
            report = self._reports.get(original.pk) if original else None
            if fault := self._period_fault(use, report):
                return NotUnderstood((fault,))
            self._periods.append(_period_of(use))
        if original:
            self._replaced[original.pk] = 0
        return replace(use, replaced=original)

    def keep(self, recorded: Sequence[tuple[KnownUse, int]], *, at: datetime) -> None:
        """Enter what was recorded (use, event id) as what counts from now on."""
        Replacement.objects.bulk_create(
            Replacement(event_id=use.replaced.pk, amendment_id=event_id, replaced_at=at)
            for use, event_id in recorded
            if use.replaced
        )
        reports = [(use, event_id) for use, event_id in recorded if use.reported.period]
        moved, new = [], []
        for use, event_id in reports:
            row = self._reports.get(use.replaced.pk) if use.replaced else None
            told = _period_of(use)
            (moved if row else new).append(row or told)
            for name in ("subject", "starts_on", "ends_on"):
                setattr(row or told, name, getattr(told, name))
            (row or told).event_id = event_id
        ReportedPeriod.objects.bulk_update(moved, ["subject", "starts_on", "ends_on", "event_id"])
        ReportedPeriod.objects.bulk_create(new)

    def _amendment_fault(self, use: KnownUse, original: UsageEvent | None) -> Fault | None:
        if use.reported.replaces in self._archived:
            detail = (
                "This event lies in an archive, where nothing is taken back. The desk's operator "
                "can bring it back; then this amendment is read anew."
            )
            return Fault("/data/replaces", detail, "archived_event")
        if original is None:
            detail = "The desk does not know this event; send it before its amendment."
            return Fault("/data/replaces", detail, "unknown_event")
        if original.pk in self._replaced:
            by = self._replaced[original.pk]
            detail = f"Event {by} replaced this one; amend that." if by else _REPLACED_HERE
            return Fault("/data/replaces", detail, "already_replaced")
        if original.agreement_id not in (None, use.agreement and use.agreement.pk):
            detail = f"An amendment stays with its agreement; to move it, {TAKE_BACK}"
            return Fault("/data/agreement", detail, "other_agreement")
        if original.twin_id != use.twin.pk:
            return Fault("/data/twin", f"To name another twin, {TAKE_BACK}", "other_twin")
        report = self._reports.get(original.pk)
        if (report.meter if report else "") != _reported_meter(use):
            detail = (
                "An amendment is of the kind that it replaces: a use, a revenue or a day report."
            )
            return Fault("/data/replaces", detail, "other_kind")
        return None

    def _period_fault(self, use: KnownUse, own: ReportedPeriod | None) -> Fault | None:
        told = _period_of(use)
        for row in self._periods:
            if row is not own and (own is None or row.pk != own.pk) and _same_days(row, told):
                known = f"event {row.event_id}" if row.event_id else "another of this batch"
                detail = f"These days have a report already, {known}; send an amendment of it."
                return Fault("/data/period", detail, "period_reported")
        return None


_REPLACED_HERE = "Another amendment of this batch replaces this event; amend that."


def _originals(
    references: Sequence[EventReference], terms: LicenseeTerms
) -> tuple[dict[EventReference, UsageEvent], set[EventReference]]:
    """Lock the keys of the events that are named, in one order.

    Returns the events, and which of those named lie in an archive.
    """
    if not references:
        return {}, set()
    keys = copy.locked_keys(
        terms.licensee_id,
        [(one.source, one.id) for one in references if one.event is None],
        [int(one.event) for one in references if one.event is not None],
    )
    events = UsageEvent.objects.filter(agency=terms.agency_id).in_bulk(keys.values())
    numbers = {f"{event_id}": event_id for event_id in keys.values()}
    named = {
        one: numbers.get(one.event) if one.event else keys.get((one.source, one.id))
        for one in references
    }
    archived = _archived({pk for pk in keys.values() if pk not in events})
    return (
        {one: events[pk] for one, pk in named.items() if pk in events},
        {one for one, pk in named.items() if pk in archived},
    )


def _archived(ids: set[int]) -> set[int]:
    """Return those of a licensee's own ids that lie in archives; no file is asked for it."""
    if not ids:
        return set()
    ranges = EventArchive.objects.in_place_of_tables().filter(
        first_id__lte=max(ids), end_id__gt=min(ids)
    )
    spans = list(ranges.values_list("first_id", "end_id"))
    return {pk for pk in ids if any(first <= pk < end for first, end in spans)}


def _replaced(ids: set[int]) -> dict[int, int]:
    if not ids:
        return {}
    rows = Replacement.objects.filter(event_id__in=ids)
    return dict(rows.values_list("event_id", "amendment_id"))


def _reports_of(ids: set[int]) -> Iterable[ReportedPeriod]:
    return ReportedPeriod.objects.filter(event_id__in=ids) if ids else ()


def _periods(reports: Sequence[KnownUse]) -> list[ReportedPeriod]:
    """Lock the agreements that are reported on, and return what was reported for these days."""
    agreements = sorted({use.agreement.pk for use in reports if use.agreement})
    if not agreements:
        return []
    # Their rows are the lock: two reports of the same days can't both find none.
    locked = Agreement.objects.filter(pk__in=agreements).order_by("pk")
    list(locked.select_for_update(no_key=True).values_list("pk"))
    periods = [use.reported.period for use in reports if use.reported.period]
    rows = ReportedPeriod.objects.filter(
        agreement__in=agreements,
        starts_on__lt=max(days.ends_on for days in periods),
        ends_on__gt=min(days.starts_on for days in periods),
    )
    return list(rows)


def _period_of(use: KnownUse) -> ReportedPeriod:
    reported = use.reported
    production = use.production.pk if use.production else ""
    told = (production, reported.right, reported.use, reported.territory, reported.language or "",
            reported.channel)  # fmt: skip
    return ReportedPeriod(
        agreement=use.agreement,
        meter=_reported_meter(use),
        subject=" ".join(map(str, told)),
        starts_on=reported.period and reported.period.starts_on,
        ends_on=reported.period and reported.period.ends_on,
    )


def _reported_meter(use: KnownUse) -> str:
    """Return the meter that a report is of; a use is of none."""
    if use.reported.period is None:
        return ""
    return next(meter for meter in map(Meter, use.reported.quantities)).value


def _same_days(one: ReportedPeriod, other: ReportedPeriod) -> bool:
    return (
        (one.agreement_id, one.meter, one.subject)
        == (other.agreement_id, other.meter, other.subject)
        and one.starts_on < other.ends_on
        and other.starts_on < one.ends_on
    )
