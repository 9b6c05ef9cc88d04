"""Who sees what: strangers walk every page, route and file, and meet nobody else's business.

The oracle knows nothing of `visible_to`: what is one agency's is told from the raw rows.
"""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Q
from django.forms.models import InlineForeignKeyField
from django.template.response import SimpleTemplateResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from licensing.models import (
    Agreement,
    ApiKey,
    ApprovalPart,
    Brand,
    ClearanceDecision,
    EventArchive,
    IndexFigure,
    Licensee,
    PriceIndex,
    Production,
    Proposal,
    RuleSet,
    SigningKey,
)
from talent.admin import meanwhile
from talent.models import (
    Agency,
    DigitalTwin,
    HeldLock,
    Installation,
    Membership,
    OutboxMessage,
    Performer,
    Provider,
    Representation,
    TrainerKey,
    User,
)
from talent.words import Role
from tests import crowd
from tests.factories import admin_page, sign_in
from valuation.models import ExchangeRate, NightFailure, NightRun, Statement

OURS = {"talent", "licensing", "valuation"}
REGISTERED = {
    model: model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label in OURS
}
# Every model whose rows somebody may see or not, on pages of their own or on those of others.
SEEN = {
    model
    for model in apps.get_models()
    if model._meta.app_label in OURS and hasattr(model._default_manager, "visible_to")
}
TODAY = timezone.now().date()
UNSEEN = {302, 401, 403, 404}


def text_of(response):
    content = b"".join(response) if response.streaming else response.content
    put_away(response)
    return content.decode(errors="replace")


def put_away(response):
    """Close a file that was sent; closing the response would close the test's connection."""
    for close in response._resource_closers:
        close()


def names_by_kind(agency):
    """What would give the agency's business away, and belongs to nobody else, kind by kind."""
    others = Representation.objects.exclude(agency=agency).values("performer")
    own = Representation.objects.filter(agency=agency).exclude(performer__in=others)
    performers = Performer.objects.filter(pk__in=own.values("performer"))
    twins = DigitalTwin.objects.filter(performer__in=performers) | DigitalTwin.objects.filter(
        agency=agency
    )
    statements = Statement.objects.filter(agency=agency, number__isnull=False)
    kinds = (
        performers.values_list("name", flat=True),
        twins.values_list("name", flat=True),
        Agreement.objects.filter(agency=agency).values_list("reference", flat=True),
        statements.values_list("number", flat=True),
        ApiKey.objects.filter(terms__agency=agency).values_list("prefix", flat=True),
        User.objects.filter(memberships__agency=agency).values_list("email", flat=True),
    )
    return [sorted(set(names)) for names in kinds]


@pytest.fixture
def staff(demo):
    """The other agency's staff, one of each role, each with a window that is signed in."""
    seats = Membership.objects.filter(agency__slug="northlight")
    members = [seats.filter(role=role).order_by("pk").first().user for role in Role]
    return {user: sign_in(user) for user in members}


@pytest.fixture
def strangers(staff, stranger):
    """One of each kind at the other agency, staff of each role, a performer; and somebody new."""
    represented = Representation.objects.filter(agency__slug="northlight").values("performer")
    performer = User.objects.filter(performer__in=represented).order_by("pk").first()
    return {**staff, **{user: sign_in(user) for user in (performer, stranger)}}


@pytest.fixture
def kinds(demo):
    return names_by_kind(Agency.objects.get(slug="meridian"))


@pytest.fixture
def meridians(kinds):
    names = {name for names in kinds for name in names}
    assert len(names) > 20
    return names


@pytest.fixture
def unrendered(monkeypatch):
    """Leave the templates out: a page's rows and who may open it are settled before them."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


def pages(*names):
    return [admin_page(model, name=name) for model in REGISTERED for name in names]


LISTS = ("changelist", "export_list")


def owners_of(model, known):
    """Whose each row of a model is, told from its columns: {key: agencies}. None is everybody's.

    An agency that a row names owns it; else those own it who own all that it names.
    """
    if model not in known:
        known[model] = {}
        known[model].update(_owners(model, known))
    return known[model]


def _owners(model, known):
    if model is Agency:
        return {pk: frozenset([pk]) for pk in Agency.objects.values_list("pk", flat=True)}
    if model is Performer:
        return _agencies_of_performers()
    links = [field for field in model._meta.concrete_fields if _leads_to_an_owner(field)]
    above = [(link.related_model is Agency, owners_of(link.related_model, known)) for link in links]
    owners = {}
    for pk, *keys in model._base_manager.values_list("pk", *(link.attname for link in links)):
        named = [
            (direct, found[key])
            for (direct, found), key in zip(above, keys, strict=True)
            if found.get(key)
        ]
        deciding = [found for direct, found in named if direct] or [found for _, found in named]
        owners[pk] = frozenset.intersection(*deciding) if deciding else frozenset()
    return owners


def _leads_to_an_owner(field):
    target = field.related_model
    return (
        field.is_relation and target not in (field.model, User) and target._meta.app_label in OURS
    )


def _agencies_of_performers():
    current = Representation.objects.filter(Q(ends_on=None) | Q(ends_on__gt=TODAY))
    found = {}
    for performer, agency in current.values_list("performer", "agency"):
        found[performer] = found.get(performer, frozenset()) | {agency}
    return found


def foreign_to(agency, models=REGISTERED):
    """Keys of the rows, by model, that are others' and not the agency's."""
    known = {}
    return {
        model: {
            pk
            for pk, owners in owners_of(model, known).items()
            if owners - {agency.pk} and agency.pk not in owners
        }
        for model in models
    }


def pages_of(agency):
    """Pages of the first and the last row of each model that are one agency's alone."""
    known = {}
    for model in REGISTERED:
        owners = owners_of(model, known)
        pks = sorted(pk for pk, agencies in owners.items() if agencies == {agency.pk})
        for pk in {*pks[:1], *pks[-1:]}:
            yield from (admin_page(model, pk, name=page) for page in PAGES)


PAGES = ("change", "history", "delete")


@pytest.fixture
def crowded(demo):
    """The demo, with a row of what its summer left out."""
    crowd.add_what_is_missing()


# Identities and rules that all agencies share, and what only the operator reads.
SHARED = {
    Brand,
    ExchangeRate,
    IndexFigure,
    Licensee,
    PriceIndex,
    Production,
    Provider,
    RuleSet,
    TrainerKey,
}
OPERATORS = {
    EventArchive,
    HeldLock,
    Installation,
    NightFailure,
    NightRun,
    OutboxMessage,
    Proposal,
    SigningKey,
    User,
}


def test_the_walk_meets_somebody_elses_rows_of_every_model(crowded):
    """Else a queryset that forgets whose its rows are would pass."""
    foreign = foreign_to(Agency.objects.get(slug="northlight"), SEEN | REGISTERED.keys())
    unmet = {model for model, pks in foreign.items() if not pks}

    assert unmet <= SHARED | OPERATORS


def test_the_walk_meets_somebody_elses_rows_through_every_owner(crowded):
    """A hold lies on an agreement, a twin or a performer: each is asked for on its own."""
    foreign = foreign_to(Agency.objects.get(slug="northlight"), SEEN)
    unmet = [
        str(link)
        for model, pks in foreign.items()
        for link in model._meta.concrete_fields
        if link.null and link.related_model in {Agency, Agreement, DigitalTwin, Performer}
        if not model._base_manager.filter(pk__in=pks, **{f"{link.name}__isnull": False}).exists()
    ]

    assert unmet == []


@pytest.mark.parametrize("slug", ["meridian", "northlight"])
def test_no_query_brings_a_row_of_another_agency(crowded, slug):
    """Each model's `visible_to`, of those too that stand only on the pages of others."""
    agency = Agency.objects.get(slug=slug)
    foreign = foreign_to(agency, SEEN)
    found = [
        f"{user} sees {model.__name__} {row.pk}"
        for user in User.objects.filter(memberships__agency=agency).order_by("pk")[:2]
        for model, pks in foreign.items()
        for row in model._default_manager.visible_to(user).filter(pk__in=pks)[:3]
    ]

    assert found == []


@pytest.mark.parametrize("slug", ["meridian", "northlight"])
def test_no_list_holds_a_row_of_another_agency(crowded, slug):
    agency = Agency.objects.get(slug=slug)
    foreign = foreign_to(agency)
    found, listed = [], 0
    for role in Role:
        request = RequestFactory().get("/")
        request.user = agency.memberships.filter(role=role).first().user
        for model, pks in foreign.items():
            if REGISTERED[model].has_view_permission(request):
                listed += 1
                changelist = REGISTERED[model].get_changelist_instance(request)
                shown = set(changelist.queryset.values_list("pk", flat=True))
                found += [f"{role} sees {model.__name__} {pk}" for pk in sorted(shown & pks)[:3]]

    assert found == []
    assert listed > 100


def test_a_licensee_is_seen_by_those_who_have_terms_with_it(demo):
    met = Licensee.objects.get(slug="lanternfish")
    stranger = Licensee.objects.create(
        name="Far Away", slug="far-away", kind="studio", country="US"
    )
    film = Production.objects.create(licensee=stranger, title="Far Away", kind="game")

    for user in User.objects.filter(memberships__role=Role.AGENT):
        assert met in Licensee.objects.visible_to(user)
        assert stranger not in Licensee.objects.visible_to(user)
        assert film not in Production.objects.visible_to(user)


def test_no_list_of_the_admin_names_another_agencys_business(staff, meridians):
    """A list holds the same rows for every role (see above), so the first who opens it reads it."""
    found, read = [], 0
    for url in pages(*LISTS):
        for user, client in staff.items():
            response = client.get(url)
            text = text_of(response)
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]
            if response.status_code == 200:
                read += 1
                break

    assert found == []
    assert read > 50


def test_no_form_of_the_admin_offers_another_agencys_business(staff, meridians):
    """What a form lets one choose differs by what a role may enter."""
    found = []
    for user, client in staff.items():
        for url in pages("add"):
            text = text_of(client.get(url))
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]

    assert found == []


def test_who_works_nowhere_opens_no_page_of_the_admin(strangers, staff, meridians):
    """Performers have no seat in the admin, and a stranger's seat has nothing in it."""
    found = []
    for user in strangers.keys() - staff.keys():
        for url in pages(*LISTS, "add"):
            text = text_of(strangers[user].get(url))
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]

    assert found == []


def test_no_form_takes_a_row_of_another_agency(staff, crowded, unrendered):
    """Each form of each role is sent with somebody else's row in every field and every part."""
    strange = rows_to_send(Agency.objects.get(slug="northlight"))
    taken, tried, known = [], set(), set()
    for user, client in staff.items():
        for url in forms_open_to(user, known):
            page = client.get(url)
            if page.status_code != 200:
                continue
            attack = Attack(page, strange)
            answer = client.post(url, attack.data)
            taken += [f"{user}: {field} at {url}" for field in attack.taken_by(answer)]
            tried |= {(url, field) for field in attack.fields}

    assert taken == []
    assert len(tried) > 60


def forms_open_to(user, known):
    """The page that adds a row of each model, and one that changes a row, if the user may.

    Left out is a model with which somebody before, in `known`, may do the same.
    """
    request = RequestFactory().get("/")
    request.user = user
    for model, model_admin in REGISTERED.items():
        rights = (model, *model_admin.get_model_perms(request).values())
        if rights in known:
            continue
        known.add(rights)
        if model_admin.has_add_permission(request):
            # The wizard adds an agreement step by step; its one form is beside it.
            yield admin_page(model) + ("?form=1" if model is Agreement else "")
        for row in model_admin.get_queryset(request).order_by("-pk")[:8]:
            if model_admin.has_change_permission(request, row):
                yield admin_page(model, row.pk)
                break


def rows_to_send(agency):
    """The key of a row of each model that is nothing of the agency's."""
    rows = {model: min(pks) for model, pks in foreign_to(agency, SEEN).items() if pks}
    mine = Membership.objects.filter(agency=agency).values("user")
    far = Licensee.objects.get(slug="far-away")
    return {
        **rows,
        Licensee: far.pk,
        Production: far.productions.get().pk,
        User: User.objects.filter(memberships__isnull=False).exclude(pk__in=mine).first().pk,
    }


class Attack:
    """What is sent: in each field that names a row, and as each part, a strange row."""

    def __init__(self, page, strange):
        self.strange, self.fields = strange, set()
        self.data = {meanwhile.NAME: page.context_data.get("as_read", "")}
        self._aim(page.context_data["adminform"].form)
        for inline in page.context_data["inline_admin_formsets"]:
            self._aim_at_parts(inline)

    def _aim(self, form):
        for name, field in form.fields.items():
            pk = self.strange.get(getattr(getattr(field, "queryset", None), "model", None))
            if pk is not None and not isinstance(field, InlineForeignKeyField):
                self.data[form.add_prefix(name)] = str(pk)
                self.fields.add(form.add_prefix(name))

    def _aim_at_parts(self, inline):
        """Name a strange row as the first part, and strange rows in the fields of a new one."""
        formset, may_add = inline.formset, inline.has_add_permission
        if not (may_add or inline.has_change_permission):
            return
        prefix = formset.prefix
        pk = f"{prefix}-0-{formset.model._meta.pk.name}"
        self.data |= {f"{prefix}-TOTAL_FORMS": "2", f"{prefix}-INITIAL_FORMS": "1"}
        self.data[pk] = str(self.strange[formset.model])
        if inline.has_change_permission:
            self.fields.add(pk)
        new = formset.empty_form
        new.prefix = f"{prefix}-1"
        if may_add:
            self._aim(new)
        for form in formset.initial_forms:
            for nested in getattr(form, "nested_formsets", []):
                self._aim_at_parts(nested)

    def taken_by(self, answer):
        """The fields that an answer did not refuse."""
        if answer.status_code == 403:
            return set()
        if answer.status_code != 200:
            return self.fields
        forms = [answer.context_data["adminform"].form]
        for inline in answer.context_data["inline_admin_formsets"]:
            forms += with_nested(inline)
        refused = {form.add_prefix(name) for form in forms for name in form.errors}
        return self.fields - refused


def with_nested(inline):
    for form in inline.formset.forms:
        yield form
        for nested in getattr(form, "nested_formsets", []):
            yield from with_nested(nested)


def test_no_role_reaches_a_row_of_another_agency(staff, crowded):
    """Every page of a row finds it in the admin's queryset, or answers 404."""
    foreign = foreign_to(Agency.objects.get(slug="northlight"))
    found = []
    for user in staff:
        request = RequestFactory().get("/")
        request.user = user
        for model, pks in foreign.items():
            reached = REGISTERED[model].get_queryset(request).filter(pk__in=pks)
            found += [f"{user} reaches {model.__name__} {row.pk}" for row in reached[:3]]

    assert found == []


def test_no_row_of_another_agency_opens(strangers, unrendered):
    """What a role reaches is shown above; a member, a performer and a stranger try the pages."""
    urls = list(pages_of(Agency.objects.get(slug="meridian")))
    assert len(urls) > 150
    members, others = list(strangers)[: len(Role)], list(strangers)[len(Role) :]
    opened = [
        f"{user} opens {url}"
        for user in (members[1], others[0], others[-1])
        for url in urls
        if strangers[user].get(url).status_code not in UNSEEN
    ]

    assert opened == []


def test_no_choice_offers_another_agencys_rows(strangers, meridians):
    """Autocompletes answer by a route of their own."""
    fields = fields_with_choices()
    assert len(fields) > 10
    found = [
        f"{user}: {field} offers {name}"
        for user, client in strangers.items()
        for field in fields
        for text in [text_of(client.get(reverse("admin:autocomplete"), choices_of(field)))]
        for name in meridians
        if name in text
    ]

    assert found == []


def fields_with_choices():
    """One field for each model and limit: the fields that share both offer the same rows."""
    fields = {}
    for model, model_admin in REGISTERED.items():
        for name in model_admin.get_autocomplete_fields(None):
            field = model._meta.get_field(name)
            limit = str(field.get_limit_choices_to())
            fields.setdefault((field.remote_field.model, limit), field)
    return list(fields.values())


def choices_of(field):
    return {
        "app_label": field.model._meta.app_label,
        "model_name": field.model._meta.model_name,
        "field_name": field.name,
        "term": "",
    }


def test_search_finds_nothing_of_another_agency(staff, stranger, kinds):
    """The first and the last name of each kind: one search goes through all models."""
    found = [
        f"{user} finds {name}"
        for user, client in {**staff, stranger: sign_in(stranger)}.items()
        for names in kinds
        for name in {names[0], names[-1]}
        if f">{name}<" in text_of(client.get(reverse("admin:search"), {"s": name, "extended": 1}))
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
    "clearance": ClearanceDecision,
    "part_id": ApprovalPart,
    "twin_id": DigitalTwin,
    "statement_id": Statement,
    "pk": Agreement,
}


OWNED_BY = {
    ApprovalPart: "request__terms__agency",
    ClearanceDecision: "terms__agency",
    DigitalTwin: "performer__representations__agency",
}


def addresses(prefix, agency):
    """Addresses below a prefix, with ids of the agency's own rows."""
    for path, pattern in routes(prefix):
        if path.startswith("admin") or not pattern.pattern.converters.keys() <= IDS.keys():
            continue
        filled = f"/{path}"
        for name in pattern.pattern.converters:
            model = Statement if "statement" in path else IDS[name]
            rows = model.objects.filter(**{OWNED_BY.get(model, "agency"): agency})
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
    for user, client in strangers.items():
        for url in urls:
            text = text_of(client.get(url))
            found += [f"{user} reads {name} on {url}" for name in meridians if name in text]

    assert found == []


def test_anonymous_visitors_are_sent_to_sign_in(demo, meridians):
    visitor = Client()
    for url in [*pages(*LISTS, "add"), *addresses("", Agency.objects.get(slug="meridian"))]:
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
    for user in User.objects.filter(is_superuser=False):
        client = sign_in(user)
        for url, users in allowed.items():
            response = client.get(url)
            put_away(response)
            assert (response.status_code == 200) == (user in users), f"{user} at {url}"
