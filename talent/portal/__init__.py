"""The portal of talent: for whom one acts, accounts, twins, consent, what is held and trained."""

from . import account, consent, custody, lineage, reader, twins

urlpatterns = [
    *reader.urlpatterns,
    *twins.urlpatterns,
    *account.urlpatterns,
    *consent.urlpatterns,
    *custody.urlpatterns,
    *lineage.urlpatterns,
]
