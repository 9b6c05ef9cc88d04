"""Evidence: what an audit's side may see of an agreement and a period, as files of one archive.

The archive is written as it is read, in bounded memory, and ends with a manifest: a digest of each
file. What money adds comes from the rooms above, as further files.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from licensing.models import Audit, Permit, Production, UsageBatch, UsageEvent, UsageRecord
from licensing.pages_by_id import chunks_by_id
from licensing.usage.archive.archived_events import events_of_agreement
from licensing.wire.names import Prefix, name_of
from licensing.words import AuditSide, AuditState, Meter
from talent import safe_csv
from talent.errors import Refused
from talent.streamed_zip import streamed

from .audits import AuditIsNotThere, period_of, state_of

MOST_EVENTS = 500_000
CHUNK = 2_000

EVENT_COLUMNS = (
    "number", "happened_at", "kind", "twin", "production", "right", "use", "territory", "language",
    "channel", "real_time", "standing", "standing_reason", "permit", *Meter.codes(),
)  # fmt: skip
LOG_COLUMNS = ("number", "index", "entry", "salt", "sealed")
PERMIT_COLUMNS = (
    "permit", "starts_at", "expires_at", "taken_back_at", "why", "sha256_of_token",
)  # fmt: skip


class TooMuchEvidence(Refused):
    """The period holds more uses than one archive takes."""

    code = "too_much_evidence"


@dataclass(frozen=True)
class EvidenceFile:
    """One file of the archive: its name, and its lines of text as they come."""

    name: str
    lines: Iterable[str]


def files_of(audit: Audit, *, at: datetime) -> list[EvidenceFile]:
    """Return the files about uses that an audit's side may see.

    A studio also gets the sealed bytes of what it sent, by which it checks the log; a performer
    gets the log's entries. Raises AuditIsNotThere while the notice runs, TooMuchEvidence.
    """
    if state_of(audit, at=at) in (AuditState.NOTICE, AuditState.DROPPED):
        raise AuditIsNotThere(_("There is no evidence before the notice has run."))
    events = _events(audit)
    if events.order_by()[: MOST_EVENTS + 1].count() > MOST_EVENTS:
        raise TooMuchEvidence(
            _("The period holds more than %d uses. Ask for the evidence of a shorter one.")
            % MOST_EVENTS
        )
    whole = audit.side == AuditSide.LICENSEE
    return [
        EvidenceFile("uses.csv", safe_csv.lines(EVENT_COLUMNS, _event_rows(audit))),
        EvidenceFile("log.csv", safe_csv.lines(LOG_COLUMNS, _log_rows(audit, whole=whole))),
        EvidenceFile("permits.csv", safe_csv.lines(PERMIT_COLUMNS, _permit_rows(audit))),
    ]


def archive(audit: Audit, files: Iterable[EvidenceFile]) -> Iterator[bytes]:
    """Yield a ZIP of files and their manifest, as they are read."""
    return streamed(_packed(audit, files))


def _packed(audit: Audit, files: Iterable[EvidenceFile]) -> Iterator[tuple[str, Iterable[bytes]]]:
    digests: dict[str, Any] = {}
    for file in files:
        digests[file.name] = hashlib.sha256()
        yield file.name, _counted(file.lines, digests[file.name])
    told = {name: digest.hexdigest() for name, digest in digests.items()}
    yield "manifest.json", [json.dumps(_manifest(audit, told), indent=2, sort_keys=True).encode()]


def _counted(lines: Iterable[str], digest: Any) -> Iterator[bytes]:
    """Yield lines as bytes, and have the digest take them in."""
    for line in lines:
        data = line.encode()
        digest.update(data)
        yield data


def _manifest(audit: Audit, digests: dict[str, str]) -> dict[str, Any]:
    return {
        "agreement": audit.agreement.reference,
        "side": audit.side,
        "period_from": audit.period_from.isoformat(),
        "period_to": audit.period_to.isoformat(),
        "time_zone": audit.agreement.time_zone,
        "sha256": digests,
    }


def _events(audit: Audit) -> QuerySet[UsageEvent]:
    begins, ends = period_of(audit)
    return UsageEvent.objects.filter(
        agreement=audit.agreement, occurred_at__gte=begins, occurred_at__lt=ends
    ).order_by("-pk")


def _chunks(audit: Audit) -> Iterator[list[UsageEvent]]:
    """Yield the audited events in lists of some thousands: those of tables, then of archives."""
    yield from chunks_by_id(_events(audit), size=CHUNK)
    begins, ends = period_of(audit)
    archived = events_of_agreement(audit.agreement, since=begins, until=ends)
    while chunk := list(islice(archived, CHUNK)):
        yield chunk


def _event_rows(audit: Audit) -> Iterator[list[object]]:
    twin = audit.agreement.twin.name
    titles = dict(
        Production.objects.filter(licensee=audit.agreement.licensee_id).values_list("pk", "title")
    )
    for chunk in _chunks(audit):
        for event in chunk:
            yield [
                event.pk, event.occurred_at.isoformat(), event.kind, twin,
                titles.get(event.production_id or 0, ""), event.right, event.use, event.territory,
                event.language, event.channel, event.real_time, event.standing,
                event.standing_reason, name_of(Prefix.CLEARANCE, event.permit_id) or "",
                *(getattr(event, meter) for meter in Meter.codes()),
            ]  # fmt: skip


def _log_rows(audit: Audit, *, whole: bool) -> Iterator[list[object]]:
    for chunk in _chunks(audit):
        batches = UsageBatch.objects.in_bulk({event.batch_id for event in chunk})
        records = _records(chunk) if whole else {}
        for event in chunk:
            record = records.get(event.pk)
            first = batches[event.batch_id].first_index
            yield [
                event.pk,
                "" if first is None else first + event.seat,
                bytes(event.entry).hex(),
                bytes(record.salt).hex() if record else "",
                bytes(record.canonical).decode() if record else "",
            ]


def _records(events: Sequence[UsageEvent]) -> dict[int, UsageRecord]:
    """Return the sealed bytes of events by their ids: those of archives bring their own."""
    own = {event.pk: event.record for event in events if "record" in event._state.fields_cache}
    rows = UsageRecord.objects.filter(event__in=[event.pk for event in events])
    return own | {row.event_id: row for row in rows}


def _permit_rows(audit: Audit) -> Iterator[list[object]]:
    begins, ends = period_of(audit)
    permits = Permit.objects.filter(
        decision__agreement=audit.agreement.pk, starts_at__lt=ends, expires_at__gt=begins
    ).select_related("revocation")
    for permit in permits.order_by("pk").iterator(chunk_size=CHUNK):
        revoked = getattr(permit, "revocation", None)
        yield [
            name_of(Prefix.CLEARANCE, permit.pk),
            permit.starts_at.isoformat(),
            permit.expires_at.isoformat(),
            revoked.revoked_at.isoformat() if revoked else "",
            revoked.reason if revoked else "",
            hashlib.sha256(permit.token.encode()).hexdigest(),
        ]
