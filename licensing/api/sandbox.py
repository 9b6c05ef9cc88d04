"""The sandbox: trials that are undone, and its events in the shape of real ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.shortcuts import get_object_or_404

from licensing.clearance.sent_request import SentRequest
from licensing.models import ApiKey, LicenseeTerms, SandboxEvent
from licensing.usage.sandbox import rehearsal
from licensing.words import LeafKind

from .callers import number_of_row

FIELDS = ("twin", "agreement", "build", "production", "right", "use", "territory", "language")
# What a clearance of the sandbox says instead of a number.
SANDBOX_MARK = {"id": None, "sandbox": True}


@contextmanager
def trial(key: ApiKey) -> Iterator[bool]:
    """Yield whether a key is of the sandbox; if it is, roll back what is written inside.

    A trial reserves and keeps nothing, and nobody is told of its refusals.
    """
    if not key.sandbox:
        yield False
        return
    with rehearsal():
        yield True


def without_reserving(request: SentRequest) -> SentRequest:
    """Return a request without its wish to reserve, so that no permit is signed."""
    return replace(request, reserve=False)


def sandbox_event(number: int, terms: LicenseeTerms) -> dict[str, Any]:
    """Return an event of the sandbox in the shape of a real one. Raises Http404."""
    rows = SandboxEvent.objects.filter(terms=terms, code="")
    row = get_object_or_404(rows, pk=number_of_row(number))
    sent = json.loads(bytes(row.canonical))
    data = sent["data"]
    entry = bytes(row.entry).hex()
    return {
        "id": str(row.pk),
        "kind": LeafKind.USE.value,
        **{name: data.get(name) for name in FIELDS},
        "channel": data.get("channel"),
        "prompt_class": data.get("prompt_class") or "none",
        "real_time": bool(data.get("real_time")),
        "occurred_at": sent.get("time"),
        "received_at": row.received_at,
        "quantities": data.get("quantities"),
        "standing": row.standing,
        "standing_reason": row.standing_reason,
        "replaces": None,
        "replaced_by": None,
        "prompt": None,
        "index": None,
        "receipt": {"entry": entry, "tag": entry[2:66]},
        "sandbox": True,
    }
