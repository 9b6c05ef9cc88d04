"""Share changes in money: what an approver reads is what the next night posts."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from licensing.models import Agreement
from talent import shares
from talent.beneficiaries import NobodyToPay
from talent.models import Beneficiary, DigitalTwin, EarlierOwner, ShareChange
from talent.shares import Subject
from talent.words import Role, ShareSubject
from tests.factories import admin_page, make_member, make_persona, sign_in, take_step
from tests.valuation.world import make_composite
from valuation import night
from valuation.models import ResidualLine
from valuation.reports.share_changes import redivided

pytestmark = pytest.mark.usefixtures("without_statements")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def run_night(day):
    night.run_night(as_of=date(2026, 11, day), now=datetime(2026, 11, day, 3, tzinfo=UTC))


def posted():
    sums = ResidualLine.objects.values_list("beneficiary__name").annotate(Sum("amount"))
    return dict(sums.order_by("beneficiary__name"))


@pytest.fixture
def partner(agency):
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="partner@northlight.example")


@pytest.fixture
def chorus(world):
    """300 earned in July and 100 in August, by weights 3 and 1."""
    twin = make_composite(world, Bo="3", Cy="1")
    world.line(unit_price=D(1))
    world.use("300", on="2026-07-15", twin=twin)
    world.use("100", on="2026-08-20", twin=twin)
    run_night(1)
    assert posted() == {"Bo": D(300), "Cy": D(100)}
    return twin


def change_ends(chorus, by, ends_on):
    """Write down that Cy left on a day."""
    subject = Subject(ShareSubject.SOURCES, chorus.pk)
    before = shares.rows_of(subject)
    after = [before[0], {**before[1], "ends_on": ends_on}]
    return shares.write(subject, before, after, by=by, at=NOW)


@pytest.mark.parametrize(
    ("ends_on", "differences"),
    [
        ("2026-08-01", {"Bo": D(25), "Cy": D(-25)}),
        # Within a month, which is told anew in two parts: 100 of August came before the 21st.
        ("2026-08-21", {}),
        ("2026-07-15", {"Bo": D(100), "Cy": D(-100)}),
        ("2026-07-16", {"Bo": D(25), "Cy": D(-25)}),
    ],
)
def test_what_is_told_is_what_the_night_posts(chorus, affairs, partner, ends_on, differences):
    change = change_ends(chorus, affairs, ends_on)
    told = redivided(change)
    assert {row.beneficiary: row.difference for row in told} == differences
    assert not ResidualLine.objects.filter(amount__lt=0).exists()

    shares.ask(change_id=change.pk, by=affairs, at=NOW, reason="Cy left.")
    shares.approve(change_id=change.pk, by=partner, at=NOW)
    before = posted()
    run_night(23)

    after = posted()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert moved == differences
    assert redivided(change) == []


def test_a_correction_that_leaves_days_to_nobody_says_so(chorus, affairs):
    subject = Subject(ShareSubject.SOURCES, chorus.pk)
    before = shares.rows_of(subject)
    after = [{**row, "starts_on": "2026-08-01"} for row in before]

    with pytest.raises(NobodyToPay, match="earned on 2026-07-01"):
        redivided(shares.write(subject, before, after, by=affairs, at=NOW))


def test_an_owner_who_changes_keeps_what_was_used_before(world, agency, affairs, partner):
    first, second = (
        Beneficiary.objects.create(name=name, agency=agency) for name in ("First", "Second")
    )
    persona = make_persona(agency, name="Nobody", owner=second)
    Agreement.objects.update(twin=persona)
    EarlierOwner.objects.create(twin=persona, beneficiary=first, ends_on=date(2026, 8, 1))
    world.line(unit_price=D(1))
    world.use("300", on="2026-07-15", twin=persona)
    world.use("100", on="2026-08-20", twin=persona)
    run_night(1)
    assert posted() == {"First": D(300), "Second": D(100)}

    subject = Subject(ShareSubject.OWNERS, persona.pk)
    before = shares.rows_of(subject)
    after = [{**before[0], "ends_on": "2026-09-01"}]
    change = shares.write(subject, before, after, by=affairs, at=NOW)

    assert {row.beneficiary: row.difference for row in redivided(change)} == {
        "First": D(100),
        "Second": D(-100),
    }


def test_days_before_the_first_source_are_the_owners(world, agency, affairs):
    owner = Beneficiary.objects.create(name="Owner", agency=agency)
    chorus = make_composite(world, Bo="1")
    DigitalTwin.objects.filter(pk=chorus.pk).update(owner=owner)
    chorus.sources.update(starts_on=date(2026, 8, 1))
    world.line(unit_price=D(1))
    world.use("300", on="2026-07-15", twin=chorus)
    world.use("100", on="2026-08-20", twin=chorus)

    run_night(1)

    assert posted() == {"Bo": D(100), "Owner": D(300)}


def test_two_people_see_it_in_money_on_its_page(chorus, affairs, partner):
    change = change_ends(chorus, affairs, "2026-08-01")
    page = admin_page(ShareChange, change.pk)
    assert "−$25.00" in sign_in(affairs).get(page).text

    for user, name in ((affairs, "ask"), (partner, "approve")):
        client = sign_in(user)
        shown = client.get(admin_page(ShareChange, change.pk, name=name))
        assert "$100.00 → $75.00 (−$25.00)" in shown.text
        assert take_step(client, name, change, reason="Cy left.").status_code == 302

    assert chorus.sources.get(performer__name="Cy").ends_on == date(2026, 8, 1)
    assert "It is decided." in sign_in(affairs).get(page).text
