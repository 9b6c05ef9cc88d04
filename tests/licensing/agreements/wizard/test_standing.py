"""Standing: what a rule or the text has against a draft leads to where it is put right."""

import pytest

from licensing.agreements.clauses.placeholders import PLACEHOLDERS
from licensing.agreements.wizard import standing
from licensing.agreements.wizard.drafting import asked_for_handling
from licensing.agreements.wizard.offered import NOBODY, Offered
from licensing.agreements.wizard.steps import Step
from licensing.models import Agreement, DealTerms
from licensing.words import DealStep, StatedFact
from talent.consent.matrix import CombinedCell
from talent.consent.scope import EVERYWHERE
from talent.words import Stance


@pytest.mark.parametrize(
    ("place", "field", "step"),
    [
        (DealStep.PARTIES, "governing_law", Step.DEAL),
        (DealStep.LIMITS, "ends_at", Step.DEAL),
        (DealStep.GRANTS, "description", Step.DEAL),
        (DealStep.GRANTS, "languages", Step.GRANTS),
        (DealStep.PARTIES, "counsel", Step.HANDLING),
        (DealStep.LIMITS, "usage_report_days", Step.HANDLING),
        (DealStep.PARTIES, "court_approval", Step.HANDLING),
        (DealStep.PRICE, "unit_price", Step.PRICES),
        (DealStep.PRICE, "guarantees", None),
        (DealStep.TWIN, "legal_class", None),
        (DealStep.CHECKS, StatedFact.INITIALLED.value, None),
    ],
)
def test_a_mend_leads_to_the_step_that_asks_for_its_field(place, field, step):
    assert standing.step_of(place, field) is step


def test_each_placeholder_that_is_a_column_leads_to_the_step_that_asks_for_it():
    columns = {field.name for model in (Agreement, DealTerms) for field in model._meta.get_fields()}
    asked = set(asked_for_handling())
    for name, placeholder in PLACEHOLDERS.items():
        step = standing.step_of(placeholder.step, name)
        if name in asked:
            assert step is Step.HANDLING, name
        elif name in columns & standing.ASKED_BY_DEAL:
            assert step is Step.DEAL, name


def test_what_nobody_on_record_allows_is_refused_in_every_scope():
    denied = CombinedCell("voice", "dubbing", Stance.DENY, EVERYWHERE, decided_by=None)

    assert Offered(denied, NOBODY).refusals(EVERYWHERE) == [NOBODY]
