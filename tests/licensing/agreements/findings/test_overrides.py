"""Overrides: one person asks to let a finding pass, another approves; absolute rules have none."""

from datetime import UTC, datetime

import pytest

from licensing.agreements.findings import findings, overrides
from licensing.agreements.findings.findings import RulesForbidIt
from licensing.agreements.findings.overrides import NeverOverridden, NothingToOverride
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, DealTerms, RuleFinding, RuleOverride
from talent.four_eyes import FourEyes
from talent.models import Performer
from talent.words import Role
from tests.factories import (
    admin_page,
    make_agreement,
    make_member,
    record_consent,
    sign_in,
    sign_on_paper,
    take_step,
)

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
RULE = "three_limb_test.california"


@pytest.fixture
def draft(agency, licensee, twin):
    """A draft for any use, under the law of California, by somebody whom nobody represented."""
    load_rules()
    record_consent(twin=twin)
    agreement = make_agreement(
        agency, licensee, twin, status="draft", signed_at=None, description="Any and all uses."
    )
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", governing_law="US-CA")
    return Agreement.objects.get(pk=agreement.pk)


@pytest.fixture
def second(agency):
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="second@agency.example")


def asked(draft, by, rule=RULE):
    return overrides.ask(agreement=draft, rule=rule, reason="Counsel was heard", by=by, at=AT)


def test_what_two_people_let_pass_no_longer_forbids_and_stands_on_the_record(
    draft, affairs, second
):
    override = asked(draft, affairs)
    with pytest.raises(RulesForbidIt):
        findings.refuse_blocked(draft, at=AT)

    overrides.approve(override_id=override.pk, by=second, at=AT)

    findings.refuse_blocked(draft, at=AT)
    kept = findings.freeze(draft, "", AT, second)
    assert RuleFinding.objects.get(found_in=kept, code=RULE).override == override


def test_nobody_approves_what_they_asked_for(draft, affairs, second):
    override = asked(draft, affairs)

    with pytest.raises(FourEyes):
        overrides.approve(override_id=override.pk, by=affairs, at=AT)


def test_an_override_covers_the_finding_that_was_read_and_no_other(draft, affairs, second):
    overrides.approve(override_id=asked(draft, affairs).pk, by=second, at=AT)

    draft.description = "Whatever comes."
    draft.save()

    with pytest.raises(RulesForbidIt):
        findings.refuse_blocked(draft, at=AT)


def test_what_reads_otherwise_by_the_time_of_approval_is_asked_for_anew(draft, affairs, second):
    override = asked(draft, affairs)
    draft.description = ""
    draft.save()

    with pytest.raises(NothingToOverride):
        overrides.approve(override_id=override.pk, by=second, at=AT)


def test_an_absolute_rule_is_let_pass_by_nobody(draft, affairs, second):
    Performer.objects.update(life="minor", born_on="2015-05-05")

    with pytest.raises(NeverOverridden):
        asked(draft, affairs, rule="minors.excluded_content")


def test_what_does_not_block_needs_no_override(draft, affairs, second):
    with pytest.raises(NothingToOverride):
        asked(draft, affairs, rule="ai_act.marking")


def test_a_reason_is_said(draft, affairs, second):
    with pytest.raises(NothingToOverride):
        overrides.ask(agreement=draft, rule=RULE, reason=" ", by=affairs, at=AT)


def test_what_a_rule_forbids_is_signed_on_paper_by_nobody_until_it_is_mended(draft, affairs):
    with pytest.raises(RulesForbidIt):
        sign_on_paper(agreement=draft, at=AT, by=affairs)

    Agreement.objects.update(description="Dubbing of Kite Weather into French, as recorded.")
    sign_on_paper(agreement=draft, at=AT, by=affairs)

    draft.refresh_from_db()
    assert draft.status == "signed"
    assert draft.finding_sets.get().occasion == "signing"


def test_the_page_of_an_agreement_tells_verdict_source_day_and_mend(draft, affairs):
    page = sign_in(affairs).get(admin_page(Agreement, draft.pk)).text

    assert "Labor Code section 927" in page
    assert "Forbids a signature" in page
    assert "Read in the primary text" in page
    assert "Describe the uses" in page


def test_only_rules_that_forbid_it_now_are_offered_to_be_let_pass(draft, affairs):
    client, url = sign_in(affairs), admin_page(Agreement, draft.pk, name="ask_to_override")
    assert f'<option value="{RULE}">' in client.get(url).text

    Agreement.objects.update(description="Dubbing of Kite Weather into French, as recorded.")
    page = client.get(url).text

    assert f'<option value="{RULE}">' not in page
    assert "No rule that may be let pass forbids a signature now" in page


def test_asked_and_approved_on_their_pages(draft, affairs, second):
    take_step(sign_in(affairs), "ask_to_override", draft, rule=RULE, reason="Counsel was heard")
    override = RuleOverride.objects.get()

    take_step(sign_in(second), "approve", override)

    assert RuleOverride.objects.get().state == "approved"
    findings.refuse_blocked(draft, at=AT)
