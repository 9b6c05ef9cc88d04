"""The portal of talent: for whom one acts, accounts, twins, consent, and what is held."""

from . import account, consent, custody, reader, twins

urlpatterns = [
    *reader.urlpatterns,
    *twins.urlpatterns,
    *account.urlpatterns,
    *consent.urlpatterns,
    *custody.urlpatterns,
]
