"""Pages on which one moves figures: they change no row, and a stranger gets none."""

from datetime import date
from decimal import Decimal as D
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Amendment, Cap, RuleSet
from tests import factories
from tests.factories import sign_in
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import TwinValuation
from valuation.worth.twin import assets

TODAY = date(2026, 11, 22)


@pytest.fixture
def valuation(world, without_statements):
    world.line(unit_price=D(1), meter="seconds")
    world.use(str(100 * 3600), meter="seconds", channel="cinema")
    night.run_night(as_of=TODAY, now=TONIGHT)
    return assets.value_twin(
        agency_id=world.agency.pk, twin_id=world.twin.pk, as_of=TODAY, now=TONIGHT
    )


def test_advice_leads_to_the_doors_of_a_draft_and_of_an_amendment(valuation, affairs):
    draft = factories.make_agreement(
        valuation.agency, factories.make_licensee("lantern"), valuation.twin, reference="NA-9",
        status="draft", signed_at=None,
    )  # fmt: skip
    client = sign_in(affairs)
    page = client.get(
        reverse("admin:cap_advice", args=[valuation.pk]),
        {"channel": "cinema", "fee": "900", "most_hours": "600", "share_worn": "1"},
    )

    assert "In US dollars. It begins with what an hour earned" in page.content.decode()
    by_label = {one["label"]: one["url"] for one in page.context["found"]["agreements"]}
    into_draft, as_amendment = (
        by_label["Put it into draft NA-9"], by_label["Ask for it as an amendment of NA-1"],
    )  # fmt: skip
    limit = parse_qs(urlsplit(into_draft).query)["limit"][0]
    for url in (into_draft, as_amendment):
        opened = client.get(url).content.decode()
        assert f'value="{limit}"' in opened
    assert not Cap.objects.exists()
    assert not Amendment.objects.exists()
    form = client.get(into_draft).context["adminform"].form
    sent = {
        name: value
        for name, field in form.fields.items()
        if (value := form.get_initial_for_field(field, name)) not in (None, "")
    }
    client.post(urlsplit(into_draft).path, sent)
    cap = Cap.objects.get()
    assert (cap.agreement, cap.meter, cap.channels) == (draft, "seconds", ["cinema"])
    assert cap.limit == D(limit)


def test_pages_move_figures_and_change_no_row(valuation, agent):
    load_rules()
    client = sign_in(agent)

    told = client.get(reverse("admin:break_even"), {"studio": "50000000"}).content.decode()
    assert "Studio, $50,000,000 a title: after 2 titles" in told
    assert "each then bears $500,000." in told
    assert "Independent, $2,000,000 a title: never" in told
    assert '"series": "Independent: never"' in told, "Who never breaks even is drawn, too."
    shoot = client.get(reverse("admin:quality"), {"a_day": "10", "besides": "0"}).content.decode()
    assert "Shoot it again: $20, beside" in shoot
    assert "Not verified" in shoot
    assert TwinValuation.objects.count() == 1


def test_fields_begin_with_dated_figures_that_say_where_they_come_from(agent):
    """What the desk brings counts without a loaded rulebook, and a row of the rulebook over it."""
    client = sign_in(agent)
    capital = client.get(reverse("admin:break_even"))
    assert capital.context["form"]["once"].value() == "1000000"
    sure = {one["name"]: not one["is_assumption"] for one in capital.context["firsts"]}
    assert sure.pop("What the twin costs once")
    assert len(sure) == 6
    assert not any(sure.values())
    assert capital.content.decode().count('<strong class="desk-unsure">Assumption') == 6

    load_rules()
    RuleSet.objects.filter(code="shoot.days").update(
        values={"value": "5"}, source="Counted on our shoots", confidence="primary"
    )
    shoot = client.get(reverse("admin:quality"))
    assert shoot.context["form"]["days"].value() == "5"
    told = {one["name"]: one for one in shoot.context["firsts"]}
    assert told["Days of a pickup shoot"]["source"].startswith("Counted on our shoots (")
    assert [one["is_assumption"] for one in told.values()] == [True, False, True, True]


@pytest.mark.parametrize("wrong", ["-1", "x", "1e999", "NaN", ""])
def test_a_figure_that_is_none_is_said_to_be(valuation, agent, wrong):
    client = sign_in(agent)
    for page, name in (("break_even", "once"), ("quality", "days")):
        answer = client.get(reverse(f"admin:{page}"), {name: wrong})
        assert answer.status_code == 200
        assert answer.context["form"].errors[name]
    answer = client.get(reverse("admin:cap_advice", args=[valuation.pk]), {"fee": wrong})
    assert answer.context["form"].errors["fee"]


def test_a_stranger_gets_no_advice(valuation, elsewhere):
    other = sign_in(factories.make_member(elsewhere, "agent"))

    assert other.get(reverse("admin:cap_advice", args=[valuation.pk])).status_code == 404
