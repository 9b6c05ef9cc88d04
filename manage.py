#!/usr/bin/env python
"""Run one command of the desk: `python manage.py help` lists them."""

import contextlib
import gc
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

from likenessdesk import embedded

# These ask no server anything, or start the servers themselves.
WITHOUT_SERVERS = {"run", "help", "version", "--version", "--help", "check", "collectstatic",
                   "compilemessages", "makemessages", "spectacular", "startproject"}  # fmt: skip


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
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except embedded.ServersFailed as failure:
        sys.exit(str(failure))
