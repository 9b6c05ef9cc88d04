"""Problems: what an error looks like to a program (RFC 9457)."""

from collections.abc import Sequence
from typing import Any

from licensing.usage.cloudevents import Fault

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:problem-type:likenessdesk:"


def problem(
    code: str, *, status: int, detail: str, faults: Sequence[Fault] = (), **more: Any
) -> dict[str, Any]:
    """Return a problem with its stable code and a JSON pointer to each fault, never the value."""
    told: dict[str, Any] = {
        "type": TYPE + code,
        "title": code.replace("_", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        "code": code,
        **more,
    }
    if faults:
        told["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in faults
        ]
    return told
