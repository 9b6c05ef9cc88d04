"""System checks for what would fail at run time, each with a hint."""

from collections.abc import Sequence
from typing import cast

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from likenessdesk import embedded, libraries

NEEDED_IN_PRODUCTION = {
    "SECRET_KEY": "a long random text, the same for every process",
    "KEY_ENCRYPTION_KEY": "another long random text, the same for every process and for good",
    "ALLOWED_HOSTS": "the desk's host names, with commas between them",
    "DATABASE_URL": "postgres://user:password@host:5432/name",
    "REDIS_URL": "redis://:password@host:6379/0",
    "EMAIL_URL": "smtp://user:password@host:587",
}


@register(Tags.security, deploy=True)
def production_is_configured(**_options: object) -> list[CheckMessage]:
    if not settings.PRODUCTION:
        hint = "Set PRODUCTION=1: it turns on HTTPS, safe cookies and these checks."
        return [
            checks.Warning("The desk is not in production mode.", hint=hint, id="likenessdesk.W001")
        ]
    return [
        Error(f"{name} is not set.", hint=f"Set {name} to {what}.", id="likenessdesk.E001")
        for name, what in NEEDED_IN_PRODUCTION.items()
        if name in settings.NOT_CONFIGURED
    ]


@register(Tags.security)
def debug_stays_at_home(**_options: object) -> list[CheckMessage]:
    if settings.PRODUCTION and settings.DEBUG:
        hint = "Unset DEBUG: its error pages show settings and people's data."
        return [Error("DEBUG is on in production.", hint=hint, id="likenessdesk.E002")]
    return []


@register()
def documents_can_be_drawn(**_options: object) -> list[CheckMessage]:
    missing = libraries.missing()
    if not missing:
        return []
    return [
        checks.Warning(
            f"Statements cannot be drawn: {', '.join(missing)} not found.",
            hint=libraries.hint(),
            id="likenessdesk.W002",
        )
    ]


@register(Tags.database)
def database_is_recent(
    *, databases: Sequence[str] | None = None, **_options: object
) -> list[CheckMessage]:
    oldest = embedded.OLDEST_POSTGRESQL
    versions = {alias: _postgresql_version(alias) for alias in databases or []}
    return [
        Error(
            f"The database `{alias}` is PostgreSQL {version}.",
            hint=f"The desk needs PostgreSQL {oldest} or newer.",
            id="likenessdesk.E003",
        )
        for alias, version in versions.items()
        if version < oldest
    ]


def _postgresql_version(alias: str) -> int:
    connection = cast(DatabaseWrapper, connections[alias])
    return int(connection.pg_version // 10_000)


@register(Tags.database)
def broker_answers(
    *, databases: Sequence[str] | None = None, **_options: object
) -> list[CheckMessage]:
    """Check that Redis answers and is new enough; runs with the checks of the database."""
    if not databases:
        return []
    # Imported here: the client takes half as long to import as Django.
    from redis import Redis, RedisError

    hint = "Set REDIS_URL to a Redis or Valkey of version 7 or newer."
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
            version = client.info("server")["redis_version"]
    except RedisError as error:
        text = f"Redis does not answer: {type(error).__name__}."
        return [checks.Warning(text, hint=hint, id="likenessdesk.W003")]
    if int(version.split(".")[0]) < 7:
        return [checks.Warning(f"Redis is version {version}.", hint=hint, id="likenessdesk.W004")]
    return []
