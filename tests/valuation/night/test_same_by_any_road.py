"""A history rated night by night comes to what one night makes of it, to the cent, in any order."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from itertools import count

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.log import sequencer
from licensing.models import Agreement, RateCard, UsageEvent
from licensing.usage.totals.check import compare_sums
from talent.models import Beneficiary, CompositeSource, EstateShare, Performer
from tests.valuation.world import TONIGHT, World, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.models import Account, Posting, RatedAgreement, Reading, ResidualLine
from valuation.residuals import stretches
from valuation.residuals.totals import differences_from_sums, months_that_differ

pytestmark = pytest.mark.usefixtures("without_statements")

FIRST, LAST = date(2026, 7, 1), date(2026, 12, 31)
DAYS = st.integers(0, (LAST - FIRST).days).map(lambda days: FIRST + timedelta(days=days))
QUANTITIES = st.integers(1, 400).map(lambda tenths: str(D(tenths) / 10))
MONTHS = st.integers(8, 12).map(lambda month: date(2026, month, 1))


@dataclass(frozen=True)
class Use:
    quantity: str
    on: date
    standing: str
    of: str = "first"
    use: str = "dubbing"

    def happen(self, world: World) -> None:
        agreements = {"first": world.agreement, "second": second_agreement()}
        world.use(
            self.quantity,
            on=self.on.isoformat(),
            standing=self.standing,
            use=self.use,
            agreement=agreements[self.of],
        )


def uses_in_force() -> list[UsageEvent]:
    """Uses and amendments that no amendment has replaced: of others nobody rules or amends."""
    replaced = UsageEvent.objects.filter(kind="amendment").values_list("about", flat=True)
    events = UsageEvent.objects.filter(kind__in=["use", "amendment"])
    return list(events.exclude(pk__in=list(replaced)).order_by("pk"))


@dataclass(frozen=True)
class Amendment:
    place: int
    quantity: str

    def happen(self, world: World) -> None:
        """Replace one of the events that nobody has replaced yet."""
        if events := uses_in_force():
            world.amend(events[self.place % len(events)], self.quantity)


@dataclass(frozen=True)
class Ruling:
    place: int
    treatment: str

    def happen(self, world: World) -> None:
        if events := [event for event in uses_in_force() if event.standing != "cleared"]:
            world.rule(events[self.place % len(events)], self.treatment)


@dataclass(frozen=True)
class Card:
    effective_from: date
    price: int

    def happen(self, world: World) -> None:
        card, new = RateCard.objects.get_or_create(
            agreement=world.agreement, effective_from=self.effective_from
        )
        if new:
            world.card = card
            add_lines(world, self.price)


@dataclass(frozen=True)
class Weights:
    """From a day on Bo has another weight."""

    on: date
    weight: int

    def happen(self, world: World) -> None:
        bo = Performer.objects.get(name="Bo")
        if not CompositeSource.objects.filter(performer=bo, starts_on__gte=self.on).exists():
            running = CompositeSource.objects.get(performer=bo, ends_on=None)
            running.ends_on = self.on
            running.save()
            CompositeSource.objects.create(
                twin=running.twin, performer=bo, weight=D(self.weight), starts_on=self.on
            )


@dataclass(frozen=True)
class Death:
    on: date

    def happen(self, world: World) -> None:
        cy = Performer.objects.filter(name="Cy", died_on=None)
        if cy.update(life="deceased", died_on=self.on):
            heir = Beneficiary.objects.create(name="Heir")
            EstateShare.objects.create(
                performer=Performer.objects.get(name="Cy"), beneficiary=heir, weight=D(1)
            )


@dataclass(frozen=True)
class Receipt:
    amount: int

    def happen(self, world: World) -> None:
        remittances.record(
            agency_id=world.agency.pk,
            licensee_id=world.licensee.pk,
            amount=D(self.amount),
            currency="USD",
            received_on=date(2026, 11, 20),
            reference=f"WIRE-{remittances.Remittance.objects.count()}",
            by=None,
            now=TONIGHT,
        )


@dataclass(frozen=True)
class Night:
    def happen(self, world: World) -> None:
        run_night()


@dataclass(frozen=True)
class KilledNight(Night):
    """Agreements are rated one a chunk, and the process is killed in one of them, or after it."""

    place: int
    after: bool

    def happen(self, world: World) -> None:
        calls = count()

        def rate_and_be_killed(*told):
            if next(calls) == self.place and not self.after:
                raise KeyboardInterrupt
            rate(*told)

        def go_on(*told, **more):
            if next(calls) == self.place:
                raise KeyboardInterrupt
            return rate_next(*told, **more)

        rate, rate_next = night._rate, night._rate_next
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(night, "AT_ONCE", 1)
            if self.after:
                patched.setattr(night, "_rate_next", go_on)
            else:
                patched.setattr(night, "_rate", rate_and_be_killed)
            with suppress(KeyboardInterrupt):
                run_night()


@dataclass(frozen=True)
class NightOfFailures(Night):
    """A chunk fails, and if `alone` so does the first agreement by itself."""

    alone: bool

    def happen(self, world: World) -> None:
        first = world.agreement.pk

        def rate_some(run, shard_ids, now):
            of_first = run.shards.filter(pk__in=shard_ids, agreement=first).exists()
            if len(shard_ids) > 1 or (self.alone and of_first):
                rate(run, shard_ids, now)  # What it wrote is undone with it.
                raise RuntimeError
            rate(run, shard_ids, now)

        rate = night._rate
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(night, "_rate", rate_some)
            night.run_night(as_of=AS_OF, now=NOW)


@dataclass(frozen=True)
class AddedUp(Night):
    """What is sealed by then is added up ahead of the night, in stretches of so many batches."""

    batches: int

    def happen(self, world: World) -> None:
        sequencer.seal(at=NOW)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stretches, "BATCHES", self.batches)
            stretches.add_up_sealed(now=NOW)


HAPPENINGS = st.one_of(
    st.builds(
        Use,
        QUANTITIES,
        DAYS,
        st.sampled_from(["cleared", "cleared", "out_of_scope"]),
        st.sampled_from(["first", "second"]),
        st.sampled_from(["dubbing", "adr"]),
    ),
    st.builds(Amendment, st.integers(0, 9), QUANTITIES),
    st.builds(
        Ruling, st.integers(0, 9), st.sampled_from(["zero", "held", "unlicensed", "licensed"])
    ),
    st.builds(Card, MONTHS, st.integers(1, 9)),
    st.builds(Weights, DAYS.filter(lambda day: day > FIRST), st.integers(1, 5)),
    st.builds(Death, DAYS),
    st.builds(Receipt, st.integers(1, 500)),
    st.just(Night()),
    st.builds(KilledNight, st.integers(0, 2), st.booleans()),
    st.builds(NightOfFailures, st.booleans()),
    st.builds(AddedUp, st.integers(1, 3)),
)
HISTORIES = st.lists(HAPPENINGS, min_size=2, max_size=12)


AS_OF, NOW = date(2027, 1, 2), datetime(2027, 1, 2, 3, tzinfo=UTC)


def run_night() -> None:
    run = night.run_night(as_of=AS_OF, now=NOW)
    assert not run.shards.exclude(status="done").exists(), list(run.shards.values("error"))
    assert run.events_read == run.events_rated + run.events_held + run.events_zero


def second_agreement() -> Agreement:
    return Agreement.objects.get(reference="HAR-2")


def add_lines(world: World, price: int) -> None:
    world.line(("10", str(price)), (None, f"{price}.333"), cut_period="by_days", minimum=D(20))
    world.line(code="unlicensed", unit_price=D(25), unlicensed=True)
    world.line(code="fee", pricing="flat", unit_price=D(50), cut_period="by_days")


@pytest.fixture
def shared_world(world: World) -> World:
    """Two agreements about two sources, with brackets, a minimum and a fee by days."""
    other = Agreement.objects.get(pk=world.agreement.pk)
    other.pk, other.reference = None, "HAR-2"
    other.save()
    make_composite(world, Bo="1", Cy="2")
    first, world.card = world.card, RateCard.objects.create(agreement=other, effective_from=FIRST)
    add_lines(world, 2)
    world.card = first
    add_lines(world, 3)
    return world


def figures() -> dict[tuple[object, ...], D]:
    """What was posted, by line, first day of its card's part, month, beneficiary and period."""
    key = (
        "agreement__reference",
        "reading__rate_line__code",
        "reading__period_on",
        "reading__factor",
        "month_on",
        "beneficiary__name",
        "period_on",
    )
    sums = ResidualLine.objects.values_list(*key).annotate(sum=Sum("amount"))
    return {tuple(row[:-1]): row[-1] for row in sums.order_by(*key) if row[-1]}


class _Undone(Exception):
    """Carries a result out of a transaction that it undoes."""


def in_vain(happen: Callable[[], object]) -> object:
    """Do something in a transaction, return its result, and undo it."""
    try:
        with transaction.atomic():
            raise _Undone(happen())
    except _Undone as undone:
        return undone.args[0]


def check_the_books() -> None:
    """What was earned, received and released adds up, whatever happened before."""
    for reading in Reading.objects.with_received():
        lines = ResidualLine.objects.filter(reading=reading).aggregate(sum=Sum("amount"))["sum"]
        assert (lines or D(0)) == reading.gross
        assert D(0) <= reading.received <= max(reading.gross, D(0))
    assert not Posting.objects.aggregate(sum=Sum("amount"))["sum"]
    balances: dict[str, D] = {}
    for account in Account.objects.with_balances():
        balances[account.kind] = balances.get(account.kind, D(0)) + (account.balance or 0)
    released = [balances.get(kind, D(0)) for kind in ("payable", "commission", "withholding")]
    assert balances.get("trust_cash", D(0)) == -sum(released) - balances.get("unmatched", D(0))
    assert balances.get("receivable", D(0)) == -balances.get("accrued", D(0))


def check_from_nothing() -> None:
    """What was added up night by night is what all use comes to: nothing is left to post."""
    lines = ResidualLine.objects.count()
    told = list(readings())
    RatedAgreement.objects.update(terms="others")
    run_night()
    assert ResidualLine.objects.count() == lines
    assert list(readings()) == told
    assert not [one for some in compare_sums() for one in some.differences]
    assert not list(differences_from_sums())
    assert not list(months_that_differ())


def readings():
    names = ("rate_line", "factor", "period_on", "quantity", "events", "gross", "months",
             "explanation", "summary")  # fmt: skip
    return Reading.objects.order_by("pk").values(*names)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    # Each example runs several nights; the deep profile runs its thousand.
    max_examples=settings().max_examples if settings().max_examples >= 1_000 else 6,
)
@given(history=HISTORIES)
def test_many_nights_come_to_what_one_would(shared_world, history):
    def night_by_night():
        for happening in history:
            happening.happen(shared_world)
        run_night()
        check_the_books()
        told = figures()
        check_from_nothing()
        return told

    def at_once():
        for happening in history:
            if not isinstance(happening, Night):
                happening.happen(shared_world)
        run_night()
        return figures()

    assert in_vain(night_by_night) == in_vain(at_once)
