"""The schemas of usage events and of agreements' terms, for whoever writes or checks them."""

import msgspec
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions
from rest_framework.views import APIView

from licensing.agreements.exports import terms_schema
from licensing.usage.events import schema
from licensing.usage.events.event_types import BY_NAME, EVENT_TYPES

# A published version never changes; every change makes a new version.
CACHED = {"Cache-Control": "public, max-age=86400"}


class PublicView(APIView):
    """Open to everybody: a schema says nothing about anybody."""

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)


class SchemasView(PublicView):
    """Every event type with the address of its schema, and the other documents of the desk."""

    @extend_schema(
        operation_id="schemas",
        summary="Event types and their schemas",
        responses={200: OpenApiResponse(description="Each type with its title and its schema.")},
    )
    def get(self, request):
        types = [
            {
                "type": event_type.type,
                "title": event_type.title,
                "schema": request.build_absolute_uri(event_type.path),
            }
            for event_type in EVENT_TYPES
        ]
        terms = {
            "document": terms_schema.NAME,
            "title": terms_schema.TITLE,
            "schema": request.build_absolute_uri(terms_schema.PATH),
        }
        return _json({"event_types": types, "documents": [terms]}, "application/json")


class SchemaView(PublicView):
    """One event type's data, or an agreement's terms, in JSON Schema 2020-12."""

    @extend_schema(
        operation_id="schema",
        summary="The schema of an event type's data",
        responses={
            (200, schema.MEDIA_TYPE): OpenApiResponse(description="JSON Schema 2020-12."),
            404: OpenApiResponse(description="No schema has this name."),
        },
    )
    def get(self, request, name):
        if name == terms_schema.NAME:
            return _json(
                terms_schema.terms_schema(at=request.build_absolute_uri(terms_schema.PATH)),
                schema.MEDIA_TYPE,
            )
        event_type = BY_NAME.get(name)
        if event_type is None:
            raise Http404
        document = schema.published_schema(
            event_type, at=request.build_absolute_uri(event_type.path)
        )
        return _json(document, schema.MEDIA_TYPE)


def _json(value: object, content_type: str) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type=content_type, headers=CACHED)
