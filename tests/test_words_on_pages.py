"""What people read in the admin: names that say what a row is, and no code, digest or JSON.

What other pages show is read as `test_admin_pages` opens them.
"""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from talent.models.names import relations_of_name
from tests.factories import admin_page, sign_in
from tests.pages import REGISTERED, operator, request_of
from tests.words import MODELS, NUMBERED, unread_words


def test_no_page_that_asks_before_a_row_goes_shows_what_programs_read(demo):
    user = operator()
    client = sign_in(user)
    found, looked = set(), 0
    for model_admin in REGISTERED:
        row = model_admin.get_queryset(request_of(user)).order_by("-pk").first()
        if row is None:
            continue
        address = admin_page(model_admin.model, row.pk, name="delete")
        page = client.get(address)
        assert page.status_code in (200, 403), address
        if page.status_code == 200:
            looked += 1
            found |= unread_words(re.sub(r"\d+", "…", address), page.text)

    assert looked > 20
    assert not found, "\n".join(["", *sorted(found)])


def test_every_row_is_named_in_words_by_what_is_read_with_it(demo):
    """Lists read what names are made of with their rows; a name takes no query of its own."""
    numbered, asked = set(), set()
    for model in (model for model in MODELS if hasattr(model.objects, "visible_to")):
        rows = list(model.objects.select_related(*relations_of_name(model))[:5])
        with CaptureQueriesContext(connection) as queries:
            names = [str(row) for row in rows]
        if queries:
            asked.add(model.__name__)
        numbered |= {f"{model.__name__}: {name}" for name in names if NUMBERED.search(name)}

    assert not numbered, "\n".join(["", *sorted(numbered)])
    assert not asked
