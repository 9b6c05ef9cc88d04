"""Facts from the database: complete, of this agency only, in a fixed number of queries."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from licensing.decision.decision import decide
from licensing.decision.request import Request
from licensing.facts.facts import facts_for
from licensing.models import (
    Agreement,
    Cap,
    CapYear,
    Grant,
    Hold,
    Production,
    UsageBatch,
    UsageEvent,
)
from licensing.wire.names import Prefix, name_of
from licensing.words import Outcome
from talent.consent.scope import Limit, Scope
from talent.models import (
    Beneficiary,
    Build,
    CompositeSource,
    DigitalTwin,
    Performer,
    Provider,
)
from tests.factories import make_agency, make_persona, make_terms

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def request_(twin, agreement, licensee):
    return Request(
        twin=name_of(Prefix.TWIN, twin.pk),
        right="voice",
        use="dubbing",
        licensee=licensee.slug,
        at=MARCH,
        agreement=name_of(Prefix.AGREEMENT, agreement.pk),
        territory="FR",
        language="fr",
        channel="cinema",
        units=(("lines", Decimal(1)),),
    )


@pytest.fixture
def facts(terms):
    def load(request, known_at=JUNE):
        return facts_for([request], terms=terms, known_at=known_at)[0]

    return load


@pytest.fixture
def outcome(facts):
    def decided(request, known_at=JUNE):
        return decide(request, facts(request, known_at), known_at).outcome

    return decided


def test_a_consented_and_granted_use_is_cleared(request_, outcome, consent, performer):
    consent(performer=performer)
    assert outcome(request_) is Outcome.CLEARED


def test_every_layer_is_loaded(request_, facts, consent, performer, agency, twin):
    consent(guild="equity_uk")
    consent(agency=agency)
    consent(performer=performer)
    consent(twin=twin)
    consent("deny", guild="sag_aftra")
    consent("deny", performer=Performer.objects.create(name="Somebody Else"))
    (contributor,) = facts(request_).contributors
    kinds = [version.owner_kind for version in contributor.versions]
    assert sorted(kinds) == ["agency", "guild", "performer", "twin"]


@pytest.mark.parametrize("layer", ["guild", "agency", "performer", "twin"])
def test_a_denial_in_any_layer_refuses(request_, outcome, consent, performer, agency, twin, layer):
    consent(performer=performer)
    owners = {"guild": "equity_uk", "agency": agency, "performer": performer, "twin": twin}
    consent("deny", at=MARCH, **{layer: owners[layer]})
    assert outcome(request_) is Outcome.REFUSED


def test_the_guild_of_the_agreement_counts_beside_the_performers(
    request_, outcome, consent, performer, agreement
):
    consent(performer=performer)
    consent("deny", guild="sag_aftra")
    assert outcome(request_) is Outcome.CLEARED
    Agreement.objects.filter(pk=agreement.pk).update(guild="sag_aftra")
    assert outcome(request_) is Outcome.REFUSED


def test_what_was_recorded_later_was_not_known_then(request_, outcome, consent, performer):
    consent(performer=performer, recorded_at=JUNE)
    assert outcome(request_, known_at=MARCH) is Outcome.REFUSED
    assert outcome(request_, known_at=JUNE) is Outcome.CLEARED


def test_every_source_of_a_composite_must_consent(request_, outcome, consent, agency, agreement):
    persona = DigitalTwin.objects.create(
        name="Chorus",
        agency=agency,
        tier="autonomous_generative_persona",
        legal_class="synthetic",
        union_notice_on=date(2025, 1, 1),
    )
    Agreement.objects.filter(pk=agreement.pk).update(twin=persona)
    request_ = replace(request_, twin=name_of(Prefix.TWIN, persona.pk))
    assert outcome(request_) is Outcome.REFUSED
    sources = [Performer.objects.create(name=name) for name in ("Bo Example", "Cy Example")]
    for source in sources:
        CompositeSource.objects.create(twin=persona, performer=source, weight=1)
    consent(performer=sources[0])
    assert outcome(request_) is Outcome.REFUSED
    consent(performer=sources[1])
    assert outcome(request_) is Outcome.CLEARED


def test_a_source_whose_share_was_dated_anew_is_one_contributor(request_, facts, agency, agreement):
    persona = make_persona(agency, name="Chorus")
    Agreement.objects.filter(pk=agreement.pk).update(twin=persona)
    bo = Performer.objects.create(name="Bo Example")
    change = date(2026, 4, 1)
    CompositeSource.objects.create(twin=persona, performer=bo, weight=1, ends_on=change)
    CompositeSource.objects.create(twin=persona, performer=bo, weight=2, starts_on=change)

    about = facts(replace(request_, twin=name_of(Prefix.TWIN, persona.pk)))

    assert [contributor.name for contributor in about.contributors] == ["Bo Example"]


def test_a_persona_without_sources_is_its_owners_to_allow(
    request_, outcome, consent, agency, agreement
):
    persona = DigitalTwin.objects.create(
        name="Chorus",
        agency=agency,
        owner=Beneficiary.objects.create(name="Northlight Personas", agency=agency),
        tier="autonomous_generative_persona",
        legal_class="synthetic",
        union_notice_on=date(2025, 1, 1),
    )
    Agreement.objects.filter(pk=agreement.pk).update(twin=persona)
    request_ = replace(request_, twin=name_of(Prefix.TWIN, persona.pk))
    assert outcome(request_) is Outcome.REFUSED
    consent(twin=persona)
    assert outcome(request_) is Outcome.CLEARED


def test_a_strangers_twin_and_agreement_are_unknown(request_, licensee, consent, performer):
    consent(performer=performer)
    stranger = make_agency("elsewhere")
    terms = make_terms(stranger, licensee)
    (facts,) = facts_for([request_], terms=terms, known_at=JUNE)
    assert (facts.twin, facts.agreement, facts.contributors) == (None, None, ())


def test_names_the_desk_does_not_have_are_unknown(request_, facts):
    odd = replace(request_, twin="T999999", agreement="NA-1", build="1")
    assert (facts(odd).twin, facts(odd).agreement, facts(odd).build) == (None, None, None)


def test_productions_of_an_agreement_bound_it(request_, outcome, consent, performer, agreement):
    consent(performer=performer)
    production = Production.objects.create(
        licensee=agreement.licensee, title="The Lamp", kind="feature"
    )
    agreement.productions.add(production)
    assert outcome(request_) is Outcome.REFUSED
    assert (
        outcome(replace(request_, production=name_of(Prefix.PRODUCTION, production.pk)))
        is Outcome.CLEARED
    )


def test_a_named_build_must_be_the_twins_and_in_service(
    request_, outcome, consent, performer, twin
):
    consent(performer=performer)
    provider = Provider.objects.create(name="Example Compute")
    build = Build.objects.create(
        twin=twin, provider=provider, version="1", built_on=date(2026, 1, 1)
    )
    named = replace(request_, build=name_of(Prefix.BUILD, build.pk))
    assert outcome(named) is Outcome.CLEARED
    Build.objects.update(retired_on=date(2026, 2, 1))
    assert outcome(named) is Outcome.REFUSED


@pytest.mark.parametrize("subject", ["agreement", "twin", "performer"])
def test_a_full_cap_refuses_in_its_own_fiscal_year(
    request_, outcome, consent, performer, twin, agreement, subject
):
    consent(performer=performer)
    on = {"agreement": agreement, "twin": twin, "performer": performer}[subject]
    # An agreement's cap counts its agreement's fiscal year, whatever stands beside it.
    agreement.fiscal_year_start_month = 3 if subject == "agreement" else 5
    agreement.save()
    month = 7 if subject == "agreement" else 3
    cap = Cap.objects.create(
        meter="lines", limit=5, starts_on=date(2025, 1, 1), year_start_month=month, **{subject: on}
    )
    CapYear.objects.create(cap=cap, starts_on=date(2026, 3, 1), used=5)
    assert outcome(request_) is Outcome.REFUSED
    earlier = replace(request_, at=datetime(2026, 2, 28, 23, tzinfo=UTC))
    assert outcome(earlier) is Outcome.CLEARED
    Agreement.objects.filter(pk=agreement.pk).update(time_zone="Asia/Tokyo")
    assert outcome(earlier) is Outcome.REFUSED


def test_a_cap_counts_only_between_its_days(request_, outcome, consent, performer, agreement):
    consent(performer=performer)
    Cap.objects.create(agreement=agreement, meter="words", limit=5, starts_on=date(2026, 3, 2))
    Cap.objects.create(
        agreement=agreement,
        meter="words",
        limit=5,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 3, 1),
    )
    assert outcome(request_) is Outcome.CLEARED


@pytest.mark.parametrize("subject", ["guild", "agreement", "twin", "performer"])
def test_a_hold_refuses_while_it_lasts(
    request_, outcome, consent, performer, twin, agreement, subject
):
    consent(performer=performer)
    on = {"guild": "equity_uk", "agreement": agreement, "twin": twin, "performer": performer}
    Hold.objects.create(
        kind="strike", starts_at=MARCH, ends_at=JUNE, reason="A strike.", **{subject: on[subject]}
    )
    assert outcome(request_) is Outcome.REFUSED
    assert outcome(replace(request_, at=JUNE)) is Outcome.CLEARED


def test_scope_of_the_consent_is_loaded(request_, outcome, consent, performer):
    consent(performer=performer, scope=Scope(territories=frozenset({"DE"})))
    assert outcome(request_) is Outcome.REFUSED
    assert outcome(replace(request_, territory="DE")) is Outcome.CLEARED


def test_hours_that_a_consent_allows_are_counted_over_all_twins_of_the_performer(
    request_, outcome, consent, performer, twin, agreement, terms
):
    consent(performer=performer, scope=Scope(limits=(Limit("seconds", Decimal(3600)),)))
    request_ = replace(request_, units=(("seconds", Decimal(600)),))
    other = DigitalTwin.objects.create(
        name="Ada's other voice",
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )
    nobody = DigitalTwin.objects.create(
        name="Bo's voice",
        performer=Performer.objects.create(name="Bo Example"),
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )
    batch = UsageBatch.objects.create(terms=terms, door="api", received_at=MARCH, size=4)
    used(batch, twin, 1500)
    used(batch, nobody, 9000)
    used(batch, twin, 9000, use="adr")
    assert outcome(request_) is Outcome.CLEARED
    used(batch, other, 1501)
    assert outcome(request_) is Outcome.REFUSED
    assert outcome(request_, known_at=MARCH) is Outcome.CLEARED


def used(batch, twin, seconds, use="dubbing"):
    UsageEvent.objects.create(
        batch=batch,
        seat=0,
        agency=batch.terms.agency,
        licensee=batch.terms.licensee,
        twin=twin,
        occurred_at=MARCH,
        right="voice",
        use=use,
        territory="FR",
        channel="cinema",
        standing="cleared",
        seconds=seconds,
        entry=b"",
    )


def test_a_batch_takes_as_many_queries_as_one(
    request_, terms, consent, performer, twin, agreement, django_assert_num_queries, licensee
):
    consent(performer=performer)
    Cap.objects.create(agreement=agreement, meter="lines", limit=5, starts_on=date(2026, 1, 1))
    batch = [request_]
    for number in range(10):
        other = DigitalTwin.objects.create(
            name=f"Twin {number}",
            performer=performer,
            tier="dynamic_behavioral_emulator",
            legal_class="independently_created",
        )
        agreed = Agreement.objects.create(
            agency=agreement.agency,
            licensee=licensee,
            twin=other,
            reference=f"NE-9{number}",
            starts_at=MARCH,
            currency="USD",
        )
        Grant.objects.create(agreement=agreed, right="voice", use="adr")
        consent(twin=other, use="adr")
        batch.append(
            replace(
                request_,
                twin=name_of(Prefix.TWIN, other.pk),
                agreement=name_of(Prefix.AGREEMENT, agreed.pk),
                use="adr",
            )
        )
    with django_assert_num_queries(QUERIES):
        facts_for([request_], terms=terms, known_at=JUNE)
    with django_assert_num_queries(QUERIES):
        found = facts_for(batch * 3, terms=terms, known_at=JUNE)
    assert found[0] is found[11]
    assert [f.twin.name for f in found[:3]] == ["Ada's voice", "Twin 0", "Twin 1"]


QUERIES = 1  # All of it in one round trip.
