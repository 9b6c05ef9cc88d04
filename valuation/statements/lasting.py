"""Proof for the long term: what lets a signature be checked once its certificate has ended."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery

from talent.errors import Refused
from talent.papers import certificate
from talent.words import SealLevel
from valuation.models import LastingCopy, Statement
from valuation.statements import documents

logger = logging.getLogger(__name__)

KEEPS = "keeping signed statements for the long term"
# A stamp is renewed so long before the time server's certificate ends.
BEFORE_ITS_END = timedelta(days=90)
AT_MOST = 500


def due(now: datetime) -> QuerySet[Statement]:
    """Return signed statements without a lasting copy, or whose newest one ends soon."""
    newest = LastingCopy.objects.filter(statement=OuterRef("pk")).order_by("-pk")
    return (
        Statement.objects.issued()
        .exclude(seal_level=SealLevel.NONE.value)
        .annotate(lasts=Subquery(newest.values("ends_at")[:1], output_field=DateTimeField()))
        .filter(Q(lasts=None) | Q(lasts__lt=now + BEFORE_ITS_END))
        .order_by("pk")
    )


def keep_due(*, now: datetime, at_most: int = AT_MOST) -> int:
    """Make the copies that are due, as many as fit; return how many.

    Without a time server and its roots, none is. A server that does not answer is asked again the
    next time; what was issued is not touched by any of it.
    """
    from talent.papers import seal

    if not (certificate.is_there() and settings.TIMESTAMP_URL and settings.TIMESTAMP_ROOTS):
        return 0
    own, made = certificate.of_the_desk(), 0
    for statement in due(now)[:at_most]:
        try:
            _keep(statement, own, now)
        except seal.TimeServerAway as refusal:
            logger.warning("No proof for the long term could be added: %s", refusal)
            break
        except Refused as refusal:
            # A file that is away or a full disk: that statement waits, the others go on.
            logger.error("No lasting copy of %s: %s", statement, refusal)
        else:
            made += 1
    return made


def _keep(statement: Statement, own: certificate.SealingCertificate, now: datetime) -> None:
    from talent.papers import seal

    newest = statement.lasting_copies.order_by("-pk").first()
    file = documents.read_copy(newest) if newest else documents.read(statement)
    lasting = seal.for_the_long_term(file.read(), certificate=own)
    stored = documents.store_copy(statement, lasting.pdf)
    try:
        LastingCopy.objects.create(
            statement=statement,
            pdf=stored.name,
            sha256=stored.sha256,
            made_at=now,
            ends_at=lasting.ends_at,
        )
    except BaseException:
        documents.remove(stored.name)
        raise
