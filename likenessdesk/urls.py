"""The desk's addresses."""

from django.contrib import admin
from django.http import Http404
from django.urls import include, path

from licensing.api.permits import jwks
from talent.accounts import zones
from talent.portal.account import account_urlpatterns
from talent.sign_in.urls import urlpatterns as sign_in_urlpatterns


def nowhere(*_args, **_parts):
    raise Http404


urlpatterns = [
    # “View on site” looks rows up past all tenancy, and no row of the desk has such a page.
    path("admin/r/<path:rest>", nowhere),
    path("admin/times/", zones.choose, name="times"),
    path("admin/", admin.site.urls),
    path("", include("likenessdesk.portal")),
    path("", include(account_urlpatterns)),
    path("", include(sign_in_urlpatterns)),
    path("api/", include("likenessdesk.schema")),
    path(".well-known/jwks.json", jwks, name="jwks"),
]
