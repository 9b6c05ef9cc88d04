"""Calendars at secret addresses: RFC 5545, and never more than their owner may see."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from licensing.agreements.obligations import calendars, derived
from licensing.models import Agreement, CalendarAddress, DealTerms
from talent.models import Membership
from tests import factories

MAY = datetime(2026, 5, 15, 12, tzinfo=UTC)
LONG = (
    "A “very” long title; with commas, a backslash \\ and 日本語の吹替版の長い題名 that must fold"
)


@pytest.fixture
def deal(agreement):
    return DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", usage_report_days=30, renewal_notice_days=60
    )


def shown(secret, at=MAY):
    address = calendars.address_of(secret)
    return address and [one.duty.key for one in calendars.obligations_shown(address, at=at)]


def ics(agreement, at=MAY):
    found = derived.obligations_of([agreement.pk], at=at)
    return calendars.calendar_of(found, title=LONG, host="desk.example", at=at)


def test_another_program_reads_the_days_and_the_texts_back(agreement, deal, production):
    type(production).objects.update(title=LONG, released_on=date(2026, 5, 1))
    agreement.productions.add(production)

    read = icalendar.Calendar.from_ical(ics(agreement))

    assert str(read["x-wr-calname"]) == LONG
    events = {str(event["uid"]): event for event in read.walk("VEVENT")}
    report = events[f"A{agreement.pk}-usage_report:P{production.pk}@desk.example"]
    assert report.decoded("dtstart") == date(2026, 5, 31)
    assert report.decoded("dtend") == date(2026, 6, 1)
    assert str(report["summary"]) == f"Report use: {LONG} (NA-1)"


def test_its_lines_are_those_of_the_standard(agreement, deal, production):
    """RFC 5545: 3.1 lines of 75 octets that end in CRLF, 3.3.11 what is escaped, 3.6 the order."""
    type(production).objects.update(title=LONG, released_on=date(2026, 5, 1))
    agreement.productions.add(production)

    raw = ics(agreement)

    lines = raw.split(b"\r\n")
    assert lines.pop() == b""
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    assert (lines[0], lines[-1]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR")
    unfolded = raw.replace(b"\r\n ", b"").decode()
    assert "title\\; with commas\\, a backslash \\\\ and" in unfolded
    assert unfolded.count("BEGIN:VEVENT") == unfolded.count("\r\nUID:") == unfolded.count("DTSTAMP")


def test_an_event_keeps_its_uid_when_its_day_moves_and_names_no_person(agreement, deal, performer):
    before = icalendar.Calendar.from_ical(ics(agreement)).walk("VEVENT")[0]
    factories.change_deal_terms(usage_report_days=31)
    raw = ics(agreement)
    after = icalendar.Calendar.from_ical(raw).walk("VEVENT")[0]

    assert before["uid"] == after["uid"]
    assert after.decoded("dtstart") - before.decoded("dtstart") == timedelta(days=1)
    assert performer.name not in raw.decode()
    assert "Ada" not in raw.decode()


def test_an_agreement_until_the_last_day_of_all_calendars_has_no_end(agreement, deal):
    Agreement.objects.update(
        ends_at=datetime(9999, 12, 31, 23, tzinfo=UTC), time_zone="Pacific/Kiritimati"
    )

    raw = ics(agreement)

    assert b"Report use" in raw
    assert b"Say whether it is renewed" not in raw


def test_a_seat_reads_its_agency_and_nothing_once_it_ends(
    agreement, deal, agency, elsewhere, agent
):
    secret = calendars.renew_address(user=agent, agency=agency, at=MAY)
    factories.make_agreement(elsewhere, agreement.licensee, agreement.twin, reference="EL-1")

    assert "usage_report:2026-01-01" in shown(secret)
    Membership.objects.filter(user=agent).update(ends_on="2026-01-01")
    assert shown(secret) == []


def test_who_is_signed_out_for_good_reads_nothing(agreement, deal, agency, agent):
    secret = calendars.renew_address(user=agent, agency=agency, at=MAY)
    agent.is_active = False
    agent.save()

    assert shown(secret) == []


def test_a_performer_reads_what_concerns_their_twins_only(
    agreement, deal, agency, licensee, performer, ada
):
    other = factories.make_performer("Bo Example", agency)
    twin = factories.make_twin(other)
    theirs = factories.make_agreement(agency, licensee, twin, reference="NA-2")
    DealTerms.objects.create(agreement=theirs, kind="dubbing_adr", usage_report_days=99)

    secret = calendars.renew_address(user=ada, performer=performer, at=MAY)

    found = calendars.obligations_shown(calendars.address_of(secret), at=MAY)
    assert {one.agreement.reference for one in found} == {"NA-1"}


def test_a_delegate_reads_while_the_delegation_lasts(agreement, deal, performer):
    counsel = factories.make_delegate(performer, "counsel", "see_usage")
    secret = calendars.renew_address(user=counsel, performer=performer, at=MAY)
    assert shown(secret)

    performer.delegations.update(powers=["see_money"])

    assert shown(secret) == []


def test_a_licensee_reads_its_own_agreements_with_that_agency(agreement, deal, agency, terms, twin):
    other = factories.make_licensee("saltmarsh")
    theirs = factories.make_agreement(agency, other, twin, reference="NA-3")
    DealTerms.objects.create(agreement=theirs, kind="dubbing_adr", usage_report_days=99)

    secret = calendars.renew_address(terms=terms, at=MAY)

    found = calendars.obligations_shown(calendars.address_of(secret), at=MAY)
    assert {one.agreement.reference for one in found} == {"NA-1"}


def test_a_new_address_takes_the_place_of_the_old_one(agency, agent, terms):
    first = calendars.renew_address(user=agent, agency=agency, at=MAY)
    licensees = calendars.renew_address(terms=terms, at=MAY)
    second = calendars.renew_address(user=agent, agency=agency, at=MAY)

    assert calendars.address_of(first) is None
    assert calendars.address_of(second) is not None
    assert calendars.address_of(licensees) is not None
    assert calendars.revoke_address(user=agent, agency=agency, at=MAY)
    assert not calendars.revoke_address(user=agent, agency=agency, at=MAY)
    assert calendars.address_of(second) is None


@pytest.mark.parametrize("text", ["", "guessed", "x" * 10_000, "\x00", "é"])
def test_any_other_text_leads_nowhere(db, text):
    assert calendars.address_of(text) is None


def test_only_the_digest_of_a_secret_is_kept(agency, agent):
    secret = calendars.renew_address(user=agent, agency=agency, at=MAY)

    row = CalendarAddress.objects.get()
    assert bytes(row.digest) != secret.encode()
    assert secret not in str(row.__dict__)
