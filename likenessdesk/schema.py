"""Where the API is, and its description (OpenAPI) with a reference to read."""

from django.urls import include, path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the description tells of API keys."""

    target_class = "likenessdesk.api.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "A key issued by the agency."}


urlpatterns = [
    path("v1/", include("licensing.api")),
    path("v1/", include("valuation.api")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", SpectacularSwaggerView.as_view(url_name="schema"), name="api-reference"),
]
