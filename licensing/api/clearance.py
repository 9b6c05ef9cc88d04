"""Clearances asked and answered, their reservations confirmed and released."""

from collections.abc import Mapping
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, parsers
from rest_framework.views import APIView

from licensing.caps import reservations
from licensing.clearance.ask import RequestNotUnderstood, ask, ask_batch
from licensing.clearance.sent_request import SentRequest, read_request
from licensing.models import ApiKey, ClearanceDecision
from licensing.wire import problems
from licensing.wire.faults import Fault, NotUnderstood
from licensing.wire.fields import quantities_faults
from licensing.wire.json_bodies import check_readable
from talent.errors import Refused

from .callers import HasApiKey, body_of, number_of_row
from .clearance_json import (
    ASK_EXAMPLE,
    BATCH_RESULTS,
    CONFIRM,
    ClearanceSerializer,
    ReservationSerializer,
    clearance_as_decided,
    closed_reservation,
    reservation_now,
)
from .descriptions import (
    NOT_SPECIFIC,
    DescribedRequest,
    ask_for_approval,
    bind,
    described_request_schema,
    read_described_request,
    split_description,
)
from .sandbox import SANDBOX_MARK, trial, without_reserving

LONGEST_KEY = 200
MOST_REQUESTS = 1_000
FIRST_ANSWER = "The same key and body get the first answer again; another body is refused."
IDEMPOTENT = OpenApiParameter(
    "Idempotency-Key", location=OpenApiParameter.HEADER, description=FIRST_ANSWER
)
PROBLEMS = {
    400: OpenApiResponse(description="Malformed, with a pointer to each fault."),
    409: OpenApiResponse(description="The same key came with another body before."),
    413: OpenApiResponse(description="Larger than the desk takes at once."),
}
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class RequestsParser(parsers.BaseParser):
    """JSON no larger than any other body, its numbers exact, read in the only way it can be."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        body = body_of(stream, parser_context)
        try:
            value = _DECODER.decode(body) if body else {}
        except (msgspec.DecodeError, ValueError, RecursionError, InvalidOperation) as error:
            raise exceptions.ParseError("The body is not JSON.") from error
        check_readable(body, value)
        return value


class TooManyRequests(exceptions.APIException):
    """A batch is longer than the desk takes at once."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_many_questions"
    default_detail = f"A batch holds at most {MOST_REQUESTS:,} questions; send several batches."


class ClearancesView(APIView):
    """Answers whether a twin may be used."""

    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="ask_for_clearance",
        summary="Ask for a clearance",
        description=(
            "Answers cleared, needs_approval or refused, with what every dimension found and the "
            "nearest change that would allow the use. A refusal is an answer (201), no error. "
            "With `reserve`, a cleared use holds its quantities and gets a signed permit. With a "
            "`description`, a use that needs approval is asked for at once; once it is approved, "
            "the same description, or `approval` with its id, lets a clearance stand on it."
        ),
        request={"application/json": described_request_schema()},
        parameters=[IDEMPOTENT],
        responses={201: ClearanceSerializer, **PROBLEMS, 422: NOT_SPECIFIC},
        examples=[ASK_EXAMPLE],
    )
    def post(self, request) -> HttpResponse:
        undescribed, description = split_description(request.data)
        sent = bind(read_request(undescribed), description)
        if isinstance(sent, NotUnderstood):
            raise RequestNotUnderstood(sent.faults)
        # A description that is refused refuses the whole: the clearance is not stored either.
        together = nullcontext() if description is None else transaction.atomic()
        with together, trial(request.auth) as is_trial:
            decision = ask(
                without_reserving(sent) if is_trial else sent,
                terms=request.auth.terms,
                asked_at=timezone.now(),
                api_key=request.auth,
                idempotency_key=idempotency_key(request),
            )
            ask_for_approval(decision, description)
            answer = clearance_as_decided(decision) | (SANDBOX_MARK if is_trial else {})
        return _json(answer, HTTPStatus.CREATED)


class ClearanceBatchView(APIView):
    """Answers many requests at once."""

    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="ask_for_clearances",
        summary="Ask for up to 1,000 clearances",
        description=(
            "Decided in order: what one reserves is gone for the next. Each request has a result "
            "of its own; one that is malformed is told with pointers and refuses no other. A "
            "`description` that is not specific is refused with a problem; the clearance that "
            "needs approval stands, and may be described anew at its own address."
        ),
        request={
            "application/json": {
                "type": "array",
                "maxItems": MOST_REQUESTS,
                "items": described_request_schema(),
            }
        },
        parameters=[IDEMPOTENT],
        responses={207: BATCH_RESULTS, **PROBLEMS},
    )  # fmt: skip
    def post(self, request) -> HttpResponse:
        sent = request.data
        if not isinstance(sent, list):
            raise RequestNotUnderstood(
                (Fault("", "A batch is a JSON array of questions.", "unreadable_batch"),)
            )
        if len(sent) > MOST_REQUESTS:
            raise TooManyRequests
        requests = [read_described_request(item) for item in sent]
        with trial(request.auth) as is_trial:
            decisions = ask_batch(
                {
                    seat: without_reserving(item.request) if is_trial else item.request
                    for seat, item in enumerate(requests)
                    if isinstance(item.request, SentRequest)
                },
                sent=sent,
                terms=request.auth.terms,
                asked_at=timezone.now(),
                api_key=request.auth,
                idempotency_key=idempotency_key(request),
            )
            results = [_result(seat, item, decisions) for seat, item in enumerate(requests)]
        if not is_trial:
            return _json({"results": results}, HTTPStatus.MULTI_STATUS)
        for result in results:
            if "clearance" in result:
                result["clearance"] |= SANDBOX_MARK
        return _json({"results": results, "sandbox": True}, HTTPStatus.MULTI_STATUS)


class ClearanceView(APIView):
    """One clearance as it stands."""

    @extend_schema(
        operation_id="clearance",
        summary="One clearance with its trace",
        responses={200: ClearanceSerializer},
    )
    def get(self, request, pk: int) -> HttpResponse:
        decision = _visible_decisions(request).with_permit().filter(pk=number_of_row(pk)).first()
        if decision is None:
            raise Http404
        return _json(clearance_as_decided(decision) | {"reservation": reservation_now(decision)})


class ReservationView(APIView):
    """What confirming and releasing have in common."""

    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]

    def arguments(self, request, pk: int) -> dict[str, Any]:
        """Return the arguments that `confirm` and `release` share. Raises Http404."""
        if not _visible_decisions(request).filter(pk=number_of_row(pk)).exists():
            raise Http404
        return {
            "decision_id": pk,
            "terms": request.auth.terms,
            "at": timezone.now(),
            "idempotency_key": idempotency_key(request) or "",
        }


class ConfirmView(ReservationView):
    """Counts reserved units as used."""

    @extend_schema(
        operation_id="confirm_clearance",
        summary="Confirm a reservation",
        description=(
            "Counts what was reserved as used, or only the quantities named; the rest is free "
            "again. The same confirmation again gets the first answer."
        ),
        request={"application/json": CONFIRM},
        parameters=[IDEMPOTENT],
        responses={200: ReservationSerializer, **PROBLEMS},
    )
    def post(self, request, pk: int) -> HttpResponse:
        quantities = _quantities(request.data)
        reservation = reservations.confirm(quantities=quantities, **self.arguments(request, pk))
        return _json(closed_reservation(reservation))


class ReleaseView(ReservationView):
    """Frees reserved units."""

    @extend_schema(
        operation_id="release_clearance",
        summary="Release a reservation",
        description="Frees what was reserved and not reported yet. The permit clears nothing more.",
        request=None,
        parameters=[IDEMPOTENT],
        responses={200: ReservationSerializer, **PROBLEMS},
    )
    def post(self, request, pk: int) -> HttpResponse:
        if request.data not in ({}, None):
            raise RequestNotUnderstood(
                (Fault("", "A release has an empty body.", "unknown_field"),)
            )
        return _json(closed_reservation(reservations.release(**self.arguments(request, pk))))


def _result(
    seat: int, sent: DescribedRequest, decisions: Mapping[int, ClearanceDecision]
) -> dict[str, Any]:
    if isinstance(sent.request, NotUnderstood):
        refusal = RequestNotUnderstood(sent.request.faults)
        return _problem_result(seat, refusal, HTTPStatus.BAD_REQUEST)
    decision = decisions[seat]
    result = {
        "index": seat,
        "status": HTTPStatus.CREATED,
        "clearance": clearance_as_decided(decision),
    }
    try:
        ask_for_approval(decision, sent.description)
    except Refused as refusal:
        result |= _problem_result(seat, refusal, HTTPStatus.UNPROCESSABLE_ENTITY)
    return result


def _problem_result(seat: int, refusal: Refused, status: HTTPStatus) -> dict[str, Any]:
    faults = getattr(refusal, "faults", ())
    problem = problems.problem(refusal.code, status=status, detail=str(refusal), faults=faults)
    return {"index": seat, "status": status, "problem": problem}


def _quantities(sent: object) -> dict[str, Decimal] | None:
    """Return the units to confirm, by meter; None, where nothing is named, confirms all."""
    if not isinstance(sent, dict) or set(sent) - {"quantities"}:
        fault = Fault("", "A confirmation names quantities, or nothing.", "unknown_field")
        raise RequestNotUnderstood((fault,))
    if sent.get("quantities") is None:
        return None
    faults = tuple(quantities_faults(sent["quantities"], "/quantities"))
    if faults:
        raise RequestNotUnderstood(faults)
    return {meter: Decimal(units) for meter, units in sent["quantities"].items()}


def _visible_decisions(request):
    """Return the decisions of the key's terms; for a session, those that its user may see."""
    if not isinstance(request.auth, ApiKey):
        return ClearanceDecision.objects.visible_to(request.user)
    if request.auth.sandbox:
        return ClearanceDecision.objects.none()
    return ClearanceDecision.objects.filter(terms=request.auth.terms_id)


def _json(value: object, status: int = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type="application/json", status=status)


def idempotency_key(request) -> str | None:
    """Return the key that a request brings, if any. Raises ParseError for one too long."""
    if request.auth.sandbox:
        return None  # It could match one of a real key and return that answer, with its permit.
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise exceptions.ParseError(f"An idempotency key has 1 to {LONGEST_KEY} characters.")
    return key
