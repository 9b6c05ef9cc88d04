"""Commissions: what an agency takes of each performer's part, fixed when an agreement is signed."""

from datetime import datetime

from licensing.models import Agreement, SignedCommission
from talent.models import CompositeSource, Representation
from talent.periods import local_day


def fix_commissions(agreement: Agreement, *, at: datetime) -> list[SignedCommission]:
    """Store the commission of each performer whom the agency represents when it signs, `at`.

    A later change of a representation's terms counts for agreements signed after it. Of what was
    signed elsewhere the day on the paper counts; whoever had no representation on record then has
    that of the day on which it was taken in.
    """
    twin = agreement.twin
    sources = CompositeSource.objects.filter(twin=twin).values_list("performer", flat=True)
    performers = [twin.performer_id] if twin.performer_id else list(sources)
    days = [local_day(at, agreement.time_zone), agreement.signed_elsewhere_on]
    terms = {
        term.performer_id: term
        for day in days
        if day is not None
        for term in Representation.objects.on(day).filter(
            agency=agreement.agency_id, performer__in=performers
        )
    }
    return SignedCommission.objects.bulk_create(
        SignedCommission(
            agreement=agreement, performer_id=term.performer_id, percent=term.commission_percent
        )
        for term in terms.values()
    )
