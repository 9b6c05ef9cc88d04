"""Disputes of a line: what they hold and no more, whatever comes later, and who decides."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Advance, Agreement, RuleSet, UsageEvent
from talent import four_eyes
from talent.models import OutboxMessage
from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import add_details, approve, balances, bank_line, draw_up
from tests.valuation.world import JULY, OCTOBER, TONIGHT, make_composite
from valuation import night
from valuation.cash.disputed import deciding, raising
from valuation.cash.disputed.refusals import (
    AlreadyDisputed,
    NoSuchLine,
    NoText,
    NotItsTurn,
    ObjectionPeriodOver,
)
from valuation.cash.paid_out import payouts
from valuation.cash.received import remittances
from valuation.cash.released import reversals
from valuation.ledger import journal
from valuation.models import (
    Account,
    Dispute,
    DisputeMove,
    JournalEntry,
    Posting,
    Reading,
    Remittance,
    ResidualLine,
    Statement,
    StatementLine,
)
from valuation.statements import settled
from valuation.words import (
    AccountKind,
    DisputeOutcome,
    DisputeReason,
    DisputeRemedy,
    DisputeState,
    LedgerSyntax,
)

pytestmark = pytest.mark.usefixtures("without_statements")
K = AccountKind
WINTER = datetime(2027, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def run_night(at=TONIGHT):
    run = night.run_night(as_of=at.date(), now=at)
    assert run.status == "finished", run.detail


def pay(world, amount, *, on=date(2026, 11, 3)):
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        currency="USD", received_on=on, reference=f"W{Remittance.objects.count()}", by=None,
        now=TONIGHT,
    )  # fmt: skip


def state_it(world, number="X-1", *, closing="0", starts=JULY, ends=OCTOBER):
    """Issue a statement that states all that was earned, line by line."""
    payee = world.beneficiary
    statement = Statement.objects.create(
        kind="beneficiary", agency=world.agency, beneficiary=payee, currency="USD",
        period_on=starts, period_ends_on=ends, from_index=0, to_index=1, opening=0, earned=0,
        received=0, deductions=0, net=D(closing), closing=D(closing), outstanding=0,
        due_on=date(2026, 11, 29), content={},
    )  # fmt: skip
    for position, line in enumerate(ResidualLine.objects.filter(beneficiary=payee), start=1):
        StatementLine.objects.create(
            statement=statement, position=position, section="usage", residual_line=line,
            label=line.reading.label, quantity=line.quantity, amount=line.amount, currency="USD",
        )  # fmt: skip
    statement.number = number
    statement.save()
    statement.steps.create(kind="issued", at=TONIGHT)
    return statement


def object_to(statement, reading, by, *, at=TONIGHT, **about):
    told = {"reason": DisputeReason.AMOUNT, "text": "It was less than that."}
    return raising.raise_on_statement(
        statement_id=statement.pk, reading_id=reading and reading.pk, by=by, at=at, **told | about
    )


def reading(label):
    return Reading.objects.get(rate_line__label=label)


def decide(dispute, outcome, first, second, *, remedy=None, at=TONIGHT):
    deciding.propose(
        dispute_id=dispute.pk, outcome=outcome, remedy=remedy, note="As found.", by=first, at=at
    )
    return deciding.approve(dispute_id=dispute.pk, by=second, at=at)


def state(dispute):
    return Dispute.objects.with_state().get(pk=dispute.pk).state


def held(world):
    """What is disputed before and after receipt, and what is free; credits above zero."""
    sums = dict(
        Posting.objects.filter(account__agency=world.agency)
        .values_list("account__kind")
        .annotate(Sum("amount"))
        .order_by()
    )
    return tuple(-sums.get(kind, D(0)) for kind in (K.ACCRUED, K.DISPUTED, K.PAYABLE, K.HELD))


@pytest.fixture
def two_lines(world, ada):
    """100 lines at 2 and 30 at 5 are earned: 200 and 150. Ten percent are the agency's."""
    world.line(unit_price="2")
    world.line(code="more", label="Loops", unit_price="5", meter="sessions")
    world.use("100")
    world.use("30", meter="sessions")
    run_night()
    return world


# What is held


def test_what_is_not_received_goes_from_earned_to_disputed(two_lines, ada):
    object_to(state_it(two_lines), reading("Loops"), ada)

    assert held(two_lines) == (D(200), D(150), D(0), D(0))


def test_what_was_received_is_held_net_and_the_rest_stays_payable(two_lines, ada):
    pay(two_lines, "350")
    run_night()

    object_to(state_it(two_lines), reading("Loops"), ada)

    assert held(two_lines) == (D(0), D(0), D(180), D(135))
    move = DisputeMove.objects.get()
    assert move.received_on == date(2026, 11, 3)
    assert move.entry.kind == "dispute"


def test_a_line_received_in_part_is_held_in_part(two_lines, ada):
    pay(two_lines, "260")
    run_night()

    object_to(state_it(two_lines), reading("Loops"), ada)

    # 200 of the first line and 60 of the second were received; 90 are still owed.
    assert held(two_lines) == (D(0), D(90), D(180), D(54))


def test_what_comes_in_meanwhile_is_held_in_the_same_night(two_lines, ada):
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    pay(two_lines, "350")
    run_night()

    assert held(two_lines) == (D(0), D(0), D(180), D(135))
    deciding.withdraw(dispute_id=dispute.pk, by=ada, at=TONIGHT)
    assert held(two_lines) == (D(0), D(0), D(315), D(0))
    with pytest.raises(NotItsTurn):
        deciding.withdraw(dispute_id=dispute.pk, by=ada, at=TONIGHT)


def test_the_rest_is_paid_and_what_is_held_keeps_the_day_of_its_receipt(
    two_lines, ada, accountant, colleague
):
    for payee in (None, two_lines.beneficiary):
        add_details(two_lines, payee, accountant, colleague)
    pay(two_lines, "350")
    run_night()
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)

    run = draw_up(two_lines, accountant)
    assert run.payments.get().amount == D(180)
    approve(run, colleague)
    with pytest.raises(payouts.NobodyToPay):
        draw_up(two_lines, accountant)

    decide(dispute, DisputeOutcome.REJECTED, accountant, colleague)
    payment = draw_up(two_lines, accountant).payments.get()
    assert (payment.amount, payment.items[0]["received_on"]) == (D(135), "2026-11-03")


def test_a_run_that_was_drawn_up_before_is_not_approved(two_lines, ada, accountant, colleague):
    for payee in (None, two_lines.beneficiary):
        add_details(two_lines, payee, accountant, colleague)
    pay(two_lines, "350")
    run_night()
    run = draw_up(two_lines, accountant)
    object_to(state_it(two_lines), reading("Loops"), ada)

    with pytest.raises(payouts.ChangedSince, match="less is payable"):
        approve(run, colleague)


def cancelled(run, first, _second):
    payouts.cancel(run_id=run.pk, by=first, at=TONIGHT, reason="Wrong day")


def not_executed(run, first, second):
    entry = run.payments.get().entry
    asked = reversals.ask(entry_id=entry.pk, reason="Not executed", by=first, at=TONIGHT)
    reversals.approve(request_id=asked.pk, by=second, at=TONIGHT)


def sent_back(run, first, _second):
    payment = run.payments.get()
    for amount in ("-315", "315"):
        line = bank_line(run, amount, reference=payment.end_to_end, by=first)
        (settled.confirm if amount[0] == "-" else settled.give_back)(
            line=line, by=first, at=TONIGHT
        )


@pytest.mark.parametrize("comes_back", [cancelled, not_executed, sent_back])
def test_what_was_paid_out_is_claimed_and_held_once_it_comes_back(
    two_lines, ada, accountant, colleague, comes_back
):
    for payee in (None, two_lines.beneficiary):
        add_details(two_lines, payee, accountant, colleague)
    pay(two_lines, "350")
    run_night()
    run = draw_up(two_lines, accountant)
    approve(run, colleague)

    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    assert held(two_lines) == (D(0), D(0), D(0), D(0))
    assert not dispute.moves.exists()

    comes_back(run, accountant, colleague)
    assert held(two_lines) == (D(0), D(0), D(180), D(135))


def test_a_statement_with_a_held_line_is_not_paid_by_the_rest(
    two_lines, ada, accountant, colleague
):
    for payee in (None, two_lines.beneficiary):
        add_details(two_lines, payee, accountant, colleague)
    pay(two_lines, "350")
    run_night()
    statement = state_it(two_lines, closing="315")
    object_to(statement, reading("Loops"), ada)
    run = draw_up(two_lines, accountant)
    approve(run, colleague)

    payment = run.payments.get()
    line = bank_line(two_lines, "-180", reference=payment.end_to_end, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)

    assert Statement.objects.with_status().get(pk=statement.pk).status == "issued"


def test_the_books_that_are_taken_along_say_what_is_payable_without_what_is_held(two_lines, ada):
    pay(two_lines, "350")
    run_night()
    object_to(state_it(two_lines), reading("Loops"), ada)
    autumn = state_it(two_lines, number="X-2", closing="315", starts=OCTOBER, ends=date(2027, 1, 1))

    text = "".join(
        journal.export(entries=JournalEntry.objects.all(), syntax=LedgerSyntax.BEANCOUNT)
    )

    assert autumn.closing == D(315)
    (said,) = [
        line for line in text.splitlines() if "2027-01-01 balance Liabilities:Payable" in line
    ]
    assert "-180.00 " in said


def test_a_reserve_and_what_comes_of_it_are_held_by_their_part(two_lines, ada):
    Agreement.objects.update(reserve_percent=D(20), reserve_periods=1)
    pay(two_lines, "350")
    run_night()
    object_to(state_it(two_lines), reading("Loops"), ada)
    assert held(two_lines)[2:] == (D(144), D(108))

    later = datetime(2028, 1, 2, 3, tzinfo=UTC)
    run_night(at=later)

    assert held(two_lines)[2:] == (D(180), D(135))


# What a later night does to it


def amended(world, meter, quantity, at=WINTER):
    event = UsageEvent.objects.filter(**{f"{meter}__isnull": False}).latest("pk")
    world.amend(event, quantity, meter=meter)
    run_night(at=at)


@pytest.mark.parametrize(
    ("quantity", "free", "kept"),
    [("12", "200", "60"), ("0", "200", "0"), ("40", "200", "150")],
    ids=["amended", "ruled zero", "more"],
)
@pytest.mark.parametrize("received", [False, True])
def test_the_line_is_followed_down_and_never_exceeded(
    two_lines, ada, quantity, free, kept, received
):
    if received:
        pay(two_lines, "350")
        run_night()
    object_to(state_it(two_lines), reading("Loops"), ada)

    amended(two_lines, "sessions", quantity)

    accrued, disputed, payable, by_dispute = held(two_lines)
    whole = D("0.9") if received else D(1)
    assert (by_dispute if received else disputed) == D(kept) * whole
    assert (payable if received else accrued) == D(free) * whole + (
        # What came since was not disputed, nor received.
        D(50) if quantity == "40" and not received else D(0)
    )


def test_a_changed_split_leaves_each_payee_their_part_of_a_licensees_dispute(
    two_lines, accountant, colleague
):
    make_composite(two_lines, Bo="1", Cy="2")
    run_night(at=WINTER)
    dispute = raising.raise_for_licensee(
        reading_id=reading("Loops").pk, reason=DisputeReason.QUANTITY, text="We used 10.",
        by=accountant, at=WINTER,
    )  # fmt: skip

    parts = dispute.moves.values_list("beneficiary__name").annotate(Sum("amount"))
    assert dict(parts) == {"Bo": D(50), "Cy": D(100)}
    assert held(two_lines)[:2] == (D(200), D(150))

    twin = two_lines.agreement.__class__.objects.get().twin
    twin.sources.filter(performer__name="Cy").delete()
    run_night(at=WINTER + timedelta(days=1))

    assert dict(parts.all()).get("Bo") == D(150)
    assert held(two_lines)[:2] == (D(200), D(150))


def test_two_disputes_of_one_line_hold_it_once(two_lines, ada, accountant):
    pay(two_lines, "350")
    run_night()
    own = object_to(state_it(two_lines), reading("Loops"), ada)
    raising.raise_for_licensee(
        reading_id=reading("Loops").pk, reason=DisputeReason.AMOUNT, text="Too much.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip
    assert held(two_lines)[2:] == (D(180), D(135))

    # The other one still stands: it holds what the first let go.
    deciding.withdraw(dispute_id=own.pk, by=ada, at=TONIGHT)
    assert held(two_lines)[2:] == (D(180), D(135))


# Who decides


def test_two_people_decide_and_neither_raised_it(two_lines, ada, accountant, colleague):
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    deciding.propose(
        dispute_id=dispute.pk, outcome=DisputeOutcome.REJECTED, note="The log is right.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip

    with pytest.raises(four_eyes.FourEyes):
        deciding.approve(dispute_id=dispute.pk, by=accountant, at=TONIGHT)
    with pytest.raises(NotItsTurn):
        deciding.withdraw(dispute_id=dispute.pk, by=ada, at=TONIGHT)
    assert held(two_lines)[1] == D(150)
    deciding.approve(dispute_id=dispute.pk, by=colleague, at=TONIGHT)

    assert (state(dispute), held(two_lines)[1]) == (DisputeState.REJECTED, D(0))
    for again in (deciding.approve, deciding.withdraw):
        with pytest.raises(NotItsTurn):
            again(dispute_id=dispute.pk, by=colleague, at=TONIGHT)
    with pytest.raises(AlreadyDisputed, match=dispute.reference):
        object_to(Statement.objects.get(), reading("Loops"), ada)


def test_who_raised_it_for_a_licensee_does_not_decide_it(two_lines, accountant, colleague):
    dispute = raising.raise_for_licensee(
        reading_id=reading("Loops").pk, reason=DisputeReason.AMOUNT, text="Too much.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip
    with pytest.raises(NotItsTurn):
        deciding.withdraw(dispute_id=dispute.pk, by=accountant, at=TONIGHT)
    with pytest.raises(four_eyes.FourEyes):
        decide(dispute, DisputeOutcome.WITHDRAWN, colleague, accountant)

    third = factories.make_member(two_lines.agency, Role.ACCOUNTING, email="third@x.example")
    deciding.approve(dispute_id=dispute.pk, by=third, at=TONIGHT)
    assert state(dispute) is DisputeState.WITHDRAWN


def test_what_is_upheld_stays_held_until_it_is_put_right(two_lines, ada, accountant, colleague):
    pay(two_lines, "350")
    run_night()
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    with pytest.raises(NotItsTurn, match="puts it right"):
        decide(dispute, DisputeOutcome.UPHELD, accountant, colleague)
    decide(dispute, DisputeOutcome.UPHELD, accountant, colleague, remedy=DisputeRemedy.USE)
    assert (state(dispute), held(two_lines)[3]) == (DisputeState.UPHELD, D(135))

    amended(two_lines, "sessions", "12")
    assert held(two_lines)[2:] == (D(180), D(54))
    decide(dispute, DisputeOutcome.SETTLED, accountant, colleague, at=WINTER)

    assert (state(dispute), held(two_lines)[2:]) == (DisputeState.SETTLED, (D(234), D(0)))


def test_a_proposal_sent_back_leaves_it_open(two_lines, ada, accountant, colleague):
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    deciding.propose(
        dispute_id=dispute.pk, outcome=DisputeOutcome.REJECTED, note="No.", by=accountant,
        at=TONIGHT,
    )  # fmt: skip
    stranger = factories.make_member(
        factories.make_agency("other", name="Other"), Role.ACCOUNTING, email="s@x.example"
    )
    with pytest.raises(four_eyes.FourEyes):
        deciding.send_back(dispute_id=dispute.pk, by=stranger, at=TONIGHT, note="Look again.")
    deciding.send_back(dispute_id=dispute.pk, by=colleague, at=TONIGHT, note="Look again.")

    assert state(dispute) is DisputeState.OPEN
    with pytest.raises(NotItsTurn):
        deciding.approve(dispute_id=dispute.pk, by=colleague, at=TONIGHT)


# What may be disputed, and until when


def test_a_claim_about_the_whole_statement_holds_nothing(two_lines, ada):
    object_to(state_it(two_lines), None, ada, reason=DisputeReason.MISSING)

    assert held(two_lines) == (D(350), D(0), D(0), D(0))


def test_only_a_line_that_the_statement_has_and_once(two_lines, ada):
    statement = state_it(two_lines)
    other = Reading.objects.create(
        agreement=two_lines.agreement, rate_line=two_lines.line(code="x", unit_price="1"),
        factor=1, period_on=JULY, period_ends_on=OCTOBER, quantity=0, events=0, gross=0,
        currency="USD", summary={}, explanation=[], first_index=0, last_index=0,
    )  # fmt: skip
    with pytest.raises(NoSuchLine):
        object_to(statement, other, ada)
    for text in ("  ", "A\u202eB", "x" * 2001):
        with pytest.raises(NoText):
            object_to(statement, reading("Loops"), ada, text=text)
    object_to(statement, reading("Loops"), ada)
    with pytest.raises(AlreadyDisputed):
        object_to(statement, reading("Loops"), ada)


@pytest.mark.parametrize(
    ("confidence", "late", "refused"),
    [("primary", 0, False), ("primary", 1, True), ("unverified", 1, False)],
)
def test_until_the_last_day_of_a_rule_that_is_relied_on(two_lines, ada, confidence, late, refused):
    RuleSet.objects.create(
        code="statements.objection", instrument="Terms", title="Objections", summary="Months.",
        effective_from=date(2026, 1, 1), trigger="payment", source="Terms",
        confidence=confidence, status="in_force", values={"objection_months": 3},
    )  # fmt: skip
    # Issued on 22 November in the agency's zone, so until the end of 22 February there.
    at = datetime(2027, 2, 22, 12, tzinfo=UTC) + timedelta(days=late)
    statement = state_it(two_lines)

    if refused:
        with pytest.raises(ObjectionPeriodOver, match="22"):
            object_to(statement, reading("Loops"), ada, at=at)
    else:
        object_to(statement, reading("Loops"), ada, at=at)


# Who is told


def test_both_sides_are_told_and_no_mail_has_an_amount(two_lines, ada, accountant, colleague):
    two_lines.licensee.billing_email = "bills@paper.example"
    two_lines.licensee.save()
    dispute = object_to(state_it(two_lines), reading("Loops"), ada)
    deciding.write(
        dispute_id=dispute.pk, text="We look at it.", by=accountant, at=TONIGHT, from_agency=True
    )
    deciding.write(
        dispute_id=dispute.pk, text="They may be right.", by=accountant, at=TONIGHT,
        from_agency=True, internal=True,
    )  # fmt: skip
    deciding.write(dispute_id=dispute.pk, text="Thank you.", by=ada, at=TONIGHT, from_agency=False)
    decide(dispute, DisputeOutcome.REJECTED, accountant, colleague)
    raising.raise_for_licensee(
        reading_id=reading("Dubbed lines").pk, reason=DisputeReason.AMOUNT, text="Too much.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip

    mails = OutboxMessage.objects.order_by("pk")
    told = {mail.recipient for mail in mails}
    assert {ada.email, accountant.email, colleague.email, "bills@paper.example"} <= told
    texts = "\n".join(f"{mail.subject}\n{mail.body}" for mail in mails)
    assert "They may be right" not in texts
    assert "150" not in texts
    assert "200" not in texts
    studios = mails.filter(recipient="bills@paper.example")
    assert not any(two_lines.performer.name in mail.body for mail in studios)


# Whatever happens, in any order


HAPPENS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(1, 300)),
        st.tuples(st.just("amend"), st.integers(0, 300)),
        st.tuples(st.just("receive"), st.integers(1, 60_000)),
        st.tuples(st.just("advance"), st.integers(1, 20_000)),
        st.tuples(st.sampled_from(["dispute", "licensee", "withdraw", "state", "night"]),
                  st.integers(0, 9)),
    ),
    min_size=4,
    max_size=12,
)  # fmt: skip


@pytest.mark.django_db(transaction=True)
@given(HAPPENS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_more_is_ever_held_than_there_is(world, ada, accountant, happened):
    with transaction.atomic():
        Agreement.objects.update(reserve_percent=D(20), reserve_periods=1)
        world.line(("10", "3"), (None, "1.333"))
        for number, (what, size) in enumerate(happened):
            happen(world, what, size, ada, accountant, WINTER + timedelta(days=number))
            check(world)
        run_night(at=WINTER + timedelta(days=40))
        check(world)
        for dispute in Dispute.objects.with_state():
            if dispute.state is DisputeState.OPEN and dispute.side == "payee":
                deciding.withdraw(dispute_id=dispute.pk, by=ada, at=WINTER)
        if not Dispute.objects.filter(side="licensee").exists():
            found = balances(world)
            assert (found.get(K.HELD), found.get(K.DISPUTED)) == (None, None)
        transaction.set_rollback(True)


def happen(world, what, size, ada, accountant, at):
    if what == "use":
        world.use(str(D(size) / 10))
    elif what == "amend":
        amend(world, size)
    elif what == "receive":
        pay(world, D(size) / 100)
    elif what == "state" and not Statement.objects.exists():
        state_it(world)
    elif what in ("dispute", "licensee", "withdraw"):
        quarrel(world, what, ada, accountant, at)
    elif what == "night":
        run_night(at=at)
    elif what == "advance":
        Advance.objects.create(
            agreement=world.agreement, label="Ahead", amount=D(size) / 100, due_on=JULY,
            paid_back_from="gross",
        )  # fmt: skip


def amend(world, size):
    """Amend the newest use that is not amended yet."""
    replaced = UsageEvent.objects.filter(kind="amendment").values_list("about", flat=True)
    event = UsageEvent.objects.exclude(pk__in=list(replaced)).order_by("pk").last()
    if event:
        world.amend(event, str(D(size) / 10))


def quarrel(world, what, ada, accountant, at):
    """Have somebody dispute the first line there is, or withdraw what is open."""
    line = Reading.objects.filter(gross__gt=0).first()
    statement = Statement.objects.first()
    try:
        if what == "withdraw" and (own := Dispute.objects.filter(side="payee").last()):
            deciding.withdraw(dispute_id=own.pk, by=ada, at=at)
        elif what == "licensee" and line:
            raising.raise_for_licensee(
                reading_id=line.pk, reason=DisputeReason.AMOUNT, text="No.", by=accountant, at=at
            )
        elif what == "dispute" and line and statement:
            object_to(statement, line, ada, at=at)
    except (AlreadyDisputed, NoSuchLine, NotItsTurn):
        pass


def check(world):
    """Moves are what the books hold, no account is overdrawn by a dispute, and all balances."""
    assert not Posting.objects.aggregate(sum=Sum("amount"))["sum"]
    kinds = {K.HELD: False, K.DISPUTED: True}
    for account in Account.objects.with_balances().filter(
        kind__in=[K.HELD.value, K.DISPUTED.value, K.ACCRUED.value, K.PAYABLE.value]
    ):
        assert (account.balance or 0) <= 0, account
        if (kind := K(account.kind)) in kinds:
            moves = DisputeMove.objects.filter(
                beneficiary=account.beneficiary_id, received_on__isnull=kinds[kind]
            )
            assert moves.aggregate(sum=Sum("amount", default=D(0)))["sum"] == -account.balance
