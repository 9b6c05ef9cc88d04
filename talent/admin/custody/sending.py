"""An item sent as a file, once its read is stored."""

from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from talent.errors import Refused
from talent.models import CustodyItem


def send(read, item: CustodyItem) -> HttpResponse:
    """Send what a read yields as a file, or say why nothing is read."""
    try:
        content = read().content
        first = next(content, b"")
    except Refused as refusal:
        return HttpResponse(str(refusal), status=409, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(
        _begun(first, content), content_type="application/octet-stream"
    )
    response["Content-Length"] = str(item.size)
    response["Cache-Control"] = "no-store"
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=item.name
    )
    return response


def _begun(first: bytes, content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from content
    finally:
        content.close()
