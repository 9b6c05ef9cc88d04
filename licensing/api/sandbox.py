"""What a sandbox key reads back: a trial, in the shape of a real event."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.shortcuts import get_object_or_404

from licensing.clearance.sent_request import SentRequest
from licensing.models import ApiKey, LicenseeTerms, SandboxEvent
from licensing.usage.sandbox import undone
from licensing.words import LeafKind

SENT = ("twin", "agreement", "build", "production", "right", "use", "territory", "language")
LARGEST = 2**63
# What a clearance of the sandbox says instead of a number.
MARK = {"id": None, "sandbox": True}


@contextmanager
def trial(key: ApiKey) -> Iterator[bool]:
    """Tell whether a key is of the sandbox; if so, what is written inside is taken back.

    Nothing is then reserved or kept, and nobody reads of a refusal that was only a trial.
    """
    if not key.sandbox:
        yield False
        return
    with undone():
        yield True


def unreserved(asked: SentRequest) -> SentRequest:
    """Return the question without its wish to reserve, so that no permit is signed."""
    return replace(asked, reserve=False)


def told_of_sandbox(number: int, terms: LicenseeTerms) -> dict[str, Any]:
    """Return an event of the sandbox in the shape of a real one. Raises Http404."""
    rows = SandboxEvent.objects.filter(terms=terms, code="")
    row = get_object_or_404(rows, pk=number if number < LARGEST else 0)
    sent = json.loads(bytes(row.canonical))
    data = sent["data"]
    entry = bytes(row.entry).hex()
    return {
        "id": str(row.pk),
        "kind": LeafKind.USE.value,
        **{name: data.get(name) for name in SENT},
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
