"""Who sees what: a stranger walks every page, route and file, and meets nobody else's business.

The oracle knows nothing of `visible_to`: what is one agency's is told from the raw rows.
"""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from licensing.models import Agreement
from talent.models import Agency, DigitalTwin, Membership, Performer, Representation, User
from talent.words import Role
from valuation.models import Statement

OURS = {"talent", "licensing", "valuation"}
REGISTERED = {
    model: model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label in OURS
}
# Rows tried of each model: the first and the last ones.
TRIED = 4
UNSEEN = {302, 401, 403, 404}


def signed_in(user):
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def text_of(response):
    content = b"".join(response) if response.streaming else response.content
    put_away(response)
    return content.decode(errors="replace")


def put_away(response):
    """Close a file that was sent; closing the response would close the test's connection."""
    for close in response._resource_closers:
        close()


def names_of(agency):
    """What would give the agency's business away, and belongs to nobody else."""
    others = Representation.objects.exclude(agency=agency).values("performer")
    own = Representation.objects.filter(agency=agency).exclude(performer__in=others)
    performers = Performer.objects.filter(pk__in=own.values("performer"))
    twins = DigitalTwin.objects.filter(performer__in=performers) | DigitalTwin.objects.filter(
        agency=agency
    )
    return {
        *performers.values_list("name", flat=True),
        *twins.values_list("name", flat=True),
        *Agreement.objects.filter(agency=agency).values_list("reference", flat=True),
        *Statement.objects.filter(agency=agency, number__isnull=False).values_list(
            "number", flat=True
        ),
    }


@pytest.fixture
def strangers(demo):
    """Everybody of the other agency who signs in, staff and performers, and somebody new."""
    northlight = Agency.objects.get(slug="northlight")
    staff = User.objects.filter(memberships__agency=northlight)
    represented = Representation.objects.filter(agency=northlight).values("performer")
    performers = User.objects.filter(performer__in=represented)
    nobody = User.objects.create_user("nobody@else.example", is_staff=True)
    return [*staff, *performers, nobody]


@pytest.fixture
def meridians(demo):
    names = names_of(Agency.objects.get(slug="meridian"))
    assert len(names) > 20
    return names


def lists():
    for model in REGISTERED:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_export_list")
        yield reverse(f"{name}_add")


def rows_of_meridian(meridians):
    """Pages of rows on which the operator reads one of the agency's names."""
    operator = signed_in(User.objects.filter(is_superuser=True).first())
    for model in REGISTERED:
        pks = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
        for pk in [*pks[: TRIED // 2], *pks[-TRIED // 2 :]]:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            change = reverse(f"{name}_change", args=[pk])
            # What the row says, without the choices that its form offers.
            title = operator.get(reverse(f"{name}_history", args=[pk])).context["original"]
            if belongs(title, meridians):
                yield from (change, *(reverse(f"{name}_{page}", args=[pk]) for page in PAGES))


PAGES = ("history", "delete")


def belongs(row, names):
    """Tell from a row's own columns, and those of the rows it names, whose it is."""
    said = [str(row)]
    for field in row._meta.concrete_fields:
        value = getattr(row, field.name, None)
        said.append(str(value))
        if hasattr(value, "_meta"):
            said += [str(getattr(value, f.name, "")) for f in value._meta.concrete_fields]
    return any(name in text for name in names for text in said)


def test_no_list_of_the_admin_names_another_agencys_business(strangers, meridians):
    found = []
    for user in strangers:
        client = signed_in(user)
        for url in lists():
            text = text_of(client.get(url))
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]

    assert found == []


def test_no_row_of_another_agency_opens(strangers, meridians):
    urls = list(rows_of_meridian(meridians))
    assert len(urls) > 60
    opened = [
        f"{user} opens {url}"
        for user in strangers
        for url in urls
        if signed_in(user).get(url).status_code not in UNSEEN
    ]

    assert opened == []


def test_no_choice_offers_another_agencys_rows(strangers, meridians):
    """Autocompletes answer by a route of their own."""
    found = []
    for user in strangers:
        client = signed_in(user)
        for model, model_admin in REGISTERED.items():
            for field in model_admin.get_autocomplete_fields(None):
                answer = client.get(
                    reverse("admin:autocomplete"),
                    {
                        "app_label": model._meta.app_label,
                        "model_name": model._meta.model_name,
                        "field_name": field,
                        "term": "",
                    },
                )
                text = text_of(answer)
                found += [f"{user}: {model.__name__}.{field}" for n in meridians if n in text]

    assert found == []


def test_search_finds_nothing_of_another_agency(strangers, meridians):
    found = [
        f"{user} finds {name}"
        for user in strangers
        for name in meridians
        if user.is_staff
        and f">{name}<"
        in text_of(signed_in(user).get(reverse("admin:search"), {"s": name, "extended": 1}))
    ]

    assert found == []


def routes(prefix, resolver=None, path=""):
    """Every address below a prefix, with the names of its parameters."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(prefix, pattern, here)
        elif isinstance(pattern, URLPattern) and here.startswith(prefix):
            yield here, pattern


IDS = {
    "twin_id": DigitalTwin,
    "statement_id": Statement,
    "pk": Agreement,
}


def addresses(prefix, agency):
    """Addresses below a prefix, with ids of the agency's own rows."""
    for path, pattern in routes(prefix):
        if path.startswith("admin") or not pattern.pattern.converters.keys() <= IDS.keys():
            continue
        filled = f"/{path}"
        for name in pattern.pattern.converters:
            model = Statement if "statement" in path else IDS[name]
            rows = (
                model.objects.filter(performer__representations__agency=agency)
                if model is DigitalTwin
                else model.objects.filter(agency=agency)
            )
            pk = rows.order_by("pk").first().pk
            for converter in ("int", "str"):
                filled = filled.replace(f"<{converter}:{name}>", str(pk))
        yield filled


def test_no_page_of_the_portal_or_route_of_the_api_tells(strangers, meridians):
    meridian = Agency.objects.get(slug="meridian")
    urls = [*addresses("", meridian)]
    assert any("statements/" in url for url in urls)
    assert any("/api/v1/" in url for url in urls)
    found = []
    for user in strangers:
        client = signed_in(user)
        for url in urls:
            text = text_of(client.get(url))
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]

    assert found == []


def test_anonymous_visitors_are_sent_to_sign_in(demo, meridians):
    visitor = Client()
    for url in [*lists(), *addresses("", Agency.objects.get(slug="meridian"))]:
        response = visitor.get(url)
        assert response.status_code in {200, 302, 401, 403, 404, 405}, url
        assert not [name for name in meridians if name in text_of(response)], url


def test_a_statement_is_downloaded_by_accounting_and_its_beneficiary_only(demo):
    meridian = Agency.objects.get(slug="meridian")
    ada = Statement.objects.get(beneficiary__name="Ada Sample")
    in_admin = reverse("admin:valuation_statement_pdf", args=[ada.pk])
    in_portal = reverse("portal:statement-pdf", args=[ada.pk])
    accounting = {
        seat.user for seat in Membership.objects.filter(agency=meridian, role=Role.ACCOUNTING)
    }
    allowed = {
        in_admin: accounting,
        in_portal: accounting | {ada.beneficiary.performer.user},
    }
    for url, users in allowed.items():
        for user in User.objects.filter(is_superuser=False):
            response = signed_in(user).get(url)
            put_away(response)
            assert (response.status_code == 200) == (user in users), f"{user} at {url}"
