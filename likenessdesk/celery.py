"""The timetable, and the Celery application that keeps it: `celery -A likenessdesk worker -B`.

Tasks are acknowledged when done: one may run twice, so each claims its work in the database.
None waits in the broker for longer than 30 s (`countdown`, `retry_backoff_max`), since the
broker hands out again what nobody has acknowledged within `visibility_timeout`.
"""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_init
from django.conf import settings
from kombu import Exchange, Queue

from likenessdesk.startup import NotStarted, refuse_wrong_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")

app = Celery("likenessdesk")


@worker_init.connect
@beat_init.connect
def refuse_to_start(**_signal: object) -> None:
    """End a worker or a beat that may not serve. Celery only logs other exceptions of a signal."""
    try:
        refuse_wrong_database()
    except NotStarted as refusal:
        raise SystemExit(str(refusal)) from refusal


app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Each with an exchange of its own: left out, all would share one, and get each other's messages.
app.conf.task_queues = [Queue(lane, Exchange(lane), routing_key=lane) for lane in settings.LANES]
app.conf.beat_schedule = {
    # Asked each minute whether it is due, so that a killed or missed one is due still.
    "the night": {
        "task": "valuation.tasks.night",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "add up what is sealed, before the night": {
        "task": "valuation.tasks.add_up_sealed",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "draw the statements of the night": {
        "task": "valuation.tasks.draw_statements",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "send reports whose day has come": {
        "task": "valuation.tasks.send_reports",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 540},
    },
    "tell performers of the month that ended": {
        "task": "valuation.tasks.send_digests",
        "schedule": crontab(minute=35),
        "options": {"expires": 3_000},
    },
    "go on with statements that are being issued": {
        "task": "valuation.tasks.issue_what_waits",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "draw the documents that invoices lack": {
        "task": "valuation.tasks.draw_missing_invoices",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 540},
    },
    "keep signed statements for the long term": {
        "task": "valuation.tasks.keep_for_the_long_term",
        "schedule": crontab(minute=35),
        "options": {"expires": 3_000},
    },
    "expire reservations": {
        "task": "licensing.tasks.expire_reservations",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "give usage its place in the log": {
        "task": "licensing.tasks.seal",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "make partitions of usage ahead of need": {
        "task": "licensing.tasks.make_partitions",
        "schedule": crontab(minute=20),
    },
    "import sheets that wait": {
        "task": "licensing.tasks.import_usage_sheets",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "deliver webhooks": {
        "task": "licensing.tasks.deliver_webhooks",
        "schedule": 30,
        "options": {"expires": 25},
    },
    "empty the sandbox of what is old": {
        "task": "licensing.tasks.purge_sandbox",
        "schedule": crontab(hour=1, minute=40),
    },
    "ask the rules of every agreement in force": {
        "task": "licensing.tasks.check_rules",
        "schedule": crontab(hour=3, minute=10),
        "options": {"expires": 3_600},
    },
    "apply amendments whose day has come": {
        "task": "licensing.tasks.apply_amendments",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 540},
    },
    "derive what agreements have somebody do soon": {
        "task": "licensing.tasks.keep_obligations",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 540},
    },
    "draw the documents of offers that were taken": {
        "task": "licensing.tasks.draw_takings",
        "schedule": crontab(minute="*/5"),
        "options": {"expires": 270},
    },
    "remind who has not signed, and end what expired": {
        "task": "licensing.tasks.see_to_signing",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "divide caps of licences that passed to other studios": {
        "task": "licensing.tasks.divide_caps_of_transfers",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "remind approvers, and note whose time is over": {
        "task": "licensing.tasks.see_to_approvals",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "read back what was uploaded, and destroy what was approved": {
        "task": "talent.tasks.see_to_the_vault",
        "schedule": 60,
        "options": {"expires": 50},
    },
    "propose to destroy what may be kept no longer": {
        "task": "talent.tasks.propose_destructions",
        "schedule": crontab(hour=4, minute=20),
    },
    "forget old counts of tries": {
        "task": "talent.tasks.forget_tries",
        "schedule": crontab(minute=50),
    },
    "deliver the outbox": {
        "task": "talent.tasks.deliver_outbox",
        "schedule": 30,
        # Expires before the next run is queued, so that late runs do not pile up.
        "options": {"expires": 25},
    },
}
