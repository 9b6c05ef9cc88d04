"""Nothing changes by a link: everybody opens every address, and no row is another afterwards."""

import re

import pytest
from django.contrib import admin
from django.db import transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from licensing import api_keys
from licensing.models import (
    Agreement,
    ApprovalPart,
    ClearanceDecision,
    LicenseeTerms,
    UsageEvent,
    UsageSheet,
)
from talent.models import ConsentMatrix, ConsentVersion, DigitalTwin, Membership, User
from talent.words import Role
from tests.factories import sign_in
from tests.written import GUESSED, what_was_done
from valuation.models import Invoice, Statement

# What a parameter of an address means where its name alone does not say so.
PARAMETERS = {
    "clearance": ClearanceDecision,
    "invoice_id": Invoice,
    "matrix_id": ConsentMatrix,
    "part_id": ApprovalPart,
    "statement_id": Statement,
    "twin_id": DigitalTwin,
    "version_id": ConsentVersion,
}
MODELS = {
    "agreements": Agreement,
    "approval": ClearanceDecision,
    "clearances": ClearanceDecision,
    "permits": ClearanceDecision,
    "statements": Statement,
    "usage": UsageEvent,
}
# Words that are no rows: any will do.
WORDS = {"app_label": "talent", "code": "MQ", "name": "usage.dialogue.v1", "token": "no-token",
         "step": "deal", "uidb64": "MQ", "url": "nowhere", "content_type_id": "1"}  # fmt: skip


def patterns(resolver=None, path=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        here = path + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, here)
        elif isinstance(pattern, URLPattern):
            yield here, pattern


# Pages that every model has from the same few functions, which `test_admin_pages` opens for each
# role that may do something else there. `delete` asks first.
COMMON = ("_changelist", "_add", "_change", "_delete", "_history", "_export_list",
          "_export_workbook", "schema")  # fmt: skip


def addresses(user, *, common=True):
    """Every address, with rows that the user may see; else with any row."""
    request = type("Request", (), {"user": user, "GET": {}})()
    rows = {}
    for path, pattern in patterns():
        filled = f"/{path}".replace("^", "").replace("$", "").replace("\\Z", "")
        if "(?P" in filled or not (common or is_theirs(user, path, pattern)):
            continue
        for name in pattern.pattern.converters:
            model = model_named(path, name)
            if model is not None and model not in rows:
                rows[model] = first_row(model, request)
            value = WORDS.get(name, "1") if model is None else rows[model]
            filled = re.sub(rf"<(\w+:)?{name}>", str(value), filled)
        yield filled


def is_theirs(user, path, pattern):
    """Leave out what is the same for all models, and the house that somebody has no business in."""
    theirs = path.startswith("admin/") == user.is_staff or path.startswith("api/")
    return theirs and not str(pattern.name).endswith(COMMON)


def model_named(path, name):
    if name in PARAMETERS:
        return PARAMETERS[name]
    if name not in ("object_id", "pk"):
        return None
    if "usageimport/sheet" in path:
        return UsageSheet
    parts = path.split("/")
    if parts[0] == "admin":
        return next(
            (model for model in admin.site._registry if model._meta.model_name == parts[2]), None
        )
    return next((model for word, model in MODELS.items() if word in path), None)


def first_row(model, request):
    """The last row that the user may see, or any; no row: a number that none has."""
    seen = model._default_manager.all()
    if model in admin.site._registry:
        seen = admin.site.get_model_admin(model).get_queryset(request)
    row = seen.order_by("-pk").first() or model._default_manager.order_by("pk").first()
    return row.pk if row else 1


@pytest.fixture
def people(demo):
    """Somebody of each kind, with a window that is signed in; a studio, with its key."""
    seats = Membership.objects.filter(agency__slug="meridian")
    staff = [seats.filter(role=role).order_by("pk").first().user for role in Role]
    performer = User.objects.get(email="ada@performers.example")
    delegate = User.objects.filter(delegations__isnull=False).order_by("pk").first()
    operator = User.objects.filter(is_superuser=True).first()
    signed_in = [operator, *staff, performer, delegate]
    terms = LicenseeTerms.objects.order_by("pk").first()
    key = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    studio = Client(headers={"authorization": f"Bearer {key.secret}"})
    windows = [(user, sign_in(user)) for user in signed_in]
    return [*windows, (performer, studio), (performer, Client())]


def opened(client, url):
    response = client.get(url)
    if response.status_code == 200:
        b"".join(response) if response.streaming else response.content
    for close in response._resource_closers:
        close()
    return response.status_code


@pytest.fixture
def unrendered(monkeypatch):
    """Leave the templates out; every page of the admin is drawn in `test_admin_pages`."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


def test_no_link_changes_a_row(people, unrendered):
    """What is the same for every model of the admin is opened by `test_admin_pages`.

    Of staff the operator, who reaches all that they do; the deep walk has everybody.
    """
    staff = [window for window in people if window[0].is_staff]
    others = [window for window in people if not window[0].is_staff]
    answers = walk([(user, client, False) for user, client in (staff[0], *others)])

    reached = [url for url, met in answers.items() if met & {200, 302}]
    assert len(reached) > 130, sorted(set(answers) - set(reached))


@pytest.mark.parametrize("does", ["a row", "a task"])
def test_a_link_that_does_something_is_named(people, monkeypatch, does):
    """A page that writes and answers as ever: nothing but the walk's own count would notice."""
    home = next(pattern for path, pattern in patterns() if pattern.name == "home")
    answer, performer = home.callback, next(one for one in people if not one[0].is_staff)

    def changes(request):
        if does == "a row":
            User.objects.filter(pk=request.user.pk).update(last_name="Changed")
        else:
            transaction.on_commit(lambda: None)
        return answer(request)

    monkeypatch.setattr(home, "callback", changes)
    told = r"/ writes to \['talent_user" if does == "a row" else "/ starts a task"
    with pytest.raises(AssertionError, match=told):
        walk([(*performer, False)])


@pytest.mark.deep
def test_no_link_changes_a_row_whoever_opens_it(people):
    walk([(user, client, True) for user, client in people])


def walk(windows):
    """Open what each person can be sent to; nothing may change, and nothing fail."""
    found, answers, plans = [], {}, {}
    for user, client, common in windows:
        if (user, common) not in plans:
            plans[user, common] = list(addresses(user, common=common))
        before = what_was_done()
        for url in plans[user, common]:
            answers.setdefault(url, set()).add(opened(client, url))
        if what_was_done() != before:
            found += culprits(client, plans[user, common])

    assert found == []
    assert [url for url, met in answers.items() if 500 in met] == []
    return answers


def culprits(client, urls):
    for url in urls:
        before, tasks = what_was_done()
        opened(client, url)
        after, waiting = what_was_done()
        changed = sorted(name for name in after if after[name] != before.get(name))
        if changed and not (
            url.startswith(("/signing/", "/calendar/")) and GUESSED.issuperset(changed)
        ):
            yield f"{url} writes to {changed}"
        elif waiting != tasks:
            yield f"{url} starts a task"
