"""Loading: what a night knows of many agreements before it rates them, in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db.models import Max, Sum

from licensing.models import Agreement, Bracket, Escalator, Multiplier, RateCard, RateLine
from talent.beneficiaries import Split, splits_of_twins
from talent.database.json_rows import gather, point
from talent.database.sql import among
from talent.models import Agency
from talent.periods import Days
from valuation.ledger.closed_periods import closed_until
from valuation.models import NightRun, NightShard, Reading, ResidualLine, UsageMonth
from valuation.residuals import totals
from valuation.residuals.new_use import new_use
from valuation.residuals.posting import AgreementFacts, Posted, PostedSoFar, Seat
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.readings import Key, key_of
from valuation.residuals.segments import periods_that_open_or_end
from valuation.residuals.totals import LastRated
from valuation.words import ReadingKind

# By agreement's id, then by the first day of the period.
Stored = Mapping[int, Mapping[date, Mapping[Key, Reading]]]


def load_facts(run: NightRun, shards: Sequence[NightShard]) -> list[AgreementFacts]:
    """Return what is known of the shards' agreements, in the order of the shards."""
    ids = [shard.agreement_id for shard in shards]
    terms = _terms_of(ids)
    last = totals.last_rated(ids)
    new = new_use(run, {pk: last.get(pk, LastRated()) for pk in ids}, terms)
    come_due = totals.cells_come_due(run, last)
    reprice = _periods_to_reprice(run, shards, terms, last)
    splits = splits_of_twins([one.agreement.twin for one in terms.values()])
    open_days = _first_open_days(terms.values(), splits)
    return [
        AgreementFacts(
            shard=shard,
            terms=terms[pk],
            last=last.get(pk, LastRated()),
            new=new.get(pk, ()),
            come_due=come_due.get(pk, ()),
            periods_to_reprice=frozenset(reprice[pk]),
            splits=splits.get(terms[pk].agreement.twin_id),
            first_open_days=open_days[terms[pk].agreement.agency_id, terms[pk].agreement.currency],
        )
        for shard, pk in zip(shards, ids, strict=True)
    ]


def load_readings(periods: Mapping[int, Iterable[Days]]) -> Stored:
    """Return the stored readings of some agreements' rating periods, given by agreement."""
    due = {pk: list(days) for pk, days in periods.items()}
    starts = [days.starts_on for of_one in due.values() for days in of_one]
    stored: dict[int, dict[date, dict[Key, Reading]]] = {pk: {} for pk in due}
    if not starts:
        return stored
    readings = Reading.objects.of_use().filter(agreement__in=among(due), period_on__gte=min(starts))
    for reading in readings:
        for days in due[reading.agreement_id]:
            # A card that begins within the period has readings that begin with it.
            if days.starts_on <= reading.period_on < days.ends_on:
                of_period = stored[reading.agreement_id].setdefault(days.starts_on, {})
                of_period[key_of(reading)] = reading
    return stored


def load_posted(readings: Iterable[Reading]) -> Posted:
    """Return what was posted, by reading and then by month and beneficiary."""
    stored = [reading.pk for reading in readings if reading.pk is not None]
    posted: dict[int, dict[Seat, PostedSoFar]] = {}
    if not stored:
        return posted
    sums = (
        ResidualLine.objects.filter(reading__in=among(stored))
        .values_list("reading", "month_on", "beneficiary")
        .annotate(Sum("amount"), Sum("quantity"), Max("pk"))
    )
    for reading, month_on, beneficiary, amount, quantity, last in sums:
        posted.setdefault(reading, {})[month_on, beneficiary] = PostedSoFar(amount, quantity, last)
    return posted


def _terms_of(agreement_ids: Sequence[int]) -> dict[int, AgreementTerms]:
    agreements = list(
        Agreement.objects.filter(pk__in=among(agreement_ids)).select_related(
            "twin__performer__beneficiary"
        )
    )
    point(agreements, agency=Agency.objects.in_bulk({one.agency_id for one in agreements}))
    cards: dict[int, list[RateCard]] = defaultdict(list)
    for card in _complete(RateCard.objects.agreed().filter(agreement__in=among(agreement_ids))):
        cards[card.agreement_id].append(card)
    return {one.pk: AgreementTerms(one, cards[one.pk]) for one in agreements}


def _complete(cards: Iterable[RateCard]) -> list[RateCard]:
    """Return rate cards with all that prices hang on; `prefetch_related` takes twice as long."""
    cards = list(cards)
    ids = among([card.pk for card in cards])
    lines = list(RateLine.objects.filter(card__in=ids))
    brackets = Bracket.objects.filter(line__in=among([line.pk for line in lines]))
    escalators = Escalator.objects.filter(card__in=ids).prefetch_related("index__figures")
    gather(lines, "brackets", brackets, "line_id")
    gather(cards, "lines", lines, "card_id")
    gather(cards, "multipliers", Multiplier.objects.filter(card__in=ids), "card_id")
    gather(cards, "escalators", escalators, "card_id")
    return cards


def _first_open_days(
    terms: Iterable[AgreementTerms], splits: Mapping[int, tuple[Split, ...]]
) -> dict[tuple[int, str], dict[int, date]]:
    """Return by agency and currency, then by beneficiary, the first day no statement covers."""
    paid: dict[tuple[int, str], set[int]] = defaultdict(set)
    for one in terms:
        agreement = one.agreement
        paid[agreement.agency_id, agreement.currency] |= {
            share.beneficiary_id
            for split in splits.get(agreement.twin_id, ())
            for share in split.shares
        }
    return {
        (agency_id, currency): closed_until(
            agency_id=agency_id, currency=currency, beneficiary_ids=sorted(beneficiaries)
        )
        for (agency_id, currency), beneficiaries in paid.items()
    }


# Periods of which more may have changed than use


def _periods_to_reprice(
    run: NightRun,
    shards: Sequence[NightShard],
    terms: Mapping[int, AgreementTerms],
    last: Mapping[int, LastRated],
) -> dict[int, set[Days]]:
    periods: dict[int, set[Days]] = defaultdict(set)
    changed = [
        shard.agreement_id
        for shard in shards
        if (one := last.get(shard.agreement_id)) and one.terms not in (None, shard.terms)
    ]
    days = [
        *_days_set_aside(last),
        *_days_used_or_charged(run, changed),
        *_days_taken_back(last),
    ]
    for pk, day in days:
        periods[pk].add(terms[pk].period_of(day))
    for pk in changed:
        if terms[pk].can_owe_without_use:
            periods[pk].update(periods_that_open_or_end(terms[pk].agreement, None, run.as_of))
    return periods


def _days_set_aside(last: Mapping[int, LastRated]) -> list[tuple[int, date]]:
    """Return agreements and days of use that their last night could not rate."""
    shards = NightShard.objects.filter(
        agreement__in=among(last), run__in={one.run_id for one in last.values()}
    ).exclude(set_aside=[])
    return [
        (pk, date.fromisoformat(use["period_on"]))
        for pk, run_id, set_aside in shards.values_list("agreement", "run", "set_aside")
        if run_id == last[pk].run_id
        for use in set_aside
    ]


def _days_used_or_charged(run: NightRun, agreement_ids: Sequence[int]) -> list[tuple[int, date]]:
    """Return agreements and all days of months used and periods charged so far."""
    if not agreement_ids:
        return []
    ids = among(agreement_ids)
    used = UsageMonth.objects.filter(agreement__in=ids, last_index__lt=run.to_index)
    charged = Reading.objects.of_use().filter(agreement__in=ids)
    return [
        *used.values_list("agreement", "month_on").distinct(),
        *charged.values_list("agreement", "period_on").distinct(),
    ]


def _days_taken_back(last: Mapping[int, LastRated]) -> list[tuple[int, date]]:
    """Return agreements and days of periods in which nights posted that were taken back since."""
    stand = {
        pk: one.standing_run_id for pk, one in last.items() if one.standing_run_id != one.run_id
    }
    if not stand:
        return []
    lines = ResidualLine.objects.filter(
        agreement__in=among(stand),
        reading__kind=ReadingKind.USE.value,
        run__taken_back_at__isnull=False,
    ).values_list("agreement", "run", "reading__period_on")
    return [(pk, day) for pk, run_id, day in lines.distinct() if run_id > stand[pk]]
