"""The pages of the wizard: one for each step, and those that begin an agreement."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.signing import rounds
from licensing.agreements.wizard import drafting, offered, priced, standing
from licensing.agreements.wizard.steps import Step
from licensing.models import Agreement, Licensee
from licensing.words import AgreementStatus, CheckResult
from talent import locales
from talent.admin import meanwhile
from talent.admin.meanwhile import Page, Reading
from talent.admin.steps import names_of
from talent.admin.tenancy import seats_with
from talent.consent.overview import USES
from talent.consent.scope import (
    Scope,
    channel_names,
    codes_in_words,
    content_names,
    language_names,
)
from talent.errors import Refused
from talent.territories import place_name, place_names
from talent.words import Right

from .. import mends
from ..mends import step_address
from ..signing import tell_called_back, warning_of
from . import forms as steps
from .draft import Draft

FORMS: dict[Step, type[steps.StepForm]] = {
    Step.WHO: steps.WhoForm,
    Step.DEAL: steps.DealForm,
    Step.GRANTS: steps.GrantsForm,
    Step.PRICES: steps.PricesForm,
    Step.LIMITS: steps.LimitsForm,
    Step.HANDLING: steps.HandlingForm,
    Step.CHECKS: steps.ChecksForm,
}
AGAINST = {standing.State.MISSING, standing.State.FAILS, standing.State.AT_RISK}
ON_ONE_FORM = {"form", "plain", "_popup"}
# Steps of an agreement's page that come after the wizard, where the desk has them.
BINDING = ("send", "sign")
WAYS = ("draw_draft", *BINDING)
DRAFTS = "licensing.add_agreement"
CHANGES = "licensing.change_agreement"
SENDS = "licensing.send_agreement"


class WizardPage:
    """One request to a step: shows it, or writes what was sent and goes on."""

    def __init__(self, admin: Any, request: HttpRequest, agreement: Agreement, step: Step) -> None:
        self.admin, self.request, self.step = admin, request, step
        self.at = timezone.now()
        self.draft = Draft(agreement, request, self.at)
        self.form_class = FORMS[step]

    def show(self) -> HttpResponse:
        if (missing := self._needs_another_step()) is not None:
            return missing
        return self._page(self._form(None))

    def receive(self) -> HttpResponse:
        """Write what was sent, unless somebody else changed the step since it was read."""
        if (missing := self._needs_another_step()) is not None:
            return missing
        with transaction.atomic():
            drafting.draft_of(self.draft.agreement)
            self.draft = Draft(self.draft.agreement, self.request, self.at)
            data, texts = self._compared()
            form = self._form(data)
            if texts:
                return self._page(form, texts, status=409)
            if "look" in data:
                form.is_valid()
                return self._page(form)
            if form.is_valid() and self._saves(form):
                return self._onward(data)
        return self._page(form)

    def _form(self, data: Any) -> steps.StepForm:
        return self.form_class(data, draft=self.draft, admin=self.admin)

    def _saves(self, form: steps.StepForm) -> bool:
        try:
            with transaction.atomic():
                form.save()
                tell_called_back(self.admin, self.request, self.draft.agreement)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return False
        return True

    def _compared(self) -> tuple[Any, list[str]]:
        """Return what was sent, and what others changed of this step since it was read."""
        data, page = self.request.POST, Page(self._form(None), [])
        row, user = self.draft.agreement, self.request.user
        now = page.reading(row, user, self.at)
        before = Reading.opened(data.get(meanwhile.NAME, ""), row, user)
        if before is None:
            return data, [_("Open the step anew: it is not known what you saw of it.")]
        if before.values == now.values:
            return data, []
        data = data.copy()
        texts = page.merge(before, now, data)
        who = meanwhile.last_author(row, before.at) or _("Somebody else")
        return data, [
            _("%s changed this step since you opened it. Nothing was saved.") % who,
            *texts,
            _("Save again to put what you typed on top, or open the step anew to drop it."),
        ]

    def _needs_another_step(self) -> HttpResponse | None:
        """Lead to the kind of deal, which all later steps stand on; None: it is chosen."""
        if self.step.number <= Step.DEAL.number or self.draft.deal is not None:
            return None
        self.admin.message_user(
            self.request, _("Choose the kind of deal first: the next steps begin with it.")
        )
        return redirect(step_address(self.draft.agreement, Step.DEAL))

    def _onward(self, data: Any) -> HttpResponse:
        agreement = self.draft.agreement
        if "leave" in data:
            self.admin.message_user(
                self.request, _("The draft is kept. “Go on in the wizard” leads back to it.")
            )
            return redirect(reverse("admin:licensing_agreement_change", args=[agreement.pk]))
        step = self.step.before if "back" in data else self.step.next
        return redirect(step_address(agreement, step or self.step))

    # What the page shows

    def _page(
        self, form: steps.StepForm, texts: list[str] | None = None, *, status: int = 200
    ) -> HttpResponse:
        draft, agreement = self.draft, self.draft.agreement
        blank = form if not form.is_bound else self._form(None)
        found = rounds.out_for_signature(agreement, at=self.at)
        reading = Page(blank, []).reading(agreement, self.request.user, self.at)
        context = {
            **self.admin.admin_site.each_context(self.request),
            "title": f"{agreement.reference}: {self.step.heading}",
            "heading": _("%(twin)s — for %(licensee)s")
            % {"twin": agreement.twin, "licensee": agreement.licensee},
            "opts": self.admin.opts,
            "original": agreement,
            "draft": draft,
            "deal": draft.deal,
            "out": found and warning_of(found),
            "step": self.step,
            "steps": list(self._steps()),
            "form": form,
            "media": self.admin.media + form.media,
            "texts": texts or [],
            "as_read": reading.sealed(),
            "kept": kept_in_words(draft.kept_at(), self.at),
            "standing": self._standing(),
            "stops": [one for one in draft.standing if one.state.stops],
            "period": priced.period_in_words(agreement),
            "comes_to": draft.comes_to(),
            **self._of_step(form),
        }
        template = f"admin/wizard/{self.step.value}.html"
        return TemplateResponse(self.request, template, context, status=status)

    def _steps(self) -> Iterator[dict[str, Any]]:
        """Yield the steps for the line above the page, each with how far it is."""
        open_steps = {one.step for one in self.draft.standing if one.state.stops}
        entered = {one.step for one in self.draft.standing if one.state is standing.State.COMPLETE}
        for step in Step:
            seen = step in entered or step.number < self.step.number
            done = seen and step not in open_steps and step is not Step.CHECKS
            about = (
                self.draft.deal.get_kind_display() if step is Step.DEAL and self.draft.deal else ""
            )
            yield {
                "step": step,
                "about": about,
                "address": step_address(self.draft.agreement, step),
                "is_open": step.number <= Step.DEAL.number or self.draft.deal is not None,
                "done": done,
                "current": step is self.step,
            }

    def _standing(self) -> list[dict[str, Any]]:
        return [
            {
                "one": one,
                "address": self._address_of(one),
                "here": one.step is self.step,
                "later": one.step is not None
                and one.state is standing.State.MISSING
                and one.step.number > self.step.number,
            }
            for one in self.draft.standing
        ]

    def _address_of(self, one: standing.Standing) -> str:
        """Return where a thing is put right: in its step, or on the form with all details."""
        row = self.draft.agreement
        if one.step is None:
            return mends.beside(row, one.field)
        return step_address(row, one.step) + (f"#id_{one.field}" if one.field else "")

    def _shows_checks(self, _form: steps.ChecksForm) -> dict[str, Any]:
        """Return what the rules say, in groups: what stops it, what is at risk, and the rest."""
        groups = [
            (_("Not known"), CheckResult.UNKNOWN, False),
            (_("Passed"), CheckResult.PASS, False),
            (_("Not for this deal"), CheckResult.NOT_APPLICABLE, False),
        ]
        against = [row for row in self._standing() if row["one"].state in AGAINST]
        found = self.draft.found
        return {
            "ways": list(self._ways()),
            "may_import": self.admin.has_seat(self.request, SENDS, self.draft.agreement),
            "stopping": [row for row in against if row["one"].state.stops],
            "risks": [row for row in against if not row["one"].state.stops],
            "groups": [
                (title, [self._with_address(one) for one in found if one.result is result], is_open)
                for title, result, is_open in groups
            ],
        }

    def _with_address(self, one: RuleCheck) -> dict[str, Any]:
        wanted = one.mend if one.result is not CheckResult.PASS else None
        return {"one": one, "address": wanted and mends.address_of(self.draft.agreement, wanted)}

    def _ways(self) -> Iterator[dict[str, Any]]:
        """Yield the steps of the agreement's page that come next; the last one binds.

        What binds is offered once nothing is missing.
        """
        row, offered_here = self.draft.agreement, set(names_of(self.admin.actions_detail))
        for name in WAYS:
            taken = getattr(getattr(self.admin, name, None), "step", None)
            if taken is None or name not in offered_here:
                continue
            binds = name in BINDING
            if binds and any(one.state.stops for one in self.draft.standing):
                continue
            if self.admin.has_seat(self.request, taken.permission, row) and taken.offered(row):
                url = reverse(f"admin:licensing_agreement_{name}", args=[row.pk])
                yield {"label": taken.label, "address": url, "binds": binds}

    def _of_step(self, form: Any) -> dict[str, Any]:
        shows = getattr(self, f"_shows_{self.step.value}", None)
        return shows(form) if shows else {}

    def _shows_grants(self, form: steps.GrantsForm) -> dict[str, Any]:
        scopes = form.shown_scopes()
        live = any(scope.real_time for scope in scopes.values())
        return {
            **grid(self.draft, form, scopes),
            "on": locales.day(timezone.localdate(self.at), self.draft.locale),
            "people": self.draft.people,
            **({} if self.draft.card else self._with_proposed_prices(in_real_time=live)),
            "in_words": offered.in_words(
                self.draft.agreement, self.draft.offers, scopes, self.draft.names
            ),
        }

    def _shows_prices(self, form: steps.PricesForm) -> dict[str, Any]:
        sent: dict[str, Any] = {"rows": form.rows(), "live": form.live_proposed}
        if form.is_bound and form.is_valid():
            factor = form.cleaned_data.get("real_time_factor")
            sent["comes_to"] = self.draft.comes_to(form.prices, factor)
        elif self.draft.card is None:
            sent |= self._with_proposed_prices(in_real_time=self.draft.in_real_time)
        return sent

    def _with_proposed_prices(self, *, in_real_time: bool) -> dict[str, Any]:
        """Return what an example comes to by the prices that the next step begins with."""
        proposed = [
            drafting.PriceSought(row.meter.value, row.proposed.amount)
            for row in self.draft.meters
            if row.by_default and row.proposed
        ]
        factor = priced.real_time_factor(self.draft.agreement, self.draft.rules)
        told = self.draft.comes_to(proposed, factor and factor.amount, in_real_time=in_real_time)
        return {"comes_to": told, "proposed": True}

    def _shows_limits(self, form: steps.LimitsForm) -> dict[str, Any]:
        return {"rows": form.rows(), "on_channels": form.on_channels}

    def _shows_handling(self, form: steps.HandlingForm) -> dict[str, Any]:
        return {"groups": form.groups()}


def grid(draft: Draft, form: steps.GrantsForm, scopes: Any) -> dict[str, Any]:
    """Return the matrix for the template: what may be granted, or is, and what may not and why."""
    offers, ticked = draft.offers, set(scopes)
    interesting = {
        key
        for key, one in offers.items()
        if one.may_be_granted or key in ticked or (draft.kind and key in draft.kind.cells)
    }
    uses = [use for use in USES if any(use == key[1] for key in interesting)]
    rights = [right for right in Right if any(right == key[0] for key in interesting)]
    rows = [
        {
            "right": right,
            "cells": [_cell(draft, form, (right.value, use.value), scopes) for use in uses],
        }
        for right in rights
    ]
    others = [use.label for use in USES if use not in uses]
    return {"uses": uses, "rows": rows, "others": others}


def _cell(draft: Draft, form: steps.GrantsForm, key: Any, scopes: Any) -> dict[str, Any]:
    one = draft.offers[key]
    ticked = key in scopes
    return {
        "key": ".".join(key),
        "id": "-".join(key),
        "name": one.name,
        "use": one.name.rpartition(" in ")[2],
        "ticked": ticked,
        "may": one.may_be_granted,
        "asks": one.asks,
        "why": one.because,
        "where": where_in_words(scopes[key]) if ticked else "",
    }


def kept_in_words(kept_at: datetime | None, now: datetime) -> str:
    """Say how long ago something of a draft was written."""
    if kept_at is None:
        return ""
    ago = max(now - kept_at, timedelta(0))
    if ago < timedelta(minutes=1):
        return (
            ngettext("draft kept %d second ago", "draft kept %d seconds ago", ago.seconds)
            % ago.seconds
        )
    return _("draft kept %s ago") % timesince(kept_at, now)


def where_in_words(scope: Scope) -> str:
    """Say where, in which languages and how a grant holds, in a few words."""
    places = place_names(scope.territories) if scope.territories else _("worldwide")
    if scope.territories_excluded:
        places = _("%(places)s except %(left_out)s") % {
            "places": places, "left_out": place_names(scope.territories_excluded),
        }  # fmt: skip
    told = [places, language_names(scope.languages) if scope.languages else _("any language")]
    told += [
        _("in %(place)s only %(names)s")
        % {"place": place_name(there.territory), "names": language_names(there.languages)}
        for there in scope.languages_in
    ]
    if scope.channels_allowed:
        told.append(channel_names(scope.channels_allowed))
    if scope.brands_allowed:
        told.append(_("only for %s") % codes_in_words("brand", scope.brands_allowed))
    if scope.exclusions:
        told.append(_("without %s") % content_names(scope.exclusions))
    if scope.real_time:
        told.append(_("in real time, too"))
    return " · ".join(told)


# Beginning


class DuplicateForm(forms.Form):
    """For whom the copy is."""

    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=gettext_lazy("For"), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any, *, agreement: Agreement) -> None:
        super().__init__(data)
        terms = Licensee.objects.filter(terms__agency=agreement.agency_id)
        self.fields["licensee"].queryset = (
            (terms | Licensee.objects.filter(pk=agreement.licensee_id)).distinct().order_by("name")
        )
        self.fields["licensee"].initial = agreement.licensee_id


class WithWizard:
    """An admin of agreements whose drafts are filled in by steps."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("wizard/", wrap(self.begin_wizard), name="licensing_agreement_wizard_begin"),
            path(
                "<path:object_id>/wizard/",
                wrap(self.resume_wizard),
                name="licensing_agreement_wizard",
            ),
            path(
                "<path:object_id>/wizard/<slug:step>/",
                wrap(self.step_of_wizard),
                name="licensing_agreement_wizard_step",
            ),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request, form_url="", extra_context=None):
        """Begin in the wizard; the one form with all fields is a link away, and that of windows."""
        if request.method == "GET" and not (ON_ONE_FORM & request.GET.keys()):
            return self.begin_wizard(request)
        return super().add_view(request, form_url, extra_context)

    def begin_wizard(self, request: HttpRequest) -> HttpResponse:
        """Ask between whom, and draft the agreement of which the other steps are."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = steps.NewForm(
            request.POST if request.method == "POST" else None, admin=self, request=request
        )
        if request.method == "POST" and form.is_valid():
            try:
                made = self._begin(request, form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                leaves = "leave" in request.POST
                step = reverse("admin:licensing_agreement_change", args=[made.pk])
                return redirect(step if leaves else step_address(made, Step.DEAL))
        context = {
            **self.admin_site.each_context(request),
            "title": _("New agreement"),
            "heading": _("New agreement"),
            "opts": self.opts,
            "step": Step.WHO,
            "steps": [
                {"step": step, "current": step is Step.WHO, "is_open": False} for step in Step
            ],
            "form": form,
            "media": self.media + form.media,
            "begins": True,
            "may_import": self.has_import_signed_permission(request),
        }
        return TemplateResponse(request, "admin/wizard/who.html", context)

    def _begin(self, request: HttpRequest, data: dict[str, Any]) -> Agreement:
        at = timezone.now()
        day = timezone.localdate(at)
        reference = data["reference"] or drafting.next_reference(data["agency"], day)
        return drafting.begin(
            agency=data["agency"],
            licensee=data["licensee"],
            twin=data["twin"],
            productions=data["productions"],
            reference=reference,
            at=at,
            by=request.user,
        )

    def resume_wizard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the first step that is still open."""
        agreement = self._draft_of(request, object_id)
        if isinstance(agreement, HttpResponse):
            return agreement
        draft = Draft(agreement, request, timezone.now())
        return redirect(step_address(agreement, standing.first_open(agreement, draft.standing)))

    def step_of_wizard(self, request: HttpRequest, object_id: str, step: str) -> HttpResponse:
        """Show a step, or write what was sent of it."""
        if step not in list(Step):
            raise Http404
        agreement = self._draft_of(request, object_id)
        if isinstance(agreement, HttpResponse):
            return agreement
        page = WizardPage(self, request, agreement, Step(step))
        try:
            return page.receive() if request.method == "POST" else page.show()
        except drafting.NotADraft:
            return self._closed(request, agreement)

    def _draft_of(self, request: HttpRequest, object_id: str) -> Agreement | HttpResponse:
        """Return a draft whose agency lets the user draft; or what leads to a signed agreement."""
        agreement = self.get_object(request, object_id)
        if not (self.has_view_permission(request, agreement)):
            raise PermissionDenied
        if agreement.status != AgreementStatus.DRAFT:
            return self._closed(request, agreement)
        if not (request.user.has_perm(CHANGES) and self.has_seat(request, CHANGES, agreement)):
            raise PermissionDenied
        return agreement

    def _closed(self, request: HttpRequest, agreement: Agreement) -> HttpResponse:
        text = _("%s is no draft any more: it changes by amendments, on its page.")
        self.message_user(request, text % agreement.reference)
        return redirect(reverse("admin:licensing_agreement_change", args=[agreement.pk]))

    @action(
        description=gettext_lazy("Go on in the wizard"),
        permissions=["go_on"],
        icon="checklist",
        variant=ActionVariant.PRIMARY,
    )
    def go_on(self, request, object_id):
        """Lead to the step of a draft that is still open."""
        return redirect("admin:licensing_agreement_wizard", object_id)

    def has_go_on_permission(self, request, object_id=None):
        """Offer it for drafts, to whoever may change them."""
        if object_id is None:
            return request.user.has_perm(CHANGES)
        agreement = self.get_object(request, object_id)
        return (
            agreement.status == AgreementStatus.DRAFT
            and request.user.has_perm(CHANGES)
            and self.has_seat(request, CHANGES, agreement)
        )

    @action(description=gettext_lazy("Duplicate"), permissions=["duplicate"], icon="content_copy")
    def duplicate(self, request, object_id):
        """Draft another agreement with the same terms, for the same licensee or another."""
        agreement = self.get_object(request, object_id)
        form = DuplicateForm(
            request.POST if request.method == "POST" else None, agreement=agreement
        )
        if request.method == "POST" and form.is_valid():
            made = drafting.duplicate(
                agreement=agreement,
                licensee=form.cleaned_data["licensee"],
                at=timezone.now(),
                by=request.user,
            )
            text = _("%(made)s is a draft with the terms of %(row)s. It begins today.")
            self.message_user(request, text % {"made": made, "row": agreement})
            return redirect("admin:licensing_agreement_wizard", made.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Duplicate %s") % agreement.reference,
            "opts": self.opts,
            "original": agreement,
            "form": form,
        }
        return TemplateResponse(request, "admin/wizard/duplicate.html", context)

    def has_duplicate_permission(self, request, object_id=None):
        """Offer it to whoever may draft at the agreement's agency."""
        may = request.user.has_perm(DRAFTS)
        if object_id is None or not may:
            return may
        agreement = self.get_object(request, object_id)
        return seats_with(request.user, DRAFTS).filter(pk=agreement.agency_id).exists()
