"""A period is closed on figures that two people saw, takes no entry after that, and is reopened."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from licensing.models import Hold
from talent import four_eyes
from talent.models import OutboxMessage, User
from talent.periods import Days
from talent.words import Role
from tests.factories import make_member, messages_of, sign_in, take_step
from tests.valuation.cash.accounting import (
    add_details,
    bank_line,
    draw_up,
    mt940,
    receive,
)
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from valuation.cash.received import bank_lines, remittances
from valuation.closing import closes
from valuation.closing.checklist import MANY, checklist
from valuation.ledger import journal
from valuation.ledger.closed_periods import closed_anywhere_until, closed_until, open_day
from valuation.ledger.journal import Side
from valuation.models import (
    Invoice,
    JournalEntry,
    NightRun,
    PeriodClose,
    Posting,
    Statement,
    StatementStep,
)
from valuation.words import AccountKind, CloseItem, CloseStepKind, EntryKind

C, K = CloseItem, AccountKind
SUMMER = Days(JULY, OCTOBER)
LAST = OCTOBER - timedelta(days=1)


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING, email="ria@harbour.example")


@pytest.fixture
def colleague(world):
    return make_member(world.agency, Role.BUSINESS_AFFAIRS, email="ben@harbour.example")


@pytest.fixture
def night_ran(world):
    return NightRun.objects.create(
        as_of=OCTOBER, started_at=TONIGHT, finished_at=TONIGHT, status="finished", from_index=0,
        to_index=1, drawn_at=TONIGHT,
    )  # fmt: skip


def looked_at(world, by, days=SUMMER):
    return checklist(agency=world.agency, currency="USD", days=days, user=by, now=TONIGHT)


def left(world, by, days=SUMMER):
    found = looked_at(world, by, days)
    return {item.what: (item.count, item.amount) for item in found.left}


def ask(world, by, why="Carried to the next period.", **about):
    found = looked_at(world, by)
    told = {
        "agency": world.agency, "currency": "USD", "days": SUMMER, "seen": found.digest,
        "why": {item.what: why for item in found.left}, "by": by, "at": TONIGHT,
    }  # fmt: skip
    return closes.ask(**told | about)


def close(world, by, second):
    asked = ask(world, by)
    return closes.approve(close_id=asked.pk, by=second, at=TONIGHT)


def draft(world, *, closing="100", step="draft"):
    statement = Statement.objects.create(
        kind="beneficiary", agency=world.agency, beneficiary=world.beneficiary, currency="USD",
        period_on=JULY, period_ends_on=OCTOBER, from_index=0, to_index=1, opening=0,
        earned=D(closing), received=D(closing), deductions=0, net=D(closing), closing=D(closing),
        outstanding=0, due_on=LAST, content={},
    )  # fmt: skip
    StatementStep.objects.create(statement=statement, kind=step, at=TONIGHT)
    return statement


class TestTheChecklist:
    def test_says_that_the_night_has_not_run_to_the_end_until_it_has(self, world, accountant):
        NightRun.objects.create(
            as_of=LAST, started_at=TONIGHT, finished_at=TONIGHT, status="finished", from_index=0,
            to_index=1, drawn_at=TONIGHT,
        )  # fmt: skip
        assert left(world, accountant) == {C.NIGHTS: (1, None)}

        NightRun.objects.update(as_of=OCTOBER, drawn_at=None)
        assert left(world, accountant) == {C.NIGHTS: (1, None)}, "its statements are not drawn"

        NightRun.objects.update(drawn_at=TONIGHT)
        assert left(world, accountant) == {}

    @pytest.mark.parametrize(
        ("step", "item"),
        [("draft", C.TO_REVIEW), ("reviewed", C.TO_APPROVE), ("approved", C.TO_ISSUE)],
    )
    def test_counts_a_statement_by_its_next_step(self, world, accountant, night_ran, step, item):
        draft(world, step=step)

        assert left(world, accountant) == {item: (1, D(100))}
        assert left(world, accountant, Days(date(2026, 4, 1), JULY)) == {}

    def test_counts_money_by_where_it_is(self, world, accountant, colleague, night_ran):
        add_details(world, None, accountant, colleague)
        add_details(world, world.beneficiary, accountant, colleague)
        receive(world, world.beneficiary, "100", on=LAST)
        receive(world, world.beneficiary, "40", on=OCTOBER)
        assert left(world, accountant) == {C.BANK_FILES: (1, D(0)), C.UNPLANNED: (1, D(100))}

        hold = Hold.objects.create(
            kind="dispute", starts_at=TONIGHT - timedelta(1), reason="?", agreement=world.agreement
        )
        assert left(world, accountant)[C.DISPUTES] == (1, D(100))
        assert C.UNPLANNED not in left(world, accountant)
        Hold.objects.filter(pk=hold.pk).update(ends_at=TONIGHT)

        run = draw_up(world, accountant)
        assert left(world, accountant)[C.RUNS] == (1, D(140))
        assert C.UNPLANNED not in left(world, accountant)
        assert run.payments.count() == 1

    def test_counts_what_the_bank_says_and_nobody_decided(self, world, accountant, night_ran):
        bank_lines.upload(
            agency=world.agency, content=mt940((33_000, "Paper Moon", "NA-1"), (-500, "Fee", "F")),
            name="a.sta", by=accountant, at=TONIGHT,
        )  # fmt: skip
        assert left(world, accountant) == {
            C.BANK_LINES: (2, D(335)),
            C.RECONCILIATION: (1, D(325)),
        }

        bank_line(world, "1", reference="L", by=accountant, on=OCTOBER)
        assert left(world, accountant)[C.BANK_LINES] == (2, D(335)), "a day of the next period"

    def test_counts_receipts_without_a_match(self, world, accountant, night_ran):
        remittances.record(
            agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(50), currency="USD",
            received_on=LAST, reference="W-1", by=accountant, now=TONIGHT,
        )  # fmt: skip

        assert left(world, accountant)[C.RECEIPTS] == (1, D(50))

    def test_counts_invoices_that_are_neither_issued_nor_discarded(
        self, world, accountant, night_ran
    ):
        told = {
            "kind": "invoice", "agency": world.agency, "licensee": world.licensee,
            "currency": "USD", "net": D(10), "tax": D(2), "total": D(12), "content": {},
            "drawn_up_at": TONIGHT, "drawn_up_by": accountant,
        }  # fmt: skip
        draft, _late = (Invoice.objects.create(through=day, **told) for day in (LAST, OCTOBER))
        assert left(world, accountant) == {C.INVOICES: (1, D(12))}

        draft.steps.create(kind="discarded", at=TONIGHT, by=accountant)
        assert left(world, accountant) == {}

    def test_counts_uses_that_wait_and_prices_them_apart(self, world, accountant, night_ran):
        world.line(unit_price=D(5))
        world.use("4", "1", standing="out_of_scope")
        world.use("3", standing="out_of_scope", on="2026-10-01")
        receive(world, world.beneficiary, "1", on=OCTOBER)
        assert left(world, accountant) == {C.HELD: (2, None)}

        client, url = sign_in(accountant), reverse("admin:period_close")
        asked = {"agency": world.agency.pk, "currency": "USD", "on": JULY}
        listed = {row["item"].what: row for row in client.get(url, asked).context["rows"]}
        assert client.get(listed[C.HELD]["url"]).context["uses"] == 3
        assert "$25.00" in client.get(url, {**asked, "worth": 1}).text

    def test_takes_at_most_twenty_queries_however_many_rows_there_are(
        self, world, accountant, colleague, night_ran
    ):
        world.line(unit_price=D(5))
        client = sign_in(accountant)
        url = reverse("admin:period_close")
        asked = {"agency": world.agency.pk, "currency": "USD", "on": JULY}

        def queries():
            with CaptureQueriesContext(connection) as found:
                assert client.get(url, asked).status_code == 200
            return len(found)

        def busy(times):
            for n in range(times):
                world.use("4", standing="out_of_scope", on=f"2026-07-{n + 1:02}")
                receive(world, world.beneficiary, "100", on=JULY + timedelta(days=n))
                bank_line(world, f"{times}", reference=f"R{n}", by=accountant, on=JULY)

        busy(1)
        queries()
        one = queries()
        busy(12)
        assert queries() == one
        assert one <= 20

    def test_reads_sums_and_books_and_of_events_only_those_outside_the_consent(
        self, world, accountant, night_ran
    ):
        """So ten million events make neither page slower: indexes hold those few apart."""
        receive(world, world.beneficiary, "100", on=JULY)
        client = sign_in(accountant)
        asked = {"agency": world.agency.pk, "currency": "USD", "on": JULY}
        with CaptureQueriesContext(connection) as sent:
            client.get(reverse("admin:money"))
            client.get(reverse("admin:period_close"), asked)
        tables = {one["sql"]: set(re.findall(r'(?:FROM|JOIN) "(\w+)"', one["sql"])) for one in sent}
        facts = {"licensing_usageevent", "licensing_usagesum", "licensing_leaf"}
        (of_events,) = (sql for sql, read in tables.items() if read & facts)

        assert set().union(*tables.values()) >= {"valuation_posting", "valuation_usagetotal"}
        # The conditions of usage_event_outside and usage_event_apart, and no further than that.
        assert """NOT ("licensing_usageevent"."standing" = 'cleared')""" in of_events
        assert """NOT ("licensing_usageevent"."over_meter" = '')""" in of_events
        assert f"LIMIT {MANY + 1}" in of_events


class TestClosing:
    def test_takes_two_people_even_of_operators(self, world, accountant, colleague, night_ran):
        operator = User.objects.create_superuser("operator@desk.example")
        asked = ask(world, operator)
        with pytest.raises(four_eyes.FourEyes):
            closes.approve(close_id=asked.pk, by=operator, at=TONIGHT)
        closed = closes.approve(close_id=asked.pk, by=colleague, at=TONIGHT)

        assert PeriodClose.objects.closed().get() == closed
        with pytest.raises(closes.NotTheTurn):
            closes.approve(close_id=asked.pk, by=accountant, at=TONIGHT)
        with pytest.raises(closes.NotTheTurn):
            ask(world, accountant)

    def test_needs_somebody_who_could_approve(self, world, accountant, night_ran):
        with pytest.raises(four_eyes.NobodyToApprove):
            ask(world, accountant)

    def test_is_bound_to_what_was_seen(self, world, accountant, colleague, night_ran):
        with pytest.raises(closes.FiguresChanged):
            ask(world, accountant, seen="0" * 64)
        asked = ask(world, accountant)
        receive(world, world.beneficiary, "100", on=LAST)
        with pytest.raises(closes.FiguresChanged):
            closes.approve(close_id=asked.pk, by=colleague, at=TONIGHT)

        closes.refuse(close_id=asked.pk, by=colleague, at=TONIGHT, note="Money came in.")
        assert ask(world, accountant) == asked

    def test_explains_all_that_stays(self, world, accountant, colleague, night_ran):
        receive(world, world.beneficiary, "100", on=LAST)
        with pytest.raises(closes.LeftToDo, match="Payees with money in no payout run"):
            ask(world, accountant, why=" ")
        asked = ask(world, accountant)

        told = {one["what"]: one["why"] for one in asked.steps.get().figures if one["count"]}
        assert told == {
            "bank_files": "Carried to the next period.",
            "unplanned": "Carried to the next period.",
        }

    def test_waits_for_statements_and_the_night(self, world, accountant, colleague, night_ran):
        draft(world, step="approved")
        with pytest.raises(closes.LeftToDo, match="Statements to issue"):
            ask(world, accountant)
        NightRun.objects.update(as_of=LAST)
        with pytest.raises(closes.LeftToDo, match="Nights"):
            ask(world, accountant)

    def test_waits_for_the_end_of_the_period_where_the_agency_is(
        self, world, accountant, colleague, night_ran
    ):
        world.agency.time_zone = "America/Los_Angeles"
        world.agency.save()
        with pytest.raises(closes.NoPeriod):
            ask(world, accountant, at=datetime(2026, 10, 1, 6, 59, tzinfo=UTC))
        assert ask(world, accountant, at=datetime(2026, 10, 1, 7, tzinfo=UTC))
        with pytest.raises(closes.NoPeriod):
            ask(world, accountant, days=Days(JULY, date(2026, 9, 1)))

    def test_who_asked_takes_back_and_no_stranger_decides(
        self, world, accountant, colleague, night_ran, elsewhere
    ):
        asked = ask(world, accountant)
        stranger = make_member(elsewhere, Role.ACCOUNTING, email="far@away.example")
        with pytest.raises(four_eyes.FourEyes):
            closes.refuse(close_id=asked.pk, by=stranger, at=TONIGHT, note="No.")
        with pytest.raises(closes.NoReason):
            closes.refuse(close_id=asked.pk, by=accountant, at=TONIGHT, note=" ")
        closes.refuse(close_id=asked.pk, by=accountant, at=TONIGHT, note="A slip.")

        assert not PeriodClose.objects.closed().exists()


class TestAClosedPeriod:
    def test_takes_no_entry_any_more(self, world, accountant, colleague, night_ran):
        close(world, accountant, colleague)
        remittances.record(
            agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(50), currency="USD",
            received_on=LAST, reference="W-1", by=accountant, now=TONIGHT,
        )  # fmt: skip
        late = JournalEntry.objects.get()

        assert (late.effective_on, late.happened_on) == (OCTOBER, LAST)
        days = {"agency_id": world.agency.pk, "currencies": ["USD"], "beneficiary_ids": []}
        assert open_day(OCTOBER, **days) == OCTOBER
        assert open_day(LAST, **{**days, "currencies": ["EUR"]}) == LAST
        assert closed_anywhere_until([world.agency.pk]) == {world.agency.pk: OCTOBER}
        of = {"agency_id": world.agency.pk, "currency": "USD"}
        assert closed_until(**of, beneficiary_ids=[world.beneficiary.pk]) == {
            world.beneficiary.pk: OCTOBER
        }

    def test_is_reopened_by_two_people_with_reasons(self, world, accountant, colleague, night_ran):
        closed = close(world, accountant, colleague)
        with pytest.raises(closes.NoReason):
            closes.ask_to_reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="")
        closes.ask_to_reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="A fee is missing")
        assert PeriodClose.objects.closed().exists(), "asked is not reopened"
        with pytest.raises(four_eyes.FourEyes):
            closes.reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="A fee is missing")
        closes.reopen(close_id=closed.pk, by=colleague, at=TONIGHT, note="Agreed")

        assert not PeriodClose.objects.closed().exists()
        assert closed_anywhere_until([world.agency.pk]) == {}
        assert close(world, colleague, accountant) == closed, "and is closed anew"

    def test_may_stay_closed(self, world, accountant, colleague, night_ran):
        closed = close(world, accountant, colleague)
        closes.ask_to_reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="A fee is missing")
        closes.refuse(close_id=closed.pk, by=colleague, at=TONIGHT, note="It is of October")

        assert PeriodClose.objects.closed().get() == closed

    def test_is_not_reopened_under_a_later_one(self, world, accountant, colleague, night_ran):
        closed = close(world, accountant, colleague)
        later = PeriodClose.objects.create(
            agency=world.agency, currency="USD", period_on=OCTOBER, period_ends_on=date(2027, 1, 1)
        )
        later.steps.create(kind=CloseStepKind.CLOSED.value, at=TONIGHT, by=colleague)
        with pytest.raises(closes.LaterPeriodClosed):
            closes.ask_to_reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="A fee")

    def test_leaves_issued_statements_as_they_are_when_it_is_reopened(
        self, world, accountant, colleague, night_ran
    ):
        issue_july_statement(world, closing="5")
        before = Statement.objects.values().get()
        closed = close(world, accountant, colleague)
        closes.ask_to_reopen(close_id=closed.pk, by=accountant, at=TONIGHT, note="A fee is missing")
        closes.reopen(close_id=closed.pk, by=colleague, at=TONIGHT, note="Agreed")
        entry = journal.post(
            agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
            sides=[Side(K.TRUST_CASH, D(1)),
                   Side(K.PAYABLE, D(-1), beneficiary_id=world.beneficiary.pk)],
            effective_on=LAST, recorded_at=TONIGHT, description="Late", by=accountant,
        )  # fmt: skip

        assert Statement.objects.values().get() == before
        assert entry.effective_on == OCTOBER, "its statement keeps the day closed"
        assert Posting.objects.filter(entry=entry).count() == 2


class TestThePages:
    def test_lead_from_the_checklist_to_what_mends_it_and_through_four_eyes(
        self, world, accountant, colleague, night_ran
    ):
        bank_lines.upload(
            agency=world.agency, content=mt940((33_000, "Paper Moon", "NA-1")), name="a.sta",
            by=accountant, at=TONIGHT,
        )  # fmt: skip
        client = sign_in(accountant)
        url = f"{reverse('admin:period_close')}?agency={world.agency.pk}&currency=USD&on={JULY}"
        page = client.get(url)
        shown = {row["item"].what: row for row in page.context["rows"] if row["item"].is_open}
        assert set(shown) == {C.BANK_LINES, C.RECONCILIATION}
        for row in shown.values():
            listed = client.get(row["url"])
            assert listed.status_code == 200
        assert client.get(shown[C.BANK_LINES]["url"]).context["cl"].result_count == 1

        sent = {"seen": page.context["found"].digest}
        told = client.post(url, sent)
        assert told.status_code == 200
        assert not PeriodClose.objects.exists(), "nothing is explained"
        sent |= {"bank_lines": "Asked the studio", "reconciliation": "That line"}
        assert "waits to be closed" in client.post(url, sent, follow=True).text
        asked = PeriodClose.objects.get()

        assert "cannot approve it" in take_step(client, "approve", asked).text
        second = sign_in(colleague)
        assert "is closed" in messages_of(take_step(second, "approve", asked))

    def test_mail_the_papers_to_a_colleague_as_a_link(
        self, world, accountant, colleague, night_ran, elsewhere
    ):
        closed = close(world, accountant, colleague)
        far = make_member(elsewhere, Role.ACCOUNTING, email="far@away.example")
        client = sign_in(accountant)
        assert "Select a valid choice" in take_step(
            client, "mail_papers", closed, colleague=far.pk
        ).text  # fmt: skip
        told = take_step(client, "mail_papers", closed, colleague=accountant.pk)

        assert "on its way" in messages_of(told)
        assert OutboxMessage.objects.get().recipient == accountant.email

    def test_are_for_people_of_the_agency(self, world, accountant, elsewhere, night_ran):
        receive(world, world.beneficiary, "100")
        stranger = sign_in(make_member(elsewhere, Role.ACCOUNTING, email="far@away.example"))
        url = f"{reverse('admin:period_close')}?agency={world.agency.pk}&currency=USD&on={JULY}"

        assert "found" not in stranger.get(url).context
        auditor = sign_in(make_member(world.agency, Role.AUDITOR, email="aud@harbour.example"))
        page = auditor.get(url)
        assert page.context["found"]
        assert not page.context["may_ask"]
        sent = {"seen": page.context["found"].digest}
        assert auditor.post(url, sent).status_code == 403
