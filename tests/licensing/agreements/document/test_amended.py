"""As amended: a new version of the document, with what changed, beside the old one."""

import hashlib
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from licensing.agreements import amendments, deals, document
from licensing.agreements.amendments import Change
from licensing.agreements.clauses.redline import redline
from licensing.agreements.deals import DEAL, DealTermsUnsound
from licensing.models import (
    AgreementDocument,
    DealTerms,
)
from licensing.words import DocumentKind
from talent.words import Role
from tests.factories import (
    NOW,
    make_member,
)
from tests.licensing.agreements.papers import amend, change, draw, text_of

pytestmark = pytest.mark.django_db


def test_an_amendment_draws_a_new_version_that_says_what_changed_from_when(signed):
    before = AgreementDocument.objects.get()
    amend(signed, payment_days=30, audit_notice_days=None)

    assert document.draw_amended(at=NOW + timedelta(hours=2)) == 1

    after = document.latest(signed)
    text = text_of(after.pdf)
    assert (after.kind, after.number, after.follows) == ("amended", 2, before)
    assert "The Licensee pays within 45 30 days of the Agency's invoice." in text
    assert "Audit (gone)" in text
    assert "Amendment 1, deal terms, from 22 November 2026: They pay sooner." in text
    before.refresh_from_db()
    assert hashlib.sha256(bytes(before.pdf)).hexdigest() == before.digest
    assert document.draw_amended(at=NOW + timedelta(hours=3)) == 0


def test_an_amendment_of_a_later_day_changes_the_text_on_that_day(signed):
    later = NOW + timedelta(days=3)
    amend(signed, counts_from=later.date(), payment_days=30)

    assert document.draw_amended(at=NOW + timedelta(hours=2)) == 0
    assert DealTerms.objects.get().payment_days == 45
    amendments.apply_due(at=later)
    assert DealTerms.objects.get().payment_days == 30
    assert document.draw_amended(at=later + timedelta(hours=1)) == 1


def test_an_approved_change_is_written_once_and_opens_no_door_for_another(signed):
    amend(signed, payment_days=30)

    with pytest.raises(DatabaseError, match="change by amendment"), transaction.atomic():
        change(signed, payment_days=60)


def test_deal_terms_are_not_ended_and_not_changed_into_what_cannot_stand(signed):
    deal = DealTerms.objects.get()
    agent = make_member(signed.agency, Role.AGENT)
    make_member(signed.agency, Role.BUSINESS_AFFAIRS)
    for after in (None, deals.deal_terms(deal) | {"late_interest_percent": "101"}):
        with pytest.raises(DealTermsUnsound):
            amendments.ask(
                agreement=signed, change=Change(DEAL, after, deal.pk), counts_from=NOW.date(),
                reason="So.", by=agent, at=NOW,
            )  # fmt: skip


def test_a_redline_shows_words_and_numbers_of_grants_rates_and_caps(deal):
    first = draw(deal, DocumentKind.DRAFT)
    deal.grants.update(territories=["US"])
    deal.caps.update(limit=4_000)
    second = draw(deal, DocumentKind.DRAFT)

    changes = redline(first.content, second.content)

    told = {(row.row, row.column): (row.before, row.after) for row in changes.rows}
    assert told["Voice, Dubbing", "Where"] == ("France and United States", "United States")
    assert told["Lines", "Limit a fiscal year"] == ("5,000", "4,000")
    assert {clause.title for clause in changes.clauses} >= {"Limits"}
    assert not redline(first.content, first.content)
