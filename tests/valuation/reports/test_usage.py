"""Charts of usage: the same figures as the totals, for those who may see them, and drawable."""

import vl_convert
from django.db.models import Sum
from django.urls import reverse

from talent.models import Membership, User
from talent.words import Role
from tests.factories import sign_in
from valuation.charts import OUTSIDE, UsageBar, spec
from valuation.models import UsageTotal

BARS = [UsageBar("July 2026", 12, 0), UsageBar("August 2026", 3, 4)]
WORDS = {"within": "Within consent", "outside": "Outside consent", "axis": "uses"}


def sums(charts):
    return {chart.slug: sum(bar.total for bar in chart.bars) for chart in charts}


def test_a_chart_is_drawn_by_vega_lite_itself():
    drawn = {**spec(BARS, **WORDS), "width": 300}
    svg = vl_convert.vegalite_to_svg(drawn, vl_version="6.4", allowed_base_urls=[])

    assert "August 2026" in svg
    assert OUTSIDE in svg


def test_a_bar_says_only_what_there_was():
    values = spec(BARS, **WORDS)["data"]["values"]

    assert [(one["name"], one["series"], one["uses"]) for one in values] == [
        ("July 2026", "Within consent", 12),
        ("August 2026", "Within consent", 3),
        ("August 2026", "Outside consent", 4),
    ]


def test_an_agencys_charts_say_what_its_totals_say(demo):
    user = Membership.objects.filter(role=Role.AGENT.value, agency__slug="meridian").first().user
    shown = sign_in(user).get(reverse("admin:valuation_usagetotal_charts"))
    own = UsageTotal.objects.filter(agency__slug="meridian")
    expected = own.aggregate(sum=Sum("events"))["sum"]

    assert sums(shown.context["charts"]) == {
        "month": expected, "use": expected, "territory": expected,
    }  # fmt: skip
    assert "The same as a table" in shown.text


def test_a_performer_sees_the_uses_of_their_own_twins(demo):
    ada = User.objects.get(email="ada@performers.example")
    shown = sign_in(ada).get(reverse("portal:usage-charts"))
    own = UsageTotal.objects.filter(agreement__twin__performer__user=ada)

    assert sums(shown.context["charts"])["month"] == own.aggregate(sum=Sum("events"))["sum"]
    assert shown["Content-Security-Policy"] == "script-src 'self'"


def test_a_stranger_sees_no_chart(demo, stranger):
    assert sign_in(stranger).get(reverse("portal:usage-charts")).status_code == 404
