"""The portal's doors of licensing: what twins were used for, and what waits for an answer."""

from . import (
    agreements,
    approvals,
    audits,
    mailed_signing,
    obligations,
    offers,
    protections,
    refusals,
    signing,
    simulation,
    usage,
    withdrawals,
)

urlpatterns = [
    *usage.urlpatterns,
    *refusals.urlpatterns,
    *simulation.urlpatterns,
    *withdrawals.urlpatterns,
    *approvals.urlpatterns,
    *agreements.urlpatterns,
    *signing.urlpatterns,
    *mailed_signing.urlpatterns,
    *offers.urlpatterns,
    *audits.urlpatterns,
    *protections.urlpatterns,
    *obligations.urlpatterns,
]
