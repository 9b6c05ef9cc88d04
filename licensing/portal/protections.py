"""The portal's page of the rules that protect the reader, by agreement, in plain words."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.findings import findings
from licensing.models import Agreement
from licensing.words import CheckResult
from talent.models import DigitalTwin
from talent.portal.reader import portal_page, render_page
from talent.words import Power

SHOWN = 30
# What a verdict means to whom the rule protects, and the look of its chip.
STANDINGS = {
    CheckResult.PASS: (_("kept"), "yes"),
    CheckResult.UNKNOWN: (_("not known yet"), "ask"),
    CheckResult.AT_RISK: (_("at risk"), "ask"),
    CheckResult.FAIL: (_("not kept"), "no"),
}


@require_GET
@portal_page(Power.SEE_USAGE)
def protections(request: HttpRequest) -> HttpResponse:
    reader, now = request.reader, timezone.now()
    twins = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    rows = Agreement.objects.visible_to(reader.user).in_force(now).filter(twin__in=twins)
    agreements = list(rows.select_related("licensee", "twin").order_by("-starts_at", "-pk")[:SHOWN])
    found = findings.of_each(agreements, at=now)
    return render_page(
        request,
        "portal/protections.html",
        "twins",
        {
            "agreements": [
                {"agreement": one, "protections": list(_told(found[one.pk]))} for one in agreements
            ]
        },
    )


def _told(found: Sequence[RuleCheck]) -> Iterator[dict[str, Any]]:
    """Yield what protects somebody, each thing once, the worst first."""
    told = set()
    for one in found:
        if one.in_plain_words and one.result in STANDINGS and one.in_plain_words not in told:
            told.add(one.in_plain_words)
            standing, look = STANDINGS[one.result]
            yield {
                "says": one.in_plain_words,
                "standing": standing,
                "look": look,
                "where": one.where,
            }


urlpatterns = [path("protections/", protections, name="protections")]
