"""Findings of agreements: gathered at a fixed cost, frozen for a signature, and refused."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from licensing.agreements.findings import findings
from licensing.agreements.findings.findings import RulesForbidIt
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, DealTerms, FindingSet, RuleFinding
from tests import factories

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def rules(db):
    load_rules()


@pytest.fixture
def blanket(rules, agreement):
    """An agreement under the law of California for any use, by somebody without counsel."""
    agreement.description = "Any and all uses."
    agreement.save()
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", governing_law="US-CA")
    return Agreement.objects.get(pk=agreement.pk)


def of_rule(found, code):
    return next(one for one in found if one.code == code)


def test_blanket_use_without_counsel_is_stopped_and_says_how_to_mend_it(blanket):
    with pytest.raises(RulesForbidIt) as refused:
        findings.refuse_blocked(blanket, at=AT)

    said = of_rule(refused.value.findings, "three_limb_test.california")
    assert said.blocks
    assert said.mend.field == "description"
    assert "Labor Code section 927" in str(refused.value)
    assert "Describe the uses" in str(refused.value)


def test_mended_as_the_finding_says_it_may_be_signed(blanket):
    blanket.description = "Dubbing of the feature Kite Weather into French, as it was recorded."
    blanket.save()

    findings.refuse_blocked(blanket, at=AT)


def test_what_is_frozen_is_all_that_was_found_with_the_document_it_was_found_for(blanket, affairs):
    Agreement.objects.update(description="Dubbing of Kite Weather into French, as recorded.")
    kept = findings.freeze(Agreement.objects.get(pk=blanket.pk), "a" * 64, AT, affairs)

    found = findings.of(Agreement.objects.get(pk=blanket.pk), at=AT)
    assert kept.document_digest == "a" * 64
    assert kept.findings.count() == len(found)
    assert RuleFinding.objects.filter(found_in=kept, code="three_limb_test.california").exists()


def test_what_blocks_freezes_nothing(blanket, affairs):
    with pytest.raises(RulesForbidIt):
        findings.freeze(blanket, "a" * 64, AT, affairs)

    assert not FindingSet.objects.exists()


def test_ten_agreements_cost_as_many_questions_as_one(rules, agency, licensee, agreement):
    several = [
        factories.make_agreement(
            agency, licensee, factories.make_twin(factories.make_performer(f"Ada {n}", agency)),
            reference=f"A-{n}",
        )
        for n in range(9)
    ]  # fmt: skip

    assert cost_of([agreement, *several]) == cost_of([agreement])


def cost_of(agreements):
    rows = [Agreement.objects.get(pk=one.pk) for one in agreements]
    with CaptureQueriesContext(connection) as asked:
        findings.of_each(rows, at=AT)
    return len(asked)
