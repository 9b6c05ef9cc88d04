"""Addresses: whatever somebody writes into a query, no page fails."""

from collections.abc import Iterator

import pytest
from django.http import QueryDict
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from licensing.models import LicenseeTerms
from talent.models import User
from tests import factories

# Each in the bytes of an address, as browsers and scanners send them.
NASTY = [
    "", "a%00b", "%FF", "%ED%A0%80", "-1", "0", "1", "99999999999999999999", "9" * 400, "1e999",
    "%C2%B2", "%D9%A3", "2026-13", "0001-01", "9999-12", "99999-01", "2026-W01", "0001-01-01",
    "9999-12-31", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00%2B14:00", "1,2,x", "[]",
    "%7B%22a%22%3A1%7D", "'%22--", "%25", "voice.dubbing", ".", "T1", "true",
]  # fmt: skip
# Each of these leads out of the desk, or ends what is looked with.
LEFT_OUT = ("logout", "static", "media", "jsi18n", "autocomplete")


def pages_without_names(patterns=None, prefix="/") -> Iterator[str]:
    """Yield the address of every page that names no row."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from pages_without_names(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern) and not _is_left_out(address):
            yield address.replace("\\", "")


def _is_left_out(address: str) -> bool:
    return bool({"<", "("} & set(address)) or any(word in address for word in LEFT_OUT)


class Looked(set[str]):
    """The names of parameters that pages look for in their addresses, while it is listened to."""

    def listen(self, monkeypatch) -> None:
        for method in ("get", "getlist", "__getitem__", "__contains__"):
            monkeypatch.setattr(QueryDict, method, self._listening(getattr(QueryDict, method)))

    def _listening(self, look):
        def listening(query, name, *more):
            self.add(str(name))
            return look(query, name, *more)

        return listening

    def of(self, client: Client, address: str) -> set[str]:
        """Return what a page looks for, also once it has found what it looked for first."""
        self.clear()
        client.get(address)
        client.get(address, dict.fromkeys(self, "1"))
        changelist = (getattr(client.get(address), "context_data", None) or {}).get("cl")
        specs = changelist.filter_specs if changelist else ()
        return {*self, *(name for spec in specs for name in spec.expected_parameters())}


def failures(client: Client, address: str, names) -> Iterator[str]:
    client.raise_request_exception = False
    for name in names:
        for value in NASTY:
            url = f"{address}?{name}={value}"
            response = client.get(url)
            if response.status_code >= 500:
                yield url


@pytest.fixture
def looked(monkeypatch):
    """Listen to what pages look for; leave their templates out, which come after that."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    looked = Looked()
    looked.listen(monkeypatch)
    return looked


@pytest.mark.deep
@pytest.mark.parametrize("who", ["operator", "performer", "studio"])
def test_no_page_fails_at_what_is_written_into_its_address(demo, looked, who):
    if who == "studio":
        client = factories.make_studio(LicenseeTerms.objects.earliest("pk"), at=timezone.now())
    else:
        users = User.objects.filter(is_superuser=True)
        if who == "performer":
            users = User.objects.filter(performer__twins__isnull=False)
        client = factories.sign_in(users.earliest("pk"))
    pages = sorted(set(pages_without_names()))
    if who != "operator":
        pages = [page for page in pages if not page.startswith("/admin/")]
    assert len(pages) > 40

    found = [f for page in pages for f in failures(client, page, looked.of(client, page))]
    assert found == []


def test_a_page_that_fails_in_the_api_is_a_problem_too(terms, monkeypatch):
    def fail(*_args, **_more):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("licensing.api.usage.record_events", fail)
    studio = factories.make_studio(terms, at=timezone.now())
    studio.raise_request_exception = False

    answer = studio.post(
        "/api/v1/usage/events", "[]", content_type="application/cloudevents-batch+json"
    )

    assert (answer.status_code, answer["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal_error"
    assert "luck" not in answer.text


@pytest.mark.django_db
def test_a_filter_of_a_list_may_hold_what_no_text_can():
    client = factories.sign_in(User.objects.create_superuser("op@desk.example", "x"))
    jobs = "/admin/django_celery_results"

    for address in (
        "/admin/valuation/statement/?step=a%00b",
        "/admin/valuation/reading/?q=%00",
        f"{jobs}/taskresult/?status__exact=%00",
        f"{jobs}/groupresult/?q=%00",
    ):
        assert client.get(address, follow=True).status_code == 200, address
    found = client.get(
        "/admin/autocomplete/?app_label=licensing&model_name=agreement&field_name=agency&term=%00"
    )
    assert found.json()["results"] == []


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["name=a%00b", "id__exact=none"])
def test_an_export_by_a_filter_that_is_none_leads_back_to_the_list_and_exports_nothing(asked):
    client = factories.sign_in(User.objects.create_superuser("op@desk.example", "x"))

    for kind in ("list", "workbook"):
        export = reverse(f"admin:licensing_agreement_export_{kind}")
        answer = client.get(f"{export}?{asked}", follow=True)
        assert answer.redirect_chain == [("../?e=1", 302)], kind
        assert answer.request["PATH_INFO"] == reverse("admin:licensing_agreement_changelist")
