"""Every form of the admin: an untouched save changes nothing, and no editor writes over another."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.core import checks
from django.db import DatabaseError, connection, transaction
from django.db.models import CharField, DateField, DecimalField, IntegerField, TextField
from django.template.response import SimpleTemplateResponse
from django.test.utils import CaptureQueriesContext

from talent.admin import meanwhile
from tests import crowd
from tests.factories import admin_page, sign_in
from tests.pages import (
    PEOPLE,
    REGISTERED,
    first_with_the_same_rights,
    form_on,
    operator,
    request_of,
)

WRITES = ("INSERT", "UPDATE", "DELETE")
OF_DJANGO = ("django_admin_log", "django_session")  # What it notes of a visit.


def pages_to_change(user, person=None):
    """Yield the newest row of each model that the user may change, with its page.

    Where a person is named, only of models with which nobody before may do the same: the page is
    made by the same code from the same rows.
    """
    for model_admin in REGISTERED:
        if person and first_with_the_same_rights(model_admin, user) != person:
            continue
        request = request_of(user)
        for row in model_admin.get_queryset(request).order_by("-pk")[:8]:
            if model_admin.has_change_permission(request, row):
                yield row, admin_page(type(row), row.pk)
                break


def writes_of(queries):
    return [
        query["sql"]
        for query in queries
        if query["sql"].startswith(WRITES) and not any(name in query["sql"] for name in OF_DJANGO)
    ]


@pytest.mark.parametrize("person", PEOPLE)
def test_saving_an_untouched_page_changes_nothing(demo, person):
    crowd.add_what_is_missing()
    user = PEOPLE[person]()
    client, found, saved = sign_in(user), [], 0
    for _row, url in pages_to_change(user, person):
        sent = form_on(client, url)
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(url, sent)
        saved += 1
        if answer.status_code != 302:
            found.append(f"{url} answers {answer.status_code}: {answer.context['errors']}")
        found += [f"{url} writes {sql}" for sql in writes_of(queries)]

    assert found == []
    assert saved > 0 or person not in {"operator", "agent", "business_affairs"}


def another(column, value):
    """Return another value that the column may hold, or None where none is easily told."""
    if column.choices or column.unique or column.is_relation:
        return None
    if isinstance(column, DateField):
        return (value or date(2026, 1, 1)) + timedelta(days=1)
    if isinstance(column, IntegerField | DecimalField):
        return Decimal(value or 0) + 1
    if isinstance(column, CharField | TextField):
        return ("" if value is None else f"{value}")[: (column.max_length or 99) - 1] + "0"
    return None


def change_one_field(row, names):
    """Change one of the fields of a row, as somebody else's save does; return its name."""
    kinds = (TextField, CharField, DecimalField, IntegerField, DateField)
    columns = [row._meta.get_field(name) for name in names]
    for kind in kinds:
        for column in columns:
            value = getattr(row, column.attname, None)
            new = another(column, value) if isinstance(column, kind) else None
            if new is not None and not _is_refused(row, column, new):
                return column.name
    return None


def _is_refused(row, column, value):
    try:
        with transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{column.name: value})
    except DatabaseError:
        return True
    return False


def test_the_second_of_two_editors_is_told_what_the_first_changed(demo, monkeypatch):
    crowd.add_what_is_missing()
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    client, found, tried = sign_in(operator()), [], 0
    for row, url in pages_to_change(operator()):
        page = client.get(url)
        form = page.context_data["adminform"].form
        name = change_one_field(row, form.own_fields)
        if name is None:
            continue
        tried += 1
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(url, {meanwhile.NAME: page.context_data["as_read"]})
        told = " ".join(answer.context_data["adminform"].form.non_field_errors())
        if answer.status_code != 409 or str(form[name].label) not in told or writes_of(queries):
            found.append(f"{url}: {name}: {answer.status_code} {told}")

    assert found == []
    assert tried > 10


def test_each_form_of_the_admin_is_the_desks_own():
    """The system check that says so finds nothing, and finds a form that is not."""
    assert not [each for each in checks.run_checks() if each.id.startswith("likenessdesk.E01")]
    foreign = type("Foreign", (admin.ModelAdmin,), {})
    model = REGISTERED[0].model
    before = admin.site._registry[model]
    try:
        admin.site._registry[model] = foreign(model, admin.site)
        found = {each.id for each in checks.run_checks()}
    finally:
        admin.site._registry[model] = before
    assert "likenessdesk.E010" in found
