"""The portal's doors to money: earnings, statements, payments, disputes, worth."""

from . import disputes, money, pages

urlpatterns = [*pages.urlpatterns, *money.urlpatterns, *disputes.urlpatterns]
