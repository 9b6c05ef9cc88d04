"""Two people of the agency, and a certificate that was good on the night of the tests."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from talent.papers import certificate
from talent.words import Role
from tests import factories
from tests.valuation.world import TONIGHT


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def sealing_of_that_time(settings, tmp_path):
    @contextmanager
    def sealing():
        made = certificate.make_trial(tmp_path, at=TONIGHT - timedelta(days=2))
        settings.SEAL_CERTIFICATE, settings.SEAL_KEY = map(str, made)
        yield

    return sealing
