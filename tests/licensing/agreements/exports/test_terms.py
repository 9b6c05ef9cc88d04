"""The terms of an agreement as JSON: by the published schema, the same bytes for the same terms."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import jsonschema
import pytest
from django.apps import apps

from licensing.agreements import agreements
from licensing.agreements.exports import terms, terms_schema
from licensing.models import (
    Advance,
    Agreement,
    Bracket,
    Cap,
    DealTerms,
    Escalator,
    Grant,
    Guarantee,
    Multiplier,
    RateCard,
    RateLine,
)

AT = "https://desk.example" + terms_schema.PATH
# What stands in no export of the terms, and why.
LEFT_OUT = {
    "Agreement": {
        "id", "tag_key",  # the desk's own
        # the state of an agreement, not a term of it
        "status", "signed_at", "signed_elsewhere_on", "try_out",
        # between the agency and its performers
        "reserve_percent", "reserve_periods", "reserve_cap", "recoups_with",
    },
    "RateCard": {"id", "agreement", "proposed", "agreed_at"},
    "RateLine": {"id", "card", "scale_portion"},  # what carries no commission
}  # fmt: skip


@pytest.fixture
def whole(agreement, production):
    """The agreement with something of every part."""
    agreement.productions.add(production)
    agreement.description = "日本語の吹替 — آدا"
    agreement.save()
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01", source="List")
    line = RateLine.objects.create(
        card=card, code="lines", label="Lines", meter="lines", pricing="graduated",
        uses=["dubbing"], territories=["US", "FR"], production=production,
    )  # fmt: skip
    Bracket.objects.create(line=line, up_to=None, unit_price="1.5")
    Bracket.objects.create(line=line, up_to=100, unit_price="2.50")
    Multiplier.objects.create(card=card, dimension="territory", value="FR", factor="1.2")
    Escalator.objects.create(card=card, raises=["prices"], first_on="2027-01-01", percent=3)
    Guarantee.objects.create(agreement=agreement, amount="1000.00")
    Advance.objects.create(agreement=agreement, label="On signing", amount=500, due_on="2026-01-05")
    Cap.objects.create(agreement=agreement, meter="lines", limit=900, starts_on="2026-01-01")
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", usage_report_days=90)
    return agreement


def test_all_of_it_is_as_the_published_schema_says(whole):
    schema = terms_schema.terms_schema(at=AT)
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(json.loads(terms.terms_bytes(whole)), schema)


def test_the_schema_is_published_beside_the_api(client):
    (listed,) = client.get("/api/v1/schemas/").json()["documents"]

    published = client.get(listed["schema"]).json()

    assert published == terms_schema.terms_schema(at=listed["schema"])


def test_a_bare_draft_is_as_the_schema_says_too(agreement):
    exported = json.loads(terms.terms_bytes(agreement))

    jsonschema.validate(exported, terms_schema.terms_schema(at=AT))
    assert exported["deal"] is None


def test_numbers_instants_and_lists_have_one_form(whole):
    exported = terms.terms_of(whole)

    (line,) = exported["rate_cards"][0]["lines"]
    assert [bracket["up_to"] for bracket in line["brackets"]] == ["100", None]
    assert line["brackets"][0]["unit_price"] == "2.5"
    assert line["territories"] == ["FR", "US"]
    assert exported["starts_at"] == "2026-01-01T00:00:00Z"
    assert exported["guarantees"][0]["amount"] == "1000"


def test_the_same_terms_are_the_same_bytes(whole, django_assert_max_num_queries):
    before = terms.terms_bytes(whole)
    Grant.objects.filter(agreement=whole).delete()
    Grant.objects.create(agreement=whole, right="voice", use="dubbing")

    with django_assert_max_num_queries(16):
        assert terms.terms_bytes(whole) == before


def test_the_state_of_an_agreement_is_no_term_and_its_end_is(whole):
    before = terms.terms_bytes(whole)
    Agreement.objects.filter(pk=whole.pk).update(status="draft", signed_at=None)
    assert terms.terms_bytes(whole) == before
    Agreement.objects.filter(pk=whole.pk).update(
        status="signed", signed_at=datetime(2025, 12, 1, tzinfo=UTC)
    )

    agreements.end(
        agreement=whole, ends_at=datetime(2026, 6, 1, tzinfo=UTC),
        at=datetime(2026, 5, 1, tzinfo=UTC), by=None, reason="Done.",
    )  # fmt: skip

    assert terms.terms_of(whole)["ends_at"] == "2026-06-01T00:00:00Z"


def test_rates_that_wait_for_their_amendment_are_not_agreed(whole):
    before = terms.terms_bytes(whole)

    RateCard.objects.create(agreement=whole, effective_from="2026-07-01", proposed=True)

    assert terms.terms_bytes(whole) == before


@pytest.mark.parametrize(
    ("model", "fields", "more"),
    [
        ("Agreement", terms_schema.AGREEMENT, {"agency", "licensee", "twin", "productions"}),
        ("Grant", terms_schema.GRANT, {"id", "agreement", "languages_in"}),
        ("RateCard", terms_schema.RATE_CARD, set()),
        ("RateLine", terms_schema.RATE_LINE, {"production"}),
        ("Bracket", terms_schema.BRACKET, {"id", "line"}),
        ("Multiplier", terms_schema.MULTIPLIER, {"id", "card"}),
        ("Escalator", terms_schema.ESCALATOR, {"id", "card", "index"}),
        ("Guarantee", terms_schema.GUARANTEE, {"id", "agreement"}),
        ("Advance", terms_schema.ADVANCE, {"id", "agreement"}),
        ("DealTerms", terms_schema.DEAL, {"id", "agreement", "held_by"}),
    ],
)
def test_no_term_is_forgotten(model, fields, more):
    meta = apps.get_model("licensing", model)._meta
    columns = {field.name for field in (*meta.fields, *meta.many_to_many)}

    assert set(fields) | more | LEFT_OUT.get(model, set()) == columns


def test_what_stands_between_agency_and_performer_is_not_in_it(whole):
    Agreement.objects.filter(pk=whole.pk).update(
        recoups_with="ada-2026", reserve_percent=12, reserve_periods=2
    )

    text = terms.terms_bytes(whole).decode()

    for secret in ("commission", "reserve", "recoup", "scale_portion", "ada-2026"):
        assert secret not in text


def test_the_policy_counts_caps_from_their_day_in_the_agreements_zone(whole):
    Agreement.objects.filter(pk=whole.pk).update(time_zone="America/Los_Angeles")

    policy = terms.policy_of(whole)

    (permission,) = policy["permission"]
    assert "2026-01-01T08:00:00Z" in json.dumps(permission)
    assert policy["assignee"] == f"urn:likenessdesk:licensee:{whole.licensee.slug}"
    assert terms.policy_bytes(whole) == terms.policy_bytes(whole)


def test_a_cap_is_said_with_its_limit_and_days(whole):
    assert terms.terms_of(whole)["caps"] == [
        {
            "meter": "lines", "limit": "900", "channels": None, "hard": True,
            "starts_on": date(2026, 1, 1).isoformat(), "ends_on": None,
        }
    ]  # fmt: skip
    assert Decimal(terms.terms_of(whole)["caps"][0]["limit"]) == 900
