"""What needs a decision before it can be charged or paid, and what each of it is worth.

Uses are added up by agreement, twin, right and use. What a use is worth is what the night would
post for it on top of all that is decided: at the unlicensed rate, or where the card has none, at
the licensed one.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest, Round

from licensing.models import Agreement, Licensee, RateCard, UsageEvent
from licensing.usage.totals.statements import METERS
from licensing.words import Standing, Treatment
from talent.models import CompositeSource, DigitalTwin, User
from talent.words import Right, Use
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.reports import alternatives
from valuation.reports.alternatives import Row, Terms
from valuation.residuals.rated_use import NO_CARD, RatedDays
from valuation.residuals.segments import rating_period
from valuation.words import ShardStatus, Undecided

ZERO, ONE = Decimal(0), Decimal(1)
# Agreements that are priced for one page. More would keep its reader waiting; filters narrow it.
MOST_PRICED = 200
NO_AGREEMENT = "It has no agreement, so no terms price it."
NO_TERMS = "The agreement has no rates."
# Kinds of which an agreement waits, and no use is told.
UNRATED = frozenset({Undecided.SET_ASIDE, Undecided.FAILED})


@dataclass(frozen=True, slots=True)
class Item:
    """Uses, or an agreement, that wait for one decision. `worth` is None where no price is known.

    `count` is the number of uses; one, of an agreement that the
    night could not rate wholly.
    """

    kind: Undecided
    agency_id: int
    licensee_id: int
    licensee: str
    agreement_id: int | None
    agreement: str
    twin_id: int | None
    twin: str
    right: str
    use: str
    count: int
    since: date
    currency: str
    worth: Decimal | None = None
    rate: str = ""
    why_not: str = ""
    standing: str = ""
    # The leaves of the log of use that was set aside: first and last.
    leaves: tuple[int, int] | None = None
    rows: tuple[Row, ...] = field(default=(), repr=False)
    performers: frozenset[int] = frozenset()

    @property
    def what(self) -> str:
        if not self.right:
            return self.why_not
        return f"{Right(self.right).label} · {Use(self.use).label}"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What of all is asked for; None is any. `before` leaves what waits since an earlier day.

    What has no agreement has no currency either: it is asked for with each.
    """

    kinds: frozenset[Undecided] = frozenset(Undecided)
    licensee: int | None = None
    performer: int | None = None
    agreement: int | None = None
    agency: int | None = None
    currency: str | None = None
    before: date | None = None

    def holds(self, item: Item) -> bool:
        return (
            item.kind in self.kinds
            and self.licensee in (None, item.licensee_id)
            and self.agreement in (None, item.agreement_id)
            and self.agency in (None, item.agency_id)
            and (self.currency is None or item.currency in ("", self.currency))
            and (self.performer is None or self.performer in item.performers)
            and (self.before is None or item.since < self.before)
        )


def items_of(user: User, *, agency_id: int | None = None) -> list[Item]:
    """Return all that waits where a user may see it, or at one agency; unpriced, oldest first."""
    found = [
        *_uses_to_rule_on(user, agency_id),
        *_uses_without_a_price(user, agency_id),
        *_agreements_that_failed(user, agency_id),
    ]
    named = _with_names(found)
    return sorted(named, key=lambda item: (item.since, item.kind.value, item.agreement, item.what))


def priced(items: Sequence[Item], as_of: date) -> tuple[list[Item], int]:
    """Price items where terms are known; return them, and how many agreements were left out."""
    agreements = list(dict.fromkeys(item.agreement_id for item in items if item.agreement_id))
    chosen = agreements[:MOST_PRICED]
    waiting = [row for item in items for row in item.rows]
    if not waiting:
        return list(items), 0
    since = min(row["month_on"] for row in waiting)
    terms = alternatives.terms_of(chosen)
    first = min(
        (alternatives.whole_periods_since(one.agreement, since) for one in terms.values()),
        default=since,
    )
    decided = {
        pk: [row for row in rows if _is_decided(row)]
        for pk, rows in alternatives.facts_of(chosen, first).items()
    }
    pricer = _Pricer(terms, decided, as_of)
    return [pricer.price(item) for item in items], len(agreements) - len(chosen)


def totals_of(items: Iterable[Item]) -> dict[str, Decimal]:
    """Return what items are worth in all, by currency, as far as they have a price."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for item in items:
        if item.worth is not None:
            sums[item.currency] += item.worth
    return dict(sorted(sums.items()))


# Uses outside the consent, or without an agreement


def kind_of_use() -> Case:
    """Return as what a use to rule on waits, as an expression over usage events."""
    return Case(
        When(agreement=None, then=Value(Undecided.NO_AGREEMENT.value)),
        When(standing=Standing.ON_HOLD.value, then=Value(Undecided.DISPUTED.value)),
        When(
            Q(standing=Standing.OVER_CAP.value) | ~Q(over_meter=""),
            then=Value(Undecided.OVER_CAP.value),
        ),
        default=Value(Undecided.OUTSIDE.value),
    )


def _uses_to_rule_on(user: User, agency_id: int | None) -> Iterator[Item]:
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for group in _groups_to_rule_on(user, agency_id):
        key = tuple(group[name] for name in ("waits_as", "agency", "licensee", "agreement", "twin",
                                             "right", "use", "standing"))  # fmt: skip
        grouped[key].append(group)
    for (kind, agency, licensee, agreement, twin, right, use, standing), groups in grouped.items():
        yield Item(
            kind=Undecided(kind),
            agency_id=agency,
            licensee_id=licensee,
            licensee="",
            agreement_id=agreement,
            agreement="",
            twin_id=twin,
            twin="",
            right=right,
            use=use,
            count=sum(group["count"] for group in groups),
            since=min(group["first_at"] for group in groups).date(),
            currency="",
            standing=standing,
            rows=tuple(map(_row, groups)) if agreement else (),
        )


def _groups_to_rule_on(user: User, agency_id: int | None) -> QuerySet[UsageEvent, dict[str, Any]]:
    zone = Coalesce(F("agreement__time_zone"), Value("UTC"))
    there = Func(zone, F("occurred_at"), function="timezone", output_field=DateTimeField())
    month = Func(Value("month"), there, function="date_trunc", output_field=DateTimeField())
    past = _part_past_the_cap()
    told_apart = [*METERS, "over", "over_meter"] if alternatives.some_rate_rounds_events() else []
    sums = {f"sum_{meter}": Sum(Round(F(meter) * past, 6)) for meter in METERS}
    groups: QuerySet[UsageEvent, dict[str, Any]] = (
        _at(agency_id, UsageEvent.objects.visible_to(user))
        .to_rule_on()
        .annotate(waits_as=kind_of_use(), month_on=Cast(month, DateField()))
        .order_by()
        .values("waits_as", "agency", "licensee", "agreement", "twin", "production", "right",
                "use", "territory", "language", "channel", "prompt_class", "real_time",
                "standing", "month_on", *told_apart)
        .annotate(count=Count("pk"), first_at=Min("occurred_at"), **sums)
    )  # fmt: skip
    return groups


def _at(agency_id: int | None, rows: QuerySet[Any, Any]) -> Any:
    return rows if agency_id is None else rows.filter(agency=agency_id)


def _part_past_the_cap() -> Case:
    """Return which part of a use waits: what is past its cap, or all of it."""
    capped = Case(
        *(When(over_meter=meter, then=F(meter)) for meter in METERS), output_field=DecimalField()
    )
    share = ExpressionWrapper(F("over") / Greatest(capped, F("over")), output_field=DecimalField())
    crossed = Q(standing__in=[Standing.CLEARED.value, Standing.OVER_CAP.value])
    return Case(
        When(crossed & ~Q(over_meter="") & Q(over__gt=0), then=share),
        default=Value(ONE),
        output_field=DecimalField(max_digits=30, decimal_places=12),
    )


def _row(group: dict[str, Any]) -> Row:
    """Return grouped uses as a row of usage totals, all outside the consent."""
    kept = ("right", "use", "territory", "language", "channel", "prompt_class", "real_time",
            "month_on")  # fmt: skip
    standing = group["standing"]
    return {
        **{name: group[name] for name in kept},
        **{meter: group[f"sum_{meter}"] for meter in METERS},
        **alternatives.NO_SPAN,
        "agreement_id": group["agreement"],
        "production_id": group["production"],
        "standing": Standing.OVER_CAP.value if standing == Standing.CLEARED.value else standing,
        "treatment": "",
        "events": group["count"],
        "leaves": group["count"],
        "uniform": "over" in group,
        "counts_from": None,
        "whole": alternatives.whole_of(group) if group.get("over_meter") else None,
    }


# Uses inside the consent that have no price


def agreements_without_a_price(user: User) -> QuerySet[Agreement]:
    """Agreements whose nights met uses without a rate, or before the first rate card."""
    unpriced = NightShard.objects.visible_to(user).unpriced()
    cards = RateCard.objects.agreed().filter(agreement=OuterRef("pk")).order_by("effective_from")
    first = Coalesce(Subquery(cards.values("effective_from")[:1]), Value(date.max))
    decided = Q(standing=Standing.CLEARED.value) | ~Q(treatment__in=["", Treatment.ZERO.value])
    early = UsageTotal.objects.read().filter(
        decided, agreement=OuterRef("pk"), month_on__lt=OuterRef("first_rated_on")
    )
    waiting: QuerySet[Agreement] = (
        Agreement.objects.visible_to(user)
        .annotate(first_rated_on=first)
        .filter(Q(pk__in=unpriced.values("agreement")) | Exists(early))
    )
    return waiting


def _uses_without_a_price(user: User, agency_id: int | None) -> Iterator[Item]:
    waiting = _at(agency_id, agreements_without_a_price(user))
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return
    as_of = NightRun.objects.standing().order_by("-pk").values_list("as_of", flat=True).first()
    terms = alternatives.terms_of(ids)
    facts = alternatives.facts_of(ids, date.min)
    for pk, one in terms.items():
        yield from _unpriced(one, facts.get(pk, ()), as_of or date.min)


def _unpriced(terms: Terms, rows: Sequence[Row], as_of: date) -> Iterator[Item]:
    """Yield an agreement's use that has no price, by right, use and reason."""
    waiting: dict[tuple[Undecided, str, str, str], list[Row]] = defaultdict(list)
    # One by one, so that each row is known by what becomes of it. What is outside the consent
    # waits for a ruling first.
    for row in filter(_is_decided, rows):
        period = rating_period(terms.agreement, row["month_on"])
        outcome = terms.rate(period, [row], as_of)
        for kind, reason in _why_unpriced(outcome):
            waiting[kind, row["right"], row["use"], reason].append(row)
    agreement = terms.agreement
    for (kind, right, use, reason), held in waiting.items():
        if (count := sum(row["events"] for row in held)) > 0:
            yield Item(
                kind=kind,
                agency_id=agreement.agency_id,
                licensee_id=agreement.licensee_id,
                licensee="",
                agreement_id=agreement.pk,
                agreement="",
                twin_id=agreement.twin_id,
                twin="",
                right=right,
                use=use,
                count=count,
                since=min(row["month_on"] for row in held),
                currency="",
                why_not=reason,
                rows=tuple(held),
            )


def _why_unpriced(outcome: RatedDays) -> Iterator[tuple[Undecided, str]]:
    for use in outcome.held():
        if use.reason == NO_CARD:
            yield Undecided.NO_CARD, use.reason
    for use in outcome.zero():
        if use.cell.treatment != Treatment.ZERO:
            yield Undecided.NO_RATE, use.reason


# Agreements that the night could not rate, or not wholly


def _agreements_that_failed(user: User, agency_id: int | None) -> Iterator[Item]:
    shards = (
        NightShard.objects.visible_to(user)
        .unfinished()
        .filter(status__in=[ShardStatus.FAILED.value, ShardStatus.PARTLY.value])
        .select_related("agreement", "run")
    )
    if agency_id is not None:
        shards = shards.filter(agreement__agency=agency_id)
    for shard in shards:
        agreement = shard.agreement
        partly = shard.status == ShardStatus.PARTLY.value
        yield Item(
            kind=Undecided.SET_ASIDE if partly else Undecided.FAILED,
            agency_id=agreement.agency_id,
            licensee_id=agreement.licensee_id,
            licensee="",
            agreement_id=agreement.pk,
            agreement="",
            twin_id=agreement.twin_id,
            twin="",
            right="",
            use="",
            count=1,
            since=shard.run.as_of,
            currency="",
            why_not=shard.error,
            leaves=_leaves_of(shard) if partly else None,
        )


def _leaves_of(shard: NightShard) -> tuple[int, int]:
    firsts = [use["first_index"] for use in shard.set_aside]
    return min(firsts), max(use["last_index"] for use in shard.set_aside)


# Names and prices


def _with_names(items: Collection[Item]) -> Iterator[Item]:
    agreements = Agreement.objects.in_bulk({one.agreement_id for one in items if one.agreement_id})
    licensees = Licensee.objects.in_bulk({one.licensee_id for one in items})
    twins = DigitalTwin.objects.in_bulk({one.twin_id for one in items if one.twin_id})
    people: dict[int, set[int]] = defaultdict(set)
    for twin in twins.values():
        if twin.performer_id:
            people[twin.pk].add(twin.performer_id)
    sources = CompositeSource.objects.filter(twin__in=twins)
    for twin_id, performer_id in sources.values_list("twin", "performer"):
        people[twin_id].add(performer_id)
    for item in items:
        agreement = agreements.get(item.agreement_id) if item.agreement_id else None
        acting = twins.get(item.twin_id) if item.twin_id else None
        yield replace(
            item,
            licensee=licensees[item.licensee_id].name,
            agreement=agreement.reference if agreement else "",
            currency=agreement.currency if agreement else "",
            twin=acting.name if acting else "",
            performers=frozenset(people[item.twin_id]) if item.twin_id else frozenset(),
        )


def _is_decided(row: Row) -> bool:
    """Tell whether a row is of use inside the consent, or of a use that somebody ruled on."""
    return bool(row["standing"] == Standing.CLEARED.value or row["treatment"] != "")


@dataclass(frozen=True, slots=True)
class _Pricer:
    """Prices what waits on top of what is decided, an agreement at a time."""

    terms: dict[int, Terms]
    decided: dict[int, list[Row]]
    as_of: date

    def price(self, item: Item) -> Item:
        if item.agreement_id is None:
            return replace(item, why_not=NO_AGREEMENT)
        if item.kind is Undecided.NO_RATE or not item.rows or item.agreement_id not in self.terms:
            return item
        terms = self.terms[item.agreement_id]
        if not terms.cards:
            return replace(item, why_not=NO_TERMS)
        if item.kind is Undecided.NO_CARD:
            return self._by_the_first_card(item, terms)
        unlicensed = any(line.unlicensed for card in terms.cards for line in card.lines.all())
        treatment = Treatment.UNLICENSED if unlicensed else Treatment.LICENSED
        rate = "unlicensed" if unlicensed else "licensed"
        more = [{**row, "treatment": treatment.value} for row in item.rows]
        return self._on_top(item, terms, more, rate)

    def _by_the_first_card(self, item: Item, terms: Terms) -> Item:
        """Price use before the first card as if that card had counted already."""
        first = copy(terms.cards[0])
        first.effective_from = date.min
        earlier = Terms(terms.agreement, [first, *terms.cards])
        rest = [row for row in self.decided.get(terms.agreement.pk, ()) if row not in item.rows]
        return self._worth(item, earlier, rest, list(item.rows), "first")

    def _on_top(self, item: Item, terms: Terms, more: Sequence[Row], rate: str) -> Item:
        return self._worth(item, terms, self.decided.get(terms.agreement.pk, []), more, rate)

    def _worth(
        self, item: Item, terms: Terms, rest: Sequence[Row], more: Sequence[Row], rate: str
    ) -> Item:
        periods = {rating_period(terms.agreement, row["month_on"]) for row in more}
        since = min(period.starts_on for period in periods)
        inside = [
            row for row in rest if any(p.starts_on <= row["month_on"] < p.ends_on for p in periods)
        ]
        without = alternatives.price(terms, inside, since, self.as_of)
        with_it = alternatives.price(terms, [*inside, *more], since, self.as_of)
        if reasons := [one for one in with_it.reasons if one not in without.reasons]:
            return replace(item, why_not=" ".join(dict.fromkeys(reasons)))
        if with_it.gross == without.gross and (reason := self._why_nothing(terms, more)):
            return replace(item, why_not=reason)
        return replace(item, worth=with_it.gross - without.gross, rate=rate)

    def _why_nothing(self, terms: Terms, rows: Sequence[Row]) -> str:
        """Return why no line rates some of these rows; empty: all of them are rated, at nothing."""
        for row in rows:
            period = rating_period(terms.agreement, row["month_on"])
            outcome = terms.rate(period, [row], self.as_of)
            for use in (*outcome.held(), *outcome.zero()):
                return use.reason
        return ""


def counts_of(user: User, at_most: int) -> dict[Undecided, int]:
    """Return how much of each kind waits, for tiles: uses, or agreements where no use is told.

    Uses are counted no further than `at_most`. Agreements without a price stand under NO_RATE,
    also those whose uses came before their first rate card.
    """
    uses = UsageEvent.objects.visible_to(user).to_rule_on().annotate(waits_as=kind_of_use())
    codes = uses.order_by().values_list("waits_as", flat=True)[:at_most]
    counts = Counter(map(Undecided, codes))
    counts[Undecided.NO_RATE] = agreements_without_a_price(user).count()
    shards = NightShard.objects.visible_to(user).unfinished().values_list("status", flat=True)
    by_status = Counter(shards)
    counts[Undecided.SET_ASIDE] = by_status[ShardStatus.PARTLY.value]
    counts[Undecided.FAILED] = by_status[ShardStatus.FAILED.value]
    return counts
