"""Who calls the studios' API, what they may send and what they may see."""

import zlib
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from rest_framework import exceptions, permissions

from licensing.models import ApiKey, UsageEvent

MOST_BYTES = 5 * 1024 * 1024
LARGEST_NUMBER = 2**63 - 1  # of a row in PostgreSQL
CHUNK = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS


class LengthRequired(exceptions.APIException):
    """A body came in chunks, which WSGI can't tell the end of."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body with its Content-Length, not in chunks."


class HasApiKey(permissions.BasePermission):
    """Usage is reported by a licensee's software, never by a person's session."""

    message = "Usage is reported with a licensee's API key."

    def has_permission(self, request, view):
        return isinstance(request.auth, ApiKey)


class UnknownEncoding(exceptions.APIException):
    """A body is packed in a way that the desk does not unpack."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_encoding"
    default_detail = "Send the body as it is or packed by gzip; say which by Content-Encoding."


class UnreadableGzip(exceptions.APIException):
    """A body says that gzip packed it, and it did not."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "unreadable_gzip"
    default_detail = "The body is not whole gzip; nothing of it was kept."


def body_of(stream, parser_context) -> bytes:
    """Return a request's body, unpacked, and stop reading where it is larger than allowed."""
    headers = parser_context["request"].META
    length = headers.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise LengthRequired
    if int(length) > MOST_BYTES:
        raise RequestDataTooBig
    encoding = headers.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _unpack(stream)
    if encoding not in ("", "identity"):
        raise UnknownEncoding
    body = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise RequestDataTooBig
    return body


def _unpack(stream) -> bytes:
    """Inflate a body piece by piece: a small one that would grow large is left at the limit."""
    body, member = bytearray(), zlib.decompressobj(GZIP)
    packed_size = 0
    while piece := stream.read(CHUNK):
        packed_size += len(piece)
        while piece:
            if member.eof:  # What follows a whole member is another one (RFC 1952, 2.2).
                member = zlib.decompressobj(GZIP)
            try:
                body += member.decompress(piece, MOST_BYTES + 1 - len(body))
            except zlib.error as wrong:
                raise UnreadableGzip from wrong
            if len(body) > MOST_BYTES or packed_size > MOST_BYTES:
                raise RequestDataTooBig
            piece = member.unused_data or member.unconsumed_tail
    if not member.eof:
        raise UnreadableGzip
    return bytes(body)


def rows_visible_to(request, rows):
    """Return the rows of the key's agency and licensee; for a session, what its user may see."""
    if not isinstance(request.auth, ApiKey):
        return rows.visible_to(request.user)
    terms = request.auth.terms
    return rows.filter(agency=terms.agency_id, licensee=terms.licensee_id)


def may_see(request, event: UsageEvent) -> bool:
    """Tell whether the caller may see an event, as `rows_visible_to` would of a row.

    For events that come from an archive and so are no rows.
    """
    if not isinstance(request.auth, ApiKey):
        return event.is_visible_to(request.user)
    terms = request.auth.terms
    return (event.agency_id, event.licensee_id) == (terms.agency_id, terms.licensee_id)


def number_of_row(number: int) -> int:
    """Return a number that fits a row's id: itself, or 0, which no row has, if it is too large."""
    return number if number <= LARGEST_NUMBER else 0
