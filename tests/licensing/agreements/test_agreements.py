"""Agreements are drafted, signed within the consent in force, and ended, step by step."""

from datetime import UTC, date, datetime

import pytest

from licensing.agreements.agreements import (
    EndsOutsideItsTerm,
    GrantsExceedConsent,
    GrantsNothing,
    NotADraft,
    NotSigned,
    draft,
    end,
)
from licensing.agreements.rates.rate_lines import EqualRateLines
from licensing.models import Agreement, AgreementStep, Grant, RateCard, RateLine
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import CompositeSource, DigitalTwin, Performer
from tests.factories import sign_on_paper as sign

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def drafted(agency, licensee, twin, agent):
    return draft(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference="NE-1",
        currency="USD",
        starts_at=JANUARY,
        ends_at=NEXT_YEAR,
        at=JANUARY,
        by=agent,
        time_zone="America/New_York",
    )


@pytest.fixture
def granting(drafted):
    Grant.objects.create(agreement=drafted, right="voice", use="dubbing", territories=["FR"])
    return drafted


def consented(stance="allow", *, at=JANUARY, scope=None, **owner):
    return record(
        matrix=matrix_of(**owner),
        cells=[Cell("voice", "dubbing", stance, scope or Scope())],
        in_force_from=at,
        recorded_at=at,
        by=None,
        evidence=Evidence("A consent for the tests."),
    )


def steps(agreement):
    return list(AgreementStep.objects.filter(agreement=agreement).values_list("kind", flat=True))


def test_a_draft_keeps_its_terms_and_its_first_step(drafted, agent):
    assert (drafted.status, drafted.signed_at) == ("draft", None)
    assert drafted.time_zone == "America/New_York"
    assert AgreementStep.objects.get().by == agent
    assert steps(drafted) == ["drafted"]


def test_a_draft_within_the_consent_is_signed_once(granting, agent, performer):
    consented(performer=performer)
    signed = sign(agreement=granting, at=MARCH, by=agent)
    assert (signed.status, signed.signed_at) == ("signed", MARCH)
    assert steps(signed) == ["drafted", "signed"]
    with pytest.raises(NotADraft):
        sign(agreement=granting, at=MARCH, by=agent)


@pytest.mark.parametrize(
    ("stance", "scope", "word"),
    [
        ("deny", Scope(), "Voice in Dubbing is denied"),
        ("allow", Scope(territories=frozenset({"DE"})), "France: only Germany is allowed"),
        ("allow", Scope(territories=frozenset()), "France: none is allowed"),
        ("allow", Scope(languages=frozenset({"fr"})), "no language is named, so all of them"),
        ("allow", Scope(valid_to=JUNE), "would go on after"),
        (
            "allow",
            Scope(licensees_excluded=frozenset({"paper-moon"})),
            "this licensee is not allowed",
        ),
    ],
)
def test_grants_beyond_the_consent_are_refused_and_say_which_cell(
    granting, agent, performer, stance, scope, word
):
    consented(stance, scope=scope, performer=performer)
    with pytest.raises(GrantsExceedConsent, match=word) as refusal:
        sign(agreement=granting, at=MARCH, by=agent)
    (excess,) = refusal.value.excesses
    assert (excess.right, excess.use, excess.contributor) == ("voice", "dubbing", "Ada Example")
    granting.refresh_from_db()
    assert granting.status == "draft"
    assert steps(granting) == ["drafted"]


def test_the_consent_in_force_at_signing_counts(granting, agent, performer):
    consented(performer=performer, at=JUNE)
    with pytest.raises(GrantsExceedConsent, match="nobody allows it"):
        sign(agreement=granting, at=MARCH, by=agent)
    assert sign(agreement=granting, at=JUNE, by=agent).signed_at == JUNE


def test_a_use_that_is_asked_about_may_be_granted(granting, agent, performer):
    consented("ask", performer=performer)
    assert sign(agreement=granting, at=MARCH, by=agent).status == "signed"


def test_every_source_of_a_composite_must_have_consented(granting, agent, agency):
    persona = DigitalTwin.objects.create(
        name="Chorus",
        agency=agency,
        tier="autonomous_generative_persona",
        legal_class="synthetic",
        union_notice_on=date(2025, 1, 1),
    )
    Agreement.objects.filter(pk=granting.pk).update(twin=persona)
    with pytest.raises(GrantsExceedConsent, match="Nobody whose consent counts"):
        sign(agreement=granting, at=MARCH, by=agent)
    for name in ("Bo Example", "Cy Example"):
        source = Performer.objects.create(name=name)
        CompositeSource.objects.create(twin=persona, performer=source, weight=1)
    consented(performer=Performer.objects.get(name="Bo Example"))
    with pytest.raises(GrantsExceedConsent, match=r"\(Cy Example\)"):
        sign(agreement=granting, at=MARCH, by=agent)
    consented(performer=Performer.objects.get(name="Cy Example"))
    assert sign(agreement=granting, at=MARCH, by=agent).status == "signed"


def test_an_agreement_without_grants_is_not_signed(drafted, agent):
    with pytest.raises(GrantsNothing):
        sign(agreement=drafted, at=MARCH, by=agent)


def test_rate_lines_that_leave_the_rate_open_are_refused(granting, agent, performer):
    consented(performer=performer)
    card = RateCard.objects.create(agreement=granting, effective_from=date(2026, 1, 1))
    terms = {"card": card, "meter": "lines", "pricing": "per_unit", "charge_group": "lines"}
    RateLine.objects.create(code="fr", label="French", languages=["fr"], **terms)
    other = RateLine.objects.create(code="canada", label="Quebec", languages=["fr-CA"], **terms)
    with pytest.raises(EqualRateLines, match="fr and canada"):
        sign(agreement=granting, at=MARCH, by=agent)
    RateLine.objects.filter(pk=other.pk).update(channels=["cinema"])
    assert sign(agreement=granting, at=MARCH, by=agent).status == "signed"


def test_an_agreement_is_ended_within_its_term(granting, agent, performer):
    consented(performer=performer)
    with pytest.raises(NotSigned):
        end(agreement=granting, ends_at=JUNE, at=MARCH, by=agent, reason="Sold.")
    sign(agreement=granting, at=MARCH, by=agent)
    for outside in (JANUARY, datetime(2027, 1, 2, tzinfo=UTC)):
        with pytest.raises(EndsOutsideItsTerm):
            end(agreement=granting, ends_at=outside, at=MARCH, by=agent, reason="Sold.")
    ended = end(agreement=granting, ends_at=JUNE, at=MARCH, by=agent, reason="Sold.")
    assert (ended.status, ended.ends_at) == ("ended", JUNE)
    assert steps(ended) == ["drafted", "signed", "ended"]


def test_signing_takes_a_fixed_number_of_queries(
    granting, agent, performer, django_assert_max_num_queries
):
    cells = [Cell("voice", use, "allow") for use in ("dubbing", "adr", "game", "series")]
    record(
        matrix=matrix_of(performer=performer),
        cells=cells,
        in_force_from=JANUARY,
        recorded_at=JANUARY,
        by=None,
        evidence=Evidence("A consent for the tests."),
    )
    for use in ("adr", "game", "series"):
        Grant.objects.create(agreement=granting, right="voice", use=use)
    with django_assert_max_num_queries(52):
        sign(agreement=granting, at=MARCH, by=agent)
