"""The certificate of a destruction, as a PDF that the desk signs where it has a certificate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat

from talent import locales
from talent.papers import record
from talent.papers.record import DataFile, Paper

__all__ = ["Paper", "drawn"]


def drawn(content: Mapping[str, Any], *, at: datetime) -> Paper:
    """Return the document that says `content`, which it has attached as JSON.

    Raises NotDrawn, CertificateEnded, NotSealable.
    """
    return record.drawn(
        "custody/certificate.html",
        values_of(content),
        data=DataFile("destruction.json", "What is certified", content),
        signed_for=str(content["agency"]),
        reason="Destruction certified",
        at=at,
    )


def values_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the document says, with its times written out in the agency's zone."""

    def when(instant: str) -> str:
        return locales.minute(datetime.fromisoformat(instant), content["time_zone"], "en")

    return {
        "told": content,
        "agency": content["agency"],
        "paper": content["paper"],
        "zone": content["time_zone"],
        "size": filesizeformat(content["item"]["bytes"]),
        "stored": when(content["item"]["stored_at"]),
        "asked": when(content["asked"]["at"]),
        "approved": when(content["approved"]["at"]),
        "key_gone": when(content["key_destroyed_at"]),
        "file_gone": when(content["file_deleted_at"]),
        "issued": when(content["issued_at"]),
        "is_verified": all(content["verified"].values()),
    }
