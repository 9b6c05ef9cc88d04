"""From an amount to its own uses, their decisions and consents, and back."""

import html
import re
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pgtrigger
import pytest
from django.db import connection
from django.urls import reverse

from licensing.models import ArchivedUnits, EventArchive, Guarantee, UsageEvent
from talent.models import CompositeSource
from talent.words import Role
from tests.factories import admin_page, make_member, make_performer, make_user, sign_in
from tests.valuation.world import JULY, OCTOBER, TONIGHT, make_composite
from valuation import night
from valuation.models import JournalEntry, ResidualLine, Statement
from valuation.reports import line_events

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(now=TONIGHT):
    night.run_night(as_of=now.date(), now=now)


def uses_of(line):
    found = line_events.of_line(line)
    assert found.in_all == sum(use.quantity for use in found.uses)
    assert found.adds_up_to(line)
    return [(use.event.pk, use.quantity) for use in found.uses]


def lines():
    related = ("reading__rate_line__card", "run", "agreement")
    return list(ResidualLine.objects.order_by("pk").select_related(*related))


# A line's uses


def test_a_line_has_the_uses_that_its_rate_meters_and_no_others(world):
    world.line(unit_price=D(1), uses=["dubbing"])
    world.line(code="adr", label="ADR", unit_price=D(2), uses=["adr"])
    dubbed = [event.pk for event in UsageEvent.objects.filter(batch=world.use("10", "5"))]
    world.use("7", use="adr")
    world.use("3", standing="uncleared")
    world.use("2", on="2026-10-02")
    run_night()

    july = next(line for line in lines() if line.quantity == 15)

    assert uses_of(july) == [(dubbed[0], D(10)), (dubbed[1], D(5))]


def test_each_nights_line_has_the_uses_of_that_night(world):
    world.line(("10", "2"), (None, "1"))
    first = UsageEvent.objects.get(batch=world.use("8"))
    run_night()
    late = UsageEvent.objects.get(batch=world.use("6"))
    run_night()

    before, after = lines()

    assert uses_of(before) == [(first.pk, D(8))]
    assert uses_of(after) == [(late.pk, D(6))]
    assert line_events.of_line(after).before == before


def test_an_amendment_takes_back_what_it_replaced(world):
    world.line(unit_price=D(1))
    event = UsageEvent.objects.get(batch=world.use("10"))
    run_night()
    amendment = world.amend(event, "4")
    run_night()

    line = lines()[-1]

    assert line.quantity == -6
    assert uses_of(line) == [(event.pk, D(-10)), (amendment.pk, D(4))]


def test_a_factor_is_a_reading_of_its_own(world):
    world.line(unit_price=D(1))
    world.factor("territory", "FR", "1.5")
    at_home = UsageEvent.objects.get(batch=world.use("10"))
    abroad = UsageEvent.objects.get(batch=world.use("3", territory="FR"))
    run_night()

    by_factor = {line.reading.factor: uses_of(line) for line in lines()}

    assert by_factor == {D(1): [(at_home.pk, D(10))], D("1.5"): [(abroad.pk, D(3))]}


def test_a_use_past_its_cap_is_in_two_lines_each_with_its_part(world):
    world.line(unit_price=D(1))
    world.line(code="over", label="Past the cap", unit_price=D(2), unlicensed=True)
    event = UsageEvent.objects.get(
        batch=world.use("10", over_meter="lines", over=D(4), standing="cleared")
    )
    run_night()

    assert sorted(uses_of(line) for line in lines()) == [[(event.pk, D(4))], [(event.pk, D(6))]]
    assert sorted(one.quantity for one in line_events.of_event(event)) == [D(4), D(6)]


def test_each_event_rounded_is_listed_as_it_is_charged(world):
    world.line(unit_price=D(1), round_quantity="per_event_up", round_to=D(1))
    world.use("1.2", "0.4")
    run_night()

    (line,) = lines()

    assert [quantity for _, quantity in uses_of(line)] == [D(2), D(1)]


def test_a_share_that_changes_within_a_month_cuts_its_uses_too(world):
    make_composite(world, Ines=1, Jon=1)
    world.agreement.refresh_from_db()
    jon = CompositeSource.objects.get(performer__name="Jon")
    CompositeSource.objects.filter(pk=jon.pk).update(ends_on=date(2026, 7, 20))
    world.line(unit_price=D(1))
    early = UsageEvent.objects.get(batch=world.use("10", on="2026-07-05"))
    later = UsageEvent.objects.get(batch=world.use("4", on="2026-07-25"))
    run_night()

    found = {(line.beneficiary.name, line.month_on.day): uses_of(line) for line in lines()}

    assert found == {
        ("Ines", 1): [(early.pk, D(10))],
        ("Jon", 1): [(early.pk, D(10))],
        ("Ines", 20): [(later.pk, D(4))],
    }


def test_a_line_that_no_use_brought_says_so(world):
    world.line(code="retainer", label="Retainer", pricing="flat", unit_price=D(500))
    run_night()
    line = lines()[0]

    page = sign_in(make_member(world.agency, Role.AUDITOR)).get(
        reverse("admin:events_of_line", args=[line.pk])
    )

    assert "No use came with this line." in page.text


def test_many_uses_come_in_pages_that_miss_none(world, monkeypatch):
    world.line(unit_price=D(1))
    world.use(*["1"] * 7)
    run_night()
    (line,) = lines()
    seen, after = [], -1
    while after is not None:
        found = line_events.of_line(line, after=after, at_most=3)
        seen += [use.event.pk for use in found.uses]
        after = found.goes_on_after

    assert seen == list(UsageEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert found.in_all == 7


# Three clicks, and back


@pytest.fixture
def stated(world):
    """A statement draft with one line, of ten lines at 100."""
    world.line(unit_price=D(100))
    event = UsageEvent.objects.get(batch=world.use("10"))
    run_night()
    (line,) = lines()
    statement = Statement.objects.create(
        kind="beneficiary", agency=world.agency, beneficiary=world.beneficiary, currency="USD",
        period_on=JULY, period_ends_on=OCTOBER, from_index=0, to_index=1, opening=0, earned=1000,
        received=0, deductions=0, net=0, closing=0, outstanding=1000, due_on=OCTOBER, content={},
    )  # fmt: skip
    statement.lines.create(
        position=1, section="usage", label="Dubbed lines", amount=line.amount,
        quantity=line.quantity, residual_line=line,
    )  # fmt: skip
    return statement, line, event


def links(page):
    return {html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)}


def test_three_clicks_lead_from_a_statements_line_to_the_consent(stated, world):
    statement, line, event = stated
    client = sign_in(make_member(world.agency, Role.ACCOUNTING))

    first = admin_page(ResidualLine, line.pk)
    assert first in links(client.get(admin_page(Statement, statement.pk)))
    second = reverse("admin:events_of_line", args=[line.pk])
    assert second in links(client.get(first))
    third = reverse("admin:licensing_usageevent_decision", args=[event.pk])
    assert third in links(client.get(second))
    assert "The consents it stood on" in client.get(third).text


def test_and_back_from_an_event_to_lines_statements_and_entries(stated, world):
    statement, line, event = stated
    client = sign_in(make_member(world.agency, Role.ACCOUNTING))

    back = reverse("admin:earned_by_event", args=[event.pk])
    assert back in links(client.get(admin_page(UsageEvent, event.pk)))
    page = client.get(back)
    entry = JournalEntry.objects.get(kind="accrual")
    assert {
        admin_page(ResidualLine, line.pk),
        admin_page(Statement, statement.pk),
        admin_page(JournalEntry, entry.pk),
    } <= links(page)
    assert admin_page(Statement, statement.pk) in links(
        client.get(admin_page(ResidualLine, line.pk))
    )


def test_the_entry_of_a_use_is_not_that_of_what_the_same_night_posted_beside_it(world):
    Guarantee.objects.create(agreement=world.agreement, amount=D(500), period="quarter")
    world.line(unit_price=D(10))
    event = UsageEvent.objects.get(batch=world.use("12"))
    run_night()

    client = sign_in(make_member(world.agency, Role.ACCOUNTING))
    found = links(client.get(reverse("admin:earned_by_event", args=[event.pk])))

    of_use, beside = JournalEntry.objects.filter(kind="accrual").order_by("pk")
    assert beside.description.startswith("Beside the use")
    assert admin_page(JournalEntry, of_use.pk) in found
    assert admin_page(JournalEntry, beside.pk) not in found


def test_an_event_is_in_the_lines_that_came_before_and_after_it(world):
    world.line(("10", "2"), (None, "1"))
    first = UsageEvent.objects.get(batch=world.use("8"))
    run_night()
    late = UsageEvent.objects.get(batch=world.use("6"))
    run_night()
    before, after = lines()

    assert [(one.line, one.brought) for one in line_events.of_event(first)] == [
        (before, True), (after, False),
    ]  # fmt: skip
    assert [(one.line, one.brought) for one in line_events.of_event(late)] == [(after, True)]


def test_a_use_that_no_night_has_read_is_in_no_line(world):
    event = UsageEvent.objects.get(batch=world.use("8"))
    assert line_events.of_event(event) == []
    client = sign_in(make_member(world.agency, Role.AUDITOR))

    page = client.get(reverse("admin:earned_by_event", args=[event.pk]))

    assert "No line holds this use" in page.text


def test_how_a_line_came_to_its_amount_is_a_table(stated, world):
    _statement, line, _event = stated
    client = sign_in(make_member(world.agency, Role.AUDITOR))

    page = client.get(admin_page(ResidualLine, line.pk)).text

    assert "Posted for it by earlier nights" in page
    assert "1 of 1 parts" in page


def test_uses_that_have_left_the_tables_are_told_by_how_many_and_in_which_file(
    stated, world, operator
):
    _statement, line, event = stated
    archive = EventArchive.objects.create(
        first_id=event.pk, end_id=event.pk + 1, first_index=0, last_index=line.run.to_index,
        events=1, made_at=TONIGHT, detached_at=TONIGHT,
    )  # fmt: skip
    ArchivedUnits.objects.create(
        archive=archive, twin=world.twin, right="voice", use="dubbing", year=JULY.year,
        meter="lines", quantity=event.lines, received_until=TONIGHT,
    )  # fmt: skip
    with pgtrigger.ignore("licensing.UsageEvent:append_only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM licensing_usageevent WHERE id = %s", [event.pk])
    told, page = (
        f"{line.quantity:,.0f} lines of it came with",
        reverse("admin:events_of_line", args=[line.pk]),
    )
    file = admin_page(EventArchive, archive.pk)

    theirs = sign_in(make_member(world.agency, Role.ACCOUNTING)).get(page)
    assert (told in theirs.text, str(archive) in theirs.text) == (True, True)
    assert file not in links(theirs)
    assert file in links(sign_in(operator).get(page))


def test_both_ways_are_closed_to_another_agency(stated, elsewhere, stranger):
    _statement, line, event = stated
    pages = [
        reverse("admin:events_of_line", args=[line.pk]),
        reverse("admin:earned_by_event", args=[event.pk]),
    ]
    theirs = sign_in(make_member(elsewhere, Role.ACCOUNTING))
    for page in pages:
        assert theirs.get(page).status_code == 404
        assert sign_in(stranger).get(page).status_code == 403
    client = sign_in(make_member(elsewhere, Role.AGENT))
    assert client.get(pages[0], {"after": "x"}).status_code == 404


def test_the_uses_of_a_line_take_the_same_queries_however_many(
    world, django_assert_max_num_queries
):
    world.line(unit_price=D(1))
    world.use(*["1"] * 40)
    run_night(datetime(2026, 11, 22, 3, tzinfo=UTC))
    client = sign_in(make_member(world.agency, Role.AUDITOR))

    with django_assert_max_num_queries(16):
        client.get(reverse("admin:events_of_line", args=[lines()[0].pk]))


# The portal's own way


def test_a_performer_sees_what_a_line_was_earned_for(stated, ada, client):
    _statement, line, event = stated
    client.force_login(ada)

    page = reverse("portal:earned-line", args=[line.pk])
    assert page in links(client.get(reverse("portal:earnings")))
    shown = client.get(page)

    assert [use.id for use in shown.context["uses"]] == [event.pk]
    assert "$1,000.00" in shown.text
    assert "1 of 1" in shown.text
    assert reverse("portal:consents") in links(shown)


def test_a_source_of_a_composite_sees_its_own_share_and_nobody_elses(world, client):
    make_composite(world, Ines=2, Jon=1)
    world.agreement.refresh_from_db()
    world.line(unit_price=D(1))
    world.use("30")
    run_night()
    ines, jon = (
        ResidualLine.objects.get(beneficiary__name=name) for name in ("Ines", "Jon")
    )  # fmt: skip
    client.force_login(make_user("ines@performers.example", performer=ines.beneficiary.performer))

    own = client.get(reverse("portal:earned-line", args=[ines.pk]))
    assert "2 of 3" in own.text
    assert "$20.00" in own.text
    assert "$10.00" not in own.text
    assert client.get(reverse("portal:earned-line", args=[jon.pk])).status_code == 404


def test_odd_pages_of_a_line_are_none(stated, ada, client):
    _statement, line, _event = stated
    client.force_login(ada)
    page = reverse("portal:earned-line", args=[line.pk])

    assert client.get(page, {"after": "x"}).status_code == 404
    assert client.get(page, {"after": "999"}).status_code == 200


def test_a_stranger_meets_no_line_in_the_portal(stated, client):
    _statement, line, _event = stated
    client.force_login(make_user("bo@performers.example", performer=make_performer("Bo Example")))

    assert client.get(reverse("portal:earned-line", args=[line.pk])).status_code == 404
