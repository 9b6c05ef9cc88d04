"""Amendments and reports: what takes whose place, and that nothing counts twice."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import msgspec
import pytest
from django.db import IntegrityError, connection, transaction

from licensing.models import (
    Cap,
    CapYear,
    DeadLetter,
    Replacement,
    ReportedPeriod,
    UsageEvent,
    UsageRecord,
)
from licensing.usage.corrections import read_again
from licensing.usage.recording.messages import Reception
from licensing.usage.recording.record import record_events
from talent.consent.scope import Limit, Scope
from talent.models import DigitalTwin, Representation
from tests.factories import make_agency, make_licensee, make_terms, record_consent

pytestmark = pytest.mark.django_db
AMENDMENT = "org.likenessdesk.usage.amendment.v1"
REVENUE = "org.likenessdesk.usage.revenue.v1"
DAYS = "org.likenessdesk.usage.days.v1"


@pytest.fixture
def amend(use):
    """Make an envelope that amends another event."""

    def make(key, *, of="take-1", event=None, data=None, **attributes):
        named = {"event": event} if event else {"source": "https://studio.example/dub", "id": of}
        return use(key, data={"replaces": named, **(data or {})}, type=AMENDMENT, **attributes)

    return make


@pytest.fixture
def report(use):
    def make(key, *, starts="2026-04", months=3, data=None, type=REVENUE, **attributes):  # noqa: A002
        told = {"period": {"starts": starts, "months": months}, "twin": None, "quantities": None}
        figures = {"revenue": "1000", "currency": "USD"} if type != DAYS else {}
        return use(key, data=told | figures | (data or {}), type=type, time=None, **attributes)

    return make


def lines(quantity):
    return {"quantities": {"lines": str(quantity)}}


def told(outcomes):
    return [
        (outcome.reception.value, outcome.faults[0].code if outcome.faults else "")
        for outcome in outcomes
    ]


def test_an_amendment_is_a_leaf_that_names_the_event_it_replaces(use, amend, origin):
    (first,) = record_events([use()], origin)
    (second,) = record_events([amend("fix", data=lines(3))], origin)

    old, new = UsageEvent.objects.order_by("pk")
    assert (old.kind, new.kind, new.about) == ("use", "amendment", old.pk)
    assert (old.lines, new.lines) == (D(1), D(3))
    assert Replacement.objects.get().amendment_id == second.event_id
    assert b'"kind":"amendment"' in bytes(UsageRecord.objects.get(pk=new.pk).canonical)
    assert first.entry != second.entry


def test_an_amendment_may_follow_its_event_in_the_same_batch(use, amend, origin, agreement):
    cap = Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")

    outcomes = record_events(
        [
            use(data=lines(8)),
            amend("fix-1", data=lines(3)),
            amend("fix-2", of="fix-1", data=lines(2)),
            use("take-2", data=lines(5)),
        ],
        origin,
    )

    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert {outcome.reception for outcome in outcomes} == {Reception.RECORDED}
    assert CapYear.objects.get(cap=cap).used == 7
    assert list(UsageEvent.objects.order_by("pk").values_list("about", flat=True)) == [
        None,
        outcomes[0].event_id,
        outcomes[1].event_id,
        None,
    ]


def test_an_amendment_before_its_event_waits_until_it_is_read_again(use, amend, origin):
    outcomes = record_events([amend("fix", data=lines(3)), use()], origin)

    assert told(outcomes) == [("not_understood", "unknown_event"), ("recorded", "")]
    (again,) = read_again(dead_letter_ids=[outcomes[0].dead_letter_id], at=origin.received_at)
    assert again.reception is Reception.RECORDED


def test_an_event_is_replaced_once_within_a_batch_too(use, amend, origin):
    batch = [use(), amend("fix", data=lines(3)), amend("fork", data=lines(4))]

    outcomes = record_events(batch, origin)

    assert told(outcomes)[1:] == [("recorded", ""), ("not_understood", "already_replaced")]
    assert [outcome.reception.value for outcome in record_events(batch, origin)] == [
        "known",
        "known",
        "not_understood",
    ]


def test_an_event_goes_by_its_number_too(use, amend, origin):
    (first,) = record_events([use()], origin)

    (outcome,) = record_events([amend("fix", event=str(first.event_id))], origin)

    assert outcome.reception is Reception.RECORDED


def test_the_last_of_a_chain_can_be_amended_and_no_other(use, amend, origin):
    record_events([use()], origin)
    (first,) = record_events([amend("fix-1", data=lines(3))], origin)

    (fork,) = record_events([amend("fix-2", data=lines(4))], origin)
    (last,) = record_events([amend("fix-3", of="fix-1", data=lines(5))], origin)

    assert told([fork]) == [("not_understood", "already_replaced")]
    assert str(first.event_id) in fork.faults[0].detail
    assert last.reception is Reception.RECORDED


def test_an_event_is_replaced_once_whoever_writes(use, amend, origin):
    record_events([use()], origin)
    record_events([amend("fix")], origin)
    row = Replacement.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        Replacement.objects.bulk_create(
            [Replacement(event_id=row.event_id, amendment_id=99_999, replaced_at=row.replaced_at)]
        )


def test_two_amendments_of_one_event_in_a_batch_are_one(use, amend, origin):
    record_events([use()], origin)

    outcomes = record_events([amend("fix-1"), amend("fix-1"), amend("fix-2")], origin)

    assert told(outcomes) == [
        ("recorded", ""),
        ("known", ""),
        ("not_understood", "already_replaced"),
    ]


def test_an_amendment_again_is_answered_with_its_receipt(use, amend, origin):
    record_events([use()], origin)
    (first,) = record_events([amend("fix")], origin)

    (again,) = record_events([amend("fix")], origin)

    assert again == msgspec.structs.replace(first, reception=Reception.KNOWN)


def test_an_amendment_that_came_too_early_is_replayed(use, amend, origin):
    (early,) = record_events([amend("fix", data=lines(3))], origin)
    record_events([use()], origin)

    (outcome,) = read_again(dead_letter_ids=[early.dead_letter_id], at=origin.received_at)

    assert told([early]) == [("not_understood", "unknown_event")]
    assert outcome.reception is Reception.RECORDED
    assert Replacement.objects.get().amendment_id == outcome.event_id
    assert not DeadLetter.objects.open().exists()


def test_the_event_of_another_studio_or_agency_is_unknown(use, amend, origin, agency, licensee):
    (first,) = record_events([use()], origin)
    other = make_licensee("other")
    elsewhere = make_agency("elsewhere")
    strangers = [
        make_terms(agency, other),
        make_terms(elsewhere, licensee),
    ]

    for terms in strangers:
        there = replace(origin, terms=terms)
        fix = amend("fix", event=str(first.event_id), data={"agreement": None})
        ((_, code),) = told(record_events([fix], there))
        assert code in ("unknown_event", "unknown_twin")
    assert not Replacement.objects.exists()


def test_the_event_of_another_agency_of_the_performer_is_unknown(
    use, amend, origin, performer, licensee
):
    (first,) = record_events([use(data={"agreement": None})], origin)
    elsewhere = make_agency("elsewhere")
    Representation.objects.create(
        agency=elsewhere, performer=performer, commission_percent=10, starts_on="2020-01-01"
    )
    terms = make_terms(elsewhere, licensee)

    fix = amend("fix", event=str(first.event_id), data={"agreement": None})

    outcomes = record_events([fix], replace(origin, terms=terms))
    assert told(outcomes) == [("not_understood", "unknown_event")]


def test_the_hours_of_what_is_replaced_leave_room_for_the_amendment(use, amend, origin, performer):
    record_consent(performer=performer, scope=Scope(limits=(Limit("seconds", D(3600)),)))

    def metered(minute, *envelopes):
        at = origin.received_at + timedelta(minutes=minute)
        return [one.standing for one in record_events(envelopes, replace(origin, received_at=at))]

    def seconds(number):
        return {"quantities": {"seconds": str(number)}}

    assert metered(1, use(data=seconds(3600))) == ["cleared"]
    fix, more = amend("fix", data=seconds(3000)), use("more", data=seconds(600))
    assert metered(2, fix, more) == ["cleared", "cleared"]
    assert metered(3, use("over", data=seconds(1))) == ["over_cap"]


def test_an_amendment_stays_with_its_agreement_and_twin(use, amend, origin, performer, agreement):
    record_events([use()], origin)
    DigitalTwin.objects.create(
        name="Ada's face",
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )

    outcomes = record_events(
        [
            amend("a", data={"agreement": None}),
            amend("b", data={"twin": "Ada's face"}),
        ],
        origin,
    )

    assert [code for _, code in told(outcomes)] == ["other_agreement", "other_twin"]


def test_a_use_without_an_agreement_may_be_given_one(use, amend, origin, agreement):
    record_events([use(data={"agreement": None})], origin)

    record_events([amend("fix")], origin)

    assert UsageEvent.objects.latest("pk").agreement == agreement


@pytest.fixture
def cap(agreement, performer):
    record_consent(performer=performer, at=datetime(2025, 1, 1, tzinfo=UTC))
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


def used():
    return list(CapYear.objects.order_by("starts_on").values_list("used", flat=True))


def test_an_amendment_gives_back_what_the_event_consumed(use, amend, origin, cap):
    record_events([use(data=lines(8))], origin)

    (more,) = record_events([amend("more", data=lines(10))], origin)

    assert (used(), more.standing) == ([D(10)], "cleared")

    record_events([amend("less", of="more", data=lines(2)), use("next", data=lines(8))], origin)

    assert used() == [D(10)]


def test_a_correction_of_the_year_moves_the_cap_to_the_other(use, amend, origin, cap, agreement):
    type(agreement).objects.filter(pk=agreement.pk).update(starts_at="2025-01-01T00:00:00Z")
    Cap.objects.filter(pk=cap.pk).update(starts_on="2025-01-01")
    record_events([use(data=lines(8))], origin)

    record_events([amend("fix", data=lines(7), time="2025-12-31T10:00:00Z")], origin)

    assert used() == [D(7), D(0)]


def test_an_amendment_to_nothing_takes_the_event_back(use, amend, origin, cap):
    record_events([use(data=lines(8))], origin)

    (outcome,) = record_events([amend("none", data=lines(0))], origin)

    assert (outcome.reception, used()) == (Reception.RECORDED, [D(0)])


def test_two_connections_that_amend_one_event_replace_it_once(transactional_db, use, amend, origin):
    record_events([use()], origin)
    ready, outcomes = threading.Barrier(4), []

    def send(key):
        try:
            ready.wait()
            outcomes.extend(record_events([amend(key, data=lines(3))], origin))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[key]) for key in ("a", "a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    codes = sorted(told(outcomes))
    assert Replacement.objects.count() == 1
    assert UsageEvent.objects.filter(kind="amendment").count() == 1
    assert codes.count(("recorded", "")) == 1
    assert set(codes) <= {
        ("recorded", ""),
        ("known", ""),
        ("not_understood", "already_replaced"),
    }
    assert codes.count(("not_understood", "already_replaced")) >= 2 - codes.count(("known", ""))


# Reports


def test_a_report_happens_at_the_end_of_its_period(report, origin, agreement, twin):
    type(agreement).objects.filter(pk=agreement.pk).update(time_zone="America/New_York")

    record_events([report("q2")], origin)

    event = UsageEvent.objects.get()
    assert (event.kind, event.revenue, event.twin) == ("revenue_report", D(1000), twin)
    ends = datetime(2026, 7, 1, 4, tzinfo=UTC)
    assert event.occurred_at == ends - timedelta(microseconds=1)


def test_a_report_of_an_agreement_that_ended_in_its_period_is_within_the_term(
    report, origin, agreement, performer
):
    record_consent(performer=performer)
    type(agreement).objects.filter(pk=agreement.pk).update(ends_at="2026-05-10T00:00:00Z")

    (outcome,) = record_events([report("q2")], origin)

    assert outcome.standing == "cleared"


def test_a_report_consumes_only_caps_of_its_own_meter(report, origin, cap):
    Cap.objects.create(
        agreement=cap.agreement, meter="equivalent_days", limit=3, starts_on="2026-01-01"
    )

    (revenue,) = record_events([report("q2")], origin)
    (days,) = record_events([report("d2", type=DAYS, data={"equivalent_days": "4"})], origin)

    assert (revenue.standing, days.standing) == ("cleared", "over_cap")
    assert sorted(used()) == [D(0), D(4)]
    assert UsageEvent.objects.get(pk=days.event_id).over_meter == "equivalent_days"


def test_a_second_report_of_the_same_days_must_be_an_amendment(report, use, origin):
    record_events([report("q2")], origin)

    outcomes = record_events(
        [
            report("again"),
            report("june", starts="2026-06", months=1),
            report("q3", starts="2026-07"),
            report("days", type=DAYS, data={"equivalent_days": "2"}),
            report("game", data={"channel": "game"}),
        ],
        origin,
    )

    assert told(outcomes) == [
        ("not_understood", "period_reported"),
        ("not_understood", "period_reported"),
        ("recorded", ""),
        ("recorded", ""),
        ("recorded", ""),
    ]
    assert "amendment" in outcomes[0].faults[0].detail


def test_two_reports_of_the_same_days_in_a_batch_are_one(report, origin):
    outcomes = record_events([report("a"), report("b", data={"revenue": "7"})], origin)

    assert told(outcomes) == [("recorded", ""), ("not_understood", "period_reported")]


def test_an_amendment_takes_a_reports_place(report, origin):
    record_events([report("q2")], origin)
    named = {"replaces": {"source": "https://studio.example/dub", "id": "q2"}}

    (outcome,) = record_events(
        [report("fix", months=1, data={**named, "revenue": "900"}, type=AMENDMENT)], origin
    )
    freed = record_events(
        [report("may", starts="2026-05", months=1), report("apr", months=1)], origin
    )

    assert ReportedPeriod.objects.order_by("pk").first().event_id == outcome.event_id
    assert told(freed) == [("recorded", ""), ("not_understood", "period_reported")]


def test_a_use_is_no_report(use, amend, report, origin):
    record_events([use(), report("q2")], origin)
    named = {"replaces": {"source": "https://studio.example/dub", "id": "take-1"}}

    outcomes = record_events(
        [amend("a", of="q2"), report("b", starts="2026-07", data=named, type=AMENDMENT)], origin
    )

    assert [code for _, code in told(outcomes)] == ["other_kind", "other_kind"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"months": 6}, "period_too_long"),
        ({"starts": "2026-06"}, "period_too_long"),
        ({"data": {"currency": "EUR"}}, "wrong_currency"),
        ({"data": {"agreement": "NA-2"}}, "unknown_agreement"),
        ({"data": {"production": "Nothing"}}, "unknown_production"),
    ],
)
def test_what_a_report_gets_wrong(report, origin, change, code):
    assert told(record_events([report("q2", **change)], origin)) == [("not_understood", code)]


def test_two_connections_report_the_same_days_once(transactional_db, report, origin):
    ready, outcomes = threading.Barrier(3), []

    def send(key):
        try:
            ready.wait()
            outcomes.extend(record_events([report(key)], origin))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[key]) for key in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told(outcomes)) == [
        ("not_understood", "period_reported"),
        ("not_understood", "period_reported"),
        ("recorded", ""),
    ]
