"""Commissions: what an agency takes of each performer's part, fixed when an agreement is signed."""

from datetime import datetime

from licensing.models import Agreement, SignedCommission
from talent.models import CompositeSource, Representation
from talent.periods import local_day


def fix_commissions(agreement: Agreement, *, at: datetime) -> list[SignedCommission]:
    """Store the commission of each performer whom the agency represents when it signs, `at`.

    A later change of a representation's terms counts for agreements signed after it.
    """
    twin = agreement.twin
    sources = CompositeSource.objects.filter(twin=twin).values_list("performer", flat=True)
    performers = [twin.performer_id] if twin.performer_id else list(sources)
    signed_on = local_day(at, agreement.time_zone)
    terms = Representation.objects.on(signed_on).filter(
        agency=agreement.agency_id, performer__in=performers
    )
    return SignedCommission.objects.bulk_create(
        SignedCommission(
            agreement=agreement, performer_id=term.performer_id, percent=term.commission_percent
        )
        for term in terms
    )
