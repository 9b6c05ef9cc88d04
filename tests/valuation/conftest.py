"""The cast's agreement, rated by the quarter from July on."""

from datetime import UTC, datetime

import pytest

from licensing.models import RateCard
from talent.models import Beneficiary
from tests import factories
from tests.valuation.world import JULY, World, give_certificate


@pytest.fixture
def world(agency, performer, licensee, terms):
    twin = factories.make_twin(performer, legal_class="employment_based")
    agreement = factories.make_agreement(
        agency,
        licensee,
        twin,
        signed_at=datetime(2026, 6, 1, tzinfo=UTC),
        starts_at=datetime(2026, 7, 1, tzinfo=UTC),
        ends_at=None,
    )
    beneficiary = Beneficiary.objects.create(name=performer.name, performer=performer)
    give_certificate(beneficiary)
    return World(
        agency=agency,
        performer=performer,
        beneficiary=beneficiary,
        twin=twin,
        licensee=licensee,
        terms=terms,
        agreement=agreement,
        card=RateCard.objects.create(agreement=agreement, effective_from=JULY),
    )
