"""Two people on one page: the second is told what the first changed, and chooses.

A page carries, sealed, what it showed. When it is sent, that is compared with what it would show
now. Where they differ nothing is saved: the page comes back with what others changed, and with
what its reader typed, and may then be saved on top.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import pghistory.models
from django.apps import apps
from django.core import signing
from django.db import models
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from talent.models import User

from .forms import DeskForm, send, sent, shown, worded

NAME = "_as_read"
SALT = "talent.admin.meanwhile"
# A save bears the time at which it began, which may be a little before the page was read.
UNDER_WAY = timedelta(minutes=1)

Values = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Reading:
    """What a page showed of a row and its parts, by row and field; when, and to whom."""

    row: str
    user: int
    at: datetime
    values: Values = field(default_factory=dict)

    def sealed(self) -> str:
        parts = [self.row, self.user, self.at.isoformat(), self.values]
        return signing.dumps(parts, salt=SALT, compress=True)

    @classmethod
    def opened(cls, text: str, row: models.Model, user: User) -> Self | None:
        """Return what was sealed for this row and reader; None for anything else."""
        try:
            key, reader, at, values = signing.loads(text, salt=SALT)
        except (signing.BadSignature, ValueError):
            return None
        if (key, reader) != (key_of(row), user.pk):
            return None
        return cls(key, reader, datetime.fromisoformat(at), values)

    def lock_parts(self) -> None:
        """Lock the rows that the page showed, so that nobody changes them before it is saved."""
        keys: dict[str, list[str]] = {}
        for label, _colon, pk in (key.partition(":") for key in self.values):
            keys.setdefault(label, []).append(pk)
        for label, pks in sorted(keys.items()):
            rows = apps.get_model(label)._base_manager.filter(pk__in=pks).order_by("pk")
            list(rows.select_for_update().values_list("pk"))


def key_of(row: models.Model) -> str:
    return f"{row._meta.label_lower}:{row.pk}"


class Page:
    """The forms of one change page that are about rows which exist."""

    def __init__(self, form: DeskForm, inlines: Iterable[Any]) -> None:
        self.form, self.inlines = form, list(inlines)
        self.forms = {key_of(each.instance): each for each in self._forms()}

    def _forms(self) -> Iterator[DeskForm]:
        yield self.form
        for inline in _with_nested(self.inlines):
            if inline.has_change_permission:
                yield from (form for form in inline.formset.initial_forms if form.instance.pk)

    def reading(self, row: models.Model, user: User, at: datetime) -> Reading:
        values = {
            key: {name: shown(form[name]) for name in form.own_fields}
            for key, form in self.forms.items()
        }
        return Reading(key_of(row), user.pk, at, values)

    def merge(self, before: Reading, now: Reading, data: QueryDict) -> list[str]:
        """Say what others changed since `before`, and write it into what was sent.

        What the reader touched stays as they typed it. A part that is gone is taken out.
        """
        places = {key_of(self.form.instance): "", **dict(_places(self.inlines, data))}
        texts = []
        for key, form in self.forms.items():
            if key in before.values:
                was, is_now = before.values[key], now.values[key]
                changed = [form[name] for name in is_now if is_now[name] != was.get(name)]
                texts += [self._merge(each, places.get(key), was, data) for each in changed]
            else:
                texts.append(_("Added meanwhile: %s.") % _name_of(form))
        gone = before.values.keys() - self.forms.keys()
        texts += [
            _("Removed or fixed meanwhile: %s.") % _last_seen(key, before.values[key])
            for key in sorted(gone)
        ]
        _take_out([places[key] for key in gone if key in places], data)
        return texts

    def _merge(self, bound: BoundField, place: str | None, was: dict, data: QueryDict) -> str:
        before, now = was.get(bound.name, []), shown(bound)
        values = {
            "field": bound.label if bound.form is self.form else _name_of(bound.form, bound.label),
            "before": worded(bound, before),
            "now": worded(bound, now),
        }
        told = _("%(field)s: “%(before)s” became “%(now)s”.") % values
        if place is None:
            return told
        typed = _at(bound, place)
        yours = sent(typed, data)
        if yours in (before, now):
            send(typed, now, data)
            return told
        return f"{told} " + _("You typed “%s”, which stands below.") % worded(bound, yours)


def last_author(row: models.Model, since: datetime) -> User | None:
    """Return who changed a row or its parts last, if the history recorded it since an instant."""
    if not hasattr(row, "events"):
        return None
    events = pghistory.models.Events.objects
    for found in (events.tracks(row), events.references(row)):
        recent = found.filter(pgh_created_at__gt=since - UNDER_WAY, pgh_context_id__isnull=False)
        event = recent.select_related(None).order_by("-pgh_created_at").first()
        if event is not None and (event.pgh_context or {}).get("user"):
            return User.objects.filter(pk=event.pgh_context["user"]).first()
    return None


def _with_nested(inlines: Iterable[Any]) -> Iterator[Any]:
    """Yield formsets of the admin, and those that hang off their rows."""
    for inline in inlines:
        yield inline
        for form in inline.formset.initial_forms:
            yield from _with_nested(getattr(form, "nested_formsets", []))


def _places(inlines: Iterable[Any], data: QueryDict, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield for each row that was sent its key and the prefix of its fields.

    Rows are told by their keys, not by their places: a place moves when a row above it goes.
    """
    for inline in inlines:
        formset = inline.formset
        path = prefix + _own_prefix(formset)
        label, pk = formset.model._meta.label_lower, formset.model._meta.pk.name
        rows = {str(form.instance.pk): form for form in formset.initial_forms}
        for place in range(_number(data.get(f"{path}-INITIAL_FORMS"))):
            key = data.get(f"{path}-{place}-{pk}", "")
            yield f"{label}:{key}", f"{path}-{place}"
            nested = getattr(rows.get(key), "nested_formsets", [])
            yield from _places(nested, data, f"{path}-{place}-")


def _take_out(places: Iterable[str], data: QueryDict) -> None:
    """Take rows out of what was sent, and move up those below them."""
    gone: dict[str, set[int]] = {}
    for place in places:
        path, _dash, number = place.rpartition("-")
        gone.setdefault(path, set()).add(int(number))
    for path in sorted(gone, key=len, reverse=True):  # What hangs off a row before the row itself.
        total, initial = f"{path}-TOTAL_FORMS", f"{path}-INITIAL_FORMS"
        old = list(range(_number(data.get(total))))
        rows = [_pop_all(data, f"{path}-{number}-") for number in old]
        kept = [row for number, row in zip(old, rows, strict=True) if number not in gone[path]]
        for number, row in enumerate(kept):
            for name, values in row.items():
                data.setlist(f"{path}-{number}-{name}", values)
        data[total] = str(len(kept))
        data[initial] = str(_number(data.get(initial)) - len(gone[path]))


def _pop_all(data: QueryDict, prefix: str) -> dict[str, list[str]]:
    names = [name for name in data if name.startswith(prefix)]
    return {name.removeprefix(prefix): data.pop(name) for name in names}


def _own_prefix(formset: Any) -> str:
    """Return a formset's prefix without that of the row it hangs off."""
    return str(formset.prefix).rpartition("-")[2]


def _at(bound: BoundField, place: str) -> BoundField:
    """Return a field as it stands at another place of what was sent."""
    moved = copy(bound)
    moved.html_name = f"{place}-{bound.name}" if place else bound.name
    return moved


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 5 else 0


def _name_of(form: DeskForm, label: str = "") -> str:
    meta = form._meta.model._meta
    return " – ".join(str(part) for part in (meta.verbose_name, form.instance, label) if part)


def _last_seen(key: str, values: dict[str, list[str]]) -> str:
    """Name a row that is gone by what the page showed of it."""
    name = str(apps.get_model(key.partition(":")[0])._meta.verbose_name)
    return f"{name} ({', '.join(text for texts in values.values() for text in texts[:1] if text)})"
