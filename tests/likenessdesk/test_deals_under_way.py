"""What the demo has under way: an offer, a transfer, an audit, a document out for signature."""

from datetime import UTC, datetime

import pytest

from licensing.agreements.document import pdf
from licensing.agreements.signing import papers
from licensing.models import Audit, OfferTaking, SigningRound, StandingOffer, Transfer
from licensing.words import SignatoryRole
from likenessdesk.demo.deals_under_way import begin_deals
from tests import remembered

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


@pytest.fixture
def light_papers(monkeypatch):
    monkeypatch.setattr(pdf, "draw", remembered.draw_shortly)
    monkeypatch.setattr(papers, "sealed", lambda paper, *_who, **_about: bytes(paper.pdf))
    monkeypatch.setattr(papers, "signed", lambda pdf, one, **_about: pdf + one.field.encode())


@pytest.mark.django_db
def test_they_begin_once_and_wait_for_somebody(light_papers, sealing):
    remembered.stand_seeded(AT)

    assert begin_deals(AT)
    assert not begin_deals(AT)

    offer = StandingOffer.objects.open_at(AT).get()
    assert set(OfferTaking.objects.values_list("offer", "try_out")) == {
        (offer.pk, True), (offer.pk, False),
    }  # fmt: skip
    transfer = Transfer.objects.waiting().get()
    assert transfer.asked_at.date() < AT.date() < transfer.answer_due_on
    audit = Audit.objects.open().get()
    assert audit.opens_on <= AT.date()
    sent = SigningRound.objects.open().get()
    assert sent.turn.role == SignatoryRole.AGENCY
