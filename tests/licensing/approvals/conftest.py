import pytest

from .requests import opened


@pytest.fixture
def part(question, terms, ada):
    return opened(question, terms).parts.get()
