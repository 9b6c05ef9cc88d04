"""Steps: what staff do to rows by a button. A page says what will happen; only its POST does it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from talent.errors import Refused
from talent.models import User
from talent.sign_in import proofs

LONGEST_REASON = 300
ROWS_LISTED = 100
# Of the rows that are left out, so many have a message each; of more, so many are named in one.
NAMED_ALONE = 2
NAMED_TOGETHER = 10

Fact = tuple[Any, Any]


@dataclass(frozen=True)
class Given:
    """What a step is taken with: who takes it, when, and what they wrote on its page."""

    by: User
    at: datetime
    values: Mapping[str, Any]
    request: HttpRequest

    @property
    def reason(self) -> str:
        """What they wrote as the reason or remark; empty: nothing."""
        return self.values.get("reason", "")


@dataclass(frozen=True)
class ShownOnce:
    """A secret that a step made: shown in the one answer to it, and kept nowhere."""

    name: Any
    secret: str
    hint: Any = ""
    more: Sequence[Fact] = ()


class ReasonForm(forms.Form):
    """Asks why, where the reason is kept."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("It is kept with the step. Others read it."),
    )


class NoteForm(forms.Form):
    """Leaves room for a remark, which is kept with the step."""

    reason = forms.CharField(
        label=gettext_lazy("Remark"),
        max_length=LONGEST_REASON,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("May be left empty. It is kept with the step."),
    )


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: who may take it with which rows, what its page says, and what it does."""

    name: str
    # (model admin, row, given) -> a secret to show once, or None. Raises Refused.
    # With `together` it gets all rows at once, and returns what to say about them.
    take: Callable[..., Any]
    label: Any
    # What will happen, in sentences.
    says: Any
    # What happened, and what is next; it may name the row as %(row)s.
    done: Any
    # Held by a seat at the row's own agency.
    permission: str
    # Another that will do, as for what whoever approves rejects and whoever asked takes back.
    or_permission: str = ""
    # One whose choices depend on the rows has a method `about`, which is given them.
    form: type[forms.Form] = forms.Form
    # Tells whether it is a row's turn. Others are left out, and said so.
    offered: Callable[[Any], bool] = lambda _row: True
    # What the page shows of a row. Whoever confirms is bound to it: once any of it has changed,
    # the page is shown again instead.
    facts: Callable[[Any], Iterable[Fact]] = lambda _row: ()
    # For money, approvals, keys and overrides: asks who one is, if that was not proved lately.
    step_up: bool = False
    # The order in which several rows take it, and what their facts look up.
    order: Sequence[str] = ()
    prefetch: Sequence[str] = ()
    together: bool = False
    # Looks up for all rows at once what their facts tell.
    prepare: Callable[[Sequence[Any]], None] = lambda _rows: None
    # What several rows come to, above their table. Whoever confirms is bound to it, too.
    in_all: Callable[[Sequence[Any]], Iterable[Fact]] = lambda _rows: ()
    rows_listed: int = ROWS_LISTED
    # Of more rows than this, `take_many` is called instead, once, as with `together`.
    one_by_one: int = 0
    take_many: Callable[..., Any] | None = None


def step(**about: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of an admin a step, to be named in `actions_detail` or `actions`, or both.

    The method gets a row and what was given, `Given`. The keywords are the fields of `Step`, and
    `icon` for the theme.
    """
    icon = about.pop("icon", "")

    def decorate(take: Callable[..., Any]) -> Callable[..., Any]:
        made = Step(name=take.__name__, take=take, **about)

        @wraps(take)
        def view(
            model_admin: Any,
            request: HttpRequest,
            queryset: QuerySet | None = None,
            object_id: str = "",
        ) -> HttpResponse | None:
            page = StepPage(model_admin, request, made)
            return page.for_one(object_id) if queryset is None else page.for_many(queryset)

        # As Django's list and the theme's page of a row read them.
        told = {
            "step": made,
            "short_description": made.label,
            "icon": icon,
            "attrs": {},
            "variant": ActionVariant.DEFAULT,
        }
        for name, value in told.items():
            setattr(view, name, value)
        return view

    return decorate


class StepPage:
    """One request to a step's page: shows what will happen, or takes the step."""

    def __init__(self, model_admin: Any, request: HttpRequest, step: Step) -> None:
        self.admin, self.request, self.step = model_admin, request, step
        # Only the page itself sends what was seen on it: the list's button does not.
        self.confirmed = request.method == "POST" and "seen" in request.POST

    def for_one(self, object_id: str) -> HttpResponse:
        """Answer for one row, from the button on its page."""
        row = self.admin.get_object(self.request, object_id)
        if not self.admin.may_take(self.request, self.step, row):
            raise PermissionDenied
        if not self.step.offered(row):
            self._leave_out(row)
            return redirect(self._page_of(row))
        return self._answer([row]) or redirect(self._page_of(row))

    def for_many(self, queryset: QuerySet) -> HttpResponse | None:
        """Answer for the rows chosen in a list; None: back to the list."""
        rows = self.admin.rows_allowed(self.request, queryset, self.step.permission)
        rows = rows.prefetch_related(*self.step.prefetch)
        if self.step.order:
            rows = rows.order_by(*self.step.order)
        turn, others = [], []
        for row in rows:
            (turn if self.step.offered(row) else others).append(row)
        if len(others) > NAMED_ALONE:
            self._leave_out_all(others)
        else:
            for row in others:
                self._leave_out(row)
        return self._answer(turn, chosen=True) if turn else None

    def _leave_out(self, row: Model) -> None:
        text = _("%(row)s: “%(step)s” is not its next step, so nothing was done with it.")
        self._say(text % {"row": row, "step": self.step.label}, messages.WARNING)

    def _leave_out_all(self, rows: Sequence[Model]) -> None:
        text = _(
            "“%(step)s” is not the next step of %(count)d that were chosen, so nothing was done "
            "with them: %(rows)s."
        )
        names = [str(row) for row in rows[:NAMED_TOGETHER]]
        if len(rows) > NAMED_TOGETHER:
            names.append(_("%d more") % (len(rows) - NAMED_TOGETHER))
        told = {"step": self.step.label, "count": len(rows), "rows": ", ".join(names)}
        self._say(text % told, messages.WARNING)

    def _answer(self, rows: Sequence[Model], *, chosen: bool = False) -> HttpResponse | None:
        if self.step.step_up and (asked := proofs.step_up(self.request)):
            return asked
        # An address may suggest what to write: nothing of it counts before it is confirmed.
        suggested = self.request.GET.dict()
        form = self.step.form(self.request.POST if self.confirmed else None, initial=suggested)
        if hasattr(form, "about"):
            form.about(rows)
        self.step.prepare(rows)
        facts = [(row, self._facts_of(row)) for row in rows]
        seen = _digest(facts)
        changed = self.confirmed and self.request.POST["seen"] != seen
        if self.confirmed and form.is_valid() and not changed:
            secrets = self._take(rows, form)
            if secrets:
                return self.admin.show_once(
                    self.request, secrets, back=self._back(rows, chosen=chosen)
                )
            if not form.errors:
                return None
        return self._page(facts, form, seen, changed=changed, chosen=chosen)

    def _facts_of(self, row: Model) -> list[Fact]:
        return [(name, _as_read(value)) for name, value in self.step.facts(row)]

    def _take(self, rows: Sequence[Model], form: forms.Form) -> list[ShownOnce]:
        """Take the step with each row and say how it went; return what is to be shown once."""
        given = Given(self.request.user, timezone.now(), form.cleaned_data, self.request)
        if self.step.together:
            self._say(self.step.take(self.admin, rows, given), messages.SUCCESS)
            return []
        if self.step.take_many and len(rows) > self.step.one_by_one:
            self._say(self.step.take_many(self.admin, rows, given), messages.SUCCESS)
            return []
        secrets = []
        for row in rows:
            try:
                made = self.step.take(self.admin, row, given)
            except Refused as refusal:
                if len(rows) == 1:
                    form.add_error(None, str(refusal))
                else:
                    self._say(f"{row}: {refusal}", messages.ERROR)
                continue
            if isinstance(made, ShownOnce):
                secrets.append(made)
            else:
                self._say(self.step.done % {"row": row}, messages.SUCCESS)
        return secrets

    def _page(
        self,
        facts: Sequence[tuple[Model, Sequence[Fact]]],
        form: forms.Form,
        seen: str,
        *,
        changed: bool,
        chosen: bool,
    ) -> HttpResponse:
        rows = [row for row, _facts in facts]
        # Rows of one kind may say different things, as a cap's change and a grant's do.
        names = list(dict.fromkeys(name for _row, told in facts for name, _value in told))
        listed = [(row, _by_name(told)) for row, told in facts[: self.step.rows_listed]]
        context = {
            **self.admin.admin_site.each_context(self.request),
            "title": _title(self.step, rows),
            "opts": self.admin.opts,
            "original": rows[0] if len(rows) == 1 else None,
            "step": self.step,
            "form": form,
            "facts": facts[0][1] if len(rows) == 1 else (),
            "rows": [
                (row, [told.get(name, "–") for name in names])
                for row, told in (listed if len(rows) > 1 else ())
            ],
            "names": names,
            "more": max(0, len(rows) - self.step.rows_listed),
            "in_all": list(self.step.in_all(rows)) if len(rows) > 1 else (),
            "changed": changed,
            "seen": seen,
            "hidden": self._hidden(rows) if chosen else (),
            "back": self._back(rows, chosen=chosen),
        }
        return TemplateResponse(self.request, "admin/step.html", context)

    def _hidden(self, rows: Sequence[Model]) -> list[tuple[str, Any]]:
        """Return what sends the choice of a list again; a whole list names one row of it."""
        across = self.request.POST.get("select_across") == "1"
        named = rows[:1] if across else rows
        return [
            ("action", self.step.name),
            ("select_across", "1" if across else "0"),
            *(("_selected_action", row.pk) for row in named),
        ]

    def _back(self, rows: Sequence[Model], *, chosen: bool) -> str:
        return self.request.get_full_path() if chosen else self._page_of(rows[0])

    def _page_of(self, row: Model) -> str:
        opts = self.admin.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])

    def _say(self, text: str, level: int) -> None:
        self.admin.message_user(self.request, text, level)


def names_of(actions: Iterable[Any]) -> Iterator[str]:
    """Yield the names of a page's buttons, those in groups too."""
    for action in actions:
        yield from action["items"] if isinstance(action, dict) else [action]


class WithSteps:
    """An admin whose rows take steps: offers each where it may be taken and is the next one."""

    actions: ClassVar[Sequence[str]] = ()

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Leave out the steps that the user may not take with a row, or that are not its turn."""
        actions = super().get_actions_detail(request, object_id)
        if not any(hasattr(action.method, "step") for action in actions):
            return actions
        row = self.get_object(request, object_id)
        return [action for action in actions if self._offers(request, action.method, row)]

    def _offers(self, request: HttpRequest, method: Any, row: Model) -> bool:
        taken = getattr(method, "step", None)
        if taken is None:
            return True
        return self.may_take(request, taken, row) and taken.offered(row)

    def may_take(self, request: HttpRequest, step: Step, row: Model) -> bool:
        """Tell whether the user's seat at a row's agency gives what a step needs."""
        needed = filter(None, (step.permission, step.or_permission))
        return any(self.has_seat(request, permission, row) for permission in needed)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out of a list's steps those that no seat of the user permits."""
        return {
            name: action
            for name, action in super().get_actions(request).items()
            if not (taken := getattr(action[0], "step", None))
            or request.user.has_perm(taken.permission)
        }

    def show_once(
        self, request: HttpRequest, secrets: Sequence[ShownOnce], *, back: str
    ) -> HttpResponse:
        """Answer with secrets that nothing keeps: the admin forbids storing any of its pages."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Shown once"),
            "opts": self.opts,
            "secrets": secrets,
            "back": back,
        }
        return TemplateResponse(request, "admin/shown_once.html", context)


def _title(step: Step, rows: Sequence[Model]) -> str:
    if len(rows) == 1:
        return f"{step.label}: {rows[0]}"
    return _("%(step)s: %(count)d chosen") % {"step": step.label, "count": len(rows)}


def _by_name(told: Sequence[Fact]) -> dict[Any, str]:
    """Return what is told of a row by its name; what has one name twice is told together."""
    values: dict[Any, str] = {}
    for name, value in told:
        values[name] = f"{values[name]}; {value}" if name in values else value
    return values


def _as_read(value: Any) -> str:
    """Return a fact as its reader writes days, times and numbers."""
    return str(formats.localize(timezone.template_localtime(value)))


def _digest(facts: Sequence[tuple[Model, Sequence[Fact]]]) -> str:
    """Return a digest of what the page shows, so that nobody confirms what they did not see."""
    shown = [[row.pk, [[str(name), value] for name, value in told]] for row, told in facts]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()
