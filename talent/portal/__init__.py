"""The portal's doors of talent: accounts, twins, and what is allowed."""

from . import consent, pages

urlpatterns = [*pages.urlpatterns, *consent.urlpatterns]
