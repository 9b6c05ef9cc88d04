"""Editing: a scenario filled from a template, copied, and turned into an independent's."""

from collections.abc import Iterator
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.words import Confidence
from talent.errors import Refused
from talent.models import Build
from talent.words import Tier
from valuation.models import InputCorrelation, Scenario, ScenarioInput, ScenarioItem
from valuation.words import SourceStanding, Spreading, View
from valuation.worth.scenario.input_figures import InputFigures
from valuation.worth.scenario.templates import (
    SourcedFigures,
    TemplateInput,
    TemplateItem,
    templates,
)

LONGEST_NAME = 200


class NoRoomForName(Refused):
    """Every name that a copy could have is taken."""

    code = "no_room_for_name"


@transaction.atomic
def fill(*, scenario: Scenario, tier: Tier, as_of: date) -> int:
    """Add the items of a tier's template that the scenario has not; return how many.

    What the desk has measured itself comes before a template's default.
    """
    chosen = templates()
    have = set(scenario.items.values_list("term", "label"))
    new = [one for one in chosen.items[tier] if (one.term.value, one.label) not in have]
    training = _training(scenario, chosen.currency, as_of)
    for item in new:
        row = ScenarioItem.objects.create(
            scenario=scenario,
            term=item.term.value,
            label=item.label,
            currency="" if scenario.currency == chosen.currency else chosen.currency,
            begins_in=min(item.begins_in, scenario.months),
            months=min(item.months, max(1, scenario.months - item.begins_in + 1)),
        )
        ScenarioInput.objects.bulk_create(_rows(row, item, View(scenario.view), training))
    if not scenario.discount_source:
        scenario.discount_percent = chosen.discount_percent
        scenario.discount_source = chosen.discount_source
        scenario.save(update_fields=["discount_percent", "discount_source"])
    return len(new)


@transaction.atomic
def duplicate(scenario: Scenario, *, name: str = "", view: View | None = None) -> Scenario:
    """Return a copy of a scenario with its items, inputs and correlations; its history is its own.

    Raises NoRoomForName.
    """
    twins, agreements = list(scenario.twins.all()), list(scenario.agreements.all())
    items = list(scenario.items.prefetch_related("inputs").order_by("pk"))
    pairs = list(scenario.correlations.order_by("pk"))
    exposures = list(scenario.exposures.order_by("pk"))
    copy = Scenario.objects.get(pk=scenario.pk)
    copy.pk = None
    copy.name = _free_name(scenario, name or _("%s (copy)") % scenario.name)
    copy.view = (view or View(scenario.view)).value
    copy.save(force_insert=True)
    copy.twins.set(twins)
    copy.agreements.set(agreements)
    for exposure in exposures:
        exposure.pk, exposure.scenario = None, copy
        exposure.save(force_insert=True)
    new: dict[int, ScenarioInput] = {}
    for item in items:
        inputs = sorted(item.inputs.all(), key=lambda row: row.pk)
        item.pk, item.scenario = None, copy
        item.save(force_insert=True)
        for row in inputs:
            old, row.pk, row.item = row.pk, None, item
            row.save(force_insert=True)
            new[old] = row
    InputCorrelation.objects.bulk_create(
        InputCorrelation(
            scenario=copy,
            one=new[pair.one_id],
            other=new[pair.other_id],
            coefficient=pair.coefficient,
            source=pair.source,
        )
        for pair in pairs
    )
    return copy


@transaction.atomic
def independent_of(scenario: Scenario) -> Scenario:
    """Return an independent producer's version: what templates know otherwise for them is changed.

    All else is kept as it is: nobody knows better.
    """
    copy = duplicate(scenario, name=_("%s, independent") % scenario.name, view=View.INDEPENDENT)
    others = {
        (item.term.value, item.label, one.role.value): one.by_view[View.INDEPENDENT]
        for items in templates().items.values()
        for item in items
        for one in item.inputs
        if one.by_view[View.INDEPENDENT] != one.by_view[View.STUDIO]
    }
    rows = ScenarioInput.objects.filter(item__scenario=copy).select_related("item")
    for row in rows:
        other = others.get((row.item.term, row.item.label, row.role))
        if other is not None:
            _take_over(row, other)
            row.save()
    return copy


def _free_name(scenario: Scenario, wanted: str) -> str:
    """Return a name that no scenario of the agency has, numbered where it is taken."""
    taken = set(Scenario.objects.filter(agency=scenario.agency_id).values_list("name", flat=True))
    for number in range(1, 1000):
        ending = "" if number == 1 else f" {number}"
        name = wanted[: LONGEST_NAME - len(ending)] + ending
        if name not in taken:
            return name
    raise NoRoomForName(_("Every name that a copy could have is taken: rename some first."))


def _training(scenario: Scenario, currency: str, as_of: date) -> SourcedFigures | None:
    """Return what the newest build of the scenario's twins cost to train, if that is known."""
    builds = Build.objects.filter(
        twin__in=scenario.twins.all(),
        built_on__lte=as_of,
        training_cost__gt=0,
        training_cost_currency=currency,
    )
    build = builds.order_by("-built_on", "-pk").first()
    if build is None:
        return None
    return SourcedFigures(
        InputFigures(Spreading.FIXED, middle=build.training_cost),
        _("Build %s, as its provider charged it") % build.version,
        Confidence.PRIMARY,
        SourceStanding.MEASURED,
    )


def _rows(
    row: ScenarioItem, item: TemplateItem, view: View, training: SourcedFigures | None
) -> Iterator[ScenarioInput]:
    for one in item.inputs:
        yield _row(row, one, view, training)


def _row(
    item: ScenarioItem, one: TemplateInput, view: View, training: SourcedFigures | None
) -> ScenarioInput:
    row = ScenarioInput(item=item, role=one.role.value, name=one.name, unit=one.unit)
    measured = training if one.measured == "training" else None
    if measured is None:
        _take_over(row, one.by_view[view])
    else:
        _take_over(row, measured, source=measured.source)
    return row


def _take_over(row: ScenarioInput, sourced: SourcedFigures, source: str = "") -> None:
    figures = sourced.figures
    row.spreading = figures.spreading.value
    row.low, row.middle, row.high = figures.low, figures.middle, figures.high
    row.deviation, row.values = figures.deviation, figures.values
    row.source = source or sourced.source_in_full
    row.standing = sourced.standing.value
