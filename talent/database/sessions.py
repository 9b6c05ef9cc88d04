"""What each session of the database is told when it begins.

Not as `options` of the connection: a pooler such as PgBouncer refuses those.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

SETTINGS = {
    # For the cursors that bind on the server, whose statements are long and planned once.
    "plan_cache_mode": "force_generic_plan",
    # A session whose process was killed, or whose machine went away, ends with what it holds:
    # otherwise it lasts as long as its statement, or for hours.
    "client_connection_check_interval": "5s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


def prepare_session(*, connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Set SETTINGS for a connection that was just made."""
    settings = ", ".join("set_config(%s, %s, false)" for _ in SETTINGS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {settings}",
            [text for setting in SETTINGS.items() for text in setting],
        )
