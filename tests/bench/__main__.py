"""`make bench`: measure against yardsticks and write bench.json; `--quick` at a tenth of the size.

Everything happens in a scratch database, which is dropped at the end.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

EVENTS = 10_000_000
QUICK = 1_000_000


def main() -> None:
    options = arguments()
    events = QUICK if options.quick else EVENTS
    from tests.bench import (
        clearance_rows,
        decision_rows,
        exposure_rows,
        intake_rows,
        issue_rows,
        lineage_rows,
        load,
        memory_rows,
        page_rows,
        rows,
        schedule_rows,
        screenplay_rows,
        vault_rows,
        worth_rows,
    )
    from tests.bench.harness import Row

    measurements: dict[str, Callable[[], object]] = {
        "P1": lambda: intake_rows.intake(batches=3 if options.quick else 20),
        "P5": lambda: rows.first_rating(events),
        "P7": lambda: rows.later_nights(events),
        "P8": lambda: rows.month_totals(events),
        "P9": decision_rows.decision,
        "P10": clearance_rows.clearances,
        "P11": clearance_rows.caps,
        "P12": rows.statement_pdf,
        "P13": rows.statement_lines,
        "P14": lambda: [rows.event_list(events), page_rows.deep_page(events)],
        "P15": worth_rows.simulation,
        "P16": worth_rows.settled_mean,
        "P17": lambda: exposure_rows.nightly(events),
        "P19": lambda: memory_rows.memory(events),
        "P20": lambda: page_rows.every_page(events, with_few_events),
        "P24": lambda: schedule_rows.assignment(60 if options.quick else 200),
        "P25": lambda: vault_rows.uploads(quick=options.quick),
        "P26": lambda: lineage_rows.spread(10_000 if options.quick else 100_000),
        "P27": lambda: issue_rows.issue(50 if options.quick else issue_rows.STATEMENTS),
        "P28": screenplay_rows.screenplays,
        "P29": schedule_rows.order_of_shooting,
    }
    wanted = options.only or list(measurements)
    found = []
    with_few_events = None
    with scratch_database():
        if "P20" in wanted:
            load.write(events // 10)
            with_few_events = page_rows.page_times()
            load.forget()
        if {"P5", "P7", "P8", "P14", "P17", "P19", "P20"} & set(wanted):
            say(f"Writing {events:,} events …")
            load.write(events)
        for name in wanted:
            measured = measurements[name]()
            for row in [measured] if isinstance(measured, Row) else measured:
                say(str(row))
                found.append(row.as_json())
    Path("bench.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    rows = ["P1", "P5", "P7", "P8", "P9", "P10", "P11", "P12", "P13", "P14", "P15", "P16", "P17",
            "P19", "P20", "P24", "P25", "P26", "P27", "P28", "P29"]  # fmt: skip
    parser.add_argument("--only", action="append", choices=rows)
    return parser.parse_args()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def scratch_database() -> Iterator[None]:
    """Make a migrated database beside the desk's own, on its server or an embedded one."""
    from django.conf import settings
    from django.db import connection

    from likenessdesk import embedded
    from tests import template

    settings.STORAGES["staticfiles"]["BACKEND"] = settings.PLAIN_STATIC
    with contextlib.ExitStack() as stack:
        if settings.EMBEDDED:
            servers = embedded.borrowed_servers(
                settings.EMBEDDED_PLACE, settings.EMBEDDED, say=embedded.say_on_stderr
            )
            stack.enter_context(servers)
        # A copy of a migrated database, which takes no minute of migrating.
        connection.settings_dict["TEST"]["TEMPLATE"] = template.made()
        connection.settings_dict["TEST"]["NAME"] = f"likenessdesk_bench_{os.getpid()}"
        own = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(own, verbosity=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
    import django

    django.setup()
    main()
