"""Journeys keep their papers apart, and draw them only where they read them."""

import pytest

from valuation import night


@pytest.fixture(autouse=True)
def _papers_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def without_papers(monkeypatch):
    monkeypatch.setattr(night.statements, "draw_due", lambda **_: [])
