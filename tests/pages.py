"""Pages of the admin: who walks through them, and what a browser would send back of a form."""

from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from talent.models import Membership, User
from talent.words import Role

OURS = {"talent", "licensing", "valuation"}
REGISTERED = [
    model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label in OURS
]


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


def seat(role, slug="meridian"):
    return Membership.objects.filter(role=role.value, agency__slug=slug).first().user


def operator():
    return User.objects.filter(is_superuser=True).first()


PEOPLE = {"operator": operator, **{role.value: partial(seat, role) for role in Role}}


def first_with_the_same_rights(model_admin, user):
    """Return the first of PEOPLE who may do the same as the user with a model's rows.

    The pages of both are made by the same code. Which rows each of them sees, lists show, which
    everybody opens, and forms show in the walk of strangers (test_tenancy.py).
    """
    rights = rights_of(model_admin, user)
    return next(
        person for person, find in PEOPLE.items() if rights_of(model_admin, find()) == rights
    )


def rights_of(model_admin, user):
    return tuple(model_admin.get_model_perms(request_of(user)).values())


def request_of(user):
    return type("Request", (), {"user": user, "GET": {}})()


def form_on(client, url):
    """Open a page that changes or adds a row, and return what a browser sends back untouched."""
    page = client.get(url)
    assert page.status_code == 200, f"{url} answers {page.status_code}"
    return fields_of(page)


def fields_of(page):
    """Return the fields of a page's form as a browser sends them: {name: values}."""
    parser = _Fields(page.context["opts"].model_name)
    parser.feed(page.text)
    return parser.sent


class _Fields(HTMLParser):
    def __init__(self, model_name):
        super().__init__()
        self.form_id, self.inside, self.sent = f"{model_name}_form", False, {}
        self.select = self.textarea = None

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        if tag == "form":
            self.inside = at.get("id") == self.form_id
        if not self.inside or "disabled" in at:
            return
        if tag == "input" and at.get("name"):
            self._input(at)
        elif tag == "select":
            self.select = {"name": at["name"], "multiple": "multiple" in at, "options": []}
        elif tag == "option" and self.select is not None:
            self.select["options"].append((at.get("value", ""), "selected" in at))
        elif tag == "textarea":
            self.textarea = [at["name"], ""]

    def _input(self, at):
        kind = at.get("type", "text")
        if kind in {"submit", "button", "file", "image", "reset"}:
            return
        if kind in {"checkbox", "radio"} and "checked" not in at:
            return
        self._add(at["name"], at.get("value", "on" if kind == "checkbox" else ""))

    def handle_data(self, data):
        if self.textarea is not None:
            self.textarea[1] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        elif tag == "select" and self.select is not None:
            self._end_select()
        elif tag == "textarea" and self.textarea is not None:
            name, text = self.textarea
            self._add(name, text.removeprefix("\n").replace("\n", "\r\n"))
            self.textarea = None

    def _end_select(self):
        chosen = [value for value, selected in self.select["options"] if selected]
        if not chosen and not self.select["multiple"] and self.select["options"]:
            chosen = [self.select["options"][0][0]]
        for value in chosen:
            self._add(self.select["name"], value)
        self.select = None

    def _add(self, name, value):
        self.sent.setdefault(name, []).append(value)
