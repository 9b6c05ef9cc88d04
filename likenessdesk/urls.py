"""The desk's addresses."""

from django.contrib import admin
from django.urls import include, path

from licensing.api.permits import jwks
from talent.portal.account import account_urlpatterns
from talent.sign_in.urls import urlpatterns as sign_in_urlpatterns

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("likenessdesk.portal")),
    path("", include(account_urlpatterns)),
    path("", include(sign_in_urlpatterns)),
    path("api/", include("likenessdesk.schema")),
    path(".well-known/jwks.json", jwks, name="jwks"),
]
