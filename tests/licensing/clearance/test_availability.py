"""Avails: the answer holds on the whole range, and says what blocks it and when that ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.clearance.availability import NoSuchRange, PlannedUse, avails
from licensing.models import (
    Agreement,
    Cap,
    CapYear,
    Grant,
    Hold,
    Production,
)
from licensing.words import Availability, Dimension
from talent.consent.scope import Scope
from talent.models import DigitalTwin
from tests.factories import make_agency, make_licensee, make_member, make_studio, make_terms

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
WANTED = PlannedUse("voice", "dubbing", MARCH, JUNE, territory="FR", channel="cinema")

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(twin, terms):
    def ask(wanted=WANTED, at=MARCH):
        return avails([twin], wanted, terms=terms, at=at)[0]

    return ask


def told(avail):
    return [(one.answer.value, one.dimension.value, one.starts_at, one.ends_at)
            for one in avail.pieces]  # fmt: skip


def test_what_is_allowed_and_granted_is_available_throughout(asked, agreement, consent, performer):
    consent(performer=performer)
    found = asked()
    assert told(found) == [("available", "matrix", MARCH, JUNE)]
    assert (found.changes_at, found.worst.agreement) == (None, "NA-1")


def test_what_is_asked_about_needs_an_approval(asked, agreement, consent, performer):
    consent("ask", performer=performer)
    assert asked().worst.answer is Availability.NEEDS_APPROVAL


@pytest.mark.parametrize(
    ("change", "dimension"),
    [
        (lambda of: of["consent"]("deny", performer=of["performer"], at=APRIL), "matrix"),
        (lambda of: of["consent"](performer=of["performer"], scope=Scope(valid_to=APRIL)), "scope"),
        (lambda of: Agreement.objects.update(ends_at=APRIL), "agreement"),
        (
            lambda of: Hold.objects.create(
                kind="strike", twin=of["twin"], starts_at=APRIL, reason="A strike."
            ),
            "hold",
        ),
        (lambda of: full(Cap, of, starts_on=date(2026, 4, 1)), "cap"),
    ],
    ids=["a version to come", "a scope ends", "the term ends", "a hold to come", "a cap begins"],
)
def test_an_answer_that_changes_within_the_range_is_cut_there(
    asked, agreement, consent, performer, twin, change, dimension
):
    consent(performer=performer)
    change({"consent": lambda *a, **k: consent(*a, recorded_at=JANUARY, **k),
            "performer": performer, "twin": twin, "agreement": agreement})  # fmt: skip
    found = asked()
    assert [(piece[0], piece[2]) for piece in told(found)] == [
        ("available", MARCH), ("blocked", APRIL),
    ]  # fmt: skip
    assert found.worst.dimension == Dimension(dimension)
    assert found.changes_at == APRIL


def full(model, of, **given):
    cap = model.objects.create(twin=of["twin"], meter="lines", limit=5, **given)
    CapYear.objects.create(cap=cap, starts_on=date(2026, 1, 1), used=5)


def test_what_begins_within_the_range_is_told_with_its_date(asked, agreement, consent, performer):
    consent(performer=performer, scope=Scope(valid_from=APRIL))
    found = asked()
    assert [piece[0] for piece in told(found)] == ["blocked", "available"]
    assert (found.worst.answer, found.changes_at) == (Availability.BLOCKED, APRIL)
    assert found.worst.nearest_change == "Wait until 2026-04-01."


def test_a_full_cap_blocks_until_its_next_fiscal_year(asked, agreement, consent, performer):
    consent(performer=performer)
    Agreement.objects.update(fiscal_year_start_month=4)
    cap = Cap.objects.create(
        agreement=agreement, meter="lines", limit=5, starts_on=date(2026, 1, 1)
    )
    CapYear.objects.create(cap=cap, starts_on=date(2025, 4, 1), used=5)
    assert [piece[0] for piece in told(asked())] == ["blocked", "available"]
    assert asked().changes_at == APRIL


def test_a_notice_blocks_as_long_as_it_would_be_too_short(asked, consent, performer, agreement):
    consent(performer=performer, scope=Scope(notice_hours=48))
    Agreement.objects.update(signed_at=MARCH)
    found = asked()
    assert found.changes_at == MARCH + timedelta(hours=48)
    assert [piece[0] for piece in told(found)] == ["blocked", "available"]


def test_of_several_agreements_the_one_that_allows_most_counts(
    asked, agreement, consent, performer, agency, licensee, twin
):
    consent(performer=performer)
    Grant.objects.update(territories=["DE"])
    other = Agreement.objects.create(
        agency=agency, licensee=licensee, twin=twin, reference="NA-2", status="signed",
        signed_at=JANUARY, starts_at=JANUARY, ends_at=NEXT_YEAR, currency="USD",
    )  # fmt: skip
    Grant.objects.create(agreement=other, right="voice", use="dubbing")
    found = asked()
    assert (found.worst.answer, found.worst.agreement) == (Availability.AVAILABLE, "NA-2")


def test_without_an_agreement_that_is_what_is_missing(asked, consent, performer):
    consent(performer=performer)
    found = asked()
    assert found.worst.dimension is Dimension.AGREEMENT
    assert found.worst.nearest_change == "Make an agreement about it."


def test_consents_recorded_for_later_are_known_and_those_recorded_later_are_not(
    asked, agreement, consent, performer
):
    consent(performer=performer, recorded_at=APRIL)
    assert asked(at=MARCH).worst.answer is Availability.BLOCKED
    assert asked(at=APRIL).worst.answer is Availability.AVAILABLE


@pytest.mark.parametrize("ends_at", [MARCH, JANUARY, MARCH + timedelta(days=4000)])
def test_a_range_that_is_none_is_refused(asked, ends_at):
    with pytest.raises(NoSuchRange):
        asked(replace(WANTED, ends_at=ends_at))


def test_many_twins_take_as_many_queries_as_one(
    terms, twin, agreement, consent, performer, licensee, django_assert_num_queries
):
    consent(performer=performer)
    others = []
    for number in range(5):
        other = DigitalTwin.objects.create(
            name=f"Twin {number}", performer=performer, tier="dynamic_behavioral_emulator",
            legal_class="independently_created",
        )  # fmt: skip
        made = Agreement.objects.create(
            agency=agreement.agency, licensee=licensee, twin=other, reference=f"NA-1{number}",
            status="signed", signed_at=JANUARY, starts_at=JANUARY, currency="USD",
        )  # fmt: skip
        Grant.objects.create(agreement=made, right="voice", use="dubbing")
        others.append(other)
    for batch in ([twin], [twin, *others]):
        with django_assert_num_queries(QUERIES):
            found = avails(batch, WANTED, terms=terms, at=MARCH)
        assert {one.worst.answer for one in found} == {Availability.AVAILABLE}


QUERIES = 2  # Signed agreements, and all that facts need.


class TestApi:
    @pytest.fixture
    def studio(self, terms):
        return make_studio(terms, at=timezone.now())

    def ask(self, client, **query):
        given = {
            "right": "voice", "use": "dubbing", "territory": "FR", "channel": "cinema",
            "from": "2026-03-01T00:00:00Z", "until": "2026-06-01T00:00:00Z",
        }  # fmt: skip
        return client.get("/api/v1/avails", {**given, **query})

    def test_a_studio_learns_which_of_its_twins_are_free(
        self, studio, twin, agreement, consent, performer
    ):
        consent(performer=performer)
        body = self.ask(studio).json()
        (found,) = body["twins"]
        assert (found["twin"], found["answer"]) == (f"T{twin.pk}", "available")
        assert [piece["agreement"] for piece in found["pieces"]] == ["NA-1"]
        assert body["next"] is None

    def test_it_names_twins_in_order_and_unknown_ones_are_blocked(
        self, studio, twin, agreement, consent, performer
    ):
        consent("deny", performer=performer)
        found = self.ask(studio, twin=["Nobody's", f"T{twin.pk}"]).json()["twins"]
        assert [(one["answer"], one["dimension"]) for one in found] == [
            ("blocked", "twin"), ("blocked", "matrix"),
        ]  # fmt: skip
        assert performer.name not in str([one["reason"] for one in found])

    def test_a_production_bounds_it(self, studio, twin, agreement, consent, performer, licensee):
        consent(performer=performer)
        lamp = Production.objects.create(licensee=licensee, title="The Lamp", kind="feature")
        agreement.productions.add(lamp)
        answers = [
            self.ask(studio, production=name).json()["twins"][0]["answer"]
            for name in ("The Lamp", "Nobody's")
        ]
        assert answers == ["available", "blocked"]

    def test_what_is_malformed_is_a_problem_with_pointers(self, studio):
        answer = self.ask(studio, use="karaoke", until="soon")
        assert answer.status_code == 400
        assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/use", "/until"}

    def test_a_range_that_ends_first_says_so(self, studio, agreement):
        answer = self.ask(studio, until="2026-02-01T00:00:00Z")
        assert (answer.status_code, answer.json()["code"]) == (422, "no_such_range")

    def test_pages_follow_each_other(self, studio, agreement, twin, monkeypatch, consent):
        monkeypatch.setattr("licensing.api.availability.MOST_TWINS", 0)
        monkeypatch.setattr("licensing.api.availability.MOST_TWINS", 1)
        other = DigitalTwin.objects.create(
            name="Ada's other voice", performer=twin.performer,
            tier="dynamic_behavioral_emulator", legal_class="independently_created",
        )  # fmt: skip
        Agreement.objects.create(
            agency=agreement.agency, licensee=agreement.licensee, twin=other, reference="NA-2",
            starts_at=JANUARY, currency="USD",
        )  # fmt: skip
        first = self.ask(studio).json()
        second = self.ask(studio, after=first["next"]).json()
        assert [one["twin"] for one in (*first["twins"], *second["twins"])] == [
            f"T{twin.pk}", f"T{other.pk}",
        ]  # fmt: skip
        assert second["next"] is None

    def test_another_agencys_twins_are_unknown(self, agreement, twin, licensee, consent, performer):
        consent(performer=performer)
        elsewhere = make_agency("elsewhere")
        terms = make_terms(elsewhere, licensee)
        studio = make_studio(terms, at=timezone.now())
        assert self.ask(studio).json()["twins"] == []
        (found,) = self.ask(studio, twin=f"T{twin.pk}").json()["twins"]
        assert (found["name"], found["dimension"]) == ("", "twin")

    def test_only_a_key_may_ask(self, client, db):
        assert self.ask(client).status_code == 401


class TestForStaff:
    @pytest.fixture
    def agent(self, client, agency):
        user = make_member(agency, "agent")
        client.force_login(user)
        return user

    def ask(self, client, terms, **query):
        given = {
            "terms": terms.pk, "right": "voice", "use": "dubbing", "territory": "FR",
            "channel": "cinema", "starts_on": "2026-03-01", "ends_on": "2026-06-01",
        }  # fmt: skip
        return client.get(reverse("admin:availability"), {**given, **query})

    def test_staff_see_the_same_with_who_decides(
        self, client, agent, terms, agreement, consent, performer
    ):
        consent("deny", performer=performer)
        text = self.ask(client, terms).content.decode()
        assert "Ada&#x27;s voice" in text
        assert "Voice in Dubbing is denied for Ada Example" in text

    def test_an_unknown_code_is_explained(self, client, agent, terms, agreement):
        text = self.ask(client, terms, territory="XX").content.decode()
        assert "ISO 3166 has no such code" in text

    def test_another_agencys_terms_are_no_choice(self, client, agent, terms, licensee):
        elsewhere = make_agency("elsewhere")
        harbor = make_licensee("harbor")
        theirs = make_terms(elsewhere, harbor)
        answer = self.ask(client, theirs)
        assert answer.context["found"] is None
        assert "Harbor" not in answer.content.decode()

    def test_it_opens_empty_and_says_what_to_do(self, client, agent):
        text = client.get(reverse("admin:availability")).content.decode()
        assert "Say what a studio plans" in text
