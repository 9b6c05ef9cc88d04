"""How CloudEvents come over HTTP: structured, as a batch, or binary, told by their headers."""

from dataclasses import dataclass
from typing import Protocol

from rest_framework import exceptions

from licensing.usage.events.cloudevents import Envelope, decode_batch, decode_binary, decode_one

from .callers import LengthRequired, body_of

MOST_EVENTS = 1_000
EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
FORMATS = "application/cloudevents"  # Content types that begin so are never binary mode.
ATTRIBUTE = "HTTP_CE_"


class HttpRequest(Protocol):
    """A request: its headers as WSGI names them, and its body to be read."""

    META: dict[str, str]

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True)
class EventsSent:
    """The events of one request; one that was sent alone is answered alone."""

    envelopes: list[Envelope]
    is_batch: bool


def events_in(request: HttpRequest) -> EventsSent:
    """Return the events that a request brings.

    Raises MalformedEnvelopes, TooManyEvents, RequestDataTooBig and what REST framework answers
    for a media type, an encoding or a length that the desk can't read.
    """
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthRequired
    content_type = request.META.get("CONTENT_TYPE", "").strip()
    media_type = content_type.partition(";")[0].strip().lower()
    attributes = _attributes(request.META)
    if media_type == EVENT:
        return EventsSent([decode_one(_body(request))], is_batch=False)
    if media_type == BATCH or (media_type == JSON and not attributes):
        return EventsSent(decode_batch(_body(request), at_most=MOST_EVENTS), is_batch=True)
    if not attributes and request.META.get("CONTENT_LENGTH", "0") in ("", "0"):
        return EventsSent([decode_one(b"")], is_batch=False)  # It raises: nothing was sent.
    if not attributes or media_type.startswith(FORMATS):
        raise exceptions.UnsupportedMediaType(media_type or "nothing")
    envelope = decode_binary(attributes, content_type or None, _body(request))
    return EventsSent([envelope], is_batch=False)


def _attributes(headers: dict[str, str]) -> dict[str, str]:
    """Return the context attributes that stand in headers, by their own names."""
    return {
        name.removeprefix(ATTRIBUTE).lower(): value
        for name, value in headers.items()
        if name.startswith(ATTRIBUTE)
    }


def _body(request: HttpRequest) -> bytes:
    return body_of(request, {"request": request})
