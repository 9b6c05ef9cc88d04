"""What is handed out: papers as one file, links that expire, reports by mail, months by mail."""

import hashlib
import io
import re
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
import python_calamine
from django.core.files.base import ContentFile
from django.urls import reverse

from talent.models import Beneficiary, Membership, OutboxMessage
from talent.periods import Days
from talent.words import Role
from tests.factories import admin_page, make_member, make_user, messages_of, run_action, sign_in
from tests.valuation.cash.accounting import bank_line
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from valuation.cash.received import remittances
from valuation.delivery import digests, links, papers, reports
from valuation.models import (
    DeliveryLink,
    MonthlyDigest,
    NightRun,
    ScheduledReport,
    Statement,
    StatementStep,
    UsageMonth,
)

NOW = TONIGHT
SUMMER = Days(JULY, OCTOBER)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING, email="ria@harbour.example")


@pytest.fixture
def payee(world):
    return make_user("ada@performers.example", performer=world.performer)


def issued(world, number="NOR-2026-Q3-0001", paper=b"%PDF-1.7 one", name=""):
    beneficiary = Beneficiary.objects.create(name=name) if name else world.beneficiary
    digest = hashlib.sha256(paper).hexdigest()
    statement = Statement(
        kind="beneficiary", agency=world.agency, beneficiary=beneficiary, currency="USD",
        period_on=JULY, period_ends_on=OCTOBER, number=number, from_index=0, to_index=1, opening=0,
        earned=5, received=5, deductions=0, net=5, closing=5, outstanding=0, due_on=OCTOBER,
        content={}, pdf_sha256=digest,
    )  # fmt: skip
    statement.pdf.save(f"{number}.pdf", ContentFile(paper), save=False)
    statement.save()
    StatementStep.objects.create(statement=statement, kind="issued", at=NOW)
    return statement


def packed(response):
    return zipfile.ZipFile(io.BytesIO(b"".join(response)))


class TestAllPapersOfAPeriod:
    def test_are_the_same_bytes_each_time_with_a_manifest(self, world, accountant):
        for number, paper in (("N-2", b"%PDF two"), ("N-1", b"%PDF one")):
            issued(world, number, paper, name=number)
        client = sign_in(accountant)
        url = reverse("admin:valuation_statement_zip")
        asked = {"agency": world.agency.pk, "currency": "USD", "period_on": JULY}
        first, again = (b"".join(client.get(url, asked)) for _ in range(2))

        with zipfile.ZipFile(io.BytesIO(first)) as archive:
            assert archive.namelist() == ["N-1.pdf", "N-2.pdf", "manifest.csv"]
            assert archive.read("N-1.pdf") == b"%PDF one"
            told = archive.read("manifest.csv").decode()
        assert hashlib.sha256(b"%PDF two").hexdigest() in told
        assert first == again

    def test_name_what_is_missing_or_changed_and_hold_the_rest(self, world, accountant, tmp_path):
        gone, changed, whole = (issued(world, f"N-{n}", name=f"P{n}") for n in (1, 2, 3))
        (tmp_path / gone.pdf.name).unlink()
        (tmp_path / changed.pdf.name).write_bytes(b"%PDF forged")
        archive = packed(papers.archive(Statement.objects.all()))
        told = archive.read("manifest.csv").decode()

        assert archive.namelist() == [papers.name_of(whole), "manifest.csv"]
        assert "cannot be reached" in told
        assert "is not the one that was issued" in told

    def test_are_held_one_at_a_time(self, world):
        """Twenty papers of a megabyte take no more memory than one and what reads it."""
        paper = b"%PDF" + bytes(range(256)) * 4096
        for n in range(20):
            issued(world, f"N-{n}", paper, name=f"P{n}")
        tracemalloc.start()
        size = sum(len(part) for part in papers.archive(Statement.objects.all()))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert size > 0
        assert peak < 6 * len(paper)

    def test_are_for_accounting_and_each_row_for_who_may_have_it(self, world, elsewhere):
        issued(world)
        asked = {"agency": world.agency.pk, "currency": "USD", "period_on": JULY}
        url = reverse("admin:valuation_statement_zip")
        for at, role in ((world.agency, Role.AGENT), (elsewhere, Role.ACCOUNTING)):
            client = sign_in(make_member(at, role, email=f"{role.value}@far.example"))
            assert client.get(url, asked).status_code == 302

    def test_are_those_chosen_in_the_list(self, world, accountant):
        chosen, _other = issued(world, "N-1", name="A"), issued(world, "N-2", name="B")
        archive = packed(run_action(sign_in(accountant), "papers", chosen))

        assert archive.namelist() == ["N-1.pdf", "manifest.csv"]


def address_in(mail):
    return re.search(r"https?://[^/]+(/\S+)", mail.body).group(1)


class TestALink:
    def send(self, world, by):
        return links.send_statement(statement=issued(world), by=by, at=datetime.now(UTC))

    def test_opens_the_statement_for_whom_it_was_mailed_and_nobody_else(
        self, world, accountant, payee, client
    ):
        told = run_action(sign_in(accountant), "mail_link", issued(world))
        assert "on its way" in messages_of(told)
        mail = OutboxMessage.objects.get()
        url = address_in(mail)

        assert mail.recipient == payee.email
        assert b"".join(sign_in(payee).get(url)) == b"%PDF-1.7 one"
        assert sign_in(accountant).get(url).status_code == 404
        assert reverse("login") in client.get(url)["location"]
        assert url.split("/")[-2] not in str(DeliveryLink.objects.values().get())

    def test_opens_nothing_when_it_has_expired_or_was_revoked(self, world, accountant, payee):
        link = self.send(world, accountant)
        url = address_in(OutboxMessage.objects.get())
        secret = url.split("/")[-2]
        assert links.find(secret, user=payee, at=link.expires_at - timedelta(seconds=1))
        assert links.find(secret, user=payee, at=link.expires_at) is None

        assert "opens nothing" in messages_of(run_action(sign_in(accountant), "revoke", link))
        assert sign_in(payee).get(url).status_code == 404
        with pytest.raises(links.NotGood):
            links.revoke(link_id=link.pk, by=accountant, at=NOW)

    def test_is_not_sent_to_drafts_or_to_nobody(self, world, accountant):
        statement = issued(world)
        with pytest.raises(links.NobodyToWriteTo):
            links.send_statement(statement=statement, by=accountant, at=NOW)
        statement.number = None
        with pytest.raises(links.NotIssued):
            links.send_statement(statement=statement, by=accountant, at=NOW)
        assert not OutboxMessage.objects.exists()

    def test_to_a_period_opens_what_its_reader_may_have_then(self, world, accountant):
        issued(world)
        links.send_period(
            agency=world.agency, currency="USD", days=SUMMER, to=accountant, by=accountant,
            at=datetime.now(UTC),
        )  # fmt: skip
        url = address_in(OutboxMessage.objects.get())
        assert packed(sign_in(accountant).get(url)).namelist()[-1] == "manifest.csv"

        Membership.objects.filter(user=accountant).update(role=Role.AGENT)
        assert sign_in(accountant).get(url).status_code == 404
        with pytest.raises(links.NotTheirs):
            links.send_period(
                agency=world.agency, currency="USD", days=SUMMER, to=accountant, by=accountant,
                at=NOW,
            )  # fmt: skip


class TestAReport:
    @pytest.fixture
    def report(self, world, accountant):
        remittances.record(
            agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D("50.5"),
            currency="USD", received_on=JULY, reference="=1+1", by=accountant, now=NOW,
        )  # fmt: skip
        return ScheduledReport.objects.create(
            agency=world.agency, owner=accountant, report="receipts", cadence="weekly",
            next_on=NOW.date(), made_at=NOW,
        )  # fmt: skip

    def test_is_sent_once_however_often_it_is_asked_for_and_opens_as_a_file(
        self, world, accountant, report
    ):
        now = datetime.now(UTC)
        assert [reports.send_due(now=now) for _ in range(2)] == [1, 0]
        mail = OutboxMessage.objects.get()
        assert "1 rows" in mail.body
        assert "50.5" not in mail.body
        client, url = sign_in(accountant), address_in(mail)
        assert "'=1+1" in b"".join(client.get(url)).decode()

        book = b"".join(client.get(url, {"as": "xlsx"}))
        sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book))
        header, row = sheet.get_sheet_by_index(0).to_python()
        told = dict(zip(header, row, strict=True))
        assert (told["amount"], told["reference"], told["currency"]) == (50.5, "'=1+1", "USD")

    def test_ends_when_its_owner_left_and_both_are_told(self, world, accountant, report):
        boss = make_member(world.agency, Role.ACCOUNTING, email="boss@harbour.example")
        reports.send_due(now=datetime.now(UTC))
        url = address_in(OutboxMessage.objects.get())
        Membership.objects.filter(user=accountant).update(ends_on=date(2026, 1, 2))
        assert sign_in(accountant).get(url).status_code == 404

        ScheduledReport.objects.update(next_on=NOW.date())
        OutboxMessage.objects.all().delete()
        assert reports.send_due(now=datetime.now(UTC)) == 0
        assert {mail.recipient for mail in OutboxMessage.objects.all()} == {
            boss.email, accountant.email,
        }  # fmt: skip
        assert not DeliveryLink.objects.good(datetime.now(UTC)).exists()
        assert reports.send_due(now=datetime.now(UTC)) == 0

    @pytest.mark.parametrize(
        ("cadence", "began", "today", "then"),
        [
            ("daily", date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)),
            ("weekly", date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 8)),
            ("weekly", date(2026, 3, 1), date(2026, 3, 20), date(2026, 3, 22)),
            ("monthly", date(2026, 1, 31), date(2026, 1, 31), date(2026, 2, 28)),
            ("monthly", date(2026, 12, 5), date(2026, 12, 9), date(2027, 1, 5)),
        ],
    )
    def test_that_was_missed_is_not_made_up(self, cadence, began, today, then):
        report = ScheduledReport(cadence=cadence, next_on=began)

        assert reports.next_day(report, today) == then

    @pytest.mark.parametrize("kind", [kind.value for kind in reports.REPORTS])
    def test_of_each_kind_has_rows_of_its_agency_only(self, world, report, elsewhere, kind):
        issue_july_statement(world)
        bank_line(world, "5", reference="R", by=report.owner)
        report.report, report.currency = kind, "USD"
        now = datetime(2026, 10, 5, tzinfo=UTC)
        header, rows = reports.table_of(report, now=now)
        assert all(len(row) == len(header) for row in rows)
        ours = reports.rows_of(report, now=now).count()
        report.agency = elsewhere

        assert reports.rows_of(report, now=now).count() == 0
        assert ours == {"payments": 0, "journal": 2}.get(kind, 1)

    def test_is_set_up_in_the_admin_for_oneself(self, world, accountant):
        client = sign_in(accountant)
        sent = {"agency": world.agency.pk, "report": "journal", "currency": "", "cadence": "daily",
                "next_on": "2026-12-01"}  # fmt: skip
        told = client.post(admin_page(ScheduledReport), sent)
        assert told.status_code == 302, told.context["adminform"].form.errors

        assert ScheduledReport.objects.get().owner == accountant


class TestTheMonthByMail:
    NOVEMBER, NOW = date(2026, 11, 1), datetime(2026, 12, 1, 12, tzinfo=UTC)

    @pytest.fixture
    def earned(self, world, payee):
        payee.locale = "de-DE"
        payee.save()
        run = NightRun.objects.create(
            as_of=date(2026, 11, 22), started_at=NOW, finished_at=NOW, status="finished",
            from_index=0, to_index=9,
        )  # fmt: skip
        UsageMonth.objects.create(
            agency=world.agency, agreement=world.agreement, month_on=self.NOVEMBER, use="dubbing",
            standing="cleared", events=1234, leaves=1, last_index=1,
        )  # fmt: skip
        StatementStep.objects.create(statement=issue_july_statement(world), kind="issued", at=NOW)
        return run

    def test_is_counted_from_the_facts_in_their_locale_and_sent_once(self, payee, earned):
        assert [digests.send_due(now=self.NOW) for _ in range(2)] == [1, 0]
        mail = OutboxMessage.objects.get()

        assert mail.recipient == payee.email
        assert "November 2026" in mail.subject
        assert "1.234" in mail.body
        assert "Statements issued: 1" in mail.body
        late = self.NOW + timedelta(days=29)
        assert digests.send_due(now=late) == 0

    def test_is_not_sent_where_nothing_happened(self, world, payee):
        assert digests.send_due(now=self.NOW) == 0
        assert not OutboxMessage.objects.exists()
        assert MonthlyDigest.objects.get().told == {}

    def test_ends_with_the_month_of_its_reader(self, payee, earned):
        payee.time_zone = "Pacific/Honolulu"
        payee.save()
        digests.send_due(now=datetime(2026, 12, 1, 9, 59, tzinfo=UTC))
        assert MonthlyDigest.objects.get().month_on == date(2026, 10, 1)
        digests.send_due(now=datetime(2026, 12, 1, 10, tzinfo=UTC))
        assert MonthlyDigest.objects.latest("pk").month_on == self.NOVEMBER

    def test_is_not_sent_to_who_wants_none(self, payee, earned):
        client, url = sign_in(payee), reverse("portal:digest")
        client.post(url, {"wanted": "no"})
        assert digests.send_due(now=self.NOW) == 0
        client.post(url, {"wanted": "yes"})
        assert digests.send_due(now=self.NOW) == 1


def test_a_workbook_of_a_statement_is_in_the_portal_too(demo):
    statement = Statement.objects.get(beneficiary__name="Ada Sample", number__isnull=False)
    client = sign_in(statement.beneficiary.performer.user)
    book = b"".join(client.get(reverse("portal:statement-xlsx", args=[statement.pk])))
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book))
    header, *rows = sheet.get_sheet_by_index(0).to_python()
    amounts = [row[header.index("amount")] for row in rows]

    assert {row[header.index("currency")] for row in rows} == {statement.currency}
    assert amounts
    assert all(isinstance(amount, float) for amount in amounts)
