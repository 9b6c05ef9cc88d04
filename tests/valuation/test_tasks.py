"""Valuation in the background: the night by task and by command, values by a real worker."""

import json
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from licensing.log import sequencer
from licensing.models import Agreement, RateCard
from talent import outbox
from talent.tasks import deliver_outbox
from tests.valuation.scenarios import add_item, make_scenario
from tests.valuation.world import JULY, TONIGHT
from valuation import tasks
from valuation.models import NightRun, NightShard, ResidualLine, ValuationRun
from valuation.words import RunStatus, ShardStatus
from valuation.worth.scenario import runs

MINUTE = 60


def test_the_night_by_task_returns_its_record(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    world.line(unit_price=D(2))
    world.use("10")
    sequencer.seal(at=TONIGHT)  # whatever the hour: what is sealed after midnight waits a night

    assert tasks.night()["amounts"] == {"USD": "20.00"}


def test_the_night_by_command_prints_its_record(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    out = StringIO()

    call_command("night", "--json", stdout=out)

    record = json.loads(out.getvalue())
    assert {"read", "rated", "held", "rejected", "amounts", "seconds"} <= record.keys()


def test_a_day_that_is_past_is_refused_in_words(world):
    call_command("night", stdout=StringIO())

    with pytest.raises(CommandError, match="can no longer be told"):
        call_command("night", "--as-of", "2026-01-01", stdout=StringIO())


def test_due_mail_is_sent_by_task(db, mailoutbox):
    outbox.post(recipient="ada@example.com", subject="Hello", body="Word.", at=TONIGHT)

    assert deliver_outbox()["sent"] == 1
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]]


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_values_a_scenario(world, worker):
    scenario = make_scenario(world)
    add_item(scenario, "c_savings", "Days", quantity=9, rate=50_000)
    run = runs.ask(scenario=scenario, as_of=date(2026, 11, 22), by=None, now=timezone.now())
    tasks.value_soon(run)

    wait_for(lambda: ValuationRun.objects.filter(valuation__total=450_000).exists())


NIGHT_IN_SMALL_CHUNKS = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
import django
django.setup()
from django.core.management import call_command
from valuation import night
night.AT_ONCE = 5
call_command("night")
"""


@pytest.mark.django_db(transaction=True)
def test_a_night_killed_half_way_loses_nothing_and_posts_nothing_twice(world, environment):
    """A real `kill -9`, after the first agreements were posted and before the last."""
    agreements = 60
    world.line(unit_price=D(1))
    world.use("10")
    for number in range(agreements - 1):
        copy = Agreement.objects.get(pk=world.agreement.pk)
        copy.pk, copy.reference = None, f"HAR-{number + 2}"
        copy.save()
        world.card = RateCard.objects.create(agreement=copy, effective_from=JULY)
        world.line(unit_price=D(1))
        world.use("10", agreement=copy)
    night = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", NIGHT_IN_SMALL_CHUNKS], env=environment, stdout=subprocess.DEVNULL
    )
    done = NightShard.objects.filter(status=ShardStatus.DONE.value)
    wait_for(lambda: done.count() >= 1, pause=0.002)
    night.kill()
    night.wait()
    posted = done.count()

    call_command("night", stdout=StringIO())

    assert 0 < posted < agreements
    assert NightRun.objects.filter(status=RunStatus.RUNNING.value).count() == 0
    amounts = ResidualLine.objects.values_list("agreement", "amount")
    assert len(amounts) == agreements
    assert {amount for _, amount in amounts} == {D(10)}


def wait_for(condition, pause=0.1):
    deadline = time.monotonic() + MINUTE
    while not condition():
        assert time.monotonic() < deadline, "It did not happen within a minute."
        time.sleep(pause)
