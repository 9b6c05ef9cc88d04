"""`make run` keeps no more in memory than it needs to watch over its children."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from likenessdesk.management.commands import run


@pytest.fixture
def prepare_ends_with(monkeypatch):
    commands = []

    def set_up(returncode):
        def record_command(command, **_options):
            commands.append(command)
            return subprocess.CompletedProcess(command, returncode)

        monkeypatch.setattr(run.subprocess, "run", record_command)
        return commands

    return set_up


def test_the_demo_is_drawn_and_seeded_in_a_process_that_ends(prepare_ends_with):
    commands = prepare_ends_with(0)

    run.prepare()

    assert commands == [[sys.executable, settings.BASE_DIR / "manage.py", "prepare"]]


def test_a_desk_that_could_not_be_prepared_is_not_served(prepare_ends_with):
    prepare_ends_with(1)

    with pytest.raises(CommandError, match="could not be prepared"):
        run.prepare()
