"""What stands above a scenario's form: its worth, how far a run is, its items; and two compared."""

from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.errors import Refused
from talent.models.names import relations_of_name
from valuation.admin.residuals.nights import in_words
from valuation.models import Valuation
from valuation.words import SourceStanding, Term
from valuation.worth.scenario import runs

from .scenario_items import curve


def shown(scenario, *, may_change, locale, now):
    """Return what the panel above a scenario's form shows."""
    valuation = latest(scenario)
    return {
        **progress(scenario, now),
        "scenario": scenario,
        "may_change": may_change,
        "valuation": valuation,
        "told": valuation and _told(valuation, locale),
        "terms": list(_terms(scenario)),
        "hours": [_hours(row, locale) for row in scenario.exposures.select_related("twin")],
        "hinders": _hinders(scenario, now),
        **_legal(scenario, now, locale),
    }


def progress(scenario, now):
    """Return the scenario's last run, and how far it is."""
    run = scenario.runs.select_related("cancelled_by", "valuation").order_by("-pk").first()
    far = run and runs.how_far(run, now)
    return {"run": run, "far": far, "rest": far and far.rest and in_words(far.rest)}


def latest(scenario):
    """Return the newest valuation that was drawn."""
    drawn = Valuation.objects.filter(scenario=scenario, outcome__isnull=False)
    return drawn.select_related(*relations_of_name(Valuation)).order_by("-pk").first()


def _terms(scenario):
    """Yield each term with its items and their inputs, with their curves."""
    items = list(scenario.items.prefetch_related("inputs").order_by("begins_in", "pk"))
    for term in Term:
        yield {
            "term": term,
            "items": [
                {
                    "item": item,
                    "inputs": [
                        {
                            "input": row,
                            "curve": curve(row),
                            "is_assumed": row.standing == SourceStanding.ASSUMPTION.value,
                        }
                        for row in sorted(item.inputs.all(), key=lambda row: row.place)
                    ],
                }
                for item in items
                if item.term == term
            ],
        }


def _hours(row, locale):
    """Say for how long a scenario has a twin seen: the desk makes its wear of that."""
    return _("%(twin)s: %(hours)s hours on %(channel)s, from month %(month)d over %(months)d") % {
        "twin": row.twin,
        "hours": locales.quantity(row.hours, locale),
        "channel": row.get_channel_display().lower(),
        "month": row.begins_in,
        "months": row.months,
    }


def _hinders(scenario, now):
    """Return why the scenario cannot be valued as it stands; empty: it can."""
    from valuation.worth.scenario.gathering import what_hinders

    return what_hinders(scenario, as_of=now.date(), now=now)


def _legal(scenario, now, locale):
    """Return the scenario's legal paths as they stand, or why they cannot be told."""
    from valuation.worth.memo.facts import legal_table
    from valuation.worth.scenario.gathering import legal_paths

    try:
        paths = legal_paths(scenario, as_of=now.date(), now=now)
    except Refused as refusal:
        return {"legal_refused": str(refusal)}
    return {"legal": legal_table(paths, scenario.currency, locale)}


def _told(valuation, locale):
    from valuation.worth.memo.told import told

    return told(valuation, locale)


def compare(model_admin, request, scenario, others):
    """Show two scenarios side by side, as they were valued last."""
    asked = request.GET.get("with", "")
    other = others.filter(pk=asked).first() if asked.isdigit() else None
    return TemplateResponse(
        request,
        "admin/compare_scenarios.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": _("%s, beside another scenario") % scenario,
            "opts": model_admin.opts,
            "scenario": scenario,
            "other": other,
            "others": others[:200],
            "columns": [_column(one) for one in (scenario, other) if one],
            "terms": list(Term),
        },
    )


def _column(scenario):
    valuation = latest(scenario)
    return {
        "scenario": scenario,
        "valuation": valuation,
        "told": valuation and _told(valuation, locale_of_reader()),
    }
