"""What is signed lies within the consent in force: cell by cell, in every layer, for everybody."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from licensing.agreements.agreements import GrantsExceedConsent, refuse_unsignable
from licensing.models import Agreement, Grant
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import CompositeSource, DigitalTwin, Membership, Performer, User
from tests.factories import sign_on_paper as sign

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def drafted(agency, licensee, twin):
    return Agreement.objects.create(
        agency=agency, licensee=licensee, twin=twin, reference="NE-1", currency="USD",
        starts_at=MARCH, ends_at=NEXT_YEAR, guild="sag_aftra",
    )  # fmt: skip


@pytest.fixture
def grant(drafted):
    def make(**terms):
        return Grant.objects.create(
            agreement=drafted,
            **{"right": "voice", "use": "dubbing", "territories": ["FR"], "languages": ["fr"],
               **terms},
        )  # fmt: skip

    return make


def consented(stance="allow", scope=None, **owner):
    return record(
        matrix=matrix_of(**owner), cells=[Cell("voice", "dubbing", stance, scope or Scope())],
        in_force_from=JANUARY, recorded_at=JANUARY, by=None, evidence=Evidence("A voice."),
    )  # fmt: skip


def reasons(agreement):
    with pytest.raises(GrantsExceedConsent) as refusal:
        sign(agreement=agreement, at=MARCH, by=None)
    agreement.refresh_from_db()
    assert agreement.status == "draft"
    return [str(one) for one in refusal.value.excesses]


def signed(agreement):
    return sign(agreement=agreement, at=MARCH, by=None).status == "signed"


def some(*codes):
    return frozenset(codes)


WITHIN_AND_BEYOND = [
    # the consent, a grant that is within it, one that is beyond it, and what is said
    (Scope(territories=some("FR")), {"territories": ["FR"]}, {"territories": ["FR", "DE"]},
     "Germany: only France is allowed"),
    (Scope(territories=some("US")), {"territories": ["US-CA"]}, {"territories": None},
     "no territory is named, so all of them, and only United States is allowed"),
    (Scope(languages=some("fr")), {"languages": ["fr-CA"]}, {"languages": ["de"]},
     "German: only French is allowed"),
    (Scope(languages=some("fr-CA")), {"languages": ["fr-CA"]}, {"languages": ["fr"]},
     "French: only French (Canada) is allowed"),
    (Scope(real_time=True), {"real_time": True}, None, ""),
    (Scope(real_time=False), {}, {"real_time": True}, "real-time generation is not allowed"),
    (Scope(), {}, {"real_time": True}, "real-time generation is not allowed"),
    (Scope(territories=some()), None, {}, "none is allowed"),
    (Scope(languages=some()), None, {}, "none is allowed"),
    (Scope(licensees_allowed=some()), None, {}, "this licensee is not allowed"),
    (Scope(licensees_allowed=some("paper-moon")), {}, None, ""),
    (Scope(licensees_allowed=some("harbor")), None, {}, "this licensee is not allowed"),
    (Scope(licensees_excluded=some("paper-moon")), None, {}, "this licensee is not allowed"),
    (Scope(valid_from=MARCH, valid_to=NEXT_YEAR), {}, None, ""),
    (Scope(valid_from=JUNE), None, {}, "it would start before 2026-06-01"),
    (Scope(valid_to=JUNE), None, {}, "it would go on after 2026-06-01"),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "within", "beyond", "said"), WITHIN_AND_BEYOND)
def test_a_grant_is_signed_within_its_scope_and_not_beyond(
    drafted, grant, performer, scope, within, beyond, said
):
    consented(scope=scope, performer=performer)
    if beyond is not None:
        row = grant(**beyond)
        (reason,) = reasons(drafted)
        assert said in reason
        assert "Voice in Dubbing" in reason
        row.delete()
    if within is not None:
        grant(**within)
        assert signed(drafted)


def test_a_term_without_an_end_goes_on_after_any(drafted, grant, performer):
    consented(scope=Scope(valid_to=NEXT_YEAR), performer=performer)
    grant()
    Agreement.objects.update(ends_at=None)
    drafted.refresh_from_db()
    assert "it would go on after 2027-01-01" in reasons(drafted)[0]


@pytest.mark.parametrize("layer", ["guild of the performer", "guild of the agreement", "agency",
                                   "twin"])  # fmt: skip
@pytest.mark.parametrize(
    ("stance", "scope"), [("deny", Scope()), ("allow", Scope(territories=some("DE")))]
)
def test_every_layer_bounds_a_grant(drafted, grant, performer, agency, twin, layer, stance, scope):
    Performer.objects.update(guild="equity_uk")
    consented(performer=performer)
    owner = {
        "guild of the performer": {"guild": "equity_uk"},
        "guild of the agreement": {"guild": "sag_aftra"},
        "agency": {"agency": agency},
        "twin": {"twin": twin},
    }[layer]
    consented(stance, scope, **owner)
    grant()
    (reason,) = reasons(drafted)
    assert "Voice in Dubbing" in reason
    if stance == "deny":
        assert "is denied by" in reason


def test_a_performer_overrules_the_agency_but_not_the_guild(drafted, grant, performer, agency):
    consented("deny", agency=agency)
    record(
        matrix=matrix_of(performer=performer),
        cells=[Cell("voice", "dubbing", "allow", overrules_agency=True)],
        in_force_from=JANUARY, recorded_at=JANUARY, by=None, evidence=Evidence("A voice."),
    )  # fmt: skip
    grant()
    refuse_unsignable(drafted, at=MARCH)
    consented("deny", guild="sag_aftra")
    assert "SAG-AFTRA" in reasons(drafted)[0]


def test_every_source_of_a_composite_bounds_a_grant(drafted, grant, agency):
    persona = DigitalTwin.objects.create(
        name="Chorus", agency=agency, tier="autonomous_generative_persona",
        legal_class="synthetic", union_notice_on=date(2025, 1, 1),
    )  # fmt: skip
    Agreement.objects.update(twin=persona)
    drafted.refresh_from_db()
    grant()
    for name, scope in (("Bo Example", Scope()), ("Cy Example", Scope(territories=some("DE")))):
        source = Performer.objects.create(name=name)
        CompositeSource.objects.create(twin=persona, performer=source, weight=1)
        consented(scope=scope, performer=source)
    (reason,) = reasons(drafted)
    assert reason.endswith("(Cy Example)")


def test_each_cell_that_is_too_much_is_named(drafted, grant, performer):
    consented(performer=performer)
    grant()
    grant(use="game")
    grant(right="face")
    assert [reason.partition(" is denied")[0] for reason in reasons(drafted)] == [
        "Voice in Game", "Face in Dubbing",
    ]  # fmt: skip


class TestInTheAdmin:
    @pytest.fixture
    def staff(self, client, agency):
        user = User.objects.create_user("brief@desk.example", "x", is_staff=True)
        Membership.objects.create(
            agency=agency, user=user, role="business_affairs", starts_on="2020-01-01"
        )
        client.force_login(user)
        return user

    def page(self, client, agreement):
        url = reverse("admin:licensing_agreement_change", args=[agreement.pk])
        return client.get(url).content.decode()

    def test_a_draft_shows_what_forbids_signing_it(self, client, staff, drafted, grant, performer):
        consented("deny", performer=performer)
        grant()
        text = self.page(client, drafted)
        assert "Voice in Dubbing is denied by Performer Ada Example, version 1." in text

    def test_a_draft_within_the_consent_says_so(self, client, staff, drafted, grant, performer):
        consented(performer=performer)
        grant()
        assert "Every grant lies within the consent in force today." in self.page(client, drafted)

    def test_a_draft_that_grants_nothing_says_what_to_do(self, client, staff, drafted):
        assert "grants nothing yet" in self.page(client, drafted)

    def test_it_is_asked_once(self, client, staff, drafted, grant, performer, monkeypatch):
        asked = []
        monkeypatch.setattr(
            "licensing.agreements.agreements.refuse_unsignable",
            lambda agreement, at: asked.append(agreement),
        )
        self.page(client, drafted)
        assert len(asked) == 1
