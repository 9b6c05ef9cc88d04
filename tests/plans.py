"""What PostgreSQL would do with a statement: its plan, asked for and read."""

import json
import re

from django.db import connection

PARAMETER = re.compile(r"%\(\w+\)[sb]|%s")


def plan_of(sql, parameters=None):
    """Return the steps of a statement's plan, the outermost first. Nothing is run.

    Without parameters each is null, which shows that tables, columns and types are right.
    """
    if parameters is None:
        sql, parameters = PARAMETER.sub("NULL", sql), {}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        ((found,),) = cursor.fetchall()
    found = json.loads(found) if isinstance(found, str) else found
    return list(_steps(found[0]["Plan"]))


def indexes_of(sql, parameters):
    """Return the names of the indexes that serve a statement where no table is read in full.

    The tests' tables have a handful of rows, which PostgreSQL would rather read in full, so that
    is made dear.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    steps = plan_of(sql, parameters)
    return {step["Index Name"] for step in steps if "Index Name" in step}


def _steps(step):
    yield step
    for below in step.get("Plans", ()):
        yield from _steps(below)
