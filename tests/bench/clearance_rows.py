"""P10 and P11: a clearance with its permit, a cap under sixteen connections, a batch."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.views import APIView

from licensing import api_keys
from licensing.api.callers import HasApiKey
from licensing.caps import reservations
from licensing.caps.years import Years
from licensing.clearance.ask import ask
from licensing.clearance.reserve import attach_reservation, reserve
from licensing.clearance.sent_request import SentRequest
from licensing.clearance.store import store_where_room
from licensing.decision.decision import from_json
from licensing.decision.request import Facts, Request
from licensing.models import (
    Agreement,
    Cap,
    CapYear,
    ClearanceDecision,
    Grant,
    Licensee,
    LicenseeTerms,
    Production,
)
from licensing.permits import claims
from licensing.permits.keys import next_numbers
from likenessdesk import urls
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.models import Agency, DigitalTwin, Performer
from tests.bench.harness import ROUNDS, Row, at_least, at_most, in_turn, seconds

CALLS = 100
CALLERS = 16
EACH = 40
WARM = 3
QUESTIONS = 1_000
CLEARANCES = "/api/v1/clearances"
LIMIT = Decimal(10**9)


def clearances(calls: int = CALLS) -> list[Row]:
    """P10: ask, decide, store, reserve and sign, against a view that reads, commits and signs.

    And a batch of a thousand questions, against a thousand single calls.
    """
    terms, asked = _cast("clearance")
    studio = _studio(terms)
    question = _sent(asked)
    with override_settings(ROOT_URLCONF=__name__, DEBUG=False, ALLOWED_HOSTS=["*"]):
        _post(studio, CLEARANCES, question), _post(studio, "/yardstick", question)
        ours, bare = in_turn(
            lambda: _times(calls, lambda: _post(studio, CLEARANCES, question)),
            lambda: _times(calls, lambda: _post(studio, "/yardstick", question)),
            rounds=5,
        )
        plain = {name: value for name, value in question.items() if name != "reserve"}
        batch, singles = in_turn(
            lambda: seconds(lambda: _post(studio, f"{CLEARANCES}/batch", [plain] * QUESTIONS)),
            lambda: _times(calls, lambda: _post(studio, CLEARANCES, plain)) * QUESTIONS / calls,
        )
    return [
        at_most(f"P10 {calls} clearances with permits, by a bare view", 1.5, ours, bare),
        at_most("P10 a batch of 1,000 clearances, by 1,000 calls", 0.05, batch, singles),
    ]


def caps(each: int = EACH) -> Row:
    """P11: reserve and confirm on one cap from 16 connections, against a bare guarded update.

    The decisions that reserve are made and signed before, which is P10's; ours writes them with
    what they hold and take, and confirms. Both run in one process, whose threads share its lock,
    on connections that are open and have prepared their statements, as a server's have.
    """
    terms, asked = _cast("caps")
    now = timezone.now()
    ask(asked, terms=terms, asked_at=now)  # The first of a year makes its row.
    waiting = _waiting(asked, terms, now, size=ROUNDS * CALLERS * (WARM + each))
    year = CapYear.objects.get(cap__agreement__reference="caps")

    def ours() -> float:
        return _at_once(reserve_and_confirm, each)

    def reserve_and_confirm() -> None:
        row = waiting.popleft()
        store_where_room([row])
        reservations.confirm(decision_id=row.pk, terms=terms, at=now)

    def bare() -> float:
        return _at_once(update, each)

    def update() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE licensing_capyear SET used = used + 1 WHERE id = %s AND used + 1 <= %s",
                [year.pk, LIMIT],
            )

    taken, updated = in_turn(ours, bare)
    year.refresh_from_db()
    assert (year.used, year.reserved) == (ROUNDS * 2 * CALLERS * (WARM + each), 1)
    return at_least("P11 reserve and confirm, 16 connections, by an update", 0.3, taken, updated)


def _waiting(
    asked: SentRequest, terms: LicenseeTerms, now: datetime, *, size: int
) -> deque[ClearanceDecision]:
    """Return cleared decisions with what they hold, none of them stored."""
    like = ask(replace(asked, reserve=False), terms=terms, asked_at=now)
    request, facts = from_json(Request, like.request), from_json(Facts, like.facts)
    caps = list(Cap.objects.filter(agreement__reference=asked.agreement))
    prefetch_related_objects(caps, Prefetch("years", CapYear.objects.with_still_reserved(now)))
    waiting: deque[ClearanceDecision] = deque()
    signing = next_numbers(size, at=now)
    for number in signing.numbers:
        years = Years.as_read(caps, at=now)
        reservation = reserve(request, facts, years, minutes=60, zone="UTC", at=now)
        row = copy(like)
        row._state = copy(like._state)
        row._state.fields_cache = {"terms": terms}
        row.pk = number
        attach_reservation(row, reservation, signing.key)
        waiting.append(row)
    return waiting


def _at_once(step: Callable[[], object], each: int) -> float:
    """Return the seconds in which every caller takes so many steps, each on a warm connection."""
    start = threading.Barrier(CALLERS + 1)

    def call(_caller: int) -> None:
        try:
            _times(WARM, step)
            start.wait()
            _times(each, step)
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as pool:
        done = pool.map(call, range(CALLERS))
        start.wait()
        return seconds(lambda: list(done))


def _times(calls: int, step: Callable[[], object]) -> float:
    return seconds(lambda: [step() for _ in range(calls)])


def _cast(name: str) -> tuple[LicenseeTerms, SentRequest]:
    """A studio with terms, a twin with consent, an agreement with a cap, and a question."""
    agency = Agency.objects.create(name=f"{name} agency", slug=f"{name}-agency", country="US")
    studio = Licensee.objects.create(
        name=f"{name} studio", slug=f"{name}-studio", kind="studio", country="US"
    )
    terms = LicenseeTerms.objects.create(agency=agency, licensee=studio)
    performer = Performer.objects.create(name=f"{name} performer")
    twin = DigitalTwin.objects.create(
        name=f"{name} twin",
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )
    begun = datetime(2025, 1, 1, tzinfo=UTC)
    agreement = Agreement.objects.create(
        agency=agency,
        licensee=studio,
        twin=twin,
        reference=name,
        status="signed",
        signed_at=begun,
        starts_at=begun,
        currency="USD",
    )
    Grant.objects.create(agreement=agreement, right="voice", use="dubbing")
    Cap.objects.create(agreement=agreement, meter="lines", limit=LIMIT, starts_on=begun.date())
    record(
        matrix=matrix_of(performer=performer),
        cells=[Cell("voice", "dubbing", "allow")],
        in_force_from=begun,
        recorded_at=begun,
        by=None,
        evidence=Evidence("For the bench."),
    )
    asked = SentRequest(
        twin=f"T{twin.pk}",
        right="voice",
        use="dubbing",
        at=timezone.now() + timedelta(hours=1),
        agreement=name,
        territory="FR",
        language="fr",
        channel="cinema",
        units=(("lines", Decimal(1)),),
        reserve=True,
    )
    return LicenseeTerms.objects.select_related("agency", "licensee").get(pk=terms.pk), asked


def _sent(asked: SentRequest) -> dict:
    names = ("twin", "right", "use", "agreement", "territory", "language", "channel", "reserve")
    return {
        **{name: getattr(asked, name) for name in names},
        "at": asked.at.isoformat(),
        "quantities": {"lines": "1"},
    }


def _studio(terms: LicenseeTerms) -> Client:
    issued = api_keys.issue(terms=terms, label="Bench", at=timezone.now(), by=None)
    return Client(headers={"authorization": f"Bearer {issued.secret}"})


def _post(studio: Client, to: str, body: object) -> HttpResponse:
    answer = studio.post(to, msgspec.json.encode(body), content_type="application/json")
    assert answer.status_code in (200, 201, 207), answer.content
    return answer


# The yardstick: an authenticated view that reads one row, commits one row and signs.

KEY = ec.generate_private_key(ec.SECP256R1())


class BareView(APIView):
    permission_classes = [HasApiKey]
    parser_classes = [JSONParser]

    def post(self, request) -> HttpResponse:
        sent = request.data
        now = timezone.now()
        with transaction.atomic():
            agreement = Agreement.objects.get(reference=sent["agreement"])
            row = Production.objects.create(
                licensee_id=agreement.licensee_id, title=now.isoformat(), kind="other"
            )
        request = Request(sent["twin"], sent["right"], sent["use"], "bench", now)
        said = claims.claims_of(
            request, number=row.pk, agency="bench", issued_at=now, starts_at=now, expires_at=now
        )
        token = claims.sign(said, KEY, kid="bench")
        return HttpResponse(
            msgspec.json.encode({"id": row.pk, "permit": token}), content_type="application/json"
        )


urlpatterns = [path("yardstick", BareView.as_view()), *urls.urlpatterns]
assert urls.__name__ == settings.ROOT_URLCONF
