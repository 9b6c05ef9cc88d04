"""A deal that could be signed, and who signs it."""

import pytest

from licensing.agreements.document import pdf
from licensing.agreements.signing import papers
from licensing.models import DealTerms
from tests.factories import make_member, make_user
from tests.licensing.agreements.papers import make_deal
from tests.licensing.agreements.signing import rounds_of_tests as flow


@pytest.fixture
def deal(db, sealing):
    agreement = make_deal()
    assert DealTerms.objects.filter(agreement=agreement).exists()
    return agreement


@pytest.fixture
def star(deal):
    """The performer as somebody who signs in."""
    return make_user("star@performers.example", performer=deal.twin.performer, first_name="Ada")


@pytest.fixture
def lawyer(deal):
    """Somebody at the agency who may send and sign."""
    return make_member(deal.agency, "business_affairs", email="lawyer@northlight.example")


@pytest.fixture
def out(deal, star, lawyer):
    """The deal, out for signature: the performer first, then the agency, then the studio."""
    return flow.send(deal, lawyer)


@pytest.fixture
def light_papers(monkeypatch):
    """Draw and sign in no time: papers have tests of their own."""
    monkeypatch.setattr(pdf, "draw", lambda content, **_about: f"%PDF {content}".encode())
    monkeypatch.setattr(
        papers, "sealed", lambda paper, *_who, **_about: bytes(paper.pdf) + b" sealed"
    )
    monkeypatch.setattr(papers, "signed", lambda pdf, one, **_about: pdf + one.field.encode())
    monkeypatch.setattr(papers, "record", lambda found, **_about: b"%PDF record")
