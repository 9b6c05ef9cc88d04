"""The rows: each measures ours and its yardstick, and says by how much they differ."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Sum
from django.test import RequestFactory
from django.utils import translation
from weasyprint import HTML

from licensing.admin.usage.events import UsageEventAdmin
from licensing.models import UsageEvent
from talent.models import User
from talent.papers.draw import VARIANT, NothingFetched
from tests import template
from tests.bench import load
from tests.bench.harness import ROUNDS, Row, at_least, at_most, in_turn, seconds
from tests.valuation.statements import cases
from valuation import night
from valuation.models import UsageMonth
from valuation.statements import pdf

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 10, 5, 3, tzinfo=UTC)
SAMPLE = 20_000
# Microseconds that an event may cost before the night, in one process.
MOST_ADDING_UP = 5

SCAN = """
    SELECT agreement_id, count(*), sum(lines), sum(words), sum(seconds), sum(tokens)
    FROM licensing_usageevent GROUP BY agreement_id
"""


# What the worker of a night does that is asked for help: it is there and has its connection before.
HELPER = """
import sys
import django
django.setup()
from tests.bench import rows
from valuation import night
for run_id in sys.stdin:
    night.help_to_rate(run_id=int(run_id), now=rows.NOW, at_most=1_000)
    print("ready", flush=True)
"""


@contextlib.contextmanager
def helped() -> Iterator[night.AskForHelp]:
    """Yield what has the other workers of this machine rate with us, as at a desk.

    As many processes as processors; the scan, which PostgreSQL runs in parallel, has one more.
    """
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "likenessdesk.settings",
        "DATABASE_URL": template.url(connection.settings_dict["NAME"]),
    }
    helpers = [
        subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", HELPER], cwd=ROOT, env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range((os.cpu_count() or 1) - 1)
    ]  # fmt: skip

    def ask(run_id: int) -> None:
        for helper in helpers:
            helper.stdin.write(f"{run_id}\n")

    ask(0)
    for helper in helpers:
        assert helper.stdout.readline() == "ready\n"
    try:
        yield ask
    finally:
        for helper in helpers:
            helper.stdin.close()
            helper.wait()


def first_rating(events: int) -> list[Row]:
    """P5, P6: the first night over all events, against a scan, and against a loop of objects.

    It finds what was sealed added up, as at a desk; what that took before is a row of its own.
    """

    def ours() -> float:
        load.forget_nights()
        return seconds(rate)

    def rate() -> None:
        assert rate_as_of(load.NIGHTS[-1][1], ask) == events

    load.forget_added_up()
    added = seconds(load.add_up) * 1_000_000 / events
    load.tidy()
    with helped() as ask:
        rated, scanned = in_turn(ours, lambda: seconds(scan))
    looped = seconds(loop) * events / min(SAMPLE, events)
    name = f"P5 {events:,} events added up before the night, each"
    return [
        Row(
            name,
            added,
            "µs",
            MOST_ADDING_UP,
            added / MOST_ADDING_UP,
            "≤ 5 µs",
            added <= MOST_ADDING_UP,
        ),
        at_most(f"P5 first rating of {events:,} events, by a scan", 1.5, rated, scanned),
        at_least(f"P6 first rating of {events:,} events, by a loop", 100, rated, looped),
    ]


def rate_as_of(day: date, ask_for_help: night.AskForHelp | None = None) -> int:
    """Run the rating of a night; return how many events it rated."""
    run = night.start(day, NOW, "UTC")
    night.finish(run, NOW, ask_for_help=ask_for_help)
    return run.events_rated


def later_nights(events: int) -> list[Row]:
    """P7: a night with three in a hundred new, by rating all, and by the same on half the history.

    The history of the second is twice that of the first. Each adds up itself what it reads, with
    nothing added up before: so both sides of the first ratio do all that has to be done.
    """

    def ours() -> list[float]:
        load.forget_added_up()
        return [seconds(lambda day=day: rate_as_of(day, ask)) for _, day in load.NIGHTS]

    def whole() -> float:
        load.forget_added_up()
        return seconds(lambda: rate_as_of(load.NIGHTS[-1][1], ask))

    with helped() as ask:
        rounds = [(ours(), whole()) for _ in range(ROUNDS)]
    half = median(nights[1] for nights, _ in rounds)
    full = median(nights[3] for nights, _ in rounds)
    rated = median(taken for _, taken in rounds)
    name = f"P7 a night with 3 % new of {events:,} events"
    return [
        at_most(f"{name}, by rating all", 0.35, full, rated),
        at_most(f"{name}, by one on half the history", 1.1, full, half),
    ]


def month_totals(events: int) -> Row:
    """P8: the months of all agreements, as pages and statements add them up, by a scan."""
    load.forget_added_up()
    load.add_up()
    rate_as_of(load.NIGHTS[-1][1])
    load.tidy()
    sums = {f"sum_{meter}": Sum(meter) for meter in ("lines", "words", "seconds", "tokens")}
    read = UsageMonth.objects.read()
    months = read.values("agreement", "month_on").annotate(n=Sum("events"), **sums)
    told, scanned = in_turn(lambda: seconds(lambda: list(months.all())), lambda: seconds(scan))
    return at_most(f"P8 month totals of {events:,} events, by a scan", 0.05, told, scanned)


def scan() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SCAN)
        cursor.fetchall()


def loop() -> Decimal:
    """Rate events one object at a time, as a first draft would."""
    total = Decimal(0)
    events = UsageEvent.objects.select_related("agreement", "twin")[:SAMPLE]
    for event in events.iterator(chunk_size=2_000):
        for quantity in event.quantities().values():
            total += quantity * Decimal("0.40")
    return total


def statement_pdf() -> Row:
    """P12: a one-page statement in a warm worker, against a process of its own."""
    content = cases.FIVE_LINES
    pdf.draw(content)
    own = [sys.executable, "-m", "tests.bench.fresh_pdf"]
    with compiled() as environment:
        environment["DJANGO_SETTINGS_MODULE"] = "likenessdesk.settings"
        _quiet(own, environment)
        warm, fresh = in_turn(
            lambda: seconds(lambda: pdf.draw(content)),
            lambda: seconds(lambda: _quiet(own, environment)),
        )
    return at_most("P12 statement PDF of a page, by a fresh process", 0.25, warm, fresh)


def statement_lines() -> Row:
    """P13: a statement of a thousand lines, against WeasyPrint on the same page without our rules.

    Without them its tables find the width of their columns, share borders, and read their fonts for
    each document, while the collector looks at what it makes.
    """
    content = cases.THOUSAND_LINES
    with translation.override("en"):
        plain = pdf._html(content, "", "") + PLAIN
    pdf.draw(cases.ONE_LINE)

    def drawn_plainly() -> None:
        HTML(string=plain, url_fetcher=NothingFetched()).render().write_pdf(pdf_variant=VARIANT)

    ours, theirs = in_turn(
        lambda: processor_seconds(lambda: pdf.draw(content)),
        lambda: processor_seconds(drawn_plainly),
        rounds=3,
    )
    return at_most("P13 statement PDF of 1,000 lines, by plain WeasyPrint", 0.65, ours, theirs)


def processor_seconds(step: Callable[[], object]) -> float:
    """Return what a step took of the processor: both take seconds, in which others are busy."""
    begun = time.process_time()
    step()
    return time.process_time() - begun


PLAIN = (
    "<style>table { table-layout: auto !important; border-collapse: collapse !important }</style>"
)


def event_list(events: int) -> Row:
    """P14: the first page of the events' list, against the same with Django's paginator."""

    class Counting(UsageEventAdmin):
        paginator = Paginator
        show_full_result_count = True

    operator = User.objects.create_superuser("bench@example.com")
    ours, counting = UsageEventAdmin(UsageEvent, admin.site), Counting(UsageEvent, admin.site)

    def opened(model_admin) -> float:
        request = RequestFactory().get("/admin/licensing/usageevent/")
        request.user, request.session = operator, SessionStore()
        request._messages = FallbackStorage(request)
        return seconds(lambda: model_admin.changelist_view(request).render())

    opened(ours), opened(counting)
    taken, counted = in_turn(lambda: opened(ours), lambda: opened(counting))
    name = f"P14 first page of {events:,} events, by a counted one"
    return at_most(name, 0.15, taken, counted)


@contextlib.contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """Yield an environment that keeps bytecode: else both sides mostly measure the compiler."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield environment


def _quiet(command: list[str], environment) -> None:
    subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True)  # noqa: S603 - our own
