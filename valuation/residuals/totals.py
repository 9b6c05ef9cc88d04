"""Usage totals: new leaves summed once, by what rates can see, in one pass of SQL.

A use or a report adds its quantities. An amendment takes back those of the event it replaces
and adds its own; a ruling takes them from one treatment to another. A use that crossed a cap is
two parts, which are rated apart.
"""

from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Sum

from licensing.models import RateLine
from licensing.words import Meter
from talent.periods import Days
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.residuals.pricing import PER_EVENT
from valuation.residuals.rating import Cell
from valuation.words import ShardStatus

METERS = [meter.value for meter in Meter]
DIMENSIONS = (
    "production_id",
    "right",
    "use",
    "territory",
    "language",
    "channel",
    "prompt_class",
    "real_time",
    "standing",
    "treatment",
)
OF_EVENT = DIMENSIONS[:-2]

KEPT = ("run_id", "month_on", "events", "leaves", "uniform", "first_index", "last_index")

Row = dict[str, Any]

# Leaves of agreements with a rate that rounds each event are kept apart by their quantities,
# so that every event of such a total can still be rounded by itself.
SUM_NEW_LEAVES = """
    INSERT INTO valuation_usagetotal (
        run_id, agency_id, agreement_id, month_on, {dimensions}, uniform,
        events, leaves, first_index, last_index, {meters}
    )
    SELECT %(run)s, event.agency_id, event.agreement_id,
           date_trunc('month', event.occurred_at AT TIME ZONE
                      coalesce(agreement.time_zone, 'UTC'))::date,
           {of_event}, event.standing, '', {uniform},
           count(*), count(*),
           min(batch.first_index + event.seat), max(batch.first_index + event.seat),
           {sums}
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    LEFT JOIN licensing_agreement agreement ON agreement.id = event.agreement_id
    {join}
    WHERE batch.first_index >= %(from)s AND batch.first_index < %(to)s
        AND event.kind = 'use' AND event.over_meter = ''
    GROUP BY event.agency_id, event.agreement_id, 4, {of_event}, event.standing {apart}
"""
ROUNDED = """
    LEFT JOIN (
        SELECT DISTINCT card.agreement_id
        FROM licensing_rateline line JOIN licensing_ratecard card ON card.id = line.card_id
        WHERE line.round_quantity = ANY(%(per_event)s)
    ) rounded ON rounded.agreement_id = event.agreement_id
"""
APART = """,
    rounded.agreement_id, CASE WHEN rounded.agreement_id IS NOT NULL THEN ROW({quantities}) END
"""

# The rest are few and have an index of their own. Each leaf moves events (its own, or the one it
# is about): `sign` adds or takes back, `treatment` is the last ruling's before that leaf, and a
# ruling moves only what is outside the consent. Each event has up to two parts: what is within,
# and what is not.
SUM_LEAVES_APART = """
    WITH leaf AS (
        SELECT event.*, batch.first_index + event.seat AS index
        FROM licensing_usageevent event JOIN licensing_usagebatch batch ON batch.id = event.batch_id
        WHERE batch.first_index >= %(from)s AND batch.first_index < %(to)s
            AND (event.kind <> 'use' OR event.over_meter <> '')
    ),
    move AS (
        SELECT leaf.id AS event_id, 1 AS sign, '' AS treatment, false AS ruled,
               leaf.index, 1 AS leaves
        FROM leaf WHERE leaf.kind <> 'ruling'
        UNION ALL
        SELECT leaf.about, -1, coalesce(ruled.treatment, ''), leaf.kind = 'ruling', leaf.index, 0
        FROM leaf LEFT JOIN LATERAL (
            SELECT ruling.treatment FROM licensing_ruling ruling
            WHERE ruling.about_id = leaf.about AND ruling.event_id < leaf.id
            ORDER BY ruling.event_id DESC LIMIT 1
        ) ruled ON true
        WHERE leaf.about IS NOT NULL
        UNION ALL
        SELECT leaf.about, 1, ruling.treatment, true, leaf.index, 1
        FROM leaf JOIN licensing_ruling ruling ON ruling.event_id = leaf.id
    ),
    part AS (
        SELECT event.*, move.sign, move.index,
               CASE WHEN side.outside THEN move.treatment ELSE '' END AS treatment,
               CASE WHEN NOT crossing.split THEN event.standing
                    WHEN side.outside THEN 'over_cap' ELSE 'cleared' END AS part_standing,
               CASE WHEN side.outside AND crossing.partly AND NOT move.ruled
                    THEN 0 ELSE move.leaves END AS leaves,
               crossing.split, side.outside, crossing.capped,
               event.kind = 'amendment' AND {nothing} AS taken_back
        FROM move
        JOIN licensing_usageevent event ON event.id = move.event_id
        CROSS JOIN LATERAL (
            SELECT event.over_meter <> '' AND event.standing IN ('cleared', 'over_cap') AS split,
                   {capped} AS capped
        ) cap
        CROSS JOIN LATERAL (
            SELECT cap.split, cap.capped, cap.split AND event.over < cap.capped AS partly
        ) crossing
        CROSS JOIN (VALUES (false), (true)) AS side (outside)
        WHERE CASE WHEN crossing.split THEN side.outside OR (crossing.partly AND NOT move.ruled)
                   ELSE side.outside = (event.standing <> 'cleared') END
    ),
    event AS (
        SELECT part.id, part.agency_id, part.agreement_id, part.occurred_at, part.sign, part.index,
               part.leaves, part.treatment, part.part_standing AS standing, part.taken_back,
               {of_part}, {quantities_of_part}
        FROM part
    )
    INSERT INTO valuation_usagetotal (
        run_id, agency_id, agreement_id, month_on, {dimensions}, uniform,
        events, leaves, first_index, last_index, {meters}
    )
    SELECT %(run)s, event.agency_id, event.agreement_id,
           date_trunc('month', event.occurred_at AT TIME ZONE
                      coalesce(agreement.time_zone, 'UTC'))::date,
           {of_event}, event.standing, event.treatment, {uniform},
           sum(CASE WHEN event.taken_back THEN 0 ELSE event.sign END), sum(event.leaves),
           min(event.index), max(event.index),
           {signed_sums}
    FROM event
    LEFT JOIN licensing_agreement agreement ON agreement.id = event.agreement_id
    {join}
    GROUP BY event.agency_id, event.agreement_id, 4, {of_event}, event.standing, event.treatment,
             event.sign, event.taken_back {apart}
"""
# The cap's own meter is split exactly; the others in its proportion, to a millionth.
PART_OF_A_QUANTITY = """
    CASE WHEN NOT part.split THEN part."{meter}"
         WHEN part.outside THEN {over}
         ELSE part."{meter}" - {over} END AS "{meter}"
"""
OVER = """round(part."{meter}" * part.over / part.capped, 6)"""


def add_new_leaves(run: NightRun) -> int:
    """Add the run's leaves [from_index, to_index) to the totals; return how many they are."""
    given = {
        "run": run.pk,
        "from": run.from_index,
        "to": run.to_index,
        "per_event": [rounding.value for rounding in PER_EVENT],
    }
    with connection.cursor() as cursor:
        # For this transaction: else the planner sorts the events on disk instead of hashing.
        cursor.execute("SET LOCAL work_mem = '256MB'")
        for statement in _statements():
            cursor.execute(statement, given)
    return UsageTotal.objects.filter(run=run).aggregate(sum=Sum("leaves"))["sum"] or 0


def _statements() -> tuple[str, str]:
    quantities = [f'event."{meter}"' for meter in METERS]
    common = {
        "dimensions": ", ".join(f'"{name}"' for name in DIMENSIONS),
        "meters": ", ".join(f'"{meter}"' for meter in METERS),
        "of_event": ", ".join(f'event."{name}"' for name in OF_EVENT),
        **_apart(quantities),
    }
    ordinary = SUM_NEW_LEAVES.format(
        sums=", ".join(f"sum({quantity})" for quantity in quantities), **common
    )
    apart = SUM_LEAVES_APART.format(
        nothing=f"greatest({', '.join(quantities)}) = 0",
        capped=f"CASE event.over_meter {_by_meter()} END",
        of_part=", ".join(f'part."{name}"' for name in OF_EVENT),
        quantities_of_part=", ".join(
            PART_OF_A_QUANTITY.format(meter=meter, over=OVER.format(meter=meter))
            for meter in METERS
        ),
        signed_sums=", ".join(f"sum(event.sign * {quantity})" for quantity in quantities),
        **common,
    )
    return ordinary, apart


def _by_meter() -> str:
    return " ".join(f"WHEN '{meter}' THEN event.\"{meter}\"" for meter in METERS)


def _apart(quantities: list[str]) -> dict[str, str]:
    """Say how uniform totals are kept apart; comparing all quantities is dear where none are."""
    per_event = [rounding.value for rounding in PER_EVENT]
    if not RateLine.objects.filter(round_quantity__in=per_event).exists():
        return {"uniform": "false", "join": "", "apart": ""}
    return {
        "uniform": "rounded.agreement_id IS NOT NULL",
        "join": ROUNDED,
        "apart": APART.format(quantities=", ".join(quantities)),
    }


def last_rated(agreement_id: int) -> tuple[int, date | None]:
    """Return the last night that rated an agreement, and the day it was for (0, None: none)."""
    done = NightShard.objects.filter(agreement=agreement_id, status=ShardStatus.DONE.value)
    last = done.order_by("-run").values_list("run", "run__as_of").first()
    return last or (0, None)


def unrated(run: NightRun, agreement_id: int, last_run_id: int) -> list[Row]:
    """Return the totals of new leaves: those of nights after the last that rated them."""
    return _rows(agreement=agreement_id, run__gt=last_run_id, run__lte=run.pk)


def between(run: NightRun, agreement_id: int, days: Days) -> list[Row]:
    """Return an agreement's totals of the months within some days, of all nights to this one."""
    return _rows(
        agreement=agreement_id,
        run__lte=run.pk,
        month_on__gte=days.starts_on,
        month_on__lt=days.ends_on,
    )


def _rows(**conditions: Any) -> list[Row]:
    totals = UsageTotal.objects.filter(**conditions).order_by("pk")
    return list(totals.values(*KEPT, *DIMENSIONS, *METERS))


def cell_of(row: Row) -> Cell:
    """Return one total as the cell that rating works on."""
    dimensions = {name: row[name] for name in DIMENSIONS}
    quantities = {meter: row[meter] for meter in METERS if row[meter] is not None}
    return Cell(
        **dimensions,
        quantities=quantities,
        events=row["events"],
        leaves=row["leaves"],
        uniform=row["uniform"],
    )
