#!/usr/bin/env python
"""Run one command of the desk: `python manage.py help` lists them."""

import contextlib
import gc
import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from likenessdesk import embedded
from likenessdesk.startup import refuse_wrong_database

# These ask no server anything, or start the servers themselves.
WITHOUT_SERVERS = {"run", "help", "version", "--version", "--help", "check", "collectstatic",
                   "compilemessages", "makemessages", "spectacular", "startproject"}  # fmt: skip
# These prepare the database, look at it from outside, or say that it was moved.
BEFORE_IT_IS_KNOWN = {"migrate", "prepare", "showmigrations", "sqlmigrate", "makemigrations",
                      "dbshell", "restored", "lost_key"}  # fmt: skip


def needs_servers(arguments: list[str]) -> bool:
    asks_for_help = not arguments or "--help" in arguments or "-h" in arguments
    return not asks_for_help and arguments[0] not in WITHOUT_SERVERS


def main() -> None:
    # Classes and modules stay: looking for garbage among them is a sixth of a start.
    gc.set_threshold(50_000, 20, 20)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
    with contextlib.ExitStack() as stack:
        if needs_servers(sys.argv[1:]) and settings.EMBEDDED:
            servers = embedded.borrowed_servers(
                settings.EMBEDDED_PLACE, settings.EMBEDDED, say=embedded.say_on_stderr
            )
            stack.enter_context(servers)
        if needs_servers(sys.argv[1:]) and sys.argv[1] not in BEFORE_IT_IS_KNOWN:
            django.setup()
            refuse_wrong_database()
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except (embedded.ServersFailed, ImproperlyConfigured) as failure:
        sys.exit(str(failure))
