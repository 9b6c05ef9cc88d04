"""P25: what is uploaded to the vault, beside the SHA-256 of the same bytes, and what it holds."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from statistics import median

from django.conf import settings
from django.db import connection

from tests import template
from tests.bench.harness import Row, at_least
from tests.bench.rows import ROOT

FULL, QUICK = 2 * 1024**3, 256 * 1024**2
MOST_MEGABYTES = 64
PART = 1024**2

# One process: so many bytes are hashed and uploaded in turn; then what it held above idle is told.
UPLOAD = """
import hashlib, json, sys, time
import django
django.setup()
from django.utils import timezone
from talent.custody import places, uploads
from talent.models import Agency, CustodyItem, CustodyUpload, Performer, User
from talent.words import CustodyKind, CustodyPurpose
from tests.bench.memory_rows import high_water
from tests.bench.vault_rows import PART, Source

size, rounds, now = int(sys.argv[1]), int(sys.argv[2]), timezone.now()
names = {"name": "Vault", "country": "GB"}
agency, _new = Agency.objects.get_or_create(slug="vault", defaults=names)
performer, _new = Performer.objects.get_or_create(name="Vera Vault")
user, _new = User.objects.get_or_create(email="vault@bench.example")
uploads.PROVEN_AT_ONCE = 0
import os

def upload(size):
    item = uploads.begin(
        agency=agency, performer=performer, kind=CustodyKind.SCAN, name="Scan",
        purposes=[CustodyPurpose.BUILD], size=size, by=user, at=now,
    )
    begun = time.process_time()
    uploads.receive(item_id=item.pk, offset=0, source=Source(size), by=user, at=now)
    return time.process_time() - begun

def digest(size, store=None):
    begun, sha256, source, at = time.process_time(), hashlib.sha256(), Source(size), 0
    some = []
    while part := source.read(64 * 1024):
        sha256.update(part)
        some.append(part)
        if len(some) == uploads.AT_ONCE:
            if store:
                store("yardstick", b"".join(some), at=at)
            at, some = at + len(some) * len(part), []
    return time.process_time() - begun

upload(PART)
idle = high_water(os.getpid())
stored = [(upload(size), digest(size, places.append)) for _round in range(rounds)]
above = (high_water(os.getpid()) - idle) / 1024
places.append = lambda *_args, **_more: None
alone = [(upload(size), digest(size)) for _round in range(rounds)]
print(json.dumps({"stored": stored, "alone": alone, "above": above}))
"""


class Source:
    """So many bytes, of which none are held."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._part = os.urandom(PART)

    def read(self, size: int) -> bytes:
        """Return at most so many of those that are left."""
        part = self._part[: min(size, self._left, PART)]
        self._left -= len(part)
        return part


def uploads(*, quick: bool) -> Iterator[Row]:
    """P25: CPU seconds of one core, and the most held above idle."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "likenessdesk.settings",
            "DATABASE_URL": template.url(connection.settings_dict["NAME"]),
            "REDIS_URL": settings.REDIS_URL,
            "VAULT_ROOT": f"{folder}/vault",
            "VAULT_KEYS": f"{folder}/keys",
            "LOG_LEVEL": "ERROR",
        }
        told = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", UPLOAD, str(size), "3"],
            cwd=ROOT, env=environment, capture_output=True, check=True,
        ).stdout  # fmt: skip
    found = json.loads(told)
    size = f"{size // 1024**2:,} MB"
    for name, pairs in (
        (f"P25 {size} encrypted as they come, beside SHA-256", found["alone"]),
        (f"P25 {size} stored, beside SHA-256 and the same disk", found["stored"]),
    ):
        ours, theirs = (median(side) for side in zip(*pairs, strict=True))
        yield at_least(name, 0.5, ours, theirs)
    above = found["above"]
    yield Row(
        "P25 … held above idle meanwhile", above, "MB", MOST_MEGABYTES, above / MOST_MEGABYTES,
        f"≤ {MOST_MEGABYTES} MB", above <= MOST_MEGABYTES,
    )  # fmt: skip
