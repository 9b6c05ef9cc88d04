"""Strikes hold all of a guild's covered work in one, by scope and dates, and lift as one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.clearance import strikes
from licensing.clearance.holds import lift, place
from licensing.models import Agreement, Cap, ClearanceDecision, Hold, HoldStep, Permit, Production
from licensing.usage.recording.record import record_events
from tests.factories import admin_page, make_agreement, sign_in, take_step

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"
MAY = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def covered(agreement, performer, consent):
    """The agreement is one of a principal, covered by Equity UK."""
    consent(performer=performer)
    Agreement.objects.filter(pk=agreement.pk).update(guild="equity_uk", engagement="principal")
    agreement.refresh_from_db()
    Cap.objects.create(agreement=agreement, meter="lines", limit=100, starts_on="2026-01-01")
    return agreement


def a_strike(**fields):
    terms = {"guild": "equity_uk", "starts_at": timezone.now(), "reason": "Talks broke down."}
    return Hold(kind="strike", **terms | fields)


def lying(by, **fields):
    strike, now = a_strike(**fields), timezone.now()
    return strikes.declare(strike=strike, shown=seen(strike), at=now, by=by)


def seen(strike):
    return strikes.preview(strike, at=timezone.now()).digest


def asked(studio, twin, agreement, **fields):
    question = {
        "twin": f"T{twin.pk}", "agreement": agreement.reference, "right": "voice",
        "use": "dubbing", "at": timezone.now().isoformat(), "territory": "FR", "language": "fr",
        "channel": "streaming", "quantities": {"lines": "6"}, "reserve": True,
    }  # fmt: skip
    answer = studio.post(CLEARANCES, question | fields, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_strike_refuses_every_covered_use_and_says_why_in_words(operator, studio, twin, covered):
    lying(operator)

    answer = asked(studio, twin, covered)

    assert answer["outcome"] == "refused"
    assert f"A strike holds this use from {timezone.now():%d %B %Y} on." in str(answer)
    assert "Talks broke down" not in str(answer)


def test_an_agreement_signed_during_a_strike_is_held_too(
    operator, studio, twin, agency, licensee, terms
):
    lying(operator)
    later = make_agreement(agency, licensee, twin, reference="NA-2", guild="equity_uk")

    assert asked(studio, twin, later)["outcome"] == "refused"


def test_its_lift_restores_exactly_what_was(operator, studio, twin, covered):
    before = Agreement.objects.values().get(pk=covered.pk)
    permit = asked(studio, twin, covered)["id"]
    hold = lying(operator)
    assert studio.get(f"/api/v1/permits/{permit}").json()["status"] == "withdrawn"

    now = timezone.now()
    lift(hold=hold, ends_at=now, at=now, by=operator, reason="Agreed.")

    assert studio.get(f"/api/v1/permits/{permit}").json()["status"] == "valid"
    assert asked(studio, twin, covered)["outcome"] == "cleared"
    assert Agreement.objects.values().get(pk=covered.pk) == before


@pytest.mark.parametrize(
    ("scope", "outcome"),
    [
        ({"engagements": ["principal"]}, "refused"),
        ({"engagements": ["voice"]}, "cleared"),
        ({"uses": ["dubbing"]}, "refused"),
        ({"uses": ["game"]}, "cleared"),
        ({"territories": ["EU"]}, "refused"),
        ({"territories": ["US"]}, "cleared"),
        ({"guild": "sag_aftra"}, "cleared"),
    ],
)
def test_a_strike_holds_only_its_scope(operator, studio, twin, covered, scope, outcome):
    lying(operator, **scope)

    assert asked(studio, twin, covered)["outcome"] == outcome


def test_a_use_that_names_no_territory_is_held_by_a_strike_that_has_some(covered):
    from licensing.decision.request import request_about
    from licensing.facts.facts import hold_facts

    request = request_about(twin=1, right="voice", use="dubbing", licensee="x", at=MAY)

    assert hold_facts(a_strike(territories=["US"]), None).concerns(request)


@pytest.mark.parametrize(
    ("begun_on", "outcome"),
    [(date(2026, 2, 28), "cleared"), (date(2026, 3, 1), "refused"), (None, "refused")],
)
def test_productions_begun_before_a_day_go_on(
    operator, studio, twin, covered, production, begun_on, outcome
):
    Production.objects.filter(pk=production.pk).update(photography_starts_on=begun_on)
    lying(operator, spares_begun_before=date(2026, 3, 1))

    assert asked(studio, twin, covered, production=production.title)["outcome"] == outcome
    unnamed = asked(studio, twin, covered)
    assert unnamed["outcome"] == "refused"
    assert "Name a production that had begun before 2026-03-01" in str(unnamed)


def test_each_of_a_batch_is_held_by_its_own_production(
    operator, studio, twin, covered, production, licensee
):
    Production.objects.filter(pk=production.pk).update(photography_starts_on=date(2026, 1, 2))
    late = Production.objects.create(licensee=licensee, title="Too Late", kind="feature")
    lying(operator, spares_begun_before=date(2026, 3, 1))
    about = {
        "twin": f"T{twin.pk}", "agreement": covered.reference, "right": "voice",
        "use": "dubbing", "at": timezone.now().isoformat(), "territory": "FR", "language": "fr",
        "channel": "streaming", "quantities": {"lines": "1"},
    }  # fmt: skip

    answer = studio.post(
        f"{CLEARANCES}/batch",
        [
            about | {"production": title}
            for title in (production.title, late.title, production.title)
        ],
        content_type="application/json",
    )

    outcomes = [row["clearance"]["outcome"] for row in answer.json()["results"]]
    assert outcomes == ["cleared", "refused", "cleared"]
    stored = ClearanceDecision.objects.order_by("pk").values_list("facts__holds__0__spared")
    assert [len(row[0] or ()) for row in stored] == [1, 0, 1]


def test_a_permit_of_before_speaks_for_uses_before_the_strike_and_none_during_it(
    operator, studio, twin, covered, use, origin
):
    begins = timezone.now()
    body = asked(studio, twin, covered, at=begins.isoformat(), quantities={"lines": "6"})
    struck_at = begins + timedelta(minutes=10)
    place(
        kind="strike", guild="equity_uk", starts_at=struck_at, reason="Talks.", at=begins,
        by=operator,
    )  # fmt: skip
    told = {"permit": body["permit"], "channel": "streaming", "quantities": {"lines": "1"}}
    later = type(origin)(origin.terms, origin.door, begins + timedelta(hours=1), actor="test")

    before, during = record_events(
        [
            use("a", time=(struck_at - timedelta(seconds=1)).isoformat(), data=told),
            use("b", time=struck_at.isoformat(), data=told),
        ],
        later,
    )

    assert (before.standing, during.standing) == ("cleared", "on_hold")


def test_a_strike_to_come_on_other_work_cuts_no_permit(operator, studio, twin, covered):
    now = timezone.now()
    coming = {"kind": "strike", "guild": "equity_uk", "starts_at": now + timedelta(minutes=20)}
    place(**coming, uses=["game"], reason="Talks.", at=now, by=operator)
    asked(studio, twin, covered)
    whole = Permit.objects.latest("pk")
    place(**coming, uses=["dubbing"], reason="Talks.", at=now, by=operator)
    asked(studio, twin, covered)

    assert whole.expires_at > now + timedelta(hours=1)
    assert Permit.objects.latest("pk").expires_at <= now + timedelta(minutes=20)


class TestDeclaring:
    def test_it_shows_what_it_holds_first(self, operator, studio, twin, covered):
        asked(studio, twin, covered)
        client = sign_in(operator)
        day = timezone.now()

        page = client.get(
            reverse("admin:declare_strike"),
            {
                "guild": "equity_uk", "starts_at_0": f"{day:%Y-%m-%d}", "starts_at_1": "00:00:00",
                "reason": "Talks broke down.",
            },
        )  # fmt: skip

        assert "1 agreement is held." in page.text
        assert "1 permit speaks for no use from then on." in page.text
        assert "1 cleared request that holds units is stopped." in page.text
        assert covered.reference in page.text
        assert not Hold.objects.exists()

    def test_it_lies_as_it_was_shown(self, operator, covered):
        client = sign_in(operator)
        sent = {
            "guild": "equity_uk", "starts_at_0": "2026-05-04", "starts_at_1": "00:00:00",
            "engagements": ["principal", "voice"], "territories": "EU", "reason": "Talks.",
        }  # fmt: skip
        page = client.get(reverse("admin:declare_strike"), sent)

        answer = client.post(
            reverse("admin:declare_strike"), sent | {"shown": page.context["preview"].digest}
        )

        hold = Hold.objects.get()
        assert answer.url == admin_page(Hold, hold.pk)
        assert (hold.engagements, hold.territories, hold.starts_at) == (
            ["principal", "voice"], ["EU"], MAY,
        )  # fmt: skip
        assert HoldStep.objects.get().by == operator
        assert client.get(admin_page(Hold, hold.pk)).status_code == 200

    def test_who_confirms_what_has_changed_sees_it_again(
        self, operator, covered, agency, licensee, twin
    ):
        strike = a_strike()
        shown = seen(strike)
        make_agreement(agency, licensee, twin, reference="NA-2")

        with pytest.raises(strikes.StrikeHasChanged):
            strikes.declare(strike=strike, shown=shown, at=timezone.now(), by=operator)
        assert not Hold.objects.exists()

    def test_the_same_strike_is_declared_once(self, operator):
        lying(operator)

        with pytest.raises(strikes.StruckAlready):
            lying(operator)
        lying(operator, uses=["game"])

    def test_a_strike_that_is_over_may_come_again(self, operator):
        hold = lying(operator, starts_at=MAY)
        now = timezone.now()
        lift(hold=hold, ends_at=now, at=now, by=operator, reason="Agreed.")

        lying(operator, starts_at=now + timedelta(seconds=1))

    def test_a_strike_needs_its_guild(self, operator):
        with pytest.raises(strikes.NoGuildToStrike):
            lying(operator, guild="")

    def test_nobody_but_the_operator_declares_one(self, affairs, stranger):
        for user in (affairs, stranger):
            assert sign_in(user).get(reverse("admin:declare_strike")).status_code in (302, 403)
        assert (
            "Declare a strike" not in sign_in(affairs).get(admin_page(Hold, name="changelist")).text
        )

    def test_the_form_of_other_holds_leads_to_it(self, operator):
        sent = {
            "kind": "strike", "guild": "equity_uk", "starts_at_0": "2026-05-04",
            "starts_at_1": "00:00:00", "reason": "Talks.",
            "steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0",
        }  # fmt: skip

        assert "Declare a strike" in sign_in(operator).post(admin_page(Hold), sent).text
        assert not Hold.objects.exists()

    def test_a_place_that_is_none_is_refused(self, operator):
        sent = {
            "guild": "equity_uk", "starts_at_0": "2026-05-04", "starts_at_1": "00:00:00",
            "territories": "Atlantis", "reason": "Talks.",
        }  # fmt: skip

        page = sign_in(operator).get(reverse("admin:declare_strike"), sent)

        assert "No such place: Atlantis" in page.text
        assert "preview" not in page.context


class TestPreview:
    def held(self, **scope):
        return strikes.preview(a_strike(**scope), at=timezone.now())

    def test_it_names_the_part_of_an_agreement_that_is_held(self, covered):
        covered.grants.create(right="voice", use="game")

        (whole,) = self.held().agreements
        (part,) = self.held(uses=["game"]).agreements

        assert whole.grants == ()
        assert part.grants == ("voice × Game",) or "Game" in part.grants[0]
        assert self.held(uses=["live"]).agreements == ()

    def test_it_leaves_out_what_it_does_not_hold(self, covered, production):
        covered.productions.add(production)
        Production.objects.filter(pk=production.pk).update(photography_starts_on=date(2026, 1, 2))

        assert self.held(territories=["US"]).agreements  # the grant is for everywhere
        assert self.held(engagements=["voice"]).agreements == ()
        assert self.held(spares_begun_before=date(2026, 2, 1)).agreements == ()
        assert self.held(starts_at=covered.ends_at).agreements == ()
        assert self.held(starts_at=covered.ends_at - timedelta(seconds=1)).agreements

    def test_it_agrees_with_the_heartbeat_on_permits(self, operator, studio, twin, covered):
        asked(studio, twin, covered)
        asked(studio, twin, covered, territory="US")

        assert self.held().permits == 2
        assert self.held(territories=["US"]).permits == 1
        assert self.held(uses=["game"]).permits == 0

    def test_it_takes_the_same_queries_for_many(
        self, covered, agency, licensee, twin, django_assert_num_queries
    ):
        with django_assert_num_queries(5):
            self.held()
        for number in range(5):
            make_agreement(agency, licensee, twin, reference=f"NA-{number + 10}")
        with django_assert_num_queries(5):
            assert len(self.held().agreements) == 6


def test_the_lift_tells_what_it_sets_free(operator, covered):
    hold = lying(operator)

    page = sign_in(operator).get(admin_page(Hold, hold.pk, name="lift"))

    assert "Agreements set free" in page.text
    assert "Northlight Example: 1" in page.text


def test_agency_staff_do_not_lift_a_guilds_strike(operator, affairs, covered):
    hold = lying(operator)

    assert take_step(sign_in(affairs), "lift", hold).status_code == 403
