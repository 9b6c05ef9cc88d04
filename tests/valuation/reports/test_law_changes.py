"""A page says what stands otherwise since a rule counts: to whom it belongs, with money, as CSV."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from licensing.agreements.findings.findings import rules_in_use
from licensing.agreements.findings.law_changes import before_it_came
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, DealTerms, RuleSet
from tests.factories import (
    admin_page,
    make_agency,
    make_agreement,
    make_licensee,
    make_member,
    make_performer,
    make_twin,
    record_consent,
    sign_in,
)
from valuation.reports import law_changes

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
OLD, NEW = date(2025, 1, 1), date(2026, 6, 1)
RULE = "three_limb_test.california"

pytestmark = pytest.mark.django_db


def agreed(agency):
    """An agreement of an agency with a description that California's test does not accept."""
    performer = make_performer(f"Performer of {agency.slug}", agency)
    twin = make_twin(performer, name=f"Twin of {agency.slug}")
    agreement = make_agreement(
        agency, make_licensee(f"studio-{agency.slug}"), twin, reference=f"{agency.slug}-1",
        guild="sag_aftra", description="Any and all uses.",
    )  # fmt: skip
    DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", governing_law="US-CA", represented_by="union"
    )
    record_consent(performer=performer)
    return agreement


@pytest.fixture
def rule():
    """The rule in a new version, that no longer counts a union's agreement."""
    load_rules()
    old = RuleSet.objects.get(code=RULE)
    RuleSet.objects.filter(pk=old.pk).update(
        effective_from=OLD, effective_to=NEW - timedelta(days=1)
    )
    old.pk, old.effective_from, old.effective_to = None, NEW, None
    old.values = old.values | {"union_agreements": []}
    old.save()
    return old


@pytest.fixture
def here(rule):
    return agreed(make_agency())


@pytest.fixture
def elsewhere(rule):
    return agreed(make_agency("elsewhere"))


def page(rule, **asked):
    return reverse("admin:law_change", args=[rule.pk], query=asked)


def test_the_version_before_goes_on_where_one_is_taken_away(rule):
    rules = rules_in_use()
    version = next(one for one in rules if one.code == RULE and one.effective_from == NEW)

    (before,) = [one for one in before_it_came(rules, version) if one.code == RULE]

    assert (before.effective_from, before.effective_to) == (OLD, None)
    assert len(rules) - len(before_it_came(rules, version)) == 1


def test_it_stands_otherwise_since_the_rules_own_first_day(rule, here):
    version = next(one for one in rules_in_use() if one.code == RULE and one.effective_from == NEW)
    Agreement.objects.filter(pk=here.pk).update(signed_at=datetime(2026, 7, 1, tzinfo=UTC))

    found = law_changes.of_version(version, among=Agreement.objects.all(), at=AT)

    assert [(one.change.agreement, one.change.since) for one in found] == [(here, NEW)]
    assert (found[0].change.before, found[0].change.after) == ("pass", "fail")


def test_each_agency_reads_its_own_and_the_operator_all(rule, here, elsewhere, django_user_model):
    for one in (here, elsewhere):
        Agreement.objects.filter(pk=one.pk).update(status="draft", signed_at=None)
    agent = make_member(here.agency, "agent")
    operator = django_user_model.objects.create_superuser("operator@desk.example", "x")
    auditor = make_member(here.agency, "auditor")

    for user, theirs, not_theirs in (
        (agent, ["northlight-1"], ["elsewhere-1"]),
        (auditor, ["northlight-1"], ["elsewhere-1"]),
        (operator, ["northlight-1", "elsewhere-1"], []),
    ):
        shown = sign_in(user).get(page(rule))
        exported = b"".join(sign_in(user).get(page(rule, csv="1")).streaming_content).decode()
        for text in (shown.text, exported):
            assert all(reference in text for reference in theirs)
            assert not any(reference in text for reference in not_theirs)
    rows = list(csv.reader(io.StringIO(exported)))
    assert len(rows) == 3
    assert rows[1][1] == rule.title
    assert "Consents it rests on" in rows[0]


def test_the_list_of_rules_leads_to_it_and_others_do_not_get_there(rule, here):
    listed = sign_in(make_member(here.agency, "agent")).get(
        admin_page(RuleSet, name="changelist"), {"q": RULE}
    )
    assert page(rule) in listed.text

    assert Client().get(page(rule)).status_code == 302
