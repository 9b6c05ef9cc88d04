"""Logs: a page that is not there is one line, a fault is its traceback."""

import logging
import sys

from likenessdesk.logs import WithoutAnswers, WithoutRowValues


def written(status, fault):
    try:
        raise fault
    except type(fault):
        record = logging.LogRecord("django.request", 30, "", 1, "Said", (), sys.exc_info())
    record.status_code = status
    assert WithoutAnswers().filter(record)
    return WithoutRowValues("{message}", style="{").format(record)


def test_a_page_that_is_not_there_is_no_traceback():
    assert written(404, LookupError("No such row")) == "Said"
    assert written(403, PermissionError("Not yours")) == "Said"


def test_a_fault_keeps_its_traceback():
    assert "RuntimeError: Broken" in written(500, RuntimeError("Broken"))


def test_the_desks_own_handler_leaves_it_out(client, db, capsys):
    client.get("/nowhere/")

    assert "Traceback" not in capsys.readouterr().err
