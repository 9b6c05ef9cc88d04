"""Opening balances: what an old system said, by two people; the first statement begins with it."""

import subprocess
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from talent import four_eyes
from talent.models import Beneficiary, Performer, User
from talent.words import Role
from tests import factories
from tests.factories import make_member, sign_in
from tests.valuation.cash.accounting import add_details, draw_up, pay_out
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation import night
from valuation.cash.disputed import raising
from valuation.cash.received import remittances
from valuation.cash.reconciliation import reconcile
from valuation.cash.released import reversals, taken_over
from valuation.ledger import journal
from valuation.models import JournalEntry, Opening, OpeningBalance, Reading, Statement
from valuation.opening import balances
from valuation.opening.told import NotReadable, Told, read
from valuation.statements import snapshot, steps
from valuation.words import AccountKind, CashShare, DisputeReason, LedgerSyntax, OpeningKind

pytestmark = pytest.mark.usefixtures("short_papers")

K = OpeningKind
TODAY = TONIGHT.date()
UNTIL = date(2027, 2, 1)
HEADER = "kind,payee,licensee,agreement,currency,amount,until\n"


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return make_member(world.agency, Role.BUSINESS_AFFAIRS)


def told_of(world, **amounts):
    return [
        Told(
            K(kind),
            None if kind in ("receivable", "trust_cash") else world.beneficiary,
            world.licensee if kind == "receivable" else None,
            "USD",
            D(amount),
            world.agreement if kind in ("accrued", "advances", "receivable") else None,
            UNTIL if kind == "reserve" else None,
        )
        for kind, amount in amounts.items()
    ]


def entered(world, by, *, on=JULY, at=TONIGHT, **amounts):
    return balances.enter(
        agency=world.agency, on=on, source="Old books", told=told_of(world, **amounts), by=by, at=at
    )


def posted(world, by, second, **amounts):
    opening = entered(world, by, **amounts)
    return balances.approve(opening_id=opening.pk, by=second, at=TONIGHT)


def balance(world, kind, **whose):
    return journal.balance(agency_id=world.agency.pk, kind=kind, currency="USD", **whose)


def night_after(day):
    night.run_night(as_of=day + timedelta(1), now=datetime(day.year, day.month, 2, 3, tzinfo=UTC))


def issue(statement, by, second):
    at = max(TONIGHT, datetime.combine(statement.period_ends_on, time(12), UTC))
    steps.review(statement_id=statement.pk, by=by, at=at)
    steps.approve(statement_id=statement.pk, by=second, at=at)
    return steps.issue(statement_id=statement.pk, by=by, at=at)


def own():
    return Statement.objects.filter(kind="beneficiary")


ALL = {"payable": "250", "accrued": "1000", "advances": "400", "reserve": "30",
       "receivable": "1000", "trust_cash": "280"}  # fmt: skip


def test_the_first_statement_begins_with_what_the_old_system_said(world, accountant, colleague):
    world.line(unit_price=D(1))
    world.use("50")
    posted(world, accountant, colleague, **ALL)
    night_after(OCTOBER)

    statement = own().get()
    assert (statement.opening, statement.earned, statement.closing) == (250, 50, 250)
    assert statement.outstanding == 1050
    content = snapshot.statement_from_json(statement.content)
    assert (content.beside.opening_advances, content.beside.advances) == (400, 400)
    assert (content.beside.opening_reserve, content.beside.reserve) == (30, 30)
    assert not content.deductions
    assert issue(statement, accountant, colleague).number

    roll_up = Statement.objects.get(kind="roll_up")
    assert (roll_up.opening, roll_up.net, roll_up.closing) == (250, 0, 250)
    [licensee] = snapshot.roll_up_from_json(roll_up.content).licensees
    assert (licensee.opening_receivable, licensee.closing_receivable) == (1000, 1050)
    assert issue(roll_up, accountant, colleague).number


def test_the_second_one_carries_it_on_and_no_more_is_added(world, accountant, colleague):
    world.line(unit_price=D(1))
    posted(world, accountant, colleague, **ALL)
    night_after(OCTOBER)
    issue(own().get(), accountant, colleague)
    pay_out(world, "250", on=date(2026, 10, 20))
    night_after(date(2027, 1, 1))

    second = own().get(period_on=OCTOBER)
    assert (second.opening, second.closing, second.outstanding) == (250, 0, 1000)
    roll_up = Statement.objects.get(kind="roll_up", period_on=OCTOBER)
    [licensee] = snapshot.roll_up_from_json(roll_up.content).licensees
    assert licensee.opening_receivable == 1000


def test_each_balance_is_an_entry_of_its_own_on_that_day(world, accountant, colleague):
    posted(world, accountant, colleague, **ALL)

    entries = JournalEntry.objects.filter(kind="opening")
    assert [(entry.effective_on, entry.recorded_by) for entry in entries] == [
        (JULY, colleague)
    ] * len(ALL)
    payee = {"beneficiary_id": world.beneficiary.pk}
    assert balance(world, AccountKind.PAYABLE, **payee) == -250
    assert balance(world, AccountKind.ADVANCES, **payee) == 400
    assert balance(world, AccountKind.RECEIVABLE, licensee_id=world.licensee.pk) == 1000
    # 400 advanced that nothing stands against: nobody has told yet whose money that was.
    assert balance(world, AccountKind.OPENING) == -400


def test_the_client_account_names_what_has_no_counterpart(world, accountant, colleague):
    posted(world, accountant, colleague, payable="250", trust_cash="280")

    found = reconcile(agency=world.agency, currency="USD", on=TODAY, now=TONIGHT)
    parts = {part.share: part.amount for part in found.parts if part.amount}
    assert found.trust_cash == 280
    assert parts == {CashShare.PAYABLE: 250, CashShare.OPENING: 30}


@pytest.mark.judge("hledger")
def test_hledger_reads_the_books_that_begin_so(world, accountant, colleague, tmp_path):
    posted(world, accountant, colleague, **ALL)
    night_after(OCTOBER)
    issue(own().get(), accountant, colleague)
    path = tmp_path / "books.journal"
    path.write_text("".join(journal.export(
        entries=JournalEntry.objects.all(), syntax=LedgerSyntax.HLEDGER
    )))  # fmt: skip

    command = ["hledger", "-f", str(path), "check", "--strict", "payees", "ordereddates"]
    judged = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")  # noqa: S603
    assert judged.stderr == ""


def test_what_was_payable_then_is_paid_by_a_run(world, accountant, colleague):
    add_details(world, None, accountant, colleague)
    add_details(world, world.beneficiary, accountant, colleague)
    posted(world, accountant, colleague, payable="250")

    [payment] = draw_up(world, accountant).payments.all()
    assert (payment.amount, payment.holds) == (250, [])


def test_what_a_payee_owes_back_is_below_zero(world, accountant, colleague):
    posted(world, accountant, colleague, payable="-40")

    assert balance(world, AccountKind.PAYABLE, beneficiary_id=world.beneficiary.pk) == 40


# They live on


def received(world, amount, on=date(2026, 8, 3), reference="PAY-1"):
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount), currency="USD",
        received_on=on, reference=reference, by=None, now=TONIGHT,
    )  # fmt: skip


def whose(world):
    """Return what the books say of the payee and the licensee."""
    payee, studio = {"beneficiary_id": world.beneficiary.pk}, {"licensee_id": world.licensee.pk}
    kinds = [(AccountKind.PAYABLE, payee), (AccountKind.ACCRUED, payee),
             (AccountKind.ADVANCES, payee), (AccountKind.RESERVE, payee),
             (AccountKind.COMMISSION, payee), (AccountKind.RECEIVABLE, studio),
             (AccountKind.UNMATCHED, studio)]  # fmt: skip
    found = {kind.value: balance(world, kind, **of) for kind, of in kinds}
    return {kind: amount for kind, amount in found.items() if amount}


def test_a_receipt_pays_what_was_owed_and_the_advance_comes_back_first(
    world, accountant, colleague
):
    world.line(unit_price=D(1))
    world.use("100")
    posted(world, accountant, colleague, accrued="1000", receivable="1000", advances="400")
    received(world, "300")
    night_after(OCTOBER)
    # Ten percent commission of 300, and the rest pays the advance back.
    assert whose(world) == {"accrued": -800, "advances": 130, "commission": -30, "receivable": 800}

    received(world, "800", reference="PAY-2")
    night_after(OCTOBER)
    assert whose(world) == {"commission": -110, "payable": -590}
    content = snapshot.statement_from_json(own().get().content)
    assert (content.opening_accrued, content.closing_accrued) == (1000, 0)
    assert [(row.amount, [part.amount for part in row.parts]) for row in content.receipts] == [
        (300, [300]), (800, [700, 100]),
    ]  # fmt: skip
    assert {row.kind: row.amount for row in content.deductions} == {
        AccountKind.COMMISSION: -110, AccountKind.ADVANCES: -400,
    }  # fmt: skip
    assert (content.beside.opening_advances, content.beside.advances) == (400, 0)
    roll_up = Statement.objects.get(kind="roll_up")
    [row] = snapshot.roll_up_from_json(roll_up.content).licensees
    assert (row.opening_receivable, row.earned, row.received, row.closing_receivable) == (
        1000, 100, 1100, 0,
    )  # fmt: skip
    issue(own().get(), accountant, colleague)
    issue(roll_up, accountant, colleague)

    # What the licensee had owed was 900: it is taken back whole, and told anew.
    wrong = OpeningBalance.objects.get(kind="accrued")
    reverse_(wrong.entry, accountant, colleague)
    assert whose(world)["unmatched"] == -1000
    assert not OpeningBalance.objects.standing().exclude(kind="advances").exists()
    posted(world, accountant, colleague, accrued="900", receivable="900")
    night_after(date(2027, 1, 1))
    assert whose(world) == {"commission": -100, "payable": -500, "unmatched": -100}
    second = own().get(period_on=OCTOBER)
    assert (second.opening, second.closing, second.outstanding) == (590, 500, 0)

    # The advance was never paid: what it kept of receipts is payable.
    reverse_(OpeningBalance.objects.get(kind="advances").entry, accountant, colleague)
    assert whose(world) == {"commission": -100, "payable": -900, "unmatched": -100}


def test_in_whatever_order_they_are_told_and_paid(world, accountant, colleague):
    world.line(unit_price=D(1))
    world.use("500")
    received(world, "500")
    night_after(OCTOBER)
    before = whose(world)
    posted(world, accountant, colleague, advances="400")
    assert before == {"payable": -450, "commission": -50}
    assert whose(world) == {"payable": -50, "commission": -50}
    night_after(OCTOBER)
    assert (own().get().closing, whose(world)) == (50, {"payable": -50, "commission": -50})


def test_a_reserve_is_payable_on_its_day_and_not_before(world, accountant, colleague):
    posted(world, accountant, colleague, reserve="30")
    taken_over.release_reserves(agency_id=world.agency.pk, on=date(2027, 1, 31), now=TONIGHT)
    assert whose(world) == {"reserve": -30}
    night_after(date(2027, 4, 1))
    taken_over.release_reserves(agency_id=world.agency.pk, on=UNTIL, now=TONIGHT)
    assert whose(world) == {"payable": -30}
    content = snapshot.statement_from_json(own().get(closing=30).content)
    assert [(row.kind, row.amount) for row in content.deductions] == [(AccountKind.RESERVE, 30)]
    assert content.beside.reserve == 0

    later = datetime(2027, 4, 3, tzinfo=UTC)
    reverse_(OpeningBalance.objects.get().entry, accountant, colleague, later)
    assert not whose(world)
    with pytest.raises(balances.OverByNow):
        entered(world, accountant, on=UNTIL, at=later, reserve="30")


def test_a_licensee_disputes_what_it_owed_and_the_parts_are_held(world, accountant, colleague):
    posted(world, accountant, colleague, accrued="1000", receivable="1000")
    reading = Reading.objects.get(kind="opening")
    raising.raise_for_licensee(
        reading_id=reading.pk, reason=DisputeReason.AMOUNT, text="We paid.", by=accountant,
        at=TONIGHT,
    )  # fmt: skip
    assert balance(world, AccountKind.DISPUTED, beneficiary_id=world.beneficiary.pk) == -1000


def test_what_was_owed_and_what_was_earned_of_it_are_told_together(world, accountant):
    with pytest.raises(balances.NotWhole, match=r"owes \$1,000.00, and payees have earned \$900"):
        entered(world, accountant, receivable="1000", accrued="900")
    with pytest.raises(balances.NotWhole):
        entered(world, accountant, receivable="1000")


# Two people


def test_nothing_is_posted_before_somebody_else_approves(world, accountant, colleague):
    opening = entered(world, accountant, payable="250")
    assert not JournalEntry.objects.exists()

    with pytest.raises(four_eyes.FourEyes):
        balances.approve(opening_id=opening.pk, by=accountant, at=TONIGHT)
    balances.approve(opening_id=opening.pk, by=colleague, at=TONIGHT)
    with pytest.raises(balances.AlreadyDecided):
        balances.approve(opening_id=opening.pk, by=colleague, at=TONIGHT)
    assert JournalEntry.objects.count() == 1


def test_the_operator_is_no_exception(world, colleague):
    operator = User.objects.create_superuser("operator@likeness.example")
    opening = entered(world, operator, payable="250")

    with pytest.raises(four_eyes.FourEyes):
        balances.approve(opening_id=opening.pk, by=operator, at=TONIGHT)


def test_who_could_not_approve_does_not_reject(world, accountant, colleague):
    opening = entered(world, accountant, payable="250")
    with pytest.raises(four_eyes.FourEyes):
        balances.reject(
            opening_id=opening.pk, by=make_member(world.agency, Role.AGENT), at=TONIGHT, note="No"
        )

    balances.reject(opening_id=opening.pk, by=accountant, at=TONIGHT, note="Wrong file")

    assert opening.decision.outcome == "taken_back"
    entered(world, accountant, payable="260")


# Late, twice, and put right


def test_the_same_balance_waits_or_stands_once(world, accountant, colleague):
    opening = entered(world, accountant, payable="250")
    with pytest.raises(balances.AlreadyOpened, match="Ada Example"):
        entered(world, accountant, payable="250")
    balances.approve(opening_id=opening.pk, by=colleague, at=TONIGHT)
    with pytest.raises(balances.AlreadyOpened):
        entered(world, accountant, payable="10")
    entered(world, accountant, reserve="10")


def reverse_(entry, by, second, at=TONIGHT):
    request = reversals.ask(entry_id=entry.pk, reason="It was 25.00", by=by, at=at)
    return reversals.approve(request_id=request.pk, by=second, at=at)


def test_a_wrong_one_is_reversed_and_entered_anew(world, accountant, colleague):
    posted(world, accountant, colleague, payable="250")
    reverse_(OpeningBalance.objects.get().entry, accountant, colleague)
    posted(world, accountant, colleague, payable="25")
    night_after(OCTOBER)

    # The reversal is of the day it was approved on, and stands on a later statement.
    assert balance(world, AccountKind.PAYABLE, beneficiary_id=world.beneficiary.pk) == -25


def test_once_a_statement_is_issued_it_is_too_late_for_another(world, accountant, colleague):
    posted(world, accountant, colleague, payable="250")
    waiting = entered(world, accountant, reserve="30")
    night_after(OCTOBER)
    issue(own().get(), accountant, colleague)

    with pytest.raises(balances.TooLate, match="Leave this line out"):
        balances.approve(opening_id=waiting.pk, by=colleague, at=TONIGHT)
    with pytest.raises(balances.TooLate):
        entered(world, accountant, accrued="5", receivable="5")
    entered(world, accountant, trust_cash="5")


def test_what_is_found_wrong_after_the_issue_stands_on_the_next(world, accountant, colleague):
    posted(world, accountant, colleague, **ALL)
    night_after(OCTOBER)
    issue(own().get(), accountant, colleague)
    for one in OpeningBalance.objects.filter(kind__in=["payable", "accrued", "advances"]):
        reverse_(one.entry, accountant, colleague)
    night_after(date(2027, 1, 1))

    second = own().get(period_on=OCTOBER)
    assert (second.opening, second.deductions, second.closing) == (250, -250, 0)
    assert second.outstanding == 0
    content = snapshot.statement_from_json(second.content)
    assert [row.kind for row in content.deductions] == [AccountKind.OPENING]
    assert content.beside.advances == 0
    assert second.closing == -balance(
        world, AccountKind.PAYABLE, beneficiary_id=world.beneficiary.pk
    )


@pytest.mark.parametrize(
    ("on", "refusal"),
    [
        (TODAY + timedelta(1), balances.StillToCome),
        (date(1989, 12, 31), journal.NoDayOfTheBooks),
        (date(9999, 12, 31), journal.NoDayOfTheBooks),
    ],
)
def test_the_day_is_one_of_the_books_that_has_come(world, accountant, colleague, on, refusal):
    with pytest.raises(refusal):
        entered(world, accountant, on=on, payable="1")


# Files


def test_a_file_names_whom_by_name_or_number(world):
    told = read(
        world.agency,
        (
            f"\ufeff{HEADER}payable,ADA example,,,usd,-12.50,\n"
            f"reserve,{world.beneficiary.pk},,,EUR,3,2027-02-01\n"
            f"receivable,,{world.licensee.name},{world.agreement.reference.lower()},USD,7,\n"
            f"advances,ada example,,{world.agreement.pk},USD,8,\n"
            "trust_cash,,,,JPY,100,\n"
        ).encode(),
    )

    terms = world.agreement
    assert [
        (one.kind, one.beneficiary, one.currency, one.amount, one.agreement or one.until)
        for one in told
    ] == [
        (K.PAYABLE, world.beneficiary, "USD", D("-12.50"), None),
        (K.RESERVE, world.beneficiary, "EUR", D(3), UNTIL),
        (K.RECEIVABLE, None, "USD", D(7), terms),
        (K.ADVANCES, world.beneficiary, "USD", D(8), terms),
        (K.TRUST_CASH, None, "JPY", D(100), None),
    ]


WRONG = {
    "owed,Ada Example,,,USD,1,": "“owed” is none of",
    "payable,,,,USD,1,": "It needs a payee",
    "payable,Ada Example,Studio,,USD,1,": "It has no licensee",
    "receivable,Ada Example,,MER-1,USD,1,": "It has no payee",
    "payable,Nobody Known,,,USD,1,": "Nobody of the agency is named “Nobody Known”",
    "payable,Ada Example,,,XXQ,1,": "is no currency",
    "payable,Ada Example,,,USD,NaN,": "“NaN” is no amount",
    "payable,Ada Example,,,USD,1e30,": "“1e30” is no amount",
    'payable,Ada Example,,,USD,"1,000",': "“1,000” is no amount",
    "payable,Ada Example,,,USD,0,": "“0” is to be above zero",
    "reserve,Ada Example,,,USD,-1,2027-01-01": "“-1” is to be above zero",
    "payable,Ada Example,,,JPY,1.5,": "“1.5” is finer than its currency",
    "payable,Twin Name,,,USD,1,": "are several; write one of the numbers",
    "accrued,Ada Example,,,USD,1,": "It needs an agreement",
    "advances,Ada Example,,NO-SUCH,USD,1,": "named “NO-SUCH”",
    "payable,Ada Example,,MER-1,USD,1,": "It has no agreement",
    "reserve,Ada Example,,,USD,1,": "It needs the day",
    "reserve,Ada Example,,,USD,1,soon": "“soon” is no day",
    "payable,Ada Example,,,USD,1,2027-01-01": "It has no until",
}


def test_each_line_that_is_wrong_is_named_and_nothing_is_read(world):
    for _ in range(2):
        performer = factories.make_performer("Twin Name", world.agency)
        Beneficiary.objects.create(name="Twin Name", performer=performer)
    twice = ["payable,Ada Example,,,EUR,1,", "payable,Ada Example,,,EUR,2,"]

    with pytest.raises(NotReadable) as refused:
        read(world.agency, "\n".join([HEADER.strip(), *WRONG, *twice]).encode())

    text = str(refused.value)
    for number, says in enumerate(WRONG.values(), start=2):
        assert f"Line {number}: " in text
        assert says in text
    assert "EUR stands there 2 times" in text


def test_what_is_no_such_file_is_refused(world):
    for content in (b"", b"kind,payee\n", HEADER.encode(), b"\xff\xfe", b'"'):
        with pytest.raises(NotReadable):
            read(world.agency, content)


def test_a_payee_of_another_agency_is_nobody(world):
    stranger = Beneficiary.objects.create(
        name="Stranger", performer=Performer.objects.create(name="Stranger")
    )

    for name in ("Stranger", stranger.pk):
        with pytest.raises(NotReadable, match="Nobody of the agency"):
            read(world.agency, f"{HEADER}payable,{name},,,USD,1,\n".encode())


# Pages


def sent(client, world, **about):
    told = {"agency": world.agency.pk, "on": "2026-07-01", "source": "Old books"}
    return client.post(reverse("admin:valuation_opening_enter"), told | about, follow=True)


def test_it_is_looked_at_kept_and_approved_on_pages(world, accountant, colleague):
    client = sign_in(accountant)
    look = sent(client, world, kind="payable", payee=world.beneficiary.pk, currency="USD",
                amount="250.00")  # fmt: skip
    assert "$250.00" in look.content.decode()
    assert not Opening.objects.exists()

    seen = {field.html_name: field.value() for field in look.context["again"]}
    kept = client.post(reverse("admin:valuation_opening_enter"), seen, follow=True)
    assert "waits for approval" in kept.content.decode()

    step = reverse("admin:valuation_opening_approve", args=[Opening.objects.get().pk])
    client = sign_in(colleague)
    page = client.get(step)
    client.post(step, {"seen": page.context["seen"]})
    assert balance(world, AccountKind.PAYABLE, beneficiary_id=world.beneficiary.pk) == -250


def test_what_was_not_seen_is_not_kept(world, accountant, colleague):
    client = sign_in(accountant)
    look = sent(client, world, kind="payable", payee=world.beneficiary.pk, currency="USD",
                amount="250.00")  # fmt: skip
    seen = {field.html_name: field.value() for field in look.context["again"]}
    seen["content"] = seen["content"].replace("250.00", "950.00")

    client.post(reverse("admin:valuation_opening_enter"), seen)

    assert not Opening.objects.exists()


def test_who_does_not_keep_the_books_enters_nothing(world, colleague):
    client = sign_in(make_member(world.agency, Role.AGENT))

    assert client.get(reverse("admin:valuation_opening_enter")).status_code == 403
