"""Keeps people's data out of the logs: they may contain events and ids only."""

import logging
import re
from types import TracebackType

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)
# PostgreSQL's errors quote the rows they concern, with names, addresses and amounts.
ROW_VALUES = re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*$", re.MULTILINE)


class WithoutRowValues(logging.Formatter):
    """Drops from a traceback the lines in which PostgreSQL quotes a row."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's own name
        return ROW_VALUES.sub(r"\1: not logged", super().formatException(ei))


class WithoutAnswers(logging.Filter):
    """Drops the traceback of a page that is not there, or not this person's: that is no fault."""

    def filter(self, record: logging.LogRecord) -> bool:
        if 400 <= getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True
