"""The API's front: keys, problems, the schema."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers

from licensing import api_keys
from likenessdesk.api import problem_response
from talent.errors import Refused

AGREEMENTS = "/api/v1/agreements"


@pytest.fixture
def issued(terms):
    return api_keys.issue(terms=terms, label="Pipeline", at=timezone.now(), by=None)


def get(client, authorization):
    return client.get(AGREEMENTS, headers={"authorization": authorization})


def test_a_key_opens_the_door(client, issued):
    assert get(client, f"Bearer {issued.secret}").status_code == 200
    assert get(client, f"bearer  {issued.secret} ").status_code == 200


@pytest.mark.parametrize(
    "authorization", ["Bearer nothing", "Bearer ", "Bearer desk_00000000.x", "Bearer é\x00"]
)
def test_a_wrong_key_is_401(client, issued, authorization):
    response = get(client, authorization)

    assert response.status_code == 401
    assert response["www-authenticate"].startswith("Bearer")
    assert response["content-type"] == "application/problem+json"
    assert response.json()["code"] == "authentication_failed"


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", f"Token {'a' * 40}"])
def test_no_key_is_401(client, db, authorization):
    assert get(client, authorization).json()["code"] == "not_authenticated"


def test_a_revoked_key_is_401(client, issued):
    api_keys.revoke(key_id=issued.key.pk, at=timezone.now())

    assert get(client, f"Bearer {issued.secret}").status_code == 401


def test_an_expired_key_is_401(client, issued):
    issued.key.expires_at = timezone.now() - timedelta(seconds=1)
    issued.key.save(update_fields=["expires_at"])

    assert get(client, f"Bearer {issued.secret}").status_code == 401


def test_another_method_is_a_problem_too(client, issued):
    response = client.delete(AGREEMENTS, headers={"authorization": f"Bearer {issued.secret}"})

    assert response.status_code == 405
    assert response["content-type"] == "application/problem+json"
    assert response.json()["code"] == "method_not_allowed"


class Rows(serializers.Serializer):
    number = serializers.IntegerField()


class Form(serializers.Serializer):
    name = serializers.CharField()
    rows = Rows(many=True)


def test_every_wrong_field_is_pointed_to():
    form = Form(data={"rows": [{"number": 1}, {"number": "SECRET"}]})
    with pytest.raises(serializers.ValidationError) as invalid:
        form.is_valid(raise_exception=True)

    response = problem_response(invalid.value, {})

    assert response.status_code == 400
    assert [(error["pointer"], error["code"]) for error in response.data["errors"]] == [
        ("/name", "required"),
        ("/rows/1/number", "invalid"),
    ]
    assert "SECRET" not in str(response.data)


class TooLate(Refused):
    code = "too_late"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (TooLate("The curtain is down."), 422, "too_late"),
        (Http404("row 7 of a secret table"), 404, "not_found"),
        (PermissionDenied("internal"), 403, "permission_denied"),
    ],
)
def test_what_is_raised_becomes_a_problem(error, status, code):
    response = problem_response(error, {})

    assert response.status_code == response.data["status"] == status
    assert response.data["code"] == code
    assert response.data["type"].endswith(code)
    assert response.data["title"]
    assert "secret" not in str(response.data)


def test_the_schema_describes_every_address(client, db):
    response = client.get("/api/schema/", headers={"accept": "application/vnd.oai.openapi+json"})

    schema = response.json()
    assert response.status_code == 200
    assert {"/api/v1/usage/events", "/api/v1/agreements", "/api/v1/twins"} <= set(schema["paths"])
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_the_reference_needs_nothing_from_elsewhere(client, db):
    page = client.get("/api/")

    assert page.status_code == 200
    assert b"https://" not in page.content
