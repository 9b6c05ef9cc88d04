"""Journeys keep their papers apart, and draw them only where they read them."""

import pytest


@pytest.fixture(autouse=True)
def _papers_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
