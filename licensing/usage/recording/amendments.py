"""Amendments: which event each takes the place of, and that no days are reported twice."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from licensing.models import Agreement, LicenseeTerms, Replacement, ReportedPeriod, UsageEvent
from licensing.usage.archive.archived_events import ids_in_archives
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.events.reported import EventReference
from licensing.wire.faults import Fault, NotUnderstood
from talent.periods import Days

from . import event_keys
from .messages import Message, MessageKey
from .references import KnownUse

TAKE_BACK = "take the event back (an amendment of zero) and report it anew."


def split_before_amendments(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Cut a batch before each amendment of an event that the same part would bring.

    What is amended must be recorded before its amendment is read.
    """
    part: list[Message] = []
    keys: set[MessageKey] = set()
    for message in messages:
        if _key_amended(message.envelope) in keys:
            yield part
            part, keys = [], set()
        part.append(message)
        keys.add(message.key)
    yield part


def _key_amended(envelope: Envelope) -> MessageKey | None:
    """Return the key that an amendment names; None for other events and where it names none."""
    if envelope.type != AMENDMENT.type or not isinstance(envelope.data, dict):
        return None
    match envelope.data.get("replaces"):
        case {"source": str(source), "id": str(key)}:
            return MessageKey(source, key)
    return None


class EarlierEvents:
    """The events that a batch amends and the days reported before, locked for the transaction.

    Takes a fixed number of queries, and none for a batch that only brings new uses.
    """

    def __init__(self, uses: Iterable[KnownUse], terms: LicenseeTerms):
        amended = [use.reported.replaces for use in uses if use.reported.replaces]
        reports = [use for use in uses if use.reported.period]
        self._originals, self._archived = _lock_originals(amended, terms)
        ids = {event.pk for event in self._originals.values()}
        # Event id to that of its amendment; 0 for an amendment of this batch, which has none yet.
        self._replaced_by = _replacements_of(ids)
        self._periods = _lock_periods(reports)
        self._period_of_event = {row.event_id: row for row in _periods_of(ids)}
        self.are_needed = bool(amended or reports)

    def take_place(self, use: KnownUse) -> KnownUse | NotUnderstood:
        """Take the place of the event that a use amends and of the days that it reports.

        Returns the use with the event, or why the place can't be taken. A place is taken once,
        so each use of the batch is to be given once, in the order of the batch.
        """
        original = None
        if use.reported.replaces:
            original = self._originals.get(use.reported.replaces)
            if fault := self._amendment_fault(use, original):
                return NotUnderstood((fault,))
        if use.reported.period:
            period = _period_of(use, use.reported.period)
            if fault := self._period_fault(period, original):
                return NotUnderstood((fault,))
            self._periods.append(period)
        if original:
            self._replaced_by[original.pk] = 0
        return replace(use, replaced=original)

    def store(self, recorded: Sequence[tuple[KnownUse, int]], *, at: datetime) -> None:
        """Store what recorded uses (use, event id) replace, and the days that they report."""
        Replacement.objects.bulk_create(
            Replacement(event_id=use.replaced.pk, amendment_id=event_id, replaced_at=at)
            for use, event_id in recorded
            if use.replaced
        )
        changed: list[ReportedPeriod] = []
        new: list[ReportedPeriod] = []
        for use, event_id in recorded:
            if use.reported.period:
                period = _period_of(use, use.reported.period)
                period.event_id = event_id
                if earlier := self._earlier_period(use.replaced):
                    period.pk = earlier.pk
                (changed if earlier else new).append(period)
        columns = ["subject", "starts_on", "ends_on", "event_id"]
        ReportedPeriod.objects.bulk_update(changed, columns)
        ReportedPeriod.objects.bulk_create(new)

    def _amendment_fault(self, use: KnownUse, original: UsageEvent | None) -> Fault | None:
        if original is None:
            return _missing_fault(is_archived=use.reported.replaces in self._archived)
        if (amendment_id := self._replaced_by.get(original.pk)) is not None:
            return _replaced_fault(amendment_id)
        if original.agreement_id not in (None, use.agreement and use.agreement.pk):
            detail = f"An amendment stays with its agreement; to move it, {TAKE_BACK}"
            return Fault("/data/agreement", detail, "other_agreement")
        if original.twin_id != use.twin.pk:
            return Fault("/data/twin", f"To name another twin, {TAKE_BACK}", "other_twin")
        period = self._earlier_period(original)
        if (period.meter if period else "") != _meter_reported(use):
            detail = (
                "An amendment is of the kind that it replaces: a use, a revenue or a day report."
            )
            return Fault("/data/replaces", detail, "other_kind")
        return None

    def _period_fault(self, period: ReportedPeriod, original: UsageEvent | None) -> Fault | None:
        """Return a fault if a report other than the one replaced covers some of the days."""
        replaced = self._earlier_period(original)
        for row in self._periods:
            is_replaced = replaced is not None and row.pk == replaced.pk
            if not is_replaced and _overlap(row, period):
                report = f"event {row.event_id}" if row.event_id else "another of this batch"
                detail = f"These days have a report already, {report}; send an amendment of it."
                return Fault("/data/period", detail, "period_reported")
        return None

    def _earlier_period(self, original: UsageEvent | None) -> ReportedPeriod | None:
        return self._period_of_event.get(original.pk) if original else None


def _missing_fault(*, is_archived: bool) -> Fault:
    if is_archived:
        detail = (
            "This event lies in an archive, where nothing is taken back. The desk's operator "
            "can bring it back; then this amendment is read anew."
        )
        return Fault("/data/replaces", detail, "archived_event")
    detail = "The desk does not know this event; send it before its amendment."
    return Fault("/data/replaces", detail, "unknown_event")


def _replaced_fault(amendment_id: int) -> Fault:
    detail = (
        f"Event {amendment_id} replaced this one; amend that."
        if amendment_id
        else "Another amendment of this batch replaces this event; amend that."
    )
    return Fault("/data/replaces", detail, "already_replaced")


def _lock_originals(
    references: Sequence[EventReference], terms: LicenseeTerms
) -> tuple[dict[EventReference, UsageEvent], set[EventReference]]:
    """Lock the events that amendments name.

    Returns the events of the terms' agency, and which of the named ones lie in an archive.
    """
    if not references:
        return {}, set()
    named_by_key = {
        MessageKey(reference.source, reference.id): reference
        for reference in references
        if reference.source is not None and reference.id is not None
    }
    named_by_id = {
        int(reference.event): reference for reference in references if reference.event is not None
    }
    ids = event_keys.lock_events(terms.licensee_id, named_by_key, list(named_by_id))
    named: dict[EventReference, int] = {}
    for key, event_id in ids.items():
        for reference in (named_by_key.get(key), named_by_id.get(event_id)):
            if reference:
                named[reference] = event_id
    events = UsageEvent.objects.filter(agency=terms.agency_id).in_bulk(ids.values())
    archived = ids_in_archives({event_id for event_id in ids.values() if event_id not in events})
    return (
        {reference: events[pk] for reference, pk in named.items() if pk in events},
        {reference for reference, pk in named.items() if pk in archived},
    )


def _replacements_of(ids: Collection[int]) -> dict[int, int]:
    if not ids:
        return {}
    rows = Replacement.objects.filter(event_id__in=ids)
    return dict(rows.values_list("event_id", "amendment_id"))


def _periods_of(ids: Collection[int]) -> Iterable[ReportedPeriod]:
    return ReportedPeriod.objects.filter(event_id__in=ids) if ids else ()


def _lock_periods(reports: Sequence[KnownUse]) -> list[ReportedPeriod]:
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


def _period_of(use: KnownUse, days: Days) -> ReportedPeriod:
    """Return the row of a report's days, without the event that reports them."""
    reported = use.reported
    production = use.production.pk if use.production else ""
    subject = (production, reported.right, reported.use, reported.territory,
               reported.language or "", reported.channel)  # fmt: skip
    return ReportedPeriod(
        agreement=use.agreement,
        meter=_meter_reported(use),
        subject=" ".join(map(str, subject)),
        starts_on=days.starts_on,
        ends_on=days.ends_on,
    )


def _meter_reported(use: KnownUse) -> str:
    """Return the code of a report's one meter; empty for a use."""
    return next(iter(use.reported.quantities)) if use.reported.period else ""


def _overlap(row: ReportedPeriod, other: ReportedPeriod) -> bool:
    """Tell whether two reports are of the same thing and share a day."""
    return (
        (row.agreement_id, row.meter, row.subject)
        == (other.agreement_id, other.meter, other.subject)
        and row.starts_on < other.ends_on
        and other.starts_on < row.ends_on
    )
