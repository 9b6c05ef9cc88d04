"""What every process asks before it serves: the right database, and the right key.

What was destroyed since a backup stays destroyed, whoever forgets to say that it was restored.
"""

import contextlib
import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError, connection
from django.utils import timezone

from talent.errors import Refused

# A database that starts together with the desk is given this long.
WAITS_SECONDS = 30


class NotStarted(ImproperlyConfigured):
    """The desk refuses to start; the text says why and what to do."""


def refuse_wrong_database(*, waits: float = WAITS_SECONDS) -> None:
    """Raise NotStarted if the database is away, not prepared, a copy, or sealed by another key."""
    until = time.monotonic() + waits
    while True:
        try:
            return _verify()
        except OperationalError as failure:
            if time.monotonic() > until:
                raise NotStarted(f"The database does not answer: {failure}".strip()) from failure
            time.sleep(0.5)


def _verify() -> None:
    # Imported here: doors import this module before the models are loaded.
    from talent import installation
    from talent.custody import destruction
    from talent.custody.places import PlaceAway

    try:
        installation.verify(key_encryption_key=settings.KEY_ENCRYPTION_KEY, at=timezone.now())
        with contextlib.suppress(PlaceAway):  # the sweep tries again, and tells the operators
            destruction.mend_if_behind(at=timezone.now())
    except ProgrammingError as failure:
        raise NotStarted("The database is not prepared: run `manage.py migrate`.") from failure
    except Refused as refusal:
        raise NotStarted(str(refusal)) from refusal
    finally:
        # Processes that are forked from this one make connections of their own.
        connection.close()
