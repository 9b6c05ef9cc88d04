"""System checks for what would fail at run time, each with a hint."""

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, cast

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper
from django.utils import timezone

from likenessdesk import embedded, libraries

# The C2PA lists name their next update 90 days after their issue (conformance-public, 2026-11-25).
TRUST_LIST_LASTS = timedelta(days=90)


@register(Tags.security, deploy=True)
def production_is_configured(**_options: object) -> list[CheckMessage]:
    if settings.PRODUCTION:
        return []  # What it needs is there: the settings refuse to load without it.
    hint = "Set PRODUCTION=1: it turns on HTTPS and safe cookies, and asks for what they need."
    return [
        checks.Warning("The desk is not in production mode.", hint=hint, id="likenessdesk.W001")
    ]


@register()
def files_can_be_stored(**_options: object) -> list[CheckMessage]:
    """Check that papers and archives have a folder that this process may write."""
    folder = settings.MEDIA_ROOT
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return []
    hint = "Set MEDIA_ROOT to a folder of the desk's own user, or give it this one."
    return [Error(f"MEDIA_ROOT, {folder}, cannot be written.", hint=hint, id="likenessdesk.E002")]


POOLED = """\
The database is behind a pooler that gives each transaction another session (such as PgBouncer's \
pool_mode=transaction). What needs a session of its own breaks: the locks of the night, of sheets, \
statements and archives hold nothing or are never given back; prepared statements, with which \
requests are decided, are not there or are another's; long lists and exports lose their cursor."""


@register(Tags.database)
def sessions_are_kept(
    *, databases: Sequence[str] | None = None, **_options: object
) -> list[CheckMessage]:
    """Check that two connections, both open, are not served by one session of the server."""
    if "default" not in (databases or []) or not _connections_share_a_session():
        return []
    hint = "Set pool_mode=session, or connect to PostgreSQL itself."
    return [Error(POOLED, hint=hint, id="likenessdesk.E004")]


def _connections_share_a_session() -> bool:
    own = [connections.create_connection("default") for _ in range(2)]
    try:
        # A pooler may have several sessions to choose from, so ask more than once.
        return any(_session(own[0]) == _session(own[1]) for _ in range(5))
    finally:
        for connection in own:
            connection.close()


def _session(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


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


@register()
def trust_list_is_recent(**_options: object) -> list[CheckMessage]:
    """Check that content credentials are held against a list that is there, dated, and not old."""
    place, dated = settings.C2PA_TRUST_LIST, settings.C2PA_TRUST_LIST_DATED
    if not place:
        return []
    hint = "Take the list of the day, and set C2PA_TRUST_LIST and C2PA_TRUST_LIST_DATED to it."
    if not os.access(place, os.R_OK):
        text = f"C2PA_TRUST_LIST, {place}, cannot be read."
        return [Error(text, hint=hint, id="likenessdesk.E005")]
    try:
        day = date.fromisoformat(dated)
    except ValueError:
        text = "C2PA_TRUST_LIST_DATED is no day, such as 2026-11-25."
        return [checks.Warning(text, hint=hint, id="likenessdesk.W005")]
    today = timezone.localdate()
    if day <= today <= day + TRUST_LIST_LASTS:
        return []
    text = f"The trust list of content credentials is of {day}: it is ahead, or renewed by now."
    return [checks.Warning(text, hint=hint, id="likenessdesk.W006")]


@register(Tags.admin)
def forms_are_the_desks_own(**_options: object) -> list[CheckMessage]:
    """Check that each page of the admin and each of its parts uses the desk's bases.

    They hold what every form must: tenancy, saves that change what was touched, two editors.
    """
    # Imported here: the admin is loaded after the checks are registered.
    from django.contrib import admin

    hint = "Derive it from the classes of talent/admin (base, parts), and its form from DeskForm."
    return [
        Error(f"{name} has a form that is not the desk's.", hint=hint, id="likenessdesk.E010")
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label in {"talent", "licensing", "valuation"}
        for name in _foreign_forms(model_admin)
    ]


def _foreign_forms(model_admin: Any) -> Iterator[str]:
    """Yield the names of a page's classes that are not built on the desk's bases."""
    from talent.admin.base import DeskAdmin
    from talent.admin.forms import DeskForm, DeskFormSet
    from talent.admin.parts import Parts

    is_editable = getattr(model_admin, "list_editable", ())
    if (
        not isinstance(model_admin, DeskAdmin)
        or not issubclass(model_admin.form, DeskForm)
        or is_editable
    ):
        yield type(model_admin).__name__
    waiting = list(model_admin.inlines)
    while waiting:
        inline = waiting.pop()
        waiting += getattr(inline, "inlines", ())
        if not (
            issubclass(inline, Parts)
            and issubclass(inline.form, DeskForm)
            and issubclass(inline.formset, DeskFormSet)
        ):
            yield inline.__name__


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
