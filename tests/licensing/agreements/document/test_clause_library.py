"""The clause library: words and known terms, versions that agreements keep."""

import dataclasses
import json

import pytest
from django.db import DatabaseError, transaction

from licensing.agreements.clauses import clause_library
from licensing.agreements.clauses.wording import ClauseIsBroken
from licensing.agreements.document import CannotBeDrawn, clause_versions
from licensing.agreements.document.clause_versions import ClauseIsRequired, KeepsItsClauses
from licensing.agreements.rules.rulebook import read_rulebook
from licensing.models import (
    Agreement,
    AgreementClause,
    Clause,
    DealTerms,
)
from licensing.words import DealKind, DocumentKind
from tests.factories import (
    NOW,
    make_agency,
    make_performer,
    make_twin,
    sign_on_paper,
)
from tests.licensing.agreements.papers import draw, make_deal, places, text_of

pytestmark = pytest.mark.django_db


def test_the_library_says_no_number_of_its_own():
    said = {one.code: one.body for one in clause_library.read_library()}

    assert {code for code, body in said.items() if any(map(str.isdigit, body))} == set()


def test_every_kind_of_deal_has_a_template_whose_defaults_say_whose_they_are():
    found = clause_library.templates()

    assert set(found) == set(DealKind.codes())
    columns = {field.name for field in DealTerms._meta.fields}
    for template in found.values():
        assert all(one.source and one.field in columns for one in template.defaults)


def test_clauses_mirror_rules_that_there_are():
    rules = {rule.code for rule in read_rulebook()}

    assert {code for one in clause_library.read_library() for code in one.mirrors} <= rules


def test_the_library_is_stored_once_and_its_words_never_change(deal):
    new = clause_versions.load_library(at=NOW)

    assert new == len(clause_library.read_library())
    assert clause_versions.load_library(at=NOW) == 0
    with pytest.raises(DatabaseError), transaction.atomic():
        Clause.objects.update(body="Other words")


def test_drafts_keep_their_version_and_take_a_newer_one_when_asked(deal, monkeypatch):
    draw(deal, DocumentKind.DRAFT)
    before = clause_library.read_library()
    taxes = next(one for one in before if one.code == "money.taxes")
    newer = dataclasses.replace(taxes, version=2, body="Other words.")
    monkeypatch.setattr(clause_library, "read_library", lambda: (*before, newer))
    clause_versions.load_library(at=NOW)

    assert "Other words." not in text_of(draw(deal, DocumentKind.DRAFT).pdf)
    assert clause_versions.take_newer(agreement=deal, code="money.taxes", at=NOW) == 1
    assert "Other words." in text_of(draw(deal, DocumentKind.DRAFT).pdf)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("First.\n\n{% for a in b %}x{% endfor %}", "paragraph 2"),
        ("It is {{ agency.users.all }}.", "paragraph 1"),
        ("It is {{ agency|upper }}.", "paragraph 1"),
        ("It is {{ no_such_term }}.", "no term “no_such_term”"),
        ("  \n ", "says nothing"),
    ],
)
def test_an_agencys_clause_says_words_and_known_terms_only(deal, body, place):
    with pytest.raises(ClauseIsBroken, match=place):
        publish(deal, body)


def publish(deal, body, *, required=True, **applies):
    return clause_versions.publish(
        agency=deal.agency, code="travel", section="Money", title="Travel", body=body, gloss="",
        applies=applies, required=required, in_use=True, at=NOW, by=None,
    )  # fmt: skip


def test_an_agencys_own_clause_stands_in_its_agreements_only(deal):
    publish(deal, "The Licensee pays for travel, in {{ currency }}.")

    assert "The Licensee pays for travel, in US dollars (USD)." in text_of(draw(deal).pdf)
    other = make_deal_of_another_agency()
    assert "travel" not in json.dumps(draw(other).content)


def make_deal_of_another_agency():
    from licensing.models import Licensee

    Licensee.objects.update(slug="gone", name="Gone Pictures")
    agency = make_agency("elsewhere", address="1 Street")
    return make_deal(agency=agency, performer=make_performer("Bo Example", agency))


def test_a_number_of_an_agencys_clause_must_be_the_terms(deal):
    publish(deal, "Travel is paid within 11 days.")

    assert (
        "“11 days”"
        in next(one for place, one in places(deal).items() if place.endswith("Travel")).sentence
    )


def test_a_draft_that_holds_a_clause_of_another_tier_is_refused_with_the_place(deal):
    """Its twin was changed after it was first drawn: the agency's own clause, and the desk's."""
    publish(deal, "The Licensee pays for travel.", tiers=[deal.twin.tier])
    draw(deal, DocumentKind.DRAFT)
    assert not places(deal)
    other = make_twin(
        deal.twin.performer,
        name="Another",
        tier="passive_static_replica",
        capture_method="scan",
        captured_on="2026-01-02",
    )
    Agreement.objects.filter(pk=deal.pk).update(twin=other)

    lacking = places(deal)
    own = next(one for place, one in lacking.items() if place == "Money, Travel")
    assert "dynamic behavioral emulator" in own.sentence
    assert len([one for one in lacking.values() if "another tier" in one.sentence]) == 2
    with pytest.raises(CannotBeDrawn, match="Money, Travel"):
        draw(Agreement.objects.get(pk=deal.pk))

    assert clause_versions.take_newer(agreement=deal, at=NOW) == 2
    assert not any("another tier" in one.sentence for one in places(deal).values())


def test_an_optional_clause_is_left_out_and_a_required_one_is_not(deal):
    optional = publish(deal, "The Licensee pays for travel.", required=False)

    clause_versions.leave_out(agreement=deal, clause=optional, left_out=True)
    assert "pays for travel" not in json.dumps(draw(deal).content)
    required = Clause.objects.get(code="money.payment")
    with pytest.raises(ClauseIsRequired):
        clause_versions.leave_out(agreement=deal, clause=required, left_out=True)


def test_a_signed_agreement_keeps_its_clauses(deal):
    draw(deal)
    sign_on_paper(agreement=deal, at=NOW, by=None)

    with pytest.raises(KeepsItsClauses):
        clause_versions.take_newer(agreement=deal, at=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        AgreementClause.objects.filter(agreement=deal).delete()
