"""Talent's pages of the portal: choosing for whom one acts, accounts, twins and consent."""

from . import account, consent, reader, twins

urlpatterns = [
    *reader.urlpatterns,
    *twins.urlpatterns,
    *account.urlpatterns,
    *consent.urlpatterns,
]
