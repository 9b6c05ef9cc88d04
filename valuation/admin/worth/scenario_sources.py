"""Where a figure of a scenario comes from: the page of the row that it rests on."""

from urllib.parse import urlencode

from django.urls import reverse

from licensing.models import Agreement
from talent.models import Build, DigitalTwin
from valuation.models import TwinValuation


def url_of(scenario, asked, user):
    """Return the page that an address asks for, of rows that the user may see; None: there is none.

    It may ask for an agreement's rates, what it has cost, a twin's worth, or a legal path.
    """
    if "path" in asked:
        return _of_path(scenario, asked["path"].split(), user)
    if "twin" in asked:
        twin = scenario.twins.filter(name=asked["twin"]).first()
        return twin and _of_twin(scenario, twin, user)
    reference = asked.get("agreement", asked.get("paid", ""))
    agreement = _agreements(scenario, user).filter(reference=reference).first()
    if agreement and "paid" in asked:
        return _list("admin:valuation_residualline_changelist", q=agreement.reference)
    return agreement and _page("admin:licensing_agreement_change", agreement.pk)


def _agreements(scenario, user):
    return Agreement.objects.visible_to(user).filter(agency=scenario.agency_id)


def _of_twin(scenario, twin, user):
    """Return the page of what a twin is worth by itself at the agency, or else of the twin."""
    worth = TwinValuation.objects.visible_to(user).filter(agency=scenario.agency_id, twin=twin)
    newest = worth.order_by("-as_of", "-pk").first()
    if newest:
        return _page("admin:valuation_twinvaluation_change", newest.pk)
    return _page("admin:talent_digitaltwin_change", twin.pk)


def _of_path(scenario, words, user):
    """Return the page of what a legal path is about; its key ends with what it is about."""
    match words:
        case ["licence" | "consent", pk, *_] | ["uses", "outside", pk]:
            agreement = _row(_agreements(scenario, user), pk)
            return agreement and _page("admin:licensing_agreement_change", agreement.pk)
        case ["training", pk]:
            builds = Build.objects.visible_to(user).filter(twin__in=scenario.twins.all())
            build = _row(builds, pk)
            return build and _page("admin:talent_build_change", build.pk)
        case ["no", "licence", pk] | ["provenance", pk]:
            twins = DigitalTwin.objects.visible_to(user).filter(pk__in=scenario.twins.values("pk"))
            twin = _row(twins, pk)
            return twin and _page("admin:talent_digitaltwin_change", twin.pk)
    return None


def _row(rows, pk):
    return rows.filter(pk=pk).first() if pk.isdigit() else None


def _page(name, pk):
    return reverse(name, args=[pk])


def _list(name, **query):
    return f"{reverse(name)}?{urlencode(query)}"
