"""What all API views share: authentication by key, content negotiation, and error bodies.

REST framework's views import this module through the settings, so it imports no view.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, negotiation, status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.response import Response

from licensing import api_keys
from licensing.approvals.requests import DescribedOtherwise
from licensing.caps.reservations import AlreadySettled, NotReserved, ReservationExpired
from licensing.clearance.ask import RequestNotUnderstood
from licensing.idempotency import KeyConflict
from licensing.models import ApiKey
from licensing.usage.events.cloudevents import MalformedEnvelopes, TooManyEvents
from licensing.wire import problems
from licensing.wire.faults import Fault
from licensing.wire.json_bodies import MalformedJson
from talent.errors import Refused
from valuation.statements.documents import PaperAway, PaperChanged

logger = logging.getLogger(__name__)

SCHEME = "Bearer"
REFUSALS = {
    MalformedEnvelopes: status.HTTP_400_BAD_REQUEST,
    MalformedJson: status.HTTP_400_BAD_REQUEST,
    TooManyEvents: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    RequestNotUnderstood: status.HTTP_400_BAD_REQUEST,
    DescribedOtherwise: status.HTTP_409_CONFLICT,
    KeyConflict: status.HTTP_409_CONFLICT,
    NotReserved: status.HTTP_409_CONFLICT,
    AlreadySettled: status.HTTP_409_CONFLICT,
    ReservationExpired: status.HTTP_409_CONFLICT,
    PaperAway: status.HTTP_503_SERVICE_UNAVAILABLE,
    PaperChanged: status.HTTP_500_INTERNAL_SERVER_ERROR,
}


class JsonUnlessAsked(negotiation.DefaultContentNegotiation):
    """Answers in JSON even if the Accept header allows only other types."""

    def select_renderer(self, request, renderers, format_suffix=None):
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except exceptions.NotAcceptable:
            return renderers[0], renderers[0].media_type


@dataclass(frozen=True)
class Studio:
    """The caller of a request with an API key: a licensee's program. It is not a User."""

    key: ApiKey

    is_authenticated = True
    is_active = True
    is_anonymous = False
    is_staff = False
    is_superuser = False
    pk = None

    def __str__(self) -> str:
        return str(self.key)


class ApiKeyAuthentication(BaseAuthentication):
    """A licensee's key: `Authorization: Bearer desk_….`"""

    def authenticate(self, request):
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        key = api_keys.key_with(secret.strip(), at=timezone.now())
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is unknown, revoked or expired.")
        return Studio(key), key

    def authenticate_header(self, request):
        return f'{SCHEME} realm="Likeness Desk"'


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """Turn an exception into a problem response, a bug of the desk's own too."""
    if isinstance(error, Refused):
        return _refusal(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is nothing here that this caller may see.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    if not isinstance(error, exceptions.APIException):
        return _failure(error, context)
    return _problem_of(error)


def _failure(error: Exception, context: dict[str, Any]) -> Response:
    """Answer a bug as a problem, too, and tell whoever watches for failed requests."""
    request = context["request"]._request
    logger.error("The API failed at %s", request.path, exc_info=error)
    got_request_exception.send(sender=type(context["view"]), request=request)
    detail = "The desk failed at this. Nothing was kept; the same request may be sent again."
    return _answer("internal_error", status.HTTP_500_INTERNAL_SERVER_ERROR, detail)


class TooLarge(exceptions.APIException):
    """A body is larger than the desk reads."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "The body is larger than the desk takes at once."


def _refusal(refusal: Refused) -> Response:
    status_code = next((REFUSALS[kind] for kind in type(refusal).__mro__ if kind in REFUSALS), 422)
    faults = getattr(refusal, "faults", ())
    digests = refusal.digests if isinstance(refusal, KeyConflict) else {}
    return _answer(refusal.code, status_code, str(refusal), faults=faults, **digests)


def _problem_of(error: exceptions.APIException) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    if isinstance(error, exceptions.ValidationError):
        faults = list(problems.faults_in(error.get_full_details()))
        detail = "What was sent is not what this address takes; nothing of it was kept."
        return _answer("invalid", error.status_code, detail, faults=faults)
    code, detail = error.get_codes(), str(error.detail)
    return _answer(code, error.status_code, detail, headers=headers)


def _answer(
    code: str,
    status_code: int,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    headers: dict[str, str] | None = None,
    **more: str,
) -> Response:
    told = problems.problem(code, status=status_code, detail=detail, faults=faults, **more)
    return Response(told, status_code, headers=headers, content_type=problems.CONTENT_TYPE)
