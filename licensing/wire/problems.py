"""Problems: what an error looks like to a program (RFC 9457)."""

from collections.abc import Iterator, Sequence
from typing import Any

from .faults import Fault, pointer_to

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:problem-type:likenessdesk:"


def problem(
    code: str, *, status: int, detail: str, faults: Sequence[Fault] = (), **more: Any
) -> dict[str, Any]:
    """Return a problem document; it has a pointer to each fault, never the value that is at fault.

    `more` are further members of the document.
    """
    document: dict[str, Any] = {
        "type": TYPE + code,
        "title": code.replace("_", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        "code": code,
        **more,
    }
    if faults:
        document["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in faults
        ]
    return document


def faults_in(details: Any, pointer: str = "") -> Iterator[Fault]:
    """Yield what REST framework's `get_full_details` says is wrong, each with its pointer."""
    if _is_single_error(details):
        yield Fault(pointer, str(details["message"]), details["code"])
    elif isinstance(details, dict):
        for name, part in details.items():
            below = "" if name == "non_field_errors" else pointer_to(str(name))
            yield from faults_in(part, pointer + below)
    else:
        # A list of errors points to their field, a list of rows to each row.
        for i, part in enumerate(details):
            yield from faults_in(part, pointer if _is_single_error(part) else f"{pointer}/{i}")


def _is_single_error(details: Any) -> bool:
    return isinstance(details, dict) and set(details) == {"message", "code"}
