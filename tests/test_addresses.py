"""Addresses: whatever somebody writes into a query, no page fails."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from licensing.models import LicenseeTerms
from talent.models import User
from tests import factories
from tests.pages import pages_without_names

# Each in the bytes of an address, as browsers and scanners send them.
NASTY = [
    "", "a%00b", "%FF", "%ED%A0%80", "-1", "0", "1", "99999999999999999999", "9" * 400, "1e999",
    "%C2%B2", "%D9%A3", "2026-13", "0001-01", "9999-12", "99999-01", "2026-W01", "0001-01-01",
    "9999-12-31", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00%2B14:00", "1,2,x", "[]",
    "%7B%22a%22%3A1%7D", "'%22--", "%25", "voice.dubbing", ".", "T1", "true",
]  # fmt: skip


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
        opened(client, address)
        opened(client, address, dict.fromkeys(self, "1"))
        changelist = (getattr(opened(client, address), "context_data", None) or {}).get("cl")
        specs = changelist.filter_specs if changelist else ()
        return {*self, *(name for spec in specs for name in spec.expected_parameters())}


def opened(client: Client, address: str, query: Mapping[str, str] | None = None):
    """Return a page's answer without reading what it would stream."""
    answer = client.get(address, query)
    for close in answer._resource_closers:
        close()
    return answer


def rounds(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield queries of all names at once, until each name has had each nasty value."""
    for start in range(len(NASTY)):
        places = enumerate(sorted(names), start)
        yield {name: NASTY[place % len(NASTY)] for place, name in places}


def alone(looked_for: Mapping[str, Set[str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield queries of one name: a page that stops at the first fault looks at no second.

    Each name has each value, at one of the pages that look for it, each in its turn.
    """
    pages_of: dict[str, list[str]] = {}
    for page, names in looked_for.items():
        for name in names:
            pages_of.setdefault(name, []).append(page)
    for name, pages in pages_of.items():
        for place, value in enumerate(NASTY):
            yield pages[place % len(pages)], {name: value}


def url_of(page: str, query: Mapping[str, str]) -> str:
    return f"{page}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


def culprits(client: Client, page: str, query: Mapping[str, str]) -> Iterator[str]:
    """Yield the address of each failing query, halved for as long as a half of it fails."""
    if opened(client, url_of(page, query)).status_code < 500:
        return
    names = list(query)
    halves = (names[: len(names) // 2], names[len(names) // 2 :]) if len(names) > 1 else ()
    found = [
        url
        for half in halves
        for url in culprits(client, page, {name: query[name] for name in half})
    ]
    yield from found or [url_of(page, query)]


@pytest.fixture
def looked(monkeypatch):
    """Listen to what pages look for; leave their templates out, which come after that."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    looked = Looked()
    looked.listen(monkeypatch)
    return looked


@pytest.mark.deep
# A day without a zone is read in the page's; Django warns of it, and nothing fails.
@pytest.mark.filterwarnings("ignore:.* received a naive datetime:RuntimeWarning")
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

    client.raise_request_exception = False
    looked_for = {page: names for page in pages if (names := looked.of(client, page))}
    together = ((page, query) for page, names in looked_for.items() for query in rounds(names))
    tried = itertools.chain(together, alone(looked_for))
    found = {url[:200] for page, query in tried for url in culprits(client, page, query)}
    assert "\n".join(sorted(found)) == ""


@pytest.mark.parametrize("page", ["²", "-1", "9" * 400])
def test_a_page_of_rows_that_is_no_number_is_the_first_or_the_last(operator, page):
    add = reverse("admin:licensing_priceindex_add")

    assert factories.sign_in(operator).get(add, {"figures-page": page}).status_code == 200


def test_a_query_that_fails_is_told_by_what_fails_in_it():
    class Page:
        def get(self, url, _query):
            failing = "b=0" in url or ("c=1" in url and "d=2" in url)
            return SimpleNamespace(status_code=500 if failing else 200, _resource_closers=[])

    query = {"a": "9", "b": "0", "c": "1", "d": "2"}

    assert list(culprits(Page(), "/p", query)) == ["/p?b=0", "/p?c=1&d=2"]
    assert list(culprits(Page(), "/p", {"a": "9"})) == []


def test_every_name_has_every_value_together_and_alone():
    pairs = {(name, value) for name in "abc" for value in NASTY}

    assert {pair for query in rounds("abc") for pair in query.items()} == pairs
    looked_for = {"/p": {"a", "b"}, "/q": {"b", "c"}}
    assert {pair for _, query in alone(looked_for) for pair in query.items()} == pairs


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


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["0", "two", "²", "9" * 400, "99", "1,2"])
def test_a_page_of_the_search_that_is_none_is_not_found(page):
    client = factories.sign_in(User.objects.create_superuser("op@desk.example", "x"))

    assert client.get("/admin/search/", {"s": "statement", "page": page}).status_code == 404
    assert client.get("/admin/search/", {"s": "statement", "page": "1"}).status_code == 200


@pytest.mark.django_db
def test_a_year_that_no_calendar_has_is_a_filter_that_is_none():
    client = factories.sign_in(User.objects.create_superuser("op@desk.example", "x"))
    jobs = "/admin/django_celery_results/taskresult/"

    assert client.get(jobs, {"date_done__year": "9" * 20}).url == f"{jobs}?e=1"
