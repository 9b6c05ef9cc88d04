"""What many tests begin with, such as the demo: written once in a run, put back after that.

Seeding and rating a summer takes a worker half a minute; copying the rows that this left, less
than a second. All workers of a run share a folder of what was written.
"""

import contextlib
import fcntl
import hashlib
import pickle
import shutil
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from unittest import mock

import pikepdf
from django.db import connection, transaction
from django.utils import timezone

from licensing.agreements.document import pdf as agreement_pdf
from likenessdesk.demo import first_night, lineage, recordings, seed
from valuation.statements import pdf

# What each database has of its own: Django fills these as it migrates.
STANDING = ["django_content_type", "auth_permission", "django_migrations"]

TABLES = """
    SELECT relname, string_agg(quote_ident(attname), ', ' ORDER BY attnum)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND relname <> ALL(%s)
    GROUP BY relname
"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
MAY_SKIP_TRIGGERS = "SELECT has_parameter_privilege('session_replication_role', 'SET')"


@dataclass(frozen=True)
class Remembered:
    """Rows by table and columns, the last value of each sequence, and a folder of files."""

    rows: dict[tuple[str, str], bytes]
    sequences: list[tuple[str, int]]
    files: Path


_kept: dict[Hashable, Remembered] = {}
_places: list[Path] = []


def keep_in(folder: Path) -> None:
    """Say where the workers of this run keep what they wrote."""
    _places[:] = [folder]


def stand_up(files: Path) -> None:
    """Write the demo and its files as they are on the morning after its first night.

    Drawing documents takes long and has tests of its own, so its papers are short.
    """
    once(("first night", timezone.now().date()), _live_through_the_night, files)


def stand_seeded(at: datetime) -> None:
    """Write the demo as it is before its first night."""
    once(("seeded", at), lambda: _seed(at))


def once(key: Hashable, write: Callable[[], object], files: Path | None = None) -> None:
    """Have rows and files written, or put back as they were written under this key before."""
    if key not in _kept:
        with _only_here(key) as place:
            if not (place / "rows").exists():
                write()
                if may_skip_triggers():
                    _kept[key] = _remember(files, place)
                return
            _kept[key] = pickle.loads((place / "rows").read_bytes())  # noqa: S301 - our own
    _put_back(_kept[key], files)


@contextlib.contextmanager
def _only_here(key: Hashable) -> Iterator[Path]:
    """Give a folder that no other worker writes what has this key into meanwhile."""
    place = _places[0] / hashlib.sha256(repr(key).encode()).hexdigest()
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place


@contextlib.contextmanager
def papers_drawn_shortly() -> Iterator[None]:
    """Draw documents in no time: statements as their content, agreements as a blank page."""
    with (
        mock.patch.object(pdf, "draw", draw_shortly),
        mock.patch.object(agreement_pdf, "draw", draw_blank),
    ):
        yield


def draw_shortly(content, **_) -> bytes:
    return repr(content).encode()


def draw_blank(content, **_) -> bytes:
    """Return a PDF with nothing on it that is another one for other content."""
    return _blank_page() + f"% {hashlib.sha256(repr(content).encode()).hexdigest()}\n".encode()


@cache
def _blank_page() -> bytes:
    out = BytesIO()
    with pikepdf.new() as paper:
        paper.add_blank_page()
        paper.save(out, static_id=True)
    return out.getvalue()


def _live_through_the_night() -> None:
    now = timezone.now()
    with papers_drawn_shortly():
        seed.seed(now)
        first_night.rate_and_correct(as_of=now.date(), now=now)
        first_night.issue_statements(at=now)
        recordings.store_recordings(now)
        lineage.tell_of_lineage(now)


def _seed(at: datetime) -> None:
    with papers_drawn_shortly():
        seed.seed(at)


def may_skip_triggers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(MAY_SKIP_TRIGGERS)
        return cursor.fetchone()[0]


def _remember(files: Path | None, place: Path) -> Remembered:
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [STANDING])
        rows = {table: _read(cursor, *table) for table in cursor.fetchall()}
        cursor.execute(SEQUENCES)
        sequences = cursor.fetchall()
    kept = {table: data for table, data in rows.items() if data}
    remembered = Remembered(kept, sequences, place / "files")
    if files:
        shutil.copytree(files, remembered.files)
    (place / "rows").write_bytes(pickle.dumps(remembered))
    return remembered


def _read(cursor, table: str, columns: str) -> bytes:
    read = f'COPY (SELECT {columns} FROM "{table}") TO STDOUT (FORMAT binary)'  # noqa: S608 - names
    with cursor.copy(read) as copy:
        data = b"".join(copy)
    return data if cursor.rowcount else b""


def _put_back(kept: Remembered, files: Path | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for (table, columns), data in kept.rows.items():
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN (FORMAT binary)') as copy:
                copy.write(data)
        cursor.execute("SET LOCAL session_replication_role = origin")
        for name, value in kept.sequences:
            cursor.execute("SELECT setval(%s, %s)", [name, value])
    if files:
        shutil.copytree(kept.files, files, dirs_exist_ok=True)
