"""Lanes: what takes long waits in a queue of its own, and no message lies in two."""

import re

from django.conf import settings

from likenessdesk.celery import app
from likenessdesk.embedded.place import Place
from likenessdesk.management.commands import run

LONG = {
    "valuation.tasks.night": "night",
    "valuation.tasks.night_by_hand": "night",
    "valuation.tasks.rate_chunks": "night",
    "valuation.tasks.add_up_sealed": "night",
    "valuation.tasks.value_scenario": "night",
    "valuation.tasks.value_twins": "night",
    "valuation.tasks.compute_valuation": "asked",
    "valuation.tasks.simulate_consent": "asked",
    "valuation.tasks.solve_plan": "asked",
    "valuation.tasks.draw_statements": "statements",
    "valuation.tasks.issue_statements": "statements",
    "valuation.tasks.keep_for_the_long_term": "statements",
    "licensing.tasks.check_rules": "night",
    "licensing.tasks.import_usage_sheet": "sheets",
    "talent.tasks.see_to_the_vault": "sheets",
    "talent.tasks.propose_destructions": "night",
}


def lane_of(task):
    return app.amqp.router.route({}, task)["queue"]


def test_each_long_task_has_its_lane_and_all_others_share_the_small_one():
    tasks = [
        name for name in app.tasks if name.split(".")[0] in {"talent", "licensing", "valuation"}
    ]

    assert {task: lane_of(task).name for task in LONG} == LONG
    assert {lane_of(task).name for task in set(tasks) - LONG.keys()} == {"small"}


def test_nobody_who_asked_for_figures_waits_for_a_night_a_statement_or_a_sheet():
    """A message that no worker takes within a minute is dropped, and its page says so."""
    asked = lane_of("valuation.tasks.compute_valuation")
    with_it = {task for task in LONG if lane_of(task) == asked}

    assert with_it == {
        "valuation.tasks.compute_valuation",
        "valuation.tasks.simulate_consent",
        "valuation.tasks.solve_plan",
    }


def test_the_desk_that_brings_its_servers_serves_each_lane_once_and_what_is_asked_alone(tmp_path):
    commands = [child.command for child in run.workers(Place(tmp_path, tmp_path, None))]

    served = [command[command.index("-Q") + 1].split(",") for command in commands]
    assert sorted(lane for lanes in served for lane in lanes) == sorted(settings.LANES)
    assert ["asked"] in served


def test_a_message_goes_to_one_lane_only():
    ways = {(queue.exchange.name, queue.routing_key) for queue in app.amqp.queues.values()}

    assert set(app.amqp.queues) == set(settings.LANES)
    assert len(ways) == len(settings.LANES)
    assert lane_of("talent.tasks.deliver_outbox").exchange.name == "small"


def test_what_may_take_longer_than_the_others_has_a_lane():
    assert settings.CELERY_TASK_ANNOTATIONS.keys() <= LONG.keys()


def test_who_sends_a_task_names_no_lane():
    """What is sent past the routes would wait, or make others wait, in another lane."""
    chosen = re.compile(r"\b(queue|routing_key)\s*=[^=]|\bexchange=")
    senders = (
        path
        for app_label in ("talent", "licensing", "valuation", "likenessdesk")
        for path in (settings.BASE_DIR / app_label).rglob("*.py")
        if path.name != "celery.py"
    )

    assert [path.name for path in senders if chosen.search(path.read_text())] == []
