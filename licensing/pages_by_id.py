"""Long lists, latest first: read page by page or in chunks, by id instead of an offset."""

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

LONGEST_NUMBER = 18  # PostgreSQL's bigint holds each of these.

Row = TypeVar("Row", bound=Model)


def number_of_row(text: str) -> int | None:
    """Return the number of a row that an address names, None where it names none.

    Raises ValueError where no row can have it.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise ValueError("A row has a number of at most 18 digits.")
    return int(text)


def page_by_id(
    rows: QuerySet[Row], before: int | None, *, size: int
) -> tuple[list[Row], int | None]:
    """Return a page of rows that are older than an id, and the id that the next starts before.

    The rows come with the highest id first. Without `before` it is the first page; after the last
    page the id is None.
    """
    page = list((rows.filter(pk__lt=before) if before else rows)[: size + 1])
    older = page[size - 1].pk if len(page) > size else None
    return page[:size], older


def chunks_by_id(rows: QuerySet[Row], *, size: int) -> Iterator[list[Row]]:
    """Yield all rows in lists of at most `size`, so that no more than that is in memory."""
    before: int | None = None
    while chunk := list((rows.filter(pk__lt=before) if before else rows)[:size]):
        yield chunk
        if len(chunk) < size:
            return
        before = chunk[-1].pk
