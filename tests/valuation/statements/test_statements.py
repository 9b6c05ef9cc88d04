"""Statements: what they state, that they add up, who may take which step, that they freeze."""

import errno
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from licensing.models import Agreement, Escalator, RateCard
from talent import four_eyes
from talent.models import (
    Agency,
    Beneficiary,
    DigitalTwin,
    EstateShare,
    OutboxMessage,
    Performer,
    User,
)
from talent.words import Role
from tests.factories import make_member
from tests.valuation.world import JULY, OCTOBER, TONIGHT, give_certificate, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.ledger import journal
from valuation.models import Statement, StatementLine
from valuation.statements import documents, draw, snapshot, steps
from valuation.words import AccountKind, Section

AS_OF = date(2026, 11, 22)
JANUARY, APRIL = date(2027, 1, 1), date(2027, 4, 1)


pytestmark = pytest.mark.usefixtures("short_papers")


@pytest.fixture
def cast(agency):
    """Three accountants, of whom one reviews and another approves."""
    emails = [f"{name}@harbour.example" for name in ("ria", "ben", "cy")]
    return [make_member(agency, Role.ACCOUNTING, email=email) for email in emails]


def run_night(as_of=AS_OF, now=TONIGHT):
    return night.run_night(as_of=as_of, now=now)


def night_after(day):
    """Run the night on the day after the first of a period."""
    return run_night(day + timedelta(days=1), datetime(day.year, day.month, 2, 3, tzinfo=UTC))


def receive(world, amount, reference="WIRE-1", on=date(2026, 9, 20)):
    remittances.record(
        agency_id=world.agency.pk,
        licensee_id=world.licensee.pk,
        amount=D(amount),
        currency="USD",
        received_on=on,
        reference=reference,
        by=None,
        now=TONIGHT,
    )


def own():
    return Statement.objects.filter(kind="beneficiary")


def issue(statement, cast):
    reviewer, approver, _ = cast
    at = max(TONIGHT, datetime.combine(statement.period_ends_on, time(12), UTC))
    steps.review(statement_id=statement.pk, by=reviewer, at=at)
    steps.approve(statement_id=statement.pk, by=approver, at=at)
    return steps.issue(statement_id=statement.pk, by=approver, at=at)


@pytest.fixture
def dubbed(world):
    """136 lines of the brackets' 7,620.00, of which 5,000.00 came in."""
    world.line(("100", "60"), (None, "45"))
    world.use("90", "46")
    receive(world, "5000")
    return world


def test_a_statement_says_what_was_earned_received_and_kept(dubbed):
    run_night()

    statement = own().get()
    # 100 × 60 + 36 × 45 = 7,620; 10 % of the 5,000 received is kept.
    assert (statement.earned, statement.received) == (D("7620"), D("5000"))
    assert (statement.deductions, statement.net) == (D("-500"), D("4500"))
    assert (statement.closing, statement.outstanding) == (D("4500"), D("2620"))
    assert statement.due_on == date(2026, 11, 29)


def test_its_lines_explain_the_total(dubbed):
    run_night()

    content = snapshot.from_json(own().get().content)
    [line] = content.lines
    assert (line.quantity, line.rates, line.amount) == (D(136), (D(60), D(45)), D("7620.00"))
    [kept] = content.deductions
    assert (kept.percent, kept.base, kept.amount) == (D(10), D("5000.00"), D("-500.00"))


def test_training_is_its_own_rate_line_and_its_own_line_of_a_statement(world):
    world.line(unit_price=D(1), uses=["dubbing"])
    world.line(
        code="training", label="Training on takes", unit_price=D(40), rights=["training_data"],
        uses=["training"],
    )  # fmt: skip
    world.use("3")
    world.use("2", right="training_data", use="training")

    run_night()

    lines = snapshot.from_json(own().get().content).lines
    assert {(line.quantity, line.amount) for line in lines} == {
        (D(3), D("3.00")), (D(2), D("80.00")),
    }  # fmt: skip


def test_an_open_period_is_not_stated_yet(dubbed):
    run_night(as_of=date(2026, 9, 30), now=datetime(2026, 9, 30, 2, tzinfo=UTC))

    assert not Statement.objects.exists()


def test_a_night_without_news_draws_nothing_again(dubbed):
    run_night()
    before = list(Statement.objects.values())

    assert draw.draw_due(as_of=AS_OF, now=TONIGHT) == []
    assert list(Statement.objects.values()) == before


def test_news_of_an_open_draft_flow_in(dubbed):
    run_night()
    dubbed.use("10")

    run_night()

    assert own().get().earned == D("8070")


def test_a_statement_costs_the_same_queries_however_much_it_holds(world):
    def queries_of_a_night():
        with CaptureQueriesContext(connection) as queries:
            draw.draw_due(as_of=AS_OF, now=TONIGHT)
        return len(queries)

    def rated(*languages):
        for language in languages:
            world.use("1", language=language)
            receive(world, "1", f"WIRE-{language}")
        with pytest.MonkeyPatch.context() as later:
            later.setattr(night.draw, "draw_due", lambda **_: [])
            run_night()

    world.line(unit_price=D(1))
    for language, factor in (("it", 2), ("es", 3), ("nl", 4), ("sv", 5)):
        world.factor("language", language, factor)
    rated("fr")
    queries_of_a_night()
    rated("it")
    few = queries_of_a_night()
    rated("es", "nl", "sv")

    assert queries_of_a_night() == few
    assert len(snapshot.from_json(own().get().content).lines) == 5


def test_use_outside_the_consent_is_shown_and_pays_nothing(dubbed):
    dubbed.use("13", standing="out_of_scope", use="interactive_promo")

    run_night()

    content = snapshot.from_json(own().get().content)
    held = [line for line in content.lines if line.section == Section.HELD]
    assert [(line.quantity, line.amount) for line in held] == [(D(13), D(0))]
    assert "Out of scope" in held[0].note


def test_a_line_states_the_rate_as_its_escalator_has_raised_it(dubbed):
    Escalator.objects.create(
        card=RateCard.objects.get(), raises=["prices"], first_on=JULY, every="year", percent=D(10)
    )

    run_night()

    (line, *_others) = snapshot.from_json(own().get().content).lines
    # Without it 7,620.00, the first lines at 60.
    assert (line.rates[0], line.amount) == (66, D("8382.00"))
    assert line.note.endswith("(+10 % each year from July 2026, 1 step)")


def test_the_file_is_the_one_whose_digest_is_kept(dubbed):
    run_night()
    statement = own().get()

    documents.read(statement)
    with open(statement.pdf.path, "ab") as stored:
        stored.write(b" ")

    with pytest.raises(documents.PaperChanged):
        documents.read(statement)


def test_a_draft_of_a_period_that_goes_on_takes_no_step(dubbed, cast):
    """A night as of a wrong day drew it; the next one rates and draws anew."""
    run_night()
    statement = own().get()
    before = datetime.combine(statement.period_ends_on, time(), UTC) - timedelta(days=2)

    with pytest.raises(steps.PeriodNotOver, match="drawn anew"):
        steps.review(statement_id=statement.pk, by=cast[0], at=before)


def test_who_reviewed_may_not_approve(dubbed, cast):
    run_night()
    statement, (reviewer, approver, _) = own().get(), cast
    steps.review(statement_id=statement.pk, by=reviewer, at=TONIGHT)

    with pytest.raises(four_eyes.FourEyes):
        steps.approve(statement_id=statement.pk, by=reviewer, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=approver, at=TONIGHT)


@pytest.mark.parametrize("of", ["beneficiary", "roll_up"])
def test_an_operator_is_no_exception_in_any_step(dubbed, cast, of):
    operator = User.objects.create_superuser("operator@likeness.example")
    run_night()
    statement = Statement.objects.get(kind=of)
    for skipped in (steps.approve, steps.issue):
        with pytest.raises(steps.NotItsTurn):
            skipped(statement_id=statement.pk, by=operator, at=TONIGHT)
    steps.review(statement_id=statement.pk, by=operator, at=TONIGHT)

    with pytest.raises(four_eyes.FourEyes):
        steps.approve(statement_id=statement.pk, by=operator, at=TONIGHT)
    with pytest.raises(steps.NotItsTurn):
        steps.issue(statement_id=statement.pk, by=operator, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=cast[0], at=TONIGHT)


def test_who_reviewed_an_earlier_draft_may_approve_the_one_that_stands(dubbed, cast):
    """Of two people one reviews, the night draws anew, the other reviews: the first approves."""
    run_night()
    statement, (one, other, _) = own().get(), cast
    steps.review(statement_id=statement.pk, by=one, at=TONIGHT)
    dubbed.use("1")
    run_night()
    steps.review(statement_id=statement.pk, by=other, at=TONIGHT)

    with pytest.raises(four_eyes.FourEyes):
        steps.approve(statement_id=statement.pk, by=other, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=one, at=TONIGHT)


@pytest.mark.parametrize("step", ["approve", "issue"])
def test_no_step_is_skipped(dubbed, cast, step):
    run_night()

    with pytest.raises(steps.NotItsTurn):
        getattr(steps, step)(statement_id=own().get().pk, by=cast[0], at=TONIGHT)


def test_news_send_a_reviewed_draft_back(dubbed, cast):
    run_night()
    statement = own().get()
    steps.review(statement_id=statement.pk, by=cast[0], at=TONIGHT)
    dubbed.use("1")
    run_night()

    with pytest.raises(steps.NotItsTurn, match="is draft"):
        steps.approve(statement_id=statement.pk, by=cast[1], at=TONIGHT)


def test_issuing_numbers_redraws_and_tells_the_beneficiary(dubbed, cast):
    dubbed.performer.user = cast[2]
    dubbed.performer.save()
    run_night()
    draft = own().get()

    issued = issue(draft, cast)

    assert issued.number == "NORTHLIGHT-2026-Q3-0001"
    assert issued.pdf_sha256 != draft.pdf_sha256
    documents.read(issued)
    assert OutboxMessage.objects.get().recipient == cast[2].email


def test_an_issued_statement_does_not_change(dubbed, cast):
    run_night()
    issued = issue(own().get(), cast)

    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Statement.objects.filter(pk=issued.pk).update(earned=0)
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        StatementLine.objects.filter(statement=issued).update(amount=0)


def test_late_usage_leaves_the_closed_statement_as_it_was(dubbed, cast):
    run_night()
    issued = issue(own().get(), cast)
    before = own().filter(pk=issued.pk).values().get()
    dubbed.use("4", on="2026-09-30")
    dubbed.use("1", on="2026-10-02")

    night_after(JANUARY)

    assert own().filter(pk=issued.pk).values().get() == before
    late = snapshot.from_json(own().get(period_on=OCTOBER).content)
    # Four late lines across the bracket's edge at 45; one of October at the first bracket's 60.
    found = {line.section: (line.amount, line.prior_period) for line in late.lines}
    assert found == {
        Section.ADJUSTMENT: (D("180.00"), "1 July – 30 September 2026"),
        Section.USAGE: (D("60.00"), ""),
    }
    assert late.previous == issued.number


def test_the_next_statement_carries_the_balances_forward(dubbed, cast):
    run_night()
    issue(own().get(), cast)
    receive(dubbed, "1000", "WIRE-2", on=date(2026, 10, 5))

    night_after(JANUARY)

    following = own().get(period_on=OCTOBER)
    assert (following.opening, following.received) == (D("4500"), D("1000"))
    assert (following.closing, following.outstanding) == (D("5400"), D("1620"))


def chain():
    rows = own().order_by("period_on").values_list("period_on", "previous__period_on")
    return list(rows)


def test_a_quarter_that_wakes_late_takes_its_place_between_drafts(world):
    world.line(unit_price=D(1))
    world.use("5", on="2026-07-05")
    world.use("7", on="2027-01-05")
    night_after(APRIL)
    world.use("3", on="2026-11-05")

    night_after(APRIL)

    assert chain() == [(JULY, None), (OCTOBER, JULY), (JANUARY, OCTOBER)]
    assert own().get(period_on=JANUARY).outstanding == D("15")


def test_nothing_is_put_before_a_statement_that_was_issued(world, cast):
    world.line(unit_price=D(1))
    world.use("5", on="2026-07-05")
    world.use("7", on="2027-01-05")
    night_after(APRIL)
    for statement in own().order_by("period_on"):
        issue(statement, cast)
    world.use("3", on="2026-11-05")

    night_after(date(2027, 7, 1))

    assert chain()[2:] == [(APRIL, JANUARY)]
    late = snapshot.from_json(own().get(period_on=APRIL).content)
    assert [line.amount for line in late.lines] == [D("3.00")]


def test_statements_are_issued_in_their_order(dubbed, cast):
    dubbed.use("1", on="2026-10-02")
    night_after(JANUARY)
    second = own().get(period_on=OCTOBER)

    with pytest.raises(steps.PreviousNotIssued):
        issue(second, cast)


def test_the_roll_up_sums_the_agencys_statements(dubbed):
    run_night()

    roll_up = Statement.objects.get(kind="roll_up")
    assert (roll_up.earned, roll_up.received, roll_up.outstanding) == (
        D("7620"),
        D("5000"),
        D("2620"),
    )
    [licensee] = snapshot.from_json(roll_up.content).licensees
    assert licensee.closing_receivable == D("2620.00")


def test_a_full_disk_loses_nothing_and_the_next_night_draws(dubbed, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(FileSystemStorage, "_save", full)
        run_night()
    statement = own().get()
    assert (statement.earned, statement.pdf.name) == (D("7620"), "")

    run_night()

    documents.read(own().get())


def test_a_full_disk_at_issue_numbers_nothing(dubbed, cast, monkeypatch):
    run_night()
    statement = own().get()
    steps.review(statement_id=statement.pk, by=cast[0], at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=cast[1], at=TONIGHT)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(documents.PaperNotStored, match="free some space"):
        steps.issue(statement_id=statement.pk, by=cast[1], at=TONIGHT)

    assert own().get().number is None


@pytest.mark.django_db(transaction=True)
def test_two_who_issue_at_once_take_two_numbers(world, cast):
    twin = make_composite(world, Ann="2", Bea="1")
    world.line(unit_price=D(1))
    world.use("90", twin=twin)
    run_night()
    pair = list(own())
    for statement in pair:
        steps.review(statement_id=statement.pk, by=cast[0], at=TONIGHT)
        steps.approve(statement_id=statement.pk, by=cast[1], at=TONIGHT)

    def in_a_thread(statement):
        try:
            steps.issue(statement_id=statement.pk, by=cast[1], at=TONIGHT)
        finally:
            connection.close()

    threads = [threading.Thread(target=in_a_thread, args=(one,)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = own().order_by("number").values_list("number", flat=True)
    assert list(numbers) == ["NORTHLIGHT-2026-Q3-0001", "NORTHLIGHT-2026-Q3-0002"]


def test_a_composite_source_sees_its_own_share_only(world):
    twin = make_composite(world, Ann="2", Bea="1")
    world.line(unit_price=D(1))
    world.use("90", twin=twin)

    run_night()

    earned = own().order_by("-earned").values_list("beneficiary__name", "earned")
    assert list(earned) == [("Ann", D(60)), ("Bea", D(30))]
    ann = snapshot.from_json(own().get(beneficiary__name="Ann").content)
    assert "Bea" not in str(own().get(beneficiary__name="Ann").content)
    assert ann.lines[0].share is not None
    assert ann.period_starts_on == JULY


def test_each_heir_of_an_estate_has_a_statement_of_their_part(dubbed):
    """Bea has 60 % and Cy 40 % from the death on; what was used before is the estate's own."""
    Performer.objects.filter(pk=dubbed.performer.pk).update(
        life="deceased", died_on=date(2026, 7, 1)
    )
    for name, weight in (("Bea", 60), ("Cy", 40)):
        heir = Beneficiary.objects.create(name=name)
        give_certificate(heir)
        EstateShare.objects.create(performer=dubbed.performer, beneficiary=heir, weight=weight)

    run_night()

    # 7,620.00 earned, 5,000.00 received and 10 % of it kept.
    figures = ("beneficiary__name", "earned", "received", "closing", "outstanding")
    assert list(own().order_by("-earned").values_list(*figures)) == [
        ("Bea", D("4572"), D("3000"), D("2700"), D("1572")),
        ("Cy", D("3048"), D("2000"), D("1800"), D("1048")),
    ]
    bea = snapshot.from_json(own().get(beneficiary__name="Bea").content)
    assert (bea.to_performer, bea.lines[0].share) == (False, D(60))
    assert "the voice" in bea.in_words[0]
    roll_up = Statement.objects.get(kind="roll_up")
    assert (roll_up.earned, roll_up.received, roll_up.closing) == (7620, 5000, 4500)


# The chain


def test_late_use_of_a_quarter_before_an_issued_one_is_an_adjustment_after_it(world, cast):
    world.line(unit_price=D(1))
    world.use("7", on="2026-11-05")
    night_after(JANUARY)
    issue(own().get(), cast)
    world.use("3", on="2026-07-05")

    night_after(APRIL)

    late = own().get(number=None)
    # 7 of the issued statement and 3 of a quarter that never had one.
    assert (late.period_on, late.earned, late.outstanding) == (JANUARY, 3, 10)
    [line] = snapshot.from_json(late.content).lines
    assert line.section == Section.ADJUSTMENT
    assert line.prior_period == "1 July – 30 September 2026"


def test_money_of_a_day_before_an_issued_statement_is_stated_once_and_after_it(world, cast):
    world.line(unit_price=D(1))
    world.use("50", on="2026-11-05")
    night_after(JANUARY)
    issue(own().get(), cast)
    receive(world, "20", on=date(2026, 9, 20))

    night_after(APRIL)

    late = own().get(number=None)
    # 10 % of the 20 received is kept.
    assert (late.period_on, late.opening, late.received, late.closing) == (JANUARY, 0, 20, 18)
    assert late.outstanding == 30


def test_two_drafts_never_state_the_same_money(world, cast):
    world.line(unit_price=D(1))
    world.use("50", on="2026-07-05")
    world.use("30", on="2026-11-05")
    receive(world, "50", on=date(2026, 9, 20))

    night_after(JANUARY)

    # 50 came in on 20 September: 45 are payable on 30 September and nothing is added to it.
    payable = own().order_by("period_on").values_list("opening", "received", "closing")
    assert list(payable) == [(0, 50, 45), (45, 0, 45)]
    for statement in own().order_by("period_on"):
        issue(statement, cast)
    balance = journal.balance(
        agency_id=world.agency.pk,
        kind=AccountKind.PAYABLE,
        currency="USD",
        beneficiary_id=world.beneficiary.pk,
    )
    assert own().latest("period_on").closing == -balance


def test_use_that_is_no_news_to_a_draft_leaves_its_review_standing(dubbed, cast):
    run_night()
    steps.review(statement_id=own().get().pk, by=cast[0], at=TONIGHT)
    dubbed.use("1", on="2026-11-20")

    run_night()

    steps.approve(statement_id=own().get().pk, by=cast[1], at=TONIGHT)


def test_use_held_of_an_issued_quarter_is_shown_in_the_next(dubbed, cast):
    run_night()
    issue(own().get(), cast)
    dubbed.use("13", standing="out_of_scope", use="interactive_promo")
    dubbed.use("1", on="2026-10-02")

    night_after(JANUARY)

    content = snapshot.from_json(own().get(period_on=OCTOBER).content)
    held = [line for line in content.lines if line.section == Section.HELD]
    assert [(line.quantity, line.prior_period) for line in held] == [
        (D(13), "1 July – 30 September 2026")
    ]


def test_one_that_cannot_be_drawn_stops_no_other(world, monkeypatch, caplog):
    twin = make_composite(world, Ann="2", Bea="1")
    world.line(unit_price=D(1))
    world.use("90", twin=twin)
    gather = draw.gather

    def gathered(whose, *rest, **named):
        if whose.beneficiary.name == "Ann":
            raise RuntimeError("Ann's figures do not add up")
        return gather(whose, *rest, **named)

    with monkeypatch.context() as broken:
        broken.setattr(draw, "gather", gathered)
        run_night()
    assert list(own().values_list("beneficiary__name", flat=True)) == ["Bea"]
    assert "Ann's figures do not add up" in caplog.text

    run_night()

    assert own().count() == 2


# The roll-up


def test_a_roll_up_waits_for_what_it_adds_up_and_then_names_it(dubbed, cast):
    run_night()
    statement, roll_up = own().get(), Statement.objects.get(kind="roll_up")
    with pytest.raises(steps.PartsNotIssued):
        issue(roll_up, cast)
    number = issue(statement, cast).number

    issued = steps.issue(statement_id=roll_up.pk, by=cast[1], at=TONIGHT)

    [row] = snapshot.from_json(issued.content).beneficiaries
    assert (row.name, row.statement) == ("Ada Example", number)


def test_an_issue_leaves_the_roll_ups_review_standing(dubbed, cast):
    run_night()
    roll_up = Statement.objects.get(kind="roll_up")
    steps.review(statement_id=roll_up.pk, by=cast[0], at=TONIGHT)
    issue(own().get(), cast)

    run_night()

    steps.approve(statement_id=roll_up.pk, by=cast[1], at=TONIGHT)


def test_a_roll_up_of_figures_that_changed_is_not_issued(dubbed, cast):
    run_night()
    roll_up = Statement.objects.get(kind="roll_up")
    steps.review(statement_id=roll_up.pk, by=cast[0], at=TONIGHT)
    steps.approve(statement_id=roll_up.pk, by=cast[1], at=TONIGHT)
    # The line goes as it would with a night that redraws the statement and is then killed.
    own().get().lines.filter(section=Section.USAGE).delete()
    Statement.objects.filter(kind="beneficiary").update(content=without_lines(own().get().content))
    issue(own().get(), cast)

    with pytest.raises(steps.NotItsTurn, match="has changed"):
        steps.issue(statement_id=roll_up.pk, by=cast[1], at=TONIGHT)


def without_lines(content):
    return {**content, "lines": []}


def use_bea(world, quantity, on):
    """Make Bea's twin be used, under an agreement of its own at 1.00 a line."""
    performer = Performer.objects.create(name="Bea")
    Beneficiary.objects.create(name="Bea", performer=performer)
    twin = DigitalTwin.objects.get(pk=world.twin.pk)
    twin.pk, twin.name, twin.performer = None, "Bea's voice", performer
    twin.save()
    agreement = Agreement.objects.get(pk=world.agreement.pk)
    agreement.pk, agreement.twin, agreement.reference = None, twin, "HAR-2"
    agreement.save()
    card = RateCard.objects.create(agreement=agreement, effective_from=JULY)
    replace(world, card=card).line(unit_price=D(1))
    world.use(quantity, on=on, twin=twin, agreement=agreement)


def test_who_has_no_news_is_carried_in_the_roll_up(world, cast):
    """Ada's 45.00 of summer are still owed at Christmas, when only Bea has news."""
    world.line(unit_price=D(1))
    world.use("50", on="2026-07-05")
    receive(world, "50", on=date(2026, 9, 20))
    run_night()
    use_bea(world, "30", on="2026-11-05")

    night_after(JANUARY)

    roll_up = Statement.objects.get(kind="roll_up", period_on=OCTOBER)
    assert (roll_up.opening, roll_up.net, roll_up.closing) == (45, 0, 45)
    assert roll_up.outstanding == 30
    assert [row.name for row in snapshot.from_json(roll_up.content).beneficiaries] == [
        "Bea",
        "Ada Example",
    ]


def test_an_issued_roll_up_closes_its_quarter_for_everybody(world, cast):
    world.line(unit_price=D(1))
    world.use("50", on="2026-07-05")
    run_night()
    issue(own().get(), cast)
    issue(Statement.objects.get(kind="roll_up"), cast)
    use_bea(world, "30", on="2026-07-06")

    night_after(JANUARY)

    assert own().get(beneficiary__name="Bea").period_on == OCTOBER
    roll_ups = Statement.objects.filter(kind="roll_up").order_by("period_on")
    assert [one.earned for one in roll_ups] == [50, 30]


# Numbers


def test_agencies_whose_names_begin_alike_number_apart():
    one, other = (
        steps._prefix(Agency(pk=pk, slug=f"harbour-artists-management-{place}"))
        for pk, place in ((7, "east"), (8, "west"))
    )

    assert (one, other) == ("HARBOUR-ARTI-7", "HARBOUR-ARTI-8")
