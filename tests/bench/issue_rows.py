"""P27: two hundred statements of one agency, drawn, signed and stored by two workers and by one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.db import connection
from django.utils import timezone

from talent.models import Agency, Beneficiary, User
from talent.papers import certificate
from tests import template
from tests.bench.harness import Row, at_least
from tests.bench.memory_rows import high_water
from tests.bench.rows import ROOT
from tests.valuation.statements import cases
from valuation.models import Statement, StatementStep
from valuation.statements import issuing, snapshot
from valuation.words import StatementStepKind

STATEMENTS = 200
FEWER = 50
GROWS_AT_MOST = 1.25

# Draws one to be warm, waits until it is told to begin, and issues whatever nobody else has.
WORKER = """
import sys, time
import django
django.setup()
from django.utils import timezone
from tests.valuation.statements import cases
from valuation.models import IssueRun
from valuation.statements import issuing, pdf
pdf.draw_to_sign(cases.FIVE_LINES, signed_by="Bench")
run = IssueRun.objects.get(pk=int(sys.argv[1]))
print("warm", flush=True)
sys.stdin.readline()
while issuing.issue_next(run.pk, now=timezone.now()):
    pass
"""


def issue(statements: int = STATEMENTS) -> Iterator[Row]:
    """Issue as many by one worker and by two, and say how much more memory the many take."""
    with tempfile.TemporaryDirectory() as folder:
        chain, key = certificate.make_trial(Path(folder, "seal"), at=timezone.now())
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "likenessdesk.settings",
            "DATABASE_URL": template.url(connection.settings_dict["NAME"]),
            "REDIS_URL": settings.REDIS_URL,
            "MEDIA_ROOT": folder,
            "SEAL_CERTIFICATE": str(chain),
            "SEAL_KEY": str(key),
            "LOG_LEVEL": "ERROR",
        }
        _few_seconds, few = issued_by(1, min(FEWER, statements), environment)
        one, many = issued_by(1, statements, environment)
        two, _memory = issued_by(2, statements, environment)
    yield at_least(f"P27 {statements} statements issued by two workers", 1.7, two, one)
    ratio = many / few
    yield Row(
        f"P27 memory for {statements} statements, by that for {min(FEWER, statements)}",
        *(many / 1024, "MB", few / 1024, ratio, f"≤ {GROWS_AT_MOST}", ratio <= GROWS_AT_MOST),
    )


def issued_by(workers: int, statements: int, environment: dict[str, str]) -> tuple[float, int]:
    """Return the seconds that workers took, warm, and the most memory that one held, in KiB."""
    run = approved_run(statements)
    processes = [
        subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", WORKER, str(run.pk)], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(workers)
    ]  # fmt: skip
    for process in processes:
        process.stdout.readline()
    begun = perf_counter()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    most = 0
    while any(process.poll() is None for process in processes):
        most = max(most, *(high_water(process.pid) for process in processes))
        try:
            processes[0].wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    taken = perf_counter() - begun
    far = issuing.progress_of(run, timezone.now())
    assert far.issued == statements, f"{far.failed} failed: {run.items.first().detail}"
    return taken, most


def approved_run(statements: int):
    """Write an agency with so many approved statements, and have them issued."""
    count = Agency.objects.count()
    agency = Agency.objects.create(name=f"Bench {count}", slug=f"bench-{count}")
    by, _new = User.objects.get_or_create(email="bench@example.com")
    at = datetime(2026, 11, 22, tzinfo=UTC)
    rows = []
    for number in range(statements):
        beneficiary = Beneficiary.objects.create(name=f"Payee {number}", agency=agency)
        draft = replace(cases.FIVE_LINES, number="", status=StatementStepKind.DRAFT)
        content = snapshot.to_json(draft)
        rows.append(
            Statement(
                kind="beneficiary", agency=agency, beneficiary=beneficiary, currency="USD",
                period_on=draft.period_starts_on, period_ends_on=draft.period_ends_on,
                from_index=0, to_index=1, opening=0, earned=0, received=0, deductions=0, net=0,
                closing=0, outstanding=0, due_on=draft.period_ends_on, content=content,
            )
        )  # fmt: skip
    Statement.objects.bulk_create(rows)
    StatementStep.objects.bulk_create(
        StatementStep(statement=row, kind=StatementStepKind.APPROVED.value, at=at, by=by)
        for row in rows
    )
    [run] = issuing.ask(statements=rows, by=by, at=at, note="")
    return run
