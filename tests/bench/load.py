"""A load for measuring: one agency, an agreement for each five thousand events asked for."""

from datetime import UTC, date, datetime
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
from talent.models import Agency, Beneficiary, DigitalTwin, Performer

EVENTS_AN_AGREEMENT = 5_000
IN_A_BATCH = 1_000
RECEIVED = datetime(2026, 10, 1, tzinfo=UTC)

# Spread over a quarter and over the agreements; the figures an event carries are four meters'.
EVENTS = """
    INSERT INTO licensing_usageevent (
        batch_id, seat, kind, agency_id, licensee_id, agreement_id, twin_id, occurred_at,
        "right", use, territory, language, channel, prompt_class, real_time, standing,
        standing_reason, lines, words, seconds, tokens, entry
    )
    SELECT %(first_batch)s + n / %(in_a_batch)s, n %% %(in_a_batch)s, 'use', %(agency)s,
           %(licensee)s, %(first_agreement)s + (n * 7919) %% %(agreements)s,
           %(first_twin)s + (n * 7919) %% %(agreements)s,
           timestamptz '2026-07-01 00:00+00' + make_interval(secs => (n * 104729) %% 7948800),
           'voice', (ARRAY['dubbing', 'adr', 'game'])[1 + n %% 3], 'US', 'en', 'streaming',
           'scripted', false, 'cleared', '', 1 + n %% 5, 10 + n %% 50, (1 + n %% 90) * 0.1,
           n %% 2000, decode(repeat('00', 65), 'hex')
    FROM generate_series(%(start)s::bigint, %(stop)s::bigint) AS n
"""
CHUNK = 500_000


def write(events: int) -> None:
    """Write the parties, their agreements and so many events, sealed in batches of a thousand."""
    agency = Agency.objects.create(name="Bench Example", slug="bench", country="US")
    studio = Licensee.objects.create(name="Load Example", slug="load", kind="studio", country="US")
    terms = LicenseeTerms.objects.create(agency=agency, licensee=studio)
    agreements = _write_agreements(agency, studio, events // EVENTS_AN_AGREEMENT)
    _write_events(terms, agreements, events)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE licensing_usageevent, licensing_usagebatch")


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
    batches = UsageBatch.objects.bulk_create(
        UsageBatch(
            terms=terms,
            door="api",
            received_at=RECEIVED,
            size=IN_A_BATCH,
            first_index=number * IN_A_BATCH,
            sealed_at=RECEIVED,
        )
        for number in range(events // IN_A_BATCH)
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
    }
    with connection.cursor() as cursor:
        for start in range(0, events, CHUNK):
            stop = min(start + CHUNK, events) - 1
            cursor.execute(EVENTS, {**values, "start": start, "stop": stop})


def forget_nights() -> None:
    """Take back everything that nights wrote, so that the next one is the first again."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE valuation_nightrun CASCADE")


def forget() -> None:
    """Take back the whole load, so that another of a different size can be written."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE talent_agency, talent_performer, licensing_licensee CASCADE")
        cursor.execute("TRUNCATE licensing_usageevent, licensing_loghead CASCADE")
