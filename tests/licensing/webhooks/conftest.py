"""A receiver on this machine, and the clock of the library that checks what it gets."""

from datetime import datetime

import pytest

from .desk import NOW
from .receiver import listening


@pytest.fixture
def private(settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def receiver(private):
    with listening() as server:
        yield server


@pytest.fixture
def library_clock(monkeypatch):
    """The time at which the reference library judges a message; it refuses what is old."""

    class Clock(datetime):
        at = NOW

        @classmethod
        def now(cls, tz=None):
            return cls.at

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)
    return Clock
