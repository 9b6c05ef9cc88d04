"""One statement brings what the models, read one by one, would say."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.facts.rows import fact_rows, known_twins
from licensing.models import Agreement, Cap, CapYear, Hold, Production
from talent.consent.consents import Evidence, matrix_of, record, versions_of
from talent.consent.matrix import Cell
from talent.consent.scope import LanguagesIn, Limit, Scope
from talent.models import (
    Agency,
    Build,
    CompositeSource,
    DigitalTwin,
    Performer,
    Provider,
    Representation,
    User,
)
from tests.factories import make_licensee

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
EVERYTHING = Scope(
    territories=frozenset({"FR", "DE"}),
    languages=frozenset({"fr"}),
    licensees_allowed=frozenset({"lantern"}),
    licensees_excluded=frozenset({"harbor"}),
    valid_from=JANUARY,
    valid_to=JUNE,
    notice_hours=72,
    exclusions=frozenset({"nudity", "tobacco"}),
    real_time=False,
    withdrawal_notice_hours=24,
    territories_excluded=frozenset({"US-TX"}),
    languages_in=(LanguagesIn("CA", frozenset({"fr", "en"})),),
    channels_allowed=frozenset({"cinema"}),
    channels_excluded=frozenset({"social"}),
    productions_allowed=frozenset({"P5"}),
    productions_excluded=frozenset({"P6"}),
    brands_allowed=frozenset({"fizz"}),
    brands_excluded=frozenset({"category:tobacco"}),
    limits=(Limit("lines", Decimal(10), per_licensee=True), Limit("seconds", Decimal("12.5"))),
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(twin, agreement):
    return SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=MARCH, agreement=agreement.reference,
        territory="FR", channel="cinema", units=(("lines", Decimal(3)),),
    )  # fmt: skip


def test_every_field_of_a_scope_is_tried():
    """A new field would else be read by the models and forgotten in the statement."""
    for field in fields(Scope):
        assert getattr(EVERYTHING, field.name) != field.default


def test_versions_are_those_of_the_consents(asked, terms, agency, performer, twin):
    by = User.objects.create_user("ada@desk.example", first_name="Ada", last_name="Sample")
    owners = (
        {"guild": "equity_uk"}, {"agency": agency}, {"performer": performer}, {"twin": twin},
    )  # fmt: skip
    cells = [
        Cell("voice", "dubbing", "ask", EVERYTHING, overrules_agency=True),
        Cell("voice", "adr", "deny"),
    ]
    for owner in owners:
        for recorded_at, said in ((JANUARY, cells), (MARCH, cells[1:]), (JUNE, cells)):
            record(
                matrix=matrix_of(**owner), cells=said, in_force_from=JANUARY,
                recorded_at=recorded_at, by=by, evidence=Evidence("A consent for the tests."),
            )  # fmt: skip
    known = versions_of(
        guilds={"equity_uk"}, agencies={agency.pk}, performers={performer.pk}, twins={twin.pk},
        cells={("voice", "dubbing")}, known_at=MARCH,
    )  # fmt: skip
    assert len(known) == 4
    assert fact_rows([asked], terms, MARCH).versions == known
    assert {one.recorded_by for several in known.values() for one in several} == {"Ada Sample"}


@pytest.mark.parametrize(("first", "last"), [("", ""), ("Ada", ""), ("", "Sample")])
def test_who_recorded_is_named_as_a_person_and_never_by_their_login(
    asked, terms, performer, first, last
):
    by = User.objects.create_user("ada@desk.example", first_name=first, last_name=last)
    record(
        matrix=matrix_of(performer=performer), cells=[Cell("voice", "dubbing", "ask")],
        in_force_from=JANUARY, recorded_at=JANUARY, by=by, evidence=Evidence("A consent."),
    )  # fmt: skip
    cells = {("voice", "dubbing")}
    known = versions_of(performers={performer.pk}, cells=cells, known_at=MARCH)

    assert fact_rows([asked], terms, MARCH).versions == known
    assert {one.recorded_by for several in known.values() for one in several} == {first + last}


@pytest.mark.parametrize("name", ["T{}", "Ada's voice", "HAND-1"])
def test_a_twin_goes_by_its_number_its_name_and_its_hand_id(asked, terms, twin, name):
    DigitalTwin.objects.update(hand_id="HAND-1")
    asked = replace(asked, twin=name.format(twin.pk))
    (named,) = fact_rows([asked], terms, MARCH).named_in([asked])
    assert named.twin == twin


@pytest.mark.parametrize("name", ["P{}", "The Lamp", "10.5240/AAAA-0000", "0000-0001-2345-0000-A"])
def test_a_production_of_the_licensee_goes_by_its_number_its_title_and_its_codes(
    asked, terms, licensee, name
):
    other = make_licensee("harbor")
    codes = {"eidr": "10.5240/AAAA-0000", "isan": "0000-0001-2345-0000-A"}
    foreign = Production.objects.create(licensee=other, title="The Mast", kind="feature")
    own = Production.objects.create(licensee=licensee, title="The Lamp", kind="feature", **codes)
    asked = replace(asked, production=name.format(own.pk))
    theirs = replace(asked, production="The Mast"), replace(asked, production=f"P{foreign.pk}")
    named = fact_rows([asked, *theirs], terms, MARCH).named_in([asked, *theirs])
    assert [one.production for one in named] == [own, None, None]


def test_a_build_goes_by_its_twins_version(asked, terms, twin):
    provider = Provider.objects.create(name="Example Compute")
    build = Build.objects.create(twin=twin, provider=provider, version="2.1", built_on=MARCH.date())
    asked = replace(asked, build="2.1"), replace(asked, build="3")
    assert [one.build for one in fact_rows(asked, terms, MARCH).named_in(asked)] == [build, None]


def test_a_year_holds_what_has_not_lapsed(asked, terms, agreement, consent, performer):
    consent(performer=performer)
    Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on=date(2026, 1, 1))
    ask(replace(asked, reserve=True, reserve_minutes=60), terms=terms, asked_at=MARCH)
    for minutes, held in ((59, 3), (60, 0)):
        at = MARCH + timedelta(minutes=minutes)
        (cap,) = fact_rows([asked], terms, at).caps
        (year,) = cap.years.all()
        assert (year.still_reserved, year.used, year.starts_on) == (held, 0, date(2026, 1, 1))
        assert CapYear.objects.with_still_reserved(at).get().still_reserved == held


def test_no_guild_is_no_guild_to_hold(asked, terms, performer, agreement):
    Performer.objects.update(guild="none")
    assert agreement.guild == "none"
    Hold.objects.create(kind="strike", guild="none", starts_at=JANUARY, reason="A strike.")
    held = Hold.objects.create(
        kind="legal", agreement=agreement, starts_at=JANUARY, reason="An injunction."
    )
    assert fact_rows([asked], terms, MARCH).holds == [held]


def test_the_statement_and_the_models_know_the_same_twins(asked, terms, twin, agency, licensee):
    """An agency's personas, its performers' twins, composites of them, and what it licensed."""
    synthetic = {
        "tier": "autonomous_generative_persona",
        "legal_class": "synthetic",
        "union_notice_on": MARCH.date(),
    }
    replica = {"tier": "dynamic_behavioral_emulator", "legal_class": "independently_created"}
    elsewhere = Agency.objects.create(name="Elsewhere", slug="elsewhere", country="US")
    stranger = Performer.objects.create(name="Somebody Else")
    persona = DigitalTwin.objects.create(name="Our persona", agency=agency, **synthetic)
    composite = DigitalTwin.objects.create(name="A composite", agency=elsewhere, **synthetic)
    CompositeSource.objects.create(twin=composite, performer=twin.performer, weight=1)
    licensed = DigitalTwin.objects.create(name="Licensed here", performer=stranger, **replica)
    Agreement.objects.create(
        agency=agency, licensee=licensee, twin=licensed, reference="PM-9", starts_at=JANUARY,
        currency="USD",
    )  # fmt: skip
    DigitalTwin.objects.create(name="Unknown here", performer=stranger, **replica)
    representation = Representation.objects.filter(performer=twin.performer, agency=agency)
    if not representation.exists():
        Representation.objects.create(
            performer=twin.performer, agency=agency, starts_on=MARCH.date(), commission_percent=10
        )
    named = [replace(asked, twin=row.name) for row in DigitalTwin.objects.all()]
    found = {row.pk for row in fact_rows(named, terms, MARCH).twins}
    assert found == set(known_twins(terms).values_list("pk", flat=True))
    assert found == {twin.pk, persona.pk, composite.pk, licensed.pk}


def test_an_agreement_brings_its_twin_though_none_is_named(asked, terms, twin):
    rows = fact_rows([replace(asked, twin="")], terms, MARCH)
    assert (rows.twins, rows.agreements[0].twin) == ([twin], twin)
