"""Digests of terms: tell whether what an agreement's price depends on has changed."""

from typing import NamedTuple

from django.db import connection

from talent.database.sql import sql_file

DIGESTS = sql_file(__file__, "terms_digest.sql")


class TermsDigest(NamedTuple):
    """A signed agreement, its twin, and the digest of its terms."""

    agreement_id: int
    twin_id: int
    digest: str


def digests_of_terms() -> list[TermsDigest]:
    """Return the digest of each signed agreement's terms, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(DIGESTS)
        return [TermsDigest(*row) for row in cursor.fetchall()]
