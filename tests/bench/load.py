"""A load for measuring: one agency, an agreement for each five thousand events asked for.

As a studio sends it: each batch is of ten agreements and of about a day, with some twenty kinds of
use of each; over a quarter an agreement comes to more than two hundred buckets of all that a rate
can see.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from licensing.models import (
    Agreement,
    Bracket,
    Licensee,
    LicenseeTerms,
    LogHead,
    RateCard,
    RateLine,
    UsageBatch,
)
from licensing.usage.totals.sums import store_missing_sums
from talent.models import Agency, Beneficiary, DigitalTwin, Performer
from valuation.residuals import stretches

EVENTS_AN_AGREEMENT = 5_000
IN_A_BATCH = 1_000
AGREEMENTS_IN_A_BATCH = 10
RECEIVED = datetime(2026, 10, 1, tzinfo=UTC)
# The parts of the log that four nights read, and the last days of these: much, a little, much again
# and as little again, so that the second and the fourth tell what history costs.
NIGHTS = ((0.47, date(2026, 10, 1)), (0.50, date(2026, 10, 2)), (0.97, date(2026, 10, 3)),
          (1, date(2026, 10, 4)))  # fmt: skip
# All of their days are over then.
ADDED_UP = datetime(2026, 10, 5, 1, tzinfo=UTC)

# The figures an event carries are four meters'. `n` is the event, `batch` and `place` are where it
# comes, `round` says how often its agreement has come before.
EVENTS = """
    INSERT INTO licensing_usageevent (
        batch_id, seat, kind, agency_id, licensee_id, agreement_id, twin_id, occurred_at,
        "right", use, territory, language, channel, prompt_class, real_time, standing,
        standing_reason, lines, words, seconds, tokens, entry
    )
    SELECT %(first_batch)s + batch, place, 'use', %(agency)s, %(licensee)s,
           %(first_agreement)s + of, %(first_twin)s + of,
           timestamptz '2026-07-01 00:00+00' + make_interval(
               secs => batch * (7862400.0 / %(batches)s) + (place * 7919) %% 86400),
           'voice', (ARRAY['dubbing', 'adr', 'game'])[1 + kind %% 3],
           (ARRAY['US', 'FR'])[1 + (kind / 3) %% 2],
           (ARRAY['en', 'fr', 'de', 'es'])[1 + (kind / 6) %% 4],
           (ARRAY['streaming', 'cinema', 'game'])[1 + (kind / 24) %% 3],
           'scripted', false, 'cleared', '', 1 + n %% 5, 10 + n %% 50, (1 + n %% 90) * 0.1,
           n %% 2000, decode(repeat('00', 65), 'hex')
    FROM generate_series(%(start)s::bigint, %(stop)s::bigint) AS n
    CROSS JOIN LATERAL (
        SELECT n / %(in_a_batch)s AS batch, (n %% %(in_a_batch)s)::int AS place
    ) sent
    CROSS JOIN LATERAL (
        SELECT (batch * %(at_once)s + place %% %(at_once)s) %% %(agreements)s AS of,
               batch * %(at_once)s / %(agreements)s AS round
    ) whose
    CROSS JOIN LATERAL (SELECT (place / %(at_once)s) %% 24 + 24 * (round %% 3) AS kind) kinds
"""
CHUNK = 500_000


def write(events: int) -> None:
    """Write the parties, their agreements and so many events, sealed in batches of a thousand."""
    agency = Agency.objects.create(name="Bench Example", slug="bench", country="US")
    studio = Licensee.objects.create(name="Load Example", slug="load", kind="studio", country="US")
    terms = LicenseeTerms.objects.create(agency=agency, licensee=studio)
    agreements = _write_agreements(agency, studio, events // EVENTS_AN_AGREEMENT)
    _write_events(terms, agreements, events)
    store_missing_sums(from_index=0, to_index=events)
    with connection.cursor() as cursor:
        cursor.execute(
            "VACUUM ANALYZE licensing_usageevent, licensing_usagebatch, licensing_usagesum"
        )


def _write_agreements(agency: Agency, studio: Licensee, count: int) -> list[Agreement]:
    performers = Performer.objects.bulk_create(
        Performer(name=f"Performer {number}") for number in range(count)
    )
    Beneficiary.objects.bulk_create(Beneficiary(name=one.name, performer=one) for one in performers)
    twins = DigitalTwin.objects.bulk_create(
        DigitalTwin(
            name=f"Voice of {one.name}",
            performer=one,
            tier="dynamic_behavioral_emulator",
            legal_class="employment_based",
        )
        for one in performers
    )
    agreements = Agreement.objects.bulk_create(
        Agreement(
            agency=agency,
            licensee=studio,
            twin=twin,
            reference=f"B-{number}",
            status="signed",
            signed_at=datetime(2026, 6, 1, tzinfo=UTC),
            starts_at=datetime(2026, 6, 1, tzinfo=UTC),
            currency="USD",
        )
        for number, twin in enumerate(twins)
    )
    cards = RateCard.objects.bulk_create(
        RateCard(agreement=one, effective_from=date(2026, 4, 1)) for one in agreements
    )
    _write_lines(cards)
    return agreements


def _write_lines(cards: list[RateCard]) -> None:
    lines = RateLine.objects.bulk_create(
        line
        for card in cards
        for line in (
            RateLine(card=card, code="lines", label="Lines", meter="lines", pricing="graduated"),
            RateLine(
                card=card, code="seconds", label="Seconds", meter="seconds", pricing="per_unit",
                unit_price=Decimal("0.40"),
            ),
        )
    )  # fmt: skip
    Bracket.objects.bulk_create(
        Bracket(line=line, up_to=up_to, unit_price=price)
        for line in lines
        if line.code == "lines"
        for up_to, price in ((Decimal(1000), Decimal("3.90")), (None, Decimal("2.90")))
    )


def _write_events(terms: LicenseeTerms, agreements: list[Agreement], events: int) -> None:
    count = events // IN_A_BATCH
    batches = UsageBatch.objects.bulk_create(
        UsageBatch(
            terms=terms,
            door="api",
            received_at=RECEIVED,
            size=IN_A_BATCH,
            first_index=number * IN_A_BATCH,
            sealed_at=_sealed_at(number / count),
        )
        for number in range(count)
    )
    LogHead.objects.update_or_create(pk=1, defaults={"size": events})
    values = {
        "first_batch": batches[0].pk,
        "in_a_batch": IN_A_BATCH,
        "agency": terms.agency_id,
        "licensee": terms.licensee_id,
        "first_agreement": agreements[0].pk,
        "first_twin": agreements[0].twin_id,
        "agreements": len(agreements),
        "at_once": AGREEMENTS_IN_A_BATCH,
        "batches": count,
    }
    with connection.cursor() as cursor:
        for start in range(0, events, CHUNK):
            stop = min(start + CHUNK, events) - 1
            cursor.execute(EVENTS, {**values, "start": start, "stop": stop})


def _sealed_at(part: float) -> datetime:
    """Return when a batch is sealed that lies so far in the log: before the night that reads it."""
    day = next(day for until, day in NIGHTS if part < until)
    return datetime.combine(day, RECEIVED.time(), UTC) + timedelta(hours=1)


def add_up() -> None:
    """Add up what is sealed, as the desk does during the day, before a night reads it."""
    stretches.add_up_sealed(now=ADDED_UP)


def tidy() -> None:
    """Have the database look at what was added up, as its autovacuum does."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE valuation_usagetotal, valuation_usagemonth")


def forget_added_up() -> None:
    """Take back what was added up, and what nights made of it, as if sealed just now."""
    forget_nights()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE valuation_usagestretch, valuation_usagetotal, valuation_usagemonth"
        )


def forget_nights() -> None:
    """Take back what nights wrote, but for what was added up: the next is the first again."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE valuation_nightrun, valuation_reading CASCADE")


def forget() -> None:
    """Take back the whole load, so that another of a different size can be written."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE talent_agency, talent_performer, licensing_licensee CASCADE")
        cursor.execute(
            "TRUNCATE licensing_usageevent, licensing_usagesum, licensing_loghead,"
            " valuation_usagestretch, valuation_usagetotal, valuation_usagemonth CASCADE"
        )
