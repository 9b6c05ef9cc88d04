"""An audit is asked for within its right, stands on one pack of evidence, and ends in a line."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from licensing.agreements import audits, evidence
from licensing.agreements.audits import (
    AuditIsNotThere,
    NoAuditRight,
    NoSuchSettlement,
    NothingSaid,
)
from licensing.models import Advance, Audit, AuditStep, DealTerms
from licensing.usage.recording.record import record_events
from licensing.words import AuditSide, AuditState, AuditStepKind
from talent.four_eyes import FourEyes
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import (
    admin_page,
    make_agreement,
    make_member,
    make_performer,
    make_user,
    sign_in,
    take_step,
)

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
OPENED = datetime(2026, 12, 20, tzinfo=UTC)


@pytest.fixture
def notice():
    return 30


@pytest.fixture
def deal(agreement, notice):
    return DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", audit_notice_days=notice, audit_years_back=2
    )


@pytest.fixture
def other(agency):
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="second@northlight.example")


@pytest.fixture
def asked(agreement, deal, affairs):
    def ask(*, side=AuditSide.TALENT, since=MAY, until=JUNE, at=AT, agreement=agreement):
        return audits.ask(
            agreement=agreement, side=side, period_from=since, period_to=until,
            reason="More was heard.", at=at, by=affairs,
        )  # fmt: skip

    return ask


def files_in(audit, *, at=OPENED):
    data = b"".join(evidence.archive(audit, evidence.files_of(audit, at=at)))
    packed = zipfile.ZipFile(io.BytesIO(data))
    assert packed.testzip() is None
    return {name: packed.read(name).decode() for name in packed.namelist()}


class TestTheRight:
    @pytest.mark.parametrize("notice", [None])
    def test_without_a_right_there_is_no_audit(self, asked, notice):
        with pytest.raises(NoAuditRight, match="no right"):
            asked()

    @pytest.mark.parametrize(
        ("since", "allowed"), [(date(2024, 11, 20), True), (date(2024, 11, 19), False)]
    )
    def test_it_goes_back_so_many_years(self, asked, since, allowed):
        if allowed:
            assert asked(since=since)
        else:
            with pytest.raises(NoAuditRight, match="Begin on 2024-11-20"):
                asked(since=since)

    @pytest.mark.parametrize(
        ("until", "allowed"), [(date(2026, 11, 20), True), (date(2026, 11, 21), False)]
    )
    def test_only_what_is_over_is_audited(self, asked, until, allowed):
        if allowed:
            assert asked(until=until)
        else:
            with pytest.raises(NoAuditRight, match="is over"):
                asked(until=until)

    def test_each_side_asks_once_a_year(self, asked):
        asked()
        with pytest.raises(NoAuditRight, match="2027-11-20"):
            asked(at=AT + timedelta(days=365) - timedelta(seconds=1))
        assert asked(side=AuditSide.LICENSEE)
        assert asked(at=AT + timedelta(days=365))

    def test_one_that_was_dropped_does_not_count(self, asked, affairs):
        audits.drop(audit=asked(), at=AT, by=affairs, text="Settled by phone.")
        assert asked()

    def test_the_other_side_is_told(self, asked, licensee):
        licensee.billing_email = "legal@moon.example"
        licensee.save()
        asked()
        assert OutboxMessage.objects.filter(recipient="legal@moon.example").exists()

    @pytest.mark.parametrize("day", [date(2024, 2, 29)])
    def test_a_leap_day_has_a_year_before(self, day):
        assert audits._years_before(day, 1) == date(2023, 2, 28)


class TestConduct:
    def test_nothing_is_there_before_the_notice_has_run(self, asked, affairs):
        audit, before = asked(), OPENED - timedelta(seconds=1)

        assert audits.state_of(audit, at=before) is AuditState.NOTICE
        with pytest.raises(AuditIsNotThere):
            evidence.files_of(audit, at=before)
        with pytest.raises(AuditIsNotThere):
            audits.note(audit=audit, kind=AuditStepKind.FOUND, text="X", at=before, by=affairs)
        assert audits.state_of(audit, at=OPENED) is AuditState.UNDER_WAY

    def test_what_was_settled_falls_due_with_its_reason(self, asked, affairs, other, agreement):
        audit = audits.propose(
            audit=asked(), amount=D("120.50"), text="Forty lines were missing.", at=OPENED,
            by=affairs,
        )  # fmt: skip
        closed = audits.close(audit=audit, at=OPENED, by=other)

        advance = Advance.objects.get()
        assert (advance.amount, advance.due_on, advance.paid_back_from) == (
            D("120.5"), date(2026, 12, 20), "nothing",
        )  # fmt: skip
        assert advance.label == "Audit from 2026-05-01: Forty lines were missing."
        assert closed.step(AuditStepKind.CLOSED).advance == advance
        assert audits.state_of(closed, at=OPENED) is AuditState.CLOSED

    def test_who_proposed_does_not_close(self, asked, affairs, other):
        audit = audits.propose(audit=asked(), amount=D(1), text="One.", at=OPENED, by=affairs)
        with pytest.raises(FourEyes):
            audits.close(audit=audit, at=OPENED, by=affairs)
        assert not Advance.objects.exists()

    def test_it_closes_on_the_last_proposal_and_once(self, asked, affairs, other):
        audit = asked()
        audits.propose(audit=audit, amount=D(100), text="Hundred.", at=OPENED, by=other)
        audits.propose(audit=audit, amount=D(60), text="Sixty.", at=OPENED, by=affairs)

        audits.close(audit=audit, at=OPENED, by=other)

        assert Advance.objects.get().amount == 60
        with pytest.raises(AuditIsNotThere):
            audits.close(audit=audit, at=OPENED, by=other)

    def test_zero_closes_without_a_line(self, asked, affairs, other):
        audit = audits.propose(audit=asked(), amount=D(0), text="All right.", at=OPENED, by=affairs)
        audits.close(audit=audit, at=OPENED, by=other)
        assert not Advance.objects.exists()

    @pytest.mark.parametrize("amount", [D("-1"), D("0.001")])
    def test_what_cannot_be_paid_is_not_proposed(self, asked, affairs, other, amount):
        with pytest.raises(NoSuchSettlement):
            audits.propose(audit=asked(), amount=amount, text="X", at=OPENED, by=affairs)

    def test_nothing_is_closed_without_a_proposal(self, asked, other):
        with pytest.raises(AuditIsNotThere):
            audits.close(audit=asked(), at=OPENED, by=other)

    def test_a_finding_says_something(self, asked, affairs):
        with pytest.raises(NothingSaid):
            audits.note(audit=asked(), kind=AuditStepKind.FOUND, text=" ", at=OPENED, by=affairs)


class TestEvidence:
    @pytest.fixture
    def used(self, use, origin, consent, performer, agreement, agency, licensee, twin):
        """Uses at both edges of May, one before, one after, one of another agreement."""
        consent(performer=performer)
        make_agreement(agency, licensee, twin, reference="NA-2")
        times = {
            "before": "2026-04-30T23:59:59Z", "first": "2026-05-01T00:00:00Z",
            "last": "2026-05-31T23:59:59Z", "after": "2026-06-01T00:00:00Z",
        }  # fmt: skip
        record_events([use(key, time=time) for key, time in times.items()], origin)
        record_events([use("other", data={"agreement": "NA-2"})], origin)

    def test_it_holds_the_uses_of_its_agreement_and_period_alone(self, used, asked):
        rows = files_in(asked())["uses.csv"].splitlines()

        assert [row.split(",")[1] for row in rows[1:]] == [
            "2026-05-31T23:59:59+00:00", "2026-05-01T00:00:00+00:00",
        ]  # fmt: skip

    def test_its_manifest_has_the_digest_of_each_file(self, used, asked):
        files = files_in(asked())
        told = json.loads(files.pop("manifest.json"))

        assert told["sha256"] == {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()
        }

    def test_the_same_evidence_is_the_same_bytes(self, used, asked):
        audit = asked()
        twice = [
            b"".join(evidence.archive(audit, evidence.files_of(audit, at=OPENED))) for _ in "12"
        ]
        assert twice[0] == twice[1]

    def test_a_studio_checks_the_log_by_what_it_sent(self, used, asked):
        import csv

        audit = asked(side=AuditSide.LICENSEE)
        rows = list(csv.DictReader(files_in(audit)["log.csv"].splitlines()))

        for row in rows:
            entry = bytes.fromhex(row["entry"])
            sealed = bytes.fromhex(row["salt"]) + row["sealed"].encode()
            assert entry[33:] == hashlib.sha256(sealed).digest()
        assert len(rows) == 2

    def test_a_performer_does_not_get_what_the_studio_sent(self, used, asked):
        assert "studio.example" not in files_in(asked())["log.csv"]

    def test_more_than_one_archive_takes_is_refused(self, used, asked, monkeypatch):
        monkeypatch.setattr(evidence, "MOST_EVENTS", 1)
        with pytest.raises(evidence.TooMuchEvidence):
            evidence.files_of(asked(), at=OPENED)


class TestAtTheDoors:
    """Of now, since doors read the clock."""

    @pytest.fixture
    def notice(self):
        return 0

    @pytest.fixture
    def audit(self, asked):
        return asked(at=timezone.now())

    def content(self, response):
        assert response.status_code == 200
        data = b"".join(response.streaming_content)
        return set(zipfile.ZipFile(io.BytesIO(data)).namelist())

    def test_staff_ask_conduct_and_close_it(self, affairs, other, agreement, deal):
        client = sign_in(affairs)
        sent = {"side": "talent", "period_from": "2026-05-01", "period_to": "2026-06-01",
                "reason": "More was heard."}  # fmt: skip
        assert take_step(client, "ask_for_audit", agreement, **sent).status_code == 302
        audit = Audit.objects.get()
        take_step(client, "note", audit, kind="found", reason="Forty lines are missing.")
        take_step(client, "propose", audit, amount="120.50", reason="Forty lines.")
        page = sign_in(other).get(admin_page(Audit, audit.pk, name="close"))
        assert "120.5 USD" in page.text
        assert take_step(sign_in(other), "close", audit).status_code == 302

        assert list(AuditStep.objects.values_list("kind", flat=True)) == [
            "found", "proposed", "closed",
        ]  # fmt: skip
        assert "Forty lines are missing." in client.get(admin_page(Audit, audit.pk)).text

    def test_staff_download_what_its_side_may_see(self, audit, affairs, asked):
        theirs = asked(side=AuditSide.LICENSEE, at=timezone.now())
        client = sign_in(affairs)

        talents = self.content(client.get(f"/admin/valuation/statement/audit_evidence/{audit.pk}/"))
        studios = self.content(
            client.get(f"/admin/valuation/statement/audit_evidence/{theirs.pk}/")
        )

        assert talents - studios == {"statement_lines.csv"}
        assert "charges.csv" in studios

    def test_the_performer_asks_reads_and_notes(self, ada, agreement, deal):
        client = sign_in(ada)
        sent = {"agreement": agreement.pk, "period_from": "2026-05-01", "period_to": "2026-06-01",
                "reason": "More was heard."}  # fmt: skip
        assert client.post("/audits/", sent).status_code == 302
        audit = Audit.objects.get()
        assert (audit.side, audit.asked_by) == ("talent", ada)
        assert "statement_lines.csv" in self.content(client.get(f"/audits/{audit.pk}/evidence/"))
        client.post(f"/audits/{audit.pk}/note/", {"text": "Forty lines."})
        assert AuditStep.objects.get().kind == "found"
        assert "Forty lines." in client.get("/audits/").text

    def test_a_performer_does_not_get_the_studios_evidence(self, ada, asked, deal):
        theirs = asked(side=AuditSide.LICENSEE, at=timezone.now())

        assert sign_in(ada).get(f"/audits/{theirs.pk}/evidence/").status_code == 404

    def test_nobody_else_reads_or_asks(self, audit, agency, agreement, stranger):
        bo = make_user("bo@performers.example", performer=make_performer("Bo Example", agency))
        client = sign_in(bo)
        assert client.get(f"/audits/{audit.pk}/evidence/").status_code == 404
        assert client.post(f"/audits/{audit.pk}/note/", {"text": "X"}).status_code == 404
        sent = {"agreement": agreement.pk, "period_from": "2026-05-01", "period_to": "2026-06-01",
                "reason": "X"}  # fmt: skip
        client.post("/audits/", sent)
        assert Audit.objects.count() == 1
        url = f"/admin/valuation/statement/audit_evidence/{audit.pk}/"
        assert sign_in(stranger).get(url).status_code in (302, 403, 404)
