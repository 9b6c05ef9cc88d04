"""What Django's test machinery does at length, done in short: the same is left behind."""

import gc

from django.db import connection, transaction
from django.template import Template
from django.test import TransactionTestCase
from django.test.signals import template_rendered

from tests.remembered import STANDING, may_skip_triggers

# A partition has rows of its own, its table has none.
WITH_ROWS = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL(%s)
      AND pg_relation_size(oid) > 0
"""
_flush = TransactionTestCase._fixture_teardown


def tell_of_pages_only() -> None:
    """Keep for a test's client the contexts of pages, not of each of the hundred parts of one."""
    Template._render = _tell_and_render


def _tell_and_render(template: Template, context) -> str:
    if context.template is template:
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)


def empty_what_has_rows() -> None:
    """After a test that commits, empty the few tables it wrote, where all would be truncated."""
    TransactionTestCase._fixture_teardown = _empty


def _empty(case: TransactionTestCase) -> None:
    if not may_skip_triggers():
        _flush(case)
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WITH_ROWS, [STANDING])
        deletes = [f"DELETE FROM {table}" for (table,) in cursor.fetchall()]  # noqa: S608 - names
        if deletes:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("; ".join(deletes))


def leave_what_was_loaded() -> None:
    """Have the garbage collector go through what tests make, not through all that was imported."""
    gc.collect()
    gc.freeze()
