"""The portal's consent pages: the grid, what a version changed, and documents to download."""

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from talent import locales
from talent.consent import consents as consented
from talent.consent import diff, documents, matrix, overview
from talent.consent.scope import Scope, limit_in_words
from talent.models import Agency, ConsentVersion, DigitalTwin, Performer, Representation
from talent.territories import place_name
from talent.words import Owner, Power, RepresentedBy, Right, Stance, Use

from .reader import Reader, portal_page, render_page
from .twins import twins_of

PERSONAL = (Owner.PERFORMER, Owner.TWIN)


@require_GET
@portal_page(Power.SEE_TWINS)
def consents(request: HttpRequest) -> HttpResponse:
    """Redirect to the first twin's consent, or say that there is no twin."""
    first = twins_of(request.reader).first()
    if first is not None:
        return redirect("portal:consent", first.pk)
    return render_page(request, "portal/consent.html", "consents", {"twin": None})


@require_GET
@portal_page(Power.SEE_TWINS)
def consent(request: HttpRequest, twin_id: int) -> HttpResponse:
    reader = request.reader
    twin = get_object_or_404(twins_of(reader), pk=twin_id)
    performer = Performer.objects.filter(pk=reader.principal.performer_id).first()
    view = overview.overview_of(twin, performer, at=timezone.now())
    chosen = _chosen_cell(request, view)
    return render_page(
        request,
        "portal/consent.html",
        "consents",
        {
            "twin": twin,
            "twins": list(twins_of(reader)),
            "given": [_given(version, twin, reader) for version in _given_in(view)],
            "floors": [_rule(one) for one in view.versions if _is_rule(one)],
            "any_allowed": view.allows_anything,
            "uses": view.uses,
            "rows": [_row(right, view, chosen) for right in view.rights],
            "sentences": [
                {"stance": stance.value, "text": text} for stance, text in view.sentences
            ],
            "cell": chosen and _cell_detail(chosen, view, reader),
            "decides": performer is not None and reader.may(Power.DECIDE),
        },
    )


WORDS = {
    Stance.ALLOW: gettext_lazy("yes"),
    Stance.ASK: gettext_lazy("ask"),
    Stance.DENY: gettext_lazy("no"),
}


def _chosen_cell(request: HttpRequest, view: overview.Overview) -> tuple[Right, Use] | None:
    right, _dot, use = request.GET.get("cell", "").partition(".")
    try:
        return Right(right), Use(use)
    except ValueError:
        named = [key for key, cell in view.cells.items() if cell.stance != Stance.DENY]
        return named[0] if named else None


def _row(right: Right, view: overview.Overview, chosen: tuple[Right, Use] | None) -> dict:
    cells = []
    for use in view.uses:
        cell = view.cells[right, use]
        cells.append(
            {
                "stance": cell.stance.value,
                "word": str(WORDS[cell.stance]),
                "hint": _hint(cell),
                "name": f"{right.label} × {use.label}",
                "url": f"?cell={right.value}.{use.value}#cell",
                "fixed": overview.is_fixed_by_guild(cell),
                "current": (right, use) == chosen,
            }
        )
    return {"label": right.label, "cells": cells}


def _hint(cell: matrix.CombinedCell) -> str:
    """Return a cell's languages for the grid: up to two by code, more as a count."""
    tags = sorted(cell.scope.languages or ())
    if cell.stance == Stance.DENY or not tags:
        return ""
    return " ".join(tag.upper() for tag in tags) if len(tags) <= 2 else f"{len(tags)} languages"


def _cell_detail(key: tuple[Right, Use], view: overview.Overview, reader: Reader) -> dict:
    right, use = key
    cell = view.cells[key]
    return {
        "key": f"{right.value}.{use.value}",
        "name": f"{right.label} × {use.label}",
        "sentence": view.sentence(cell),
        "chips": _chips(cell.scope, reader) if cell.stance != Stance.DENY else [],
        "by": set_by(cell, reader),
    }


def _chips(scope: Scope, reader: Reader) -> list[str]:
    places = [place_name(code, reader.locale) for code in scope.territories or ()]
    chips = [_("worldwide")] if scope.territories is None else sorted(places)
    left_out = sorted(place_name(code, reader.locale) for code in scope.territories_excluded)
    chips += [_("not %(place)s") % {"place": place} for place in left_out]
    chips += sorted(locales.language(tag, reader.locale) for tag in scope.languages or ())
    if scope.valid_to:
        until = locales.short_day(scope.valid_to.date(), reader.locale)
        chips.append(_("until %(day)s") % {"day": until})
    chips += [f"≤ {limit_in_words(limit)}" for limit in scope.limits]
    return chips


def set_by(cell: matrix.CombinedCell, reader: Reader) -> str:
    if cell.decided_by is None:
        return _("Nobody has said anything about it, so it is refused.")
    return _("Set by %(who)s, in force since %(day)s.") % {
        "who": matrix.source_name(cell.decided_by),
        "day": locales.short_day(cell.decided_by.in_force_from.date(), reader.locale),
    }


def _rule(version: matrix.Version) -> str:
    return _("%(owner)s, version %(number)s") % {"owner": version.owner, "number": version.number}


def _is_rule(version: matrix.Version) -> bool:
    return version.owner_kind not in PERSONAL


def _given_in(view: overview.Overview) -> list[ConsentVersion]:
    """Return the versions in force that people gave: first those for all twins, then this one's."""
    keys = [version.id for version in view.versions if not _is_rule(version)]
    rows = ConsentVersion.objects.filter(pk__in=keys).select_related("matrix")
    return sorted(rows, key=lambda version: version.matrix.twin_id is not None)


def _given(version: ConsentVersion, twin: DigitalTwin, reader: Reader) -> dict:
    by = RepresentedBy(version.represented_by)
    said = [
        _("version %(number)s, in force since %(day)s")
        % {
            "number": version.number,
            "day": locales.day(version.in_force_from.date(), reader.locale),
        },
        version.get_method_display().lower(),
        "" if by is RepresentedBy.NONE else _("with %(who)s") % {"who": by.label.lower()},
    ]
    address = [twin.pk, version.pk]
    return {
        "whose": _("This twin") if version.matrix.twin_id else _("All your twins"),
        "said": " · ".join(part for part in said if part),
        "before": version.number - 1,
        "compare_url": reverse("portal:consent-compare", args=address),
        "receipt_url": reverse("portal:consent-receipt", args=address),
    }


@require_GET
@portal_page(Power.SEE_TWINS)
def compare(request: HttpRequest, twin_id: int, version_id: int) -> HttpResponse:
    """Show what a version changed, compared with the one before it."""
    twin, version = _twin_and_version_or_404(request.reader, twin_id, version_id)
    before = version.matrix.versions.filter(number=version.number - 1).first()
    changes = before and diff.differences(consented.cells_of(before), consented.cells_of(version))
    values = {"twin": twin, "version": version, "before": before, "changes": changes}
    return render_page(request, "portal/consent_compare.html", "consents", values)


@require_GET
@portal_page(Power.SEE_TWINS)
def receipt(request: HttpRequest, twin_id: int, version_id: int) -> HttpResponse:
    """Send the receipt of a version: what was given, how, and what was withheld."""
    twin, version = _twin_and_version_or_404(request.reader, twin_id, version_id)
    document = documents.receipt_of(version, controller=_agencies(twin, request.reader).first())
    return _file(document, f"consent-receipt-{version.pk}.json", "application/json")


@require_GET
@portal_page(Power.SEE_TWINS)
def policy(request: HttpRequest, twin_id: int) -> HttpResponse:
    """Send what the twin may do, as far as the reader's consent goes, as an ODRL policy."""
    reader, now = request.reader, timezone.now()
    twin = get_object_or_404(twins_of(reader), pk=twin_id)
    document = documents.policy_of_twin(
        twin,
        only=Performer.objects.filter(pk=reader.principal.performer_id).first(),
        agencies=Agency.objects.all(),
        at=now,
        known_at=now,
    )
    return _file(document, f"consent-policy-{twin.pk}.jsonld", "application/ld+json")


def _twin_and_version_or_404(
    reader: Reader, twin_id: int, version_id: int
) -> tuple[DigitalTwin, ConsentVersion]:
    """Return a twin of the reader's and a version of its or the performer's matrix, or 404."""
    twin = get_object_or_404(twins_of(reader), pk=twin_id)
    rows = ConsentVersion.objects.select_related("matrix__performer", "matrix__twin__performer")
    own = Q(matrix__performer=reader.principal.performer_id) | Q(matrix__twin=twin)
    return twin, get_object_or_404(rows.filter(own), pk=version_id)


def _agencies(twin: DigitalTwin, reader: Reader) -> QuerySet[Agency]:
    """Return the persona's agency, or the agencies that represent the performer today."""
    today = timezone.now().date()
    performers = Performer.objects.filter(pk=reader.principal.performer_id)
    terms = Representation.objects.filter(performer__in=performers)
    return Agency.objects.filter(
        Q(pk=twin.agency_id) | Q(pk__in=terms.on(today).values("agency"))
    ).order_by("pk")


def _file(document: dict, name: str, content_type: str) -> JsonResponse:
    return JsonResponse(
        document,
        content_type=content_type,
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


urlpatterns = [
    path("consent/", consents, name="consents"),
    path("twins/<int:twin_id>/consent/", consent, name="consent"),
    path("twins/<int:twin_id>/consent/policy/", policy, name="consent-policy"),
    path("twins/<int:twin_id>/consent/<int:version_id>/compare/", compare, name="consent-compare"),
    path("twins/<int:twin_id>/consent/<int:version_id>/receipt/", receipt, name="consent-receipt"),
]
