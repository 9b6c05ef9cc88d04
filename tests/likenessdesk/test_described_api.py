"""The API by its own description: whatever one may send, no answer is an error of the server."""

import contextlib

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from licensing import api_keys
from licensing.models import LicenseeTerms

pytestmark = pytest.mark.django_db
SMOKE, DEEP = 4, 5_000


@pytest.fixture
def studio(demo):
    """A licensee's software at the demo's agencies, which has something behind every address."""
    terms = LicenseeTerms.objects.order_by("pk").first()
    secret = api_keys.issue(terms=terms, label="Judge", at=timezone.now(), by=None).secret
    return Client(headers={"authorization": f"Bearer {secret}"}, raise_request_exception=False)


@pytest.fixture
def operations(client, db):
    """Every operation of the published schema."""
    # Slow to import, and only these tests judge by it.
    import schemathesis

    published = client.get("/api/schema/", {"format": "json"}).json()
    schema = schemathesis.openapi.from_dict(published)
    schema.config.update(base_url="http://testserver")
    return [found.ok() for found in schema.get_all_operations()]


def test_a_few_requests_to_every_address_make_no_server_error(operations, studio):
    assert len(operations) >= 7
    assert judged(operations, studio, each=SMOKE) >= SMOKE // 2 * len(operations)


@pytest.mark.deep
def test_five_thousand_requests_make_no_server_error(operations, studio):
    assert judged(operations, studio, each=DEEP // len(operations) + 1) >= DEEP


def judged(operations, studio, *, each):
    """Send requests that keep to the schema and some that don't; return how many they were."""
    from schemathesis import GenerationMode

    sent = []
    for operation in operations:
        keeping = operation.as_strategy(GenerationMode.POSITIVE)
        breaking = operation.as_strategy(GenerationMode.NEGATIVE)
        judge(keeping, studio, sent, examples=each - each // 2)
        # An address that takes nothing can't be asked wrongly.
        with contextlib.suppress(Unsatisfiable):
            judge(breaking, studio, sent, examples=each // 2)
    return len(sent)


def judge(strategy, studio, sent, *, examples):
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def answered(case):
        sent.append(case)
        response = send(case, studio)
        assert response.status_code < 500, f"{response.status_code}: {case.as_curl_command()}"

    answered()


def send(case, studio):
    """Send a case as its client would, byte for byte, through Django's own client."""
    from requests import Request

    told = case.as_transport_kwargs()
    prepared = Request(
        **{
            name: told[name]
            for name in ("method", "url", "headers", "params", "json", "data", "files")
            if name in told
        }
    ).prepare()
    body = prepared.body or b""
    return studio.generic(
        prepared.method,
        prepared.path_url,
        body.encode() if isinstance(body, str) else body,
        content_type=prepared.headers.get("Content-Type", ""),
        headers={
            name: str(value)
            for name, value in case.headers.items()
            if name.lower() not in ("content-type", "authorization")
        },
    )
