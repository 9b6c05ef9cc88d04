"""The portal's doors of talent: for whom one acts, accounts, twins, and what is allowed."""

from . import account, consent, reader, twins

urlpatterns = [
    *reader.urlpatterns,
    *twins.urlpatterns,
    *account.urlpatterns,
    *consent.urlpatterns,
]
