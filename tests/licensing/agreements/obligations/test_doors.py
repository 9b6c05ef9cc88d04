"""Obligations at their doors: the desk, the agreement's page, the portal, the API, calendars."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from unittest import mock

import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.admin.obligations import count_waiting
from licensing.agreements.obligations import calendars, ticks, waiting
from licensing.models import (
    Agreement,
    AgreementDocument,
    CalendarAddress,
    DealTerms,
    FindingSet,
    ObligationTick,
    RuleFinding,
)
from licensing.words import TickKind
from tests import factories
from tests.factories import admin_page, messages_of, sign_in

LIST, TICK = reverse("admin:obligations"), reverse("admin:obligation_tick")


@pytest.fixture
def late(agreement):
    """The agreement, of which a report of use is late since yesterday and a renewal notice due."""
    today = timezone.now().date()
    term = {
        "starts_at": datetime(2025, 1, 1, tzinfo=UTC),
        "ends_at": datetime.combine(today + timedelta(days=40), datetime.min.time(), UTC),
        "rating_period": "year",
    }
    Agreement.objects.filter(pk=agreement.pk).update(**term)
    DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", renewal_notice_days=30,
        usage_report_days=(today - date(2025, 12, 31)).days - 1,
    )  # fmt: skip
    return agreement


KEY = "usage_report:2025-01-01"


class TestTheDesk:
    def test_tiles_count_what_is_late_and_due_and_lead_to_it(self, late, affairs):
        client = sign_in(affairs)

        tiles = {str(tile.label): tile for tile in client.get("/admin/").context["tiles"]}

        assert tiles["Obligations that are late"].count == 1
        assert tiles["Obligations due within 14 days"].count == 1
        shown = client.get(tiles["Obligations that are late"].url)
        assert [row["one"].duty.key for row in shown.context["rows"]] == [KEY]

    def test_tiles_read_what_was_derived_until_somebody_says_something(
        self, late, affairs, elsewhere, django_capture_on_commit_callbacks
    ):
        assert waiting.keep(at=timezone.now()) == 1
        with mock.patch.object(waiting, "derive", side_effect=AssertionError):
            assert count_waiting(affairs) == {"late": 1, "due": 1}
            assert not count_waiting(factories.make_member(elsewhere, "agent"))

        with django_capture_on_commit_callbacks(execute=True):
            ticks.say(
                late, KEY, kind=TickKind.DONE, seen=timezone.now().date() - timedelta(days=1),
                note="By mail", at=timezone.now(), by=affairs,
            )  # fmt: skip

        assert count_waiting(affairs) == {"due": 1}

    def test_another_agency_sees_none_of_it(self, late, elsewhere):
        stranger = sign_in(factories.make_member(elsewhere, "agent"))

        assert stranger.get(LIST).context["rows"] == []
        assert stranger.get(LIST, {"agreement": late.pk}).context["rows"] == []
        assert stranger.get(TICK, {"agreement": late.pk, "key": KEY}).status_code == 404

    def test_the_agreements_page_says_what_is_open_and_a_draft_obliges_nobody(self, late, affairs):
        page = sign_in(affairs).get(admin_page(Agreement, late.pk)).text
        assert "Late, " in page
        assert "Report use: 1 January – 31 December 2025 (licensee)" in page

        Agreement.objects.update(status="draft", signed_at=None)

        page = sign_in(affairs).get(admin_page(Agreement, late.pk)).text
        assert "Once it is signed" in page

    def test_somebody_ticks_it_off_and_takes_it_back(self, late, affairs):
        client, place = sign_in(affairs), {"agreement": late.pk, "key": KEY}
        url = client.get(LIST).context["rows"][0]["url"]
        page = client.get(url)
        assert ObligationTick.objects.count() == 0
        assert "Tick off" in page.text
        seen = page.context["one"].duty.due_on.isoformat()

        told = client.post(url, {"note": "By mail.", "seen": seen, "kind": "done"})

        assert "kept with your name" in messages_of(told)
        row = client.get(LIST, {"state": "over"}).context["rows"][0]
        assert (row["one"].fulfilment.text, row["one"].tick.by) == ("By mail.", affairs)
        again = client.post(
            f"{TICK}?agreement={late.pk}&key={KEY}",
            {"note": "The mail was another.", "seen": seen, "kind": "not_done"},
        )
        assert again.status_code == 302
        assert client.get(TICK, place).context["one"].state.value == "late"

    def test_a_day_that_has_moved_is_shown_again(self, late, affairs):
        client = sign_in(affairs)
        url = client.get(LIST).context["rows"][0]["url"]
        factories.change_deal_terms(usage_report_days=3)

        page = client.post(url, {"note": "By mail.", "seen": "2026-01-01", "kind": "done"})

        assert "Its day has changed" in page.text
        assert ObligationTick.objects.count() == 0

    def test_an_auditor_reads_and_ticks_nothing(self, late, auditor):
        client = sign_in(auditor)

        assert client.get(LIST).context["rows"][0]["url"] == ""
        place = f"{TICK}?agreement={late.pk}&key={KEY}"
        assert client.post(place, {"note": "So.", "kind": "done"}).status_code == 403

    @pytest.mark.parametrize("sent", ["²", "-1", "9" * 30, "x"])
    def test_a_number_that_is_none_is_no_page(self, late, affairs, sent):
        assert sign_in(affairs).get(LIST, {"agreement": sent}).status_code == 404

    def test_a_seat_gets_an_address_once_and_switches_it_off(self, late, affairs, agency):
        client = sign_in(affairs)
        client.get(LIST)
        assert CalendarAddress.objects.count() == 0

        shown = client.post(LIST, {"agency": agency.pk})

        address = shown.context["secrets"][0].secret
        events = icalendar.Calendar.from_ical(sign_in(affairs).get(address).content).walk("VEVENT")
        assert str(events[0]["summary"]).startswith("Late: Report use")
        client.post(LIST, {"agency": agency.pk, "off": "1"})
        assert client.get(address).status_code == 404

    def test_nobody_makes_an_address_of_another_agency(self, late, affairs, elsewhere):
        assert sign_in(affairs).post(LIST, {"agency": elsewhere.pk}).status_code == 404
        assert sign_in(affairs).post(LIST, {"agency": "²"}).status_code == 404


class TestThePortal:
    PAGE = reverse("portal:obligations")

    def test_a_performer_reads_what_others_owe_and_not_what_staff_noted(self, late, ada, affairs):
        due_on = sign_in(affairs).get(LIST).context["rows"][0]["one"].duty.due_on
        ObligationTick.objects.create(
            agreement=late, key=KEY, kind="done", due_on=due_on, note="They quarrel.",
            at=timezone.now(), by=affairs,
        )  # fmt: skip

        page = sign_in(ada).get(self.PAGE)

        assert "Say whether it is renewed" in page.text
        assert "Report use" in page.text
        assert "They quarrel" not in page.text

    def test_a_performer_makes_an_address_and_reads_only_their_own(self, late, ada):
        client = sign_in(ada)

        address = client.post(self.PAGE).context["address"]

        assert b"NA-1" in client.get(address).content
        assert client.post(self.PAGE, {"off": "1"}).status_code == 302
        assert client.get(address).status_code == 404

    def test_others_and_strangers_read_none_of_it(self, late, agency, client):
        other = factories.make_performer("Bo Example", agency)
        bo = factories.make_user("bo@performers.example", performer=other)

        assert "NA-1" not in sign_in(bo).get(self.PAGE).text
        assert client.get(self.PAGE).status_code == 302


class TestTheCalendar:
    def test_it_answers_without_signing_in_and_is_kept_by_nobody(self, late, terms, client):
        secret = calendars.renew_address(terms=terms, at=timezone.now())

        answer = client.get(reverse("portal:calendar", args=[secret]))

        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert "no-store" in answer["Cache-Control"]
        assert b"BEGIN:VEVENT" in answer.content

    def test_whoever_guesses_is_stopped(self, db, client, monkeypatch):
        monkeypatch.setattr(
            calendars, "FROM_ADDRESS", calendars.Limit("a test", 3, timedelta(hours=1))
        )

        codes = [client.get(f"/calendar/guess-{number}.ics").status_code for number in range(5)]

        assert codes == [404, 404, 404, 429, 429]


class TestTheApi:
    @pytest.fixture
    def studio(self, terms):
        program = factories.make_studio(terms, at=timezone.now())
        return lambda path, verb="get": getattr(program, verb)(f"/api/v1/{path}")

    def test_a_licensee_reads_its_obligations(self, late, studio):
        rows = studio("obligations").json()

        report = next(row for row in rows if row["key"] == KEY)
        assert (report["agreement"], report["state"]) == (f"A{late.pk}", "late")
        assert report["source"]["confidence"] == ""
        assert "fulfilment" not in report
        assert studio(f"obligations?agreement=A{late.pk}").json() == rows
        assert studio("obligations?agreement=A999").json() == []
        assert studio("obligations?agreement=²").json() == []

    def test_a_licensee_makes_a_calendar_and_switches_it_off(self, late, studio, client):
        made = studio("obligations/calendar", "post")
        assert made.status_code == 201

        assert client.get(made.json()["address"]).status_code == 200
        assert studio("obligations/calendar", "delete").status_code == 204
        assert client.get(made.json()["address"]).status_code == 404

    def test_an_agreement_comes_in_full_with_the_digest_of_its_terms(self, late, studio):
        answer = studio(f"agreements/A{late.pk}").json()

        assert answer["terms"]["reference"] == "NA-1"
        assert len(answer["terms_sha256"]) == 64
        assert answer["findings"] is None
        assert studio(f"agreements/A{late.pk}").json() == answer

    def test_findings_are_told_without_what_they_say_of_people(self, late, studio):
        found = FindingSet.objects.create(
            agreement=late, occasion="night", at=timezone.now(), digest="0" * 64, worst="fail"
        )
        for code in ("three_limb_test.california", "agents.commission_cap", "minors.trust_share"):
            RuleFinding.objects.create(
                found_in=found, code=code, effective_from="2025-01-01", title=code, result="fail",
                blocks=True, instrument="A law", source="A digest", confidence="primary",
                trigger="agreement_date", assumed=False, sentence="Ada is sixteen.",
                mend="Pay Ada less.",
            )  # fmt: skip

        answer = studio(f"agreements/A{late.pk}")

        (told,) = answer.json()["findings"]["rules"]
        assert (told["code"], told["result"]) == ("three_limb_test.california", "fail")
        assert "sixteen" not in answer.text
        assert "Ada" not in answer.text.replace("Ada's voice", "")

    def test_the_document_that_holds_comes_by_its_digest(self, late, studio, terms):
        assert studio(f"agreements/A{late.pk}").json()["document"] is None
        assert studio(f"agreements/A{late.pk}/document").status_code == 404
        pdf = b"%PDF-1.7 made for this test"
        digest = hashlib.sha256(pdf).hexdigest()
        drawn = {"agreement": late, "drawn_at": timezone.now(), "pdf": pdf, "digest": digest}
        AgreementDocument.objects.create(number=1, kind="to_sign", **drawn)
        AgreementDocument.objects.create(number=2, kind="draft", **drawn | {"digest": "0" * 64})

        told = studio(f"agreements/A{late.pk}").json()["document"]

        path = told["url"].partition("/api/v1/")[2]
        answer = studio(path)
        assert told["sha256"] == digest
        assert (answer.content, answer["ETag"]) == (pdf, f'"{digest}"')
        program = factories.make_studio(terms, at=timezone.now(), label="Another")
        again = program.get(told["url"], headers={"If-None-Match": f'"{digest}"'})
        assert again.status_code == 304
        Agreement.objects.update(status="draft", signed_at=None)
        assert studio(path).status_code == 404

    def test_what_is_another_licensees_is_not_there(self, late, agency, twin, studio):
        other = factories.make_licensee("saltmarsh")
        theirs = factories.make_agreement(agency, other, twin, reference="NA-9")

        assert studio(f"agreements/A{theirs.pk}").status_code == 404
        assert studio(f"agreements/A{theirs.pk}/document").status_code == 404
        assert studio("agreements/A99999999999999999999").status_code == 404

    def test_it_takes_a_key_or_a_session(self, late, client):
        assert client.get("/api/v1/obligations").status_code == 401
        assert client.post("/api/v1/obligations/calendar").status_code == 401
