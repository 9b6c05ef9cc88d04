"""What a night cannot rate is set aside by name; it stops no rate line, agreement or night."""

import html
import re
from decimal import Decimal as D

import pytest
from django.db.models import Sum
from django.urls import reverse

from licensing.models import UsageEvent
from talent.models import User
from tests.factories import admin_page
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import NightShard, Reading, ResidualLine
from valuation.words import RunStatus, ShardStatus

pytestmark = pytest.mark.usefixtures("without_statements")
LARGEST = "99999999999999.999999"


def run_night():
    run = night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    assert run.events_read == run.events_rated + run.events_held + run.events_zero
    return run


def posted_by_line():
    lines = ResidualLine.objects.values_list("reading__rate_line__code").order_by()
    return {code: amount for code, amount in lines.annotate(Sum("amount")) if amount}


def test_the_largest_quantities_stop_neither_the_night_nor_their_rate_line(world):
    world.line(unit_price=D("3.90"))
    world.use("10")
    run_night()
    # Each is as large as one event may be; their sum has more digits than an event.
    huge = UsageEvent.objects.filter(batch=world.use(LARGEST, LARGEST))

    run = run_night()

    assert run.status == RunStatus.INCOMPLETE
    assert posted_by_line() == {"lines": D("39")}
    shard = NightShard.objects.latest("pk")
    assert (shard.status, shard.error) == (
        ShardStatus.PARTLY,
        "Dubbed lines: It comes to more than the ledger can hold; amend the use.",
    )
    (named,) = shard.set_aside
    assert (named["events"], named["first_index"], named["last_index"]) == (2, 1, 2)

    for event in list(huge):
        world.amend(event, "2")
    assert run_night().status == RunStatus.FINISHED

    # 10 + 2 + 2 lines.
    assert posted_by_line() == {"lines": D("54.60")}


def test_lines_that_became_equal_set_their_use_aside_until_they_are_told_apart(world):
    line = world.line(unit_price=D(1), charge_group="voice")
    world.line(unit_price=D("0.5"), code="words", meter="words")
    world.use("10", words=D(100))
    run_night()
    rival = world.line(unit_price=D(2), code="rival", charge_group="voice")
    world.use("5", words=D(50))

    run = run_night()

    # What was posted for the lines stays; the words are rated.
    assert run.status == RunStatus.INCOMPLETE
    assert posted_by_line() == {"lines": D(10), "words": D(75)}
    assert "rate the same use" in NightShard.objects.latest("pk").error

    rival.delete()
    assert run_night().status == RunStatus.FINISHED
    assert posted_by_line() == {"lines": D(15), "words": D(75)}
    assert Reading.objects.get(rate_line=line).quantity == D(15)


def test_a_rate_line_that_cannot_be_priced_keeps_what_was_posted(world):
    line = world.line(("10", "2"), (None, "1"))
    world.line(unit_price=D("0.5"), code="words", meter="words")
    world.use("10", words=D(100))
    run_night()
    line.brackets.filter(up_to=None).delete()
    world.use("10", words=D(100))

    run_night()

    assert posted_by_line() == {"lines": D(20), "words": D(100)}
    assert NightShard.objects.latest("pk").status == ShardStatus.PARTLY


def test_what_was_set_aside_is_on_the_desk_and_leads_to_its_uses(world, client):
    world.line(unit_price=D("3.90"))
    world.use("1", "2")
    event = UsageEvent.objects.get(batch=world.use(LARGEST))
    run_night()
    client.force_login(User.objects.create_superuser("op@desk.example", "x"))

    desk = client.get(reverse("admin:index"))
    assert "could not rate" in desk.text

    shard = NightShard.objects.latest("pk")
    page = client.get(admin_page(NightShard, shard.pk)).text
    assert "It comes to more than the ledger can hold" in page
    assert "Dubbed lines" in page
    (link,) = re.findall(r'href="(/[^"]+leaves=[^"]+)"', page)
    uses = client.get(html.unescape(link)).context["cl"].result_list
    assert [use.pk for use in uses if use.lines > 10] == [event.pk]
