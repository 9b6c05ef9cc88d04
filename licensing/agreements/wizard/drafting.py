"""Drafting: what each step of the wizard writes, in one transaction, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from licensing.agreements import agreements
from licensing.models import (
    Agreement,
    Bracket,
    Cap,
    DealTerms,
    Grant,
    Licensee,
    Multiplier,
    Production,
    RateCard,
    RateLine,
)
from licensing.words import AgreementStatus, Factor, Meter, Pricing
from talent.consent.matrix import CellKey
from talent.consent.scope import Scope
from talent.errors import Refused
from talent.models import Agency, ConsentVersion, DigitalTwin, Performer, User
from talent.periods import local_day, months_later, starts_at
from talent.words import RepresentedBy

from .kinds import KindOfDeal, kind_of_deal
from .offered import Bounds, Offers, refusals_of

# Columns of the deal terms that the step of the deal asks for; those that a kind of deal proposes
# are asked for by the step after the limits.
OF_THE_DEAL = ("kind", "governing_law", "exclusivity", "exclusive_in")
OF_THE_AGREEMENT = (
    "description", "currency", "time_zone", "rating_period", "engagement", "guild",
)  # fmt: skip
YES = "yes"


class NoCurrency(Refused):
    """The agency's country has no money of its own, so that the wizard cannot take it over."""

    code = "no_currency"


class NotADraft(Refused):
    """Only a draft goes on in the wizard."""

    code = "not_a_draft"


@transaction.atomic
def begin(
    *,
    agency: Agency,
    licensee: Licensee,
    twin: DigitalTwin,
    productions: Iterable[Production],
    reference: str,
    at: datetime,
    by: User | None,
) -> Agreement:
    """Draft an agreement with what is taken over from its agency and performer.

    It begins on the day of the draft in the agency's zone. Raises NoCurrency.
    """
    taken = agreements.taken_over(agency=agency, twin=twin)
    if not taken["currency"]:
        raise NoCurrency(
            f"{agency.name} lies in a country without money of its own: draft the agreement on "
            "one form, which asks for the currency."
        )
    day = local_day(at, taken["time_zone"])
    made = agreements.draft(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference=reference,
        starts_at=starts_at(day, taken["time_zone"]),
        ends_at=None,
        at=at,
        by=by,
        **taken,
    )
    made.productions.set(productions)
    return made


def next_reference(agency: Agency, day: date) -> str:
    """Return a reference that no agreement of an agency has: its initials, the year, a number."""
    initials = "".join(word[0] for word in agency.name.split() if word[0].isalnum()).upper()
    begins = f"{initials[:4]}-{day.year}-"
    used = Agreement.objects.filter(agency=agency, reference__startswith=begins)
    numbers = [
        reference.removeprefix(begins) for reference in used.values_list("reference", flat=True)
    ]
    latest = max((int(text) for text in numbers if text.isascii() and text.isdecimal()), default=0)
    return f"{begins}{latest + 1:03}"


def draft_of(agreement: Agreement) -> Agreement:
    """Lock an agreement for a step. Raises NotADraft."""
    locked = agreements.lock(agreement)
    if locked.status != AgreementStatus.DRAFT:
        raise NotADraft(f"{locked.reference} is {locked.status}: the wizard fills in drafts only.")
    return locked


# 1 Who and what


@transaction.atomic
def set_parties(
    agreement: Agreement,
    *,
    licensee: Licensee,
    twin: DigitalTwin,
    productions: Iterable[Production],
    reference: str,
) -> None:
    """Write between whom an agreement stands. Raises NotADraft."""
    locked = draft_of(agreement)
    locked.licensee, locked.twin, locked.reference = licensee, twin, reference
    locked.save(update_fields=["licensee", "twin", "reference"])
    locked.productions.set(productions)


# 2 Which deal


@transaction.atomic
def set_deal(
    agreement: Agreement,
    *,
    terms: Mapping[str, Any],
    deal: Mapping[str, Any],
    starts: datetime,
    ends: datetime | None,
) -> None:
    """Write the kind of deal, its term and what decides of money. Raises NotADraft.

    What another kind proposed, and nobody changed, is proposed anew. The first rates begin with
    the agreement, so they move with it.
    """
    locked = draft_of(agreement)
    before = _first_month(locked)
    for name, value in terms.items():
        setattr(locked, name, value)
    locked.starts_at, locked.ends_at = starts, ends
    locked.save(update_fields=[*terms, "starts_at", "ends_at"])
    _move_rates(locked, before)
    _move_caps(locked)
    _propose(locked, deal)


def _first_month(agreement: Agreement) -> date:
    return local_day(agreement.starts_at, agreement.time_zone).replace(day=1)


def _move_rates(agreement: Agreement, before: date) -> None:
    cards = list(agreement.rate_cards.all()[:2])
    if len(cards) == 1 and cards[0].effective_from == before:
        cards[0].effective_from = _first_month(agreement)
        cards[0].save(update_fields=["effective_from"])


def _move_caps(agreement: Agreement) -> None:
    day = local_day(agreement.starts_at, agreement.time_zone)
    for cap in agreement.caps.exclude(starts_on=day):
        cap.starts_on = day
        cap.save(update_fields=["starts_on"])


def _propose(agreement: Agreement, deal: Mapping[str, Any]) -> None:
    row = DealTerms.objects.filter(agreement=agreement).first()
    if row is None:
        row = DealTerms(agreement=agreement, **_said_in_consent(agreement))
        old: Mapping[str, Any] = {}
    else:
        old = kind_of_deal(row.kind).terms
    new = kind_of_deal(deal["kind"]).terms
    for name in {**old, **new}:
        if row._state.adding or getattr(row, name) == old.get(name, _unset(name)):
            setattr(row, name, new.get(name, _unset(name)))
    for name, value in deal.items():
        setattr(row, name, value)
    row.save()


def _unset(name: str) -> Any:
    return getattr(DealTerms(), name)


def _said_in_consent(agreement: Agreement) -> dict[str, str]:
    """Return who represented the performer when their latest consent was given."""
    performer = agreement.twin.performer_id
    if performer is None:
        return {}
    versions = ConsentVersion.objects.filter(matrix__performer=performer)
    latest = versions.order_by("-recorded_at").first()
    if latest is None or latest.represented_by == RepresentedBy.NONE:
        return {}
    named = latest.represented_by == RepresentedBy.COUNSEL
    if named and not latest.representative:
        return {}
    counsel = {"counsel_name": latest.representative[:200]} if named else {}
    return {"represented_by": latest.represented_by, **counsel}


# 3 What may be done


def grants_within(
    agreement: Agreement, offers: Offers, keys: Sequence[CellKey], bounds: Bounds
) -> tuple[dict[CellKey, Scope], dict[CellKey, Sequence[str]]]:
    """Return the scope of each grant within bounds, and what forbids some of them."""
    scopes, refused = {}, {}
    for key in keys:
        scopes[key], reasons = refusals_of(offers[key], bounds, agreement)
        if reasons:
            refused[key] = reasons
    return scopes, refused


@transaction.atomic
def set_grants(agreement: Agreement, scopes: Mapping[CellKey, Scope], *, anew: bool) -> None:
    """Write the grants. Raises NotADraft.

    Grants that are there and stay keep their bounds, unless they are written `anew`.
    """
    locked = draft_of(agreement)
    kept = {(grant.right, grant.use): grant for grant in locked.grants.all()}
    for key, grant in kept.items():
        if key not in scopes:
            grant.delete()
    for (right, use), scope in scopes.items():
        grant = kept.get((right, use))
        if grant is not None and not anew:
            continue
        values = _columns_of(scope)
        if grant is None:
            grant = Grant(agreement=locked, right=right, use=use)
        elif all(getattr(grant, name) == value for name, value in values.items()):
            continue
        for name, value in values.items():
            setattr(grant, name, value)
        grant.save()


def _columns_of(scope: Scope) -> dict[str, Any]:
    return {
        "territories": _listed(scope.territories),
        "territories_excluded": sorted(scope.territories_excluded),
        "languages": _listed(scope.languages),
        "languages_in": [
            {"territory": there.territory, "languages": sorted(there.languages)}
            for there in scope.languages_in
        ],
        "channels": _listed(scope.channels_allowed),
        "brands": _listed(scope.brands_allowed),
        "exclusions": sorted(scope.exclusions),
        "real_time": bool(scope.real_time),
    }


def _listed(codes: frozenset[str] | None) -> list[str] | None:
    return None if codes is None else sorted(codes)


# 4 What it costs


@dataclass(frozen=True, slots=True)
class PriceSought:
    """The price of one meter: for a unit, or by brackets of which the last has no end."""

    meter: str
    unit_price: Decimal = Decimal(0)
    brackets: tuple[tuple[Decimal | None, Decimal], ...] = ()
    minimum: Decimal = Decimal(0)
    scale_portion: Decimal = Decimal(0)

    @property
    def pricing(self) -> Pricing:
        return Pricing.GRADUATED if self.brackets else Pricing.PER_UNIT


def card_of(agreement: Agreement) -> RateCard | None:
    """Return the rates that the wizard writes: the only card there is; None: there is none yet.

    Raises SeveralCards where there are more.
    """
    cards = list(agreement.rate_cards.all())
    if len(cards) > 1:
        raise SeveralCards(
            f"{agreement.reference} has rates that change over time: change each on its own page."
        )
    return cards[0] if cards else None


class SeveralCards(Refused):
    """Rates that change over time have pages of their own."""

    code = "several_cards"


def line_of(card: RateCard | None, meter: str) -> RateLine | None:
    """Return the line by which the wizard prices a meter: the one without conditions."""
    lines = [line for line in card.lines.all() if line.meter == meter] if card else []
    return lines[0] if len(lines) == 1 and is_plain(lines[0]) else None


def is_plain(line: RateLine) -> bool:
    """Tell whether a line says no more than the wizard asks for; others have a page of theirs."""
    conditions = (
        line.rights, line.uses, line.territories, line.languages, line.channels,
        line.prompt_classes, line.production_id, line.package_size, line.maximum,
    )  # fmt: skip
    return (
        line.pricing in {Pricing.PER_UNIT, Pricing.GRADUATED}
        and all(value is None for value in conditions)
        and not (line.unlicensed or line.charge_group or line.free_quantity)
        and not line.discount_percent
        and not any(bracket.flat for bracket in line.brackets.all())
    )


@transaction.atomic
def set_prices(
    agreement: Agreement,
    prices: Sequence[PriceSought],
    *,
    real_time: Decimal | None,
    exclusivity: Decimal | None,
    source: str,
) -> None:
    """Write the rates: a line for each meter that has a price, and the factors.

    Lines that say more than the wizard asks for stay. Raises NotADraft and SeveralCards, and
    what `refuse_unclear` raises for a card that cannot count.
    """
    locked = draft_of(agreement)
    card = card_of(locked)
    if card is None:
        if not prices:
            return
        card = RateCard.objects.create(
            agreement=locked, effective_from=_first_month(locked), source=source
        )
    elif card.source != source:
        card.source = source
        card.save(update_fields=["source"])
    wanted = {price.meter: price for price in prices}
    for line in card.lines.all():
        if is_plain(line) and line.meter not in wanted:
            line.delete()
    for price in prices:
        _write_line(card, price)
    _write_factor(card, Factor.REAL_TIME, real_time)
    _write_factor(card, Factor.EXCLUSIVITY, exclusivity)
    if not card.lines.exists():
        card.delete()
        return
    agreements.refuse_unclear(RateCard.objects.get(pk=card.pk))


def _write_line(card: RateCard, price: PriceSought) -> None:
    label = str(Meter(price.meter).label)
    line = line_of(card, price.meter) or RateLine(
        card=card, code=price.meter.replace("_", "-"), label=label, meter=price.meter
    )
    values = {
        "pricing": price.pricing.value, "unit_price": price.unit_price, "minimum": price.minimum,
        "scale_portion": price.scale_portion,
    }  # fmt: skip
    if line.pk is None or any(getattr(line, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(line, name, value)
        line.save()
    there = {row.up_to: row for row in Bracket.objects.filter(line=line)}
    for up_to, row in there.items():
        if up_to not in dict(price.brackets):
            row.delete()
    for up_to, unit_price in price.brackets:
        row = there.get(up_to) or Bracket(line=line, up_to=up_to)
        if row.pk is None or row.unit_price != unit_price:
            row.unit_price = unit_price
            row.save()


def _write_factor(card: RateCard, dimension: Factor, factor: Decimal | None) -> None:
    row = card.multipliers.filter(dimension=dimension.value, value=YES).first()
    if row is not None and factor is None:
        row.delete()
    elif factor is not None and (row is None or row.factor != factor):
        row = row or Multiplier(card=card, dimension=dimension.value, value=YES)
        row.factor = factor
        row.save()


# 5 Limits


@transaction.atomic
def set_limits(
    agreement: Agreement, limits: Mapping[str, tuple[Decimal, bool]], *, year_start_month: int
) -> None:
    """Write the caps: for each meter the most of a fiscal year, and whether it refuses past that.

    Caps of single channels stay. Raises NotADraft.
    """
    locked = draft_of(agreement)
    if locked.fiscal_year_start_month != year_start_month:
        locked.fiscal_year_start_month = year_start_month
        locked.save(update_fields=["fiscal_year_start_month"])
    there = {cap.meter: cap for cap in locked.caps.filter(channels=None)}
    for meter, cap in there.items():
        if meter not in limits:
            cap.delete()
    for meter, (limit, hard) in limits.items():
        cap = there.get(meter) or Cap(
            agreement=locked, meter=meter, starts_on=local_day(locked.starts_at, locked.time_zone)
        )
        if cap.pk is None or (cap.limit, cap.hard) != (limit, hard):
            cap.limit, cap.hard = limit, hard
            cap.save()


# 6 Capture and retention

NOT_ASKED = {"id", "agreement"}


def asked_for_handling() -> list[str]:
    """Return the columns of the deal terms that no earlier step asks for."""
    columns = [field.name for field in DealTerms._meta.concrete_fields]
    return [name for name in columns if name not in NOT_ASKED | set(OF_THE_DEAL)]


@transaction.atomic
def set_handling(agreement: Agreement, values: Mapping[str, Any]) -> None:
    """Write what else the text says. Raises NotADraft."""
    locked = draft_of(agreement)
    row = DealTerms.objects.select_for_update().get(agreement=locked)
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


# Another of the same


@transaction.atomic
def duplicate(
    *, agreement: Agreement, licensee: Licensee, at: datetime, by: User | None
) -> Agreement:
    """Draft a new agreement with all terms of another, for the same licensee or another.

    It begins on the day of the draft, lasts as long, and has the rates that count last; for
    another licensee it names no productions yet. Amendments, steps and signatures stay with the
    one it is made after.
    """
    zone = agreement.time_zone
    begins = starts_at(local_day(at, zone), zone)
    lasts = agreement.ends_at - agreement.starts_at if agreement.ends_at else None
    copied = {
        name: getattr(agreement, name)
        for name in (
            "currency", "time_zone", "rating_period", "fiscal_year_start_month", "engagement",
            "guild", "description", "recoups_with", "reserve_percent", "reserve_periods",
            "reserve_cap", "contribution_plan", "contribution_class", "contributions_paid_by",
        )
    }  # fmt: skip
    made = agreements.draft(
        agency=agreement.agency,
        licensee=licensee,
        twin=agreement.twin,
        reference=next_reference(agreement.agency, local_day(at, zone)),
        starts_at=begins,
        ends_at=begins + lasts if lasts else None,
        at=at,
        by=by,
        **copied,
    )
    if licensee.pk == agreement.licensee_id:
        made.productions.set(agreement.productions.all())
    for grant in agreement.grants.order_by("pk"):
        _copy(grant, agreement=made)
    _copy_rates(agreement, made)
    for cap in agreement.caps.filter(ends_on=None).order_by("pk"):
        _copy(cap, agreement=made, starts_on=local_day(begins, zone))
    for guarantee in agreement.guarantees.filter(ends_on=None).order_by("pk"):
        _copy(guarantee, agreement=made, starts_on=None)
    deal = DealTerms.objects.filter(agreement=agreement).first()
    if deal is not None:
        _copy(deal, agreement=made, court_approval="")
    return made


def _copy_rates(agreement: Agreement, made: Agreement) -> None:
    """Copy the rates that count last; what rises by itself begins to rise as late as there."""
    cards = agreement.rate_cards.agreed().order_by(F("effective_from").desc())
    card = cards.prefetch_related("lines__brackets", "multipliers", "escalators").first()
    if card is None:
        return
    begins = _first_month(made)
    later = (begins.year - card.effective_from.year) * 12 + begins.month - card.effective_from.month
    copied = _copy(card, agreement=made, effective_from=begins, agreed_at=None)
    for line in card.lines.all():
        new = _copy(line, card=copied)
        for bracket in line.brackets.all():
            _copy(bracket, line=new)
    for multiplier in card.multipliers.all():
        _copy(multiplier, card=copied)
    for escalator in card.escalators.all():
        days = {
            name: months_later(getattr(escalator, name), later)
            for name in ("first_on", "base_on")
            if getattr(escalator, name)
        }
        _copy(escalator, card=copied, **days)


def _copy(row: Any, **changed: Any) -> Any:
    """Write a row again as another one, with some of its fields changed."""
    names = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    new = type(row)(**{name: getattr(row, name) for name in names})
    for name, value in changed.items():
        setattr(new, name, value)
    new.save(force_insert=True)
    return new


def kind_of(agreement: Agreement) -> KindOfDeal | None:
    """Return what an agreement's kind of deal begins with; None: none is chosen yet."""
    deal = getattr(agreement, "deal", None)
    return kind_of_deal(deal.kind) if deal else None


def performers_of(agreement: Agreement) -> list[Performer]:
    """Return whose likeness an agreement licenses."""
    twin = agreement.twin
    if twin.performer is not None:
        return [twin.performer]
    return list(dict.fromkeys(source.performer for source in twin.sources.all()))
