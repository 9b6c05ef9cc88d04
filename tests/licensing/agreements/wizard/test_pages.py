"""The wizard's pages: from nothing to terms that may be signed, step by step, losing nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from licensing.agreements.wizard.steps import Step
from licensing.models import Agreement, AgreementStep, DealTerms, Grant, Licensee, Production
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from talent.models import Agency, DigitalTwin
from talent.words import Role
from tests import factories
from tests.factories import admin_page, messages_of, sign_in
from tests.pages import fields_of, form_on

BEGIN = reverse("admin:licensing_agreement_wizard_begin")
PLAIN = "?plain=1"


def step_page(agreement, step):
    return reverse("admin:licensing_agreement_wizard_step", args=[agreement.pk, Step(step).value])


@pytest.fixture
def allowed(performer):
    """Ada allows her voice in games in three languages, and in promos when asked."""
    cells = [
        Cell(
            "voice", "game", "allow",
            Scope(
                languages=frozenset({"en", "fr", "de"}), real_time=True,
                territories_excluded=frozenset({"RU"}),
                limits=(Limit("lines", Decimal(5000), per_year=True),),
            ),
        ),
        Cell("voice", "interactive_promo", "ask", Scope(territories=frozenset({"US", "CA"}))),
        Cell("voice", "advertising", "deny"),
    ]  # fmt: skip
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return record(
        matrix=matrix_of(performer=performer),
        cells=cells,
        in_force_from=at,
        recorded_at=at,
        by=None,
        evidence=Evidence("A consent for the tests."),
    )


@pytest.fixture
def orbit(licensee):
    return Production.objects.create(licensee=licensee, title="Orbit Garden", kind="game")


@pytest.fixture
def client(affairs):
    return sign_in(affairs)


def begin(client, terms, twin, **more):
    sent = {
        "agency": terms.agency.pk,
        "licensee": terms.licensee.pk,
        "twin": twin.pk,
        "reference": "",
        "next": "1",
        **more,
    }
    return client.post(BEGIN + PLAIN, sent)


@pytest.fixture
def draft(client, terms, twin, orbit, allowed):
    begin(client, terms, twin, productions=[orbit.pk])
    return Agreement.objects.get()


def send(client, agreement, step, button="next", **more):
    """Send a step as a browser does: what it shows, with what somebody changed."""
    url = step_page(agreement, step)
    return client.post(url, form_on(client, url) | more | {button: "1"})


def choose_the_deal(client, draft, **more):
    return send(
        client, draft, "deal",
        kind="game_real_time",
        description="Generated battle lines of the pilot Ivo in the game Orbit Garden.",
        **more,
    )  # fmt: skip


def test_adding_an_agreement_leads_into_the_wizard(client, terms):
    page = client.get(admin_page(Agreement))

    assert page.context["step"] == Step.WHO
    assert BEGIN in page.text
    assert not Agreement.objects.exists()


def test_the_first_step_drafts_an_agreement_with_what_is_taken_over(
    client, affairs, terms, twin, orbit
):
    sent = begin(client, terms, twin, productions=[orbit.pk])

    made = Agreement.objects.get()
    assert sent.url == step_page(made, "deal")
    assert (made.currency, made.guild, made.status) == ("USD", "equity_uk", "draft")
    assert made.reference == f"NE-{timezone.localdate().year}-001"
    assert list(made.productions.all()) == [orbit]
    step = AgreementStep.objects.get(agreement=made)
    assert (step.kind, step.by) == ("drafted", affairs)


def test_an_agreement_comes_from_nothing_to_terms_that_may_be_signed(client, draft):
    call_command("load_rules")
    Agreement.objects.update(guild="sag_aftra")
    Agency.objects.update(address="1 Harbor Street, Los Angeles")
    Licensee.objects.update(billing_email="rights@paper-moon.example")
    DigitalTwin.objects.update(captured_on="2026-02-01")
    choose_the_deal(client, draft, ends_on=f"{timezone.localdate().year + 1}-12-31")
    send(client, draft, "grants")
    prices = client.get(step_page(draft, "prices"))
    assert "3.9" in prices.text
    send(client, draft, "prices")
    send(client, draft, "limits", limit_lines="4000")
    last = send(
        client, draft, "handling", represented_by="counsel", counsel_name="Mara Quill",
        capture_reason="The pilot speaks lines that the session has not.",
    )  # fmt: skip
    assert last.url == step_page(draft, "checks")

    page = client.get(last.url)
    assert [str(one) for one in page.context["stops"]] == []
    draft.refresh_from_db()
    grant = draft.grants.get()
    assert (grant.right, grant.use, grant.real_time) == ("voice", "game", True)
    assert grant.languages == ["de", "en", "fr"]
    assert grant.territories_excluded == ["RU"]
    line = draft.rate_cards.get().lines.get()
    assert (line.meter, line.unit_price) == ("lines", Decimal("3.9"))
    assert draft.rate_cards.get().multipliers.get().factor == 7.5
    assert draft.caps.get().limit == 4000
    assert draft.deal.counsel_name == "Mara Quill"
    assert draft.engagement == "voice", "The kind of deal has it, since nobody said otherwise."
    assert draft.deal.usage_report_days == 90


def test_no_page_of_the_wizard_asks_for_what_another_asks_for(client, draft):
    choose_the_deal(client, draft)
    send(client, draft, "grants")
    send(client, draft, "prices", price_lines="4")
    asked = []
    for step in Step:
        asked += list(client.get(step_page(draft, step)).context["form"].fields)

    assert len(asked) == len(set(asked))
    columns = {field.name for field in DealTerms._meta.concrete_fields} - {"id", "agreement"}
    assert columns <= set(asked)


def test_a_step_sent_as_it_was_shown_changes_nothing(client, draft):
    choose_the_deal(client, draft, starts_on="2026-03-05", ends_on="2026-12-31")
    send(client, draft, "grants", territories_excluded="Russia, Cuba")
    send(client, draft, "prices", price_lines="4", after_lines_1="1000", then_lines_1="3.5")
    send(client, draft, "limits", limit_lines="4000", past_lines="charge")
    send(client, draft, "handling")
    before = everything(draft)

    for step in Step:
        sent = send(client, draft, step)

        assert sent.status_code == 302 or step is Step.CHECKS
        assert everything(draft) == before, step


def everything(agreement):
    rows = [
        *Agreement.objects.filter(pk=agreement.pk).values(),
        *DealTerms.objects.filter(agreement=agreement).values(),
        *agreement.grants.order_by("pk").values(),
        *agreement.caps.order_by("pk").values(),
        *agreement.productions.values(),
    ]
    for card in agreement.rate_cards.all():
        rows += [*card.lines.values(), *card.multipliers.values()]
        rows += [row for line in card.lines.all() for row in line.brackets.values()]
    events = [model.pgh_event_model.objects.count() for model in (Agreement, DealTerms, Grant)]
    return [dict(row.items()) for row in rows], events


def test_looking_at_a_step_changes_nothing(client, draft):
    choose_the_deal(client, draft)
    before = everything(draft)
    for step in Step:
        assert client.get(step_page(draft, step)).status_code == 200
    send(client, draft, "grants", button="look")

    assert everything(draft) == before


class TestWhatMayBeDone:
    def test_nothing_beyond_the_consent_can_be_granted(self, client, draft):
        choose_the_deal(client, draft)
        sent = send(client, draft, "grants", cells=["voice.game", "voice.advertising"])

        assert "Voice in Advertising is denied by Performer Ada Example" in sent.text
        assert not draft.grants.exists()

    def test_what_is_not_allowed_is_not_offered(self, client, draft):
        choose_the_deal(client, draft)
        page = client.get(step_page(draft, "grants"))

        cells = {cell["key"]: cell for row in page.context["rows"] for cell in row["cells"]}
        assert cells["voice.game"]["may"]
        assert cells["voice.game"]["ticked"]
        assert cells["voice.interactive_promo"]["asks"]
        assert not cells["performance_style.game"]["may"]
        assert 'value="performance_style.game"' not in page.text
        assert "Advertising" in page.context["others"]

    def test_each_grant_is_bounded_by_what_its_own_cell_allows(self, client, draft):
        choose_the_deal(client, draft)
        send(client, draft, "grants", cells=["voice.game", "voice.interactive_promo"])

        game, promo = (draft.grants.get(use=use) for use in ("game", "interactive_promo"))
        assert (game.territories, game.languages) == (None, ["de", "en", "fr"])
        assert (promo.territories, promo.languages) == (["CA", "US"], None)
        assert (game.real_time, promo.real_time) == (True, False)

    def test_a_place_that_the_consent_leaves_out_is_refused_with_its_cell(self, client, draft):
        choose_the_deal(client, draft)
        sent = send(
            client, draft, "grants",
            cells=["voice.game", "voice.interactive_promo"], territories="France",
        )  # fmt: skip

        assert "Voice in Interactive promo: its consent allows no territory" in sent.text
        assert not draft.grants.exists()

    def test_a_word_that_is_no_place_is_refused_beside_its_field(self, client, draft):
        choose_the_deal(client, draft)
        sent = send(client, draft, "grants", territories="Atlantis")

        assert "Not known here: Atlantis" in str(sent.context["form"].errors["territories"])

    def test_it_is_said_as_the_performer_reads_it_before_it_is_saved(self, client, draft):
        choose_the_deal(client, draft)
        sent = send(
            client, draft, "grants", button="look",
            cells=["voice.game", "voice.interactive_promo"], languages="English",
        )  # fmt: skip

        words = sent.context["in_words"]
        assert "Your voice may be used in games in English everywhere except in Russia" in words
        assert "in Orbit Garden by Paper Moon Pictures" in words
        assert "only after you have approved it" in words
        assert "Nothing else may be done" in words
        assert not draft.grants.exists()

    def test_the_strictest_of_several_sources_counts(
        self, client, agency, terms, performer, allowed
    ):
        bela = factories.make_performer("Bela Example", agency)
        factories.record_consent(
            "ask", use="game", performer=bela, scope=Scope(languages=frozenset({"fr", "it"}))
        )
        persona = factories.make_persona(agency)
        for person in (performer, bela):
            persona.sources.create(performer=person, weight=50, starts_on="2026-01-01")
        begin(client, terms, persona)
        draft = Agreement.objects.get()
        choose_the_deal(client, draft)
        page = client.get(step_page(draft, "grants"))

        cells = {cell["key"]: cell for row in page.context["rows"] for cell in row["cells"]}
        assert cells["voice.game"]["asks"]
        assert "French" in cells["voice.game"]["where"]
        assert "English" not in cells["voice.game"]["where"]
        assert not cells.get("voice.interactive_promo", {}).get("may")

    def test_without_anybodys_consent_nothing_can_be_ticked(self, client, terms, twin, orbit):
        begin(client, terms, twin)
        draft = Agreement.objects.get()
        choose_the_deal(client, draft)

        page = client.get(step_page(draft, "grants"))
        assert 'type="checkbox" name="cells"' not in page.text

    def test_a_grant_that_consent_no_longer_allows_is_shown_and_stops_the_signature(
        self, client, draft, performer
    ):
        choose_the_deal(client, draft)
        send(client, draft, "grants")
        now = timezone.now()
        factories.record_consent("deny", use="game", performer=performer, at=now)

        page = client.get(step_page(draft, "grants"))
        cells = {cell["key"]: cell for row in page.context["rows"] for cell in row["cells"]}
        assert cells["voice.game"]["ticked"]
        assert not cells["voice.game"]["may"]
        assert [one.state.value for one in page.context["stops"]][:1] == ["fails"]


class TestWhatItCosts:
    @pytest.fixture
    def granted(self, client, draft):
        choose_the_deal(client, draft)
        send(client, draft, "grants")
        return draft

    def test_steps_become_brackets_of_which_the_last_has_no_end(self, client, granted):
        send(
            client, granted, "prices", price_lines="4", minimum_lines="100",
            after_lines_1="1000", then_lines_1="3.5", after_lines_2="5000", then_lines_2="3",
        )  # fmt: skip

        line = granted.rate_cards.get().lines.get()
        assert (line.pricing, line.minimum) == ("graduated", 100)
        brackets = [(row.up_to, row.unit_price) for row in line.brackets.order_by("up_to")]
        assert brackets == [(1000, 4), (5000, 3.5), (None, 3)]

    def test_a_step_back_or_half_a_step_is_refused_beside_its_field(self, client, granted):
        sent = send(
            client, granted, "prices", price_lines="4",
            after_lines_1="1000", then_lines_1="3.5", after_lines_2="900", then_lines_2="3",
        )  # fmt: skip
        assert "after_lines_2" in sent.context["form"].errors
        sent = send(client, granted, "prices", price_lines="4", after_lines_1="1000")
        assert "then_lines_1" in sent.context["form"].errors
        assert not granted.rate_cards.exists()

    def test_what_it_will_come_to_is_worked_out_before_it_is_saved(self, client, granted):
        sent = send(
            client, granted, "prices", button="look", price_lines="4", real_time_factor="7.5"
        )

        told = sent.context["comes_to"]
        assert (told.quantities, told.amount) == ("900 lines", "$3,600.00")
        assert (told.real_time, told.real_time_amount) == ("120 lines", "$6,720.00")
        assert not granted.rate_cards.exists()

    def test_a_meter_whose_price_is_taken_out_is_not_charged_any_more(self, client, granted):
        send(client, granted, "prices", price_lines="4", price_sessions="900")
        assert granted.rate_cards.get().lines.count() == 2
        send(client, granted, "prices", price_sessions="")
        assert [line.meter for line in granted.rate_cards.get().lines.all()] == ["lines"]

    def test_a_line_with_conditions_stays_as_it_is(self, client, granted):
        send(client, granted, "prices", price_lines="4")
        card = granted.rate_cards.get()
        card.lines.create(
            code="shots-fr", label="Shots in France", meter="shots", pricing="per_unit",
            unit_price=9, territories=["FR"],
        )  # fmt: skip
        send(client, granted, "prices", price_lines="5")

        assert card.lines.get(code="shots-fr").unit_price == 9
        assert card.lines.get(meter="lines").unit_price == 5

    def test_rates_that_change_over_time_are_left_to_their_own_pages(self, client, granted):
        send(client, granted, "prices", price_lines="4")
        granted.rate_cards.create(effective_from="2029-01-01")

        page = client.get(step_page(granted, "prices"))
        assert page.status_code == 200
        assert "change each on its own page" in page.text

    def test_the_price_last_agreed_for_the_twin_is_proposed_with_its_agreement(
        self, client, granted, agreement
    ):
        card = agreement.rate_cards.create(effective_from="2026-01-01")
        card.lines.create(
            code="lines", label="Lines", meter="lines", pricing="per_unit", unit_price="4.25"
        )
        page = client.get(step_page(granted, "prices"))

        assert page.context["form"]["price_lines"].initial == 4.25
        assert "agreed in NA-1" in page.text

    def test_rates_begin_with_the_agreement_and_move_with_it(self, client, granted):
        send(client, granted, "prices", price_lines="4")
        choose_the_deal(client, granted, starts_on="2027-05-15")

        assert str(granted.rate_cards.get().effective_from) == "2027-05-01"


class TestTheDeal:
    def test_its_days_are_those_of_its_own_zone_the_last_one_included(self, client, draft):
        choose_the_deal(
            client, draft, starts_on="2026-03-05", ends_on="2026-12-31", time_zone="Asia/Tokyo"
        )
        draft.refresh_from_db()

        assert draft.starts_at == datetime(2026, 3, 4, 15, tzinfo=UTC)
        assert draft.ends_at == datetime(2026, 12, 31, 15, tzinfo=UTC)
        form = client.get(step_page(draft, "deal")).context["form"]
        assert str(form["starts_on"].initial) == "2026-03-05"
        assert str(form["ends_on"].initial) == "2026-12-31"

    def test_a_last_day_before_the_first_is_refused_beside_it(self, client, draft):
        sent = choose_the_deal(client, draft, starts_on="2026-03-05", ends_on="2026-03-04")

        assert "ends_on" in sent.context["form"].errors
        assert not DealTerms.objects.exists()

    @pytest.mark.parametrize("year", ["9999", "0001", "2199"])
    def test_a_year_out_of_the_calendar_is_refused(self, client, draft, year):
        sent = choose_the_deal(client, draft, ends_on=f"{year}-12-31")

        assert "This year is a slip" in str(sent.context["form"].errors["ends_on"])

    def test_another_kind_proposes_anew_what_nobody_changed(self, client, draft):
        choose_the_deal(client, draft)
        send(client, draft, "handling", payment_days="14")
        send(client, draft, "deal", kind="training_licence")

        deal = DealTerms.objects.get()
        assert (deal.removal_right, deal.captures, deal.payment_days) == (False, [], 14)

    def test_later_steps_wait_for_the_kind_of_deal(self, client, draft):
        for step in list(Step)[2:]:
            assert client.get(step_page(draft, step)).url == step_page(draft, "deal")


class TestTwoEditors:
    def test_the_second_is_told_what_the_first_changed_and_saves_nothing(
        self, client, agent, draft
    ):
        choose_the_deal(client, draft)
        url = step_page(draft, "handling")
        read = form_on(client, url)
        other = sign_in(agent)
        send(other, draft, "handling", payment_days="45")

        sent = client.post(url, read | {"statement_days": "20", "next": "1"})

        assert sent.status_code == 409
        assert "“30” became “45”" in " ".join(sent.context["texts"])
        deal = DealTerms.objects.get()
        assert (deal.payment_days, deal.statement_days) == (45, 60)
        again = {**fields_of(sent), "next": "1"}
        assert client.post(url, again).status_code == 302
        deal.refresh_from_db()
        assert (deal.payment_days, deal.statement_days) == (45, 20)

    def test_a_change_of_another_step_disturbs_nobody(self, client, agent, draft):
        choose_the_deal(client, draft)
        url = step_page(draft, "limits")
        read = form_on(client, url)
        send(sign_in(agent), draft, "handling", payment_days="45")

        assert client.post(url, read | {"next": "1"}).status_code == 302

    def test_a_step_that_was_not_read_is_not_saved(self, client, draft):
        sent = client.post(step_page(draft, "deal"), {"kind": "commercial", "next": "1"})

        assert sent.status_code == 409
        assert not DealTerms.objects.exists()

    def test_a_draft_that_was_signed_meanwhile_takes_nothing_more(self, client, draft):
        url = step_page(draft, "deal")
        read = form_on(client, url)
        Agreement.objects.update(status="signed", signed_at=timezone.now())
        sent = client.post(url, read | {"kind": "commercial", "next": "1"})

        assert sent.url == admin_page(Agreement, draft.pk)
        assert "is no draft any more" in messages_of(sent)
        assert not DealTerms.objects.exists()


class TestWhoMayDraft:
    def test_the_draft_of_another_agency_is_not_there(self, draft, elsewhere):
        theirs = sign_in(factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS))

        for step in Step:
            assert theirs.get(step_page(draft, step)).status_code == 404
            assert theirs.post(step_page(draft, step), {"next": "1"}).status_code == 404

    def test_a_seat_that_only_reads_opens_no_step(self, draft, agency):
        auditor = sign_in(factories.make_member(agency, Role.AUDITOR))

        assert auditor.get(step_page(draft, "deal")).status_code == 403
        assert auditor.get(BEGIN).status_code == 403

    def test_a_seat_elsewhere_that_drafts_does_not_count_here(self, draft, agency, elsewhere):
        email = "both@example.example"
        user = factories.make_member(agency, Role.AUDITOR, email=email)
        factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS, email=email)

        assert sign_in(user).get(step_page(draft, "deal")).status_code == 403

    def test_a_twin_that_the_agency_does_not_represent_is_refused(self, client, terms, elsewhere):
        stranger = factories.make_performer("Cleo Example", elsewhere)
        factories.make_member(
            elsewhere, Role.BUSINESS_AFFAIRS, email="business_affairs@northlight.example"
        )
        sent = begin(client, terms, factories.make_twin(stranger))

        assert "twin" in sent.context["form"].errors
        assert not Agreement.objects.exists()

    def test_a_licensee_without_terms_is_refused_with_what_to_do(self, client, terms, twin, orbit):
        other = factories.make_licensee("tin-rocket")
        root = sign_in(factories.make_user("root@desk.example", is_staff=True, is_superuser=True))
        sent = root.post(
            BEGIN + PLAIN,
            {"agency": terms.agency.pk, "licensee": other.pk, "twin": twin.pk,
             "productions": [orbit.pk], "next": "1"},
        )  # fmt: skip

        errors = sent.context["form"].errors
        assert "add its licensee terms first" in str(errors["licensee"])
        assert "Orbit Garden" in str(errors["productions"])

    def test_a_reference_that_is_taken_is_refused(self, client, terms, twin, agreement):
        sent = begin(client, terms, twin, reference="NA-1")

        assert "reference" in sent.context["form"].errors


class TestComingBack:
    def test_leaving_keeps_what_was_entered_and_coming_back_goes_on_there(self, client, draft):
        left = send(
            client,
            draft,
            "deal",
            button="leave",
            kind="commercial",
            description="Two spots of soap.",
        )
        assert left.url == admin_page(Agreement, draft.pk)
        assert DealTerms.objects.get().kind == "commercial"

        back = client.get(admin_page(Agreement, draft.pk, name="wizard"))
        assert back.url == step_page(draft, "grants")

    def test_an_old_draft_without_deal_terms_opens_too(self, client, agreement):
        Agreement.objects.update(status="draft", signed_at=None)

        back = client.get(admin_page(Agreement, agreement.pk, name="wizard"))
        assert back.url == step_page(agreement, "deal")
        assert client.get(back.url).status_code == 200

    def test_the_wizard_of_a_signed_agreement_leads_to_the_agreement(self, client, agreement):
        for url in (
            admin_page(Agreement, agreement.pk, name="wizard"),
            step_page(agreement, "prices"),
        ):
            assert client.get(url).url == admin_page(Agreement, agreement.pk)

    def test_the_page_of_a_draft_leads_into_the_wizard_and_that_of_a_signed_one_does_not(
        self, client, draft, agreement
    ):
        link = admin_page(Agreement, draft.pk, name="go_on")
        assert link in client.get(admin_page(Agreement, draft.pk)).text
        link = admin_page(Agreement, agreement.pk, name="go_on")
        assert link not in client.get(admin_page(Agreement, agreement.pk)).text


def test_the_last_step_leads_to_what_comes_next_and_to_an_import(client, draft):
    DealTerms.objects.create(agreement=draft, kind="dubbing_adr")

    page = client.get(step_page(draft, Step.CHECKS)).text

    assert admin_page(Agreement, draft.pk, name="draw_draft") in page
    assert f"{reverse('admin:licensing_signedscan_take_in')}?agreement={draft.pk}" in page


def queries_of(client, url):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_a_step_takes_as_many_queries_however_much_the_draft_grants(client, draft):
    choose_the_deal(client, draft)
    send(client, draft, "grants")
    send(client, draft, "prices", price_lines="4")
    few = {step: queries_of(client, step_page(draft, step)) for step in Step}
    send(client, draft, "grants", cells=["voice.game", "voice.interactive_promo"])
    send(client, draft, "prices", price_sessions="900", price_shots="7",
         after_lines_1="100", then_lines_1="3")  # fmt: skip
    send(client, draft, "limits", limit_lines="4000", limit_sessions="3")
    many = {step: queries_of(client, step_page(draft, step)) for step in Step}

    assert not {step: (few[step], many[step]) for step in Step if many[step] > few[step] + 2}
    assert max(many.values()) <= 70


class TestAnotherOfTheSame:
    @pytest.fixture
    def done(self, client, draft):
        choose_the_deal(client, draft, starts_on="2026-01-01", ends_on="2026-12-31")
        send(client, draft, "grants")
        send(client, draft, "prices", price_lines="4", after_lines_1="1000", then_lines_1="3.5")
        send(client, draft, "limits", limit_lines="4000")
        send(client, draft, "handling", court_approval="Los Angeles, 26STPB01234")
        draft.refresh_from_db()
        return draft

    def test_is_a_draft_with_its_terms_in_two_clicks(self, client, done, affairs):
        url = admin_page(Agreement, done.pk, name="duplicate")
        sent = client.post(url, form_on(client, url))

        made = Agreement.objects.latest("pk")
        assert sent.url == admin_page(Agreement, made.pk, name="wizard")
        assert (made.status, made.licensee, made.reference) == (
            "draft", done.licensee, done.reference.replace("001", "002"),
        )  # fmt: skip
        assert made.grants.get().languages == ["de", "en", "fr"]
        assert made.rate_cards.get().lines.get().brackets.count() == 2
        assert made.caps.get().limit == 4000
        assert (made.deal.kind, made.deal.court_approval) == ("game_real_time", "")
        assert made.ends_at - made.starts_at == done.ends_at - done.starts_at
        assert made.productions.count() == 1
        assert made.steps.get().by == affairs

    def test_for_another_licensee_names_no_production_of_the_first(self, client, done, agency):
        other = factories.make_licensee("tin-rocket")
        factories.make_terms(agency, other)
        client.post(admin_page(Agreement, done.pk, name="duplicate"), {"licensee": other.pk})

        made = Agreement.objects.latest("pk")
        assert (made.licensee, made.productions.count()) == (other, 0)

    def test_is_refused_for_a_licensee_of_others_and_to_who_only_reads(self, client, done, agency):
        url = admin_page(Agreement, done.pk, name="duplicate")
        client.post(url, {"licensee": factories.make_licensee("stranger").pk})
        assert Agreement.objects.count() == 1
        auditor = sign_in(factories.make_member(agency, Role.AUDITOR))
        assert auditor.post(url, {"licensee": done.licensee.pk}).status_code == 403
