"""Who calls the studios' API, what they may send and what they may see."""

from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from rest_framework import exceptions, permissions

from licensing.models import ApiKey

MOST_BYTES = 5 * 1024 * 1024


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


def body_of(stream, parser_context) -> bytes:
    announced = parser_context["request"].META.get("CONTENT_LENGTH") or "0"
    if int(announced) > MOST_BYTES:
        raise RequestDataTooBig
    body = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise RequestDataTooBig
    return body


def seen_by(request, rows):
    """Rows of the key's agency and licensee; of what a person may see, by their session."""
    if not isinstance(request.auth, ApiKey):
        return rows.visible_to(request.user)
    terms = request.auth.terms
    return rows.filter(agency=terms.agency_id, licensee=terms.licensee_id)
