"""The portal's doors to money: earnings, statements, invoices, payments, disputes, worth."""

from . import disputes, invoices, money, pages

urlpatterns = [
    *pages.urlpatterns,
    *money.urlpatterns,
    *invoices.urlpatterns,
    *disputes.urlpatterns,
]
