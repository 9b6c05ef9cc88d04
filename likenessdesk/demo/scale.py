"""Many further events for load work: written by the database itself, chunk by chunk.

Each event has what an event that came through the door has: its key in the ledger, its batch
and seat, its sealed bytes and the entry that commits to them. What is left out is the asking:
they stand as cleared because they are made to fit an agreement that has no cap.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle

from django.db import connection, transaction
from psycopg.sql import SQL, Composable, Identifier, Literal

from licensing.log.entry import FORMAT, month_tag, sealed_bytes
from licensing.models import Agreement, EventKey, LicenseeTerms, UsageBatch
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.words import Door, LeafKind, PromptClass, Standing
from likenessdesk.demo.cast import TWINS
from likenessdesk.demo.summer import DAYS, FIRST, PLANS, Plan, Range
from likenessdesk.demo.terms import DEALS, Deal
from talent.words import Stance

EVENTS_A_CHUNK = 50_000
EVENTS_A_BATCH = 1_000
ACTOR = "demo"
# Coprime to every range it is taken modulo, so that all values come up.
STRIDE = 7_919

# Where one event's text differs from the next; braces stand in no demo text.
PLACE = re.compile(r"(\{number\}|\{at\}|\{quantity_[0-9]\})")
TEXTS = {
    "{number}": SQL("lpad(number::text, 12, '0')"),
    "{at}": SQL("""to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""),
}

CHUNK = SQL("""
WITH drawn AS MATERIALIZED (
    SELECT number,
        nextval('licensing_usageevent_id_seq') AS id,
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt,
        %(first)s::timestamptz
            + make_interval(mins => ((number * %(stride)s) %% %(minutes)s)::int) AS occurred_at,
        {quantities}
    FROM generate_series(%(start)s::bigint, %(stop)s::bigint) AS number
), written AS MATERIALIZED (
    SELECT *, convert_to({event}, 'UTF8') AS event, convert_to({sealed}, 'UTF8') AS sealed
    FROM drawn
), records AS (
    INSERT INTO licensing_usagerecord (event_id, salt, canonical)
    SELECT id, salt, sealed FROM written
), keys AS (
    INSERT INTO licensing_eventkey (licensee_id, source, key, event_id, digest)
    SELECT %(licensee)s, %(source)s, {key}, id, sha256(event) FROM written
)
INSERT INTO licensing_usageevent (
    id, batch_id, seat, kind, agency_id, licensee_id, agreement_id, twin_id, production_id,
    occurred_at, "right", "use", territory, language, channel, prompt_class, real_time,
    standing, standing_reason, entry, {meters}
)
SELECT id, (%(batches)s::bigint[])[(number - %(start)s) / %(a_batch)s + 1],
    (number - %(start)s) %% %(a_batch)s, %(kind)s, %(agency)s, %(licensee)s, %(agreement)s,
    %(twin)s, %(production)s, occurred_at, %(right)s, %(use)s, %(territory)s, %(language)s,
    %(channel)s, %(prompt_class)s, false, %(standing)s, '',
    %(tagged)s::bytea || sha256(salt || sealed), {amounts}
FROM written ORDER BY number
""")


@dataclass(frozen=True)
class Chunk:
    """Part of the work: the plan's events `start` to `stop`, both included."""

    plan: Plan
    start: int
    stop: int


def grow(events: int, at: datetime) -> Iterator[int]:
    """Write further events, received at `at`; yield how many there are after each chunk.

    Each chunk is a transaction of its own, so that memory stays small and a stop loses little.
    """
    written = 0
    for chunk in chunks(events):
        write(chunk, at)
        written += chunk.stop - chunk.start + 1
        yield written


def chunks(events: int) -> Iterator[Chunk]:
    plans = [plan for plan in PLANS if is_unbounded(plan)]
    reached = {plan.reference: already(plan) for plan in plans}
    size = min(EVENTS_A_CHUNK, -(-events // len(plans)))
    for plan in cycle(plans):
        if events <= 0:
            return
        start = reached[plan.reference] + 1
        stop = start + min(size, events) - 1
        yield Chunk(plan, start, stop)
        reached[plan.reference] = stop
        events -= stop - start + 1


def is_unbounded(plan: Plan) -> bool:
    """Whether the plan's events are cleared without asking anybody and without a cap."""
    deal = deal_of(plan)
    twin = next(twin for twin in TWINS if twin.name == deal.twin)
    allowed = {(cell.right, cell.use) for cell in twin.allows if cell.stance is Stance.ALLOW}
    return not deal.limits and (plan.right, plan.use) in allowed and not plan.real_time_percent


def deal_of(plan: Plan) -> Deal:
    return next(deal for deal in DEALS if deal.reference == plan.reference)


def source_of(deal: Deal) -> str:
    return f"//{deal.studio}.example/scale/{deal.reference}"


def already(plan: Plan) -> int:
    deal = deal_of(plan)
    return EventKey.objects.filter(licensee__slug=deal.studio, source=source_of(deal)).count()


@transaction.atomic
def write(chunk: Chunk, at: datetime) -> None:
    """Write one chunk with its batches. The sequencer finds them like any other's."""
    plan, deal = chunk.plan, deal_of(chunk.plan)
    agreement = Agreement.objects.get(reference=deal.reference)
    terms = LicenseeTerms.objects.get(agency=agreement.agency_id, licensee=agreement.licensee_id)
    envelope = template(plan, deal)
    tag = month_tag(bytes(agreement.tag_key), at)
    values = {
        "first": FIRST,
        "minutes": DAYS * 24 * 60,
        "stride": STRIDE,
        "start": chunk.start,
        "stop": chunk.stop,
        "batches": write_batches(terms, chunk.stop - chunk.start + 1, at),
        "a_batch": EVENTS_A_BATCH,
        "source": envelope.source,
        "kind": LeafKind.USE.value,
        "agency": agreement.agency_id,
        "licensee": agreement.licensee_id,
        "agreement": agreement.pk,
        "twin": agreement.twin_id,
        "production": agreement.productions.values_list("pk", flat=True).get(),
        "right": plan.right.value,
        "use": plan.use.value,
        "territory": plan.territories[0],
        "language": plan.languages[0] if plan.languages else "",
        "channel": plan.channels[0].value,
        "prompt_class": PromptClass.SCRIPTED.value,
        "standing": Standing.CLEARED.value,
        "tagged": FORMAT + tag,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement(plan, envelope, at), values)


def write_batches(terms: LicenseeTerms, events: int, at: datetime) -> list[int]:
    sizes = [EVENTS_A_BATCH] * (events // EVENTS_A_BATCH)
    sizes += [events % EVENTS_A_BATCH] if events % EVENTS_A_BATCH else []
    batches = UsageBatch.objects.bulk_create(
        UsageBatch(terms=terms, door=Door.API.value, received_at=at, size=size) for size in sizes
    )
    return [batch.pk for batch in batches]


def template(plan: Plan, deal: Deal) -> Envelope:
    """Return the plan's event with places where one event differs from the next."""
    data: dict[str, object] = {
        "twin": deal.twin,
        "agreement": deal.reference,
        "production": deal.title,
        "right": plan.right.value,
        "use": plan.use.value,
        "territory": plan.territories[0],
        "channel": plan.channels[0].value,
        "prompt_class": PromptClass.SCRIPTED.value,
        "quantities": {
            meter.value: f"{{quantity_{place}}}" for place, (meter, _) in enumerate(plan.meters)
        },
    }
    if plan.languages:
        data["language"] = plan.languages[0]
    return Envelope(
        id=f"{deal.reference}-scale-{{number}}",
        source=source_of(deal),
        type=USAGE_TYPE,
        time="{at}",
        datacontenttype="application/json",
        data=data,
    )


def statement(plan: Plan, envelope: Envelope, at: datetime) -> Composable:
    """Return the SQL that writes a chunk, with the texts the desk itself would seal."""
    event = canonical_event(envelope, prompt_key=b"")
    sealed = sealed_bytes(
        event,
        kind=LeafKind.USE.value,
        received_at=at,
        actor=ACTOR,
        standing=Standing.CLEARED.value,
    )
    amounts = [Identifier(f"quantity_{place}") for place in range(len(plan.meters))]
    drawn = [
        SQL("{} AS {}").format(quantity(size), name)
        for (_, size), name in zip(plan.meters, amounts, strict=True)
    ]
    return CHUNK.format(
        quantities=comma(drawn),
        event=filled(event.decode()),
        sealed=filled(sealed.decode()),
        key=filled(envelope.id),
        meters=comma(Identifier(meter.value) for meter, _ in plan.meters),
        amounts=comma(amounts),
    )


def comma(parts: Iterable[Composable]) -> Composable:
    return SQL(", ").join(parts)


def quantity(size: Range) -> Composable:
    """Draw a quantity from its range, as text with all of its places."""
    return SQL("round(({low} + (number * {stride}) %% {span}) / {ten}::numeric, {places})").format(
        low=Literal(size.low),
        stride=Literal(STRIDE),
        span=Literal(size.high - size.low + 1),
        ten=Literal(10**size.places),
        places=Literal(size.places),
    )


def filled(text: str) -> Composable:
    """Join a text's fixed parts with what stands in its places."""
    parts = [text_of(part) for part in PLACE.split(text) if part]
    return SQL("(") + SQL(" || ").join(parts) + SQL(")")


def text_of(part: str) -> Composable:
    if not PLACE.fullmatch(part):
        return Literal(part)
    return TEXTS.get(part) or SQL("{}::text").format(Identifier(part.strip("{}")))
