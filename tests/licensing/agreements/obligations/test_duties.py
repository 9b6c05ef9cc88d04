"""Duties and their days: from terms and rules alone, the day before, the day, the day after."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from licensing.agreements.obligations.duties import (
    CREATION_NOTICE,
    GAME_REPORT,
    AdvanceDue,
    AgreedTerms,
    Fulfilment,
    RuleFact,
    Title,
    duties_of,
    payable_since,
    state_of,
)
from licensing.words import ObligationKind, ObligationState
from talent.periods import Days

SIGNED = date(2025, 12, 1)
TERMS = AgreedTerms("UTC", date(2026, 1, 1), date(2026, 12, 31), signed_on=SIGNED)
FAR = date(2040, 1, 1)
MOMENT = timedelta(microseconds=1)


def rule(code, *, confidence="secondary", reliable=True, since=date(2020, 1, 1), **values):
    return RuleFact(code, "A rule", "Agreement, 1.2", confidence, values, since, None, reliable)


def due(terms, kind, *rules, until=FAR):
    found = duties_of(terms, rules, until=until)
    return [duty for duty in found if duty.kind is ObligationKind(kind)]


def days_of(duties):
    return [duty.due_on for duty in duties]


class TestPeriods:
    def test_use_is_reported_so_many_days_after_the_last_day_of_each_period(self):
        reports = due(replace(TERMS, usage_report_days=90), "usage_report")

        assert days_of(reports) == [
            date(2026, 6, 29), date(2026, 9, 28), date(2026, 12, 29), date(2027, 3, 31),
        ]  # fmt: skip
        assert reports[2].about_days == Days(date(2026, 7, 1), date(2026, 10, 1))
        assert reports[0].whose.value == "licensee"

    def test_periods_are_cut_to_the_term(self):
        terms = replace(
            TERMS, starts_on=date(2026, 2, 14), last_on=date(2026, 4, 10), usage_report_days=0
        )

        assert days_of(due(terms, "usage_report")) == [date(2026, 3, 31), date(2026, 4, 10)]

    def test_an_agreement_that_ends_early_obliges_to_nothing_later(self):
        terms = replace(TERMS, usage_report_days=30)
        ended = replace(terms, last_on=date(2026, 5, 4), status="ended")

        assert len(due(terms, "usage_report")) == 4
        assert days_of(due(ended, "usage_report")) == [date(2026, 4, 30), date(2026, 6, 3)]

    def test_an_agreement_without_end_obliges_up_to_the_day_that_is_asked_for(self):
        terms = replace(TERMS, last_on=None, usage_report_days=0)

        assert days_of(due(terms, "usage_report", until=date(2026, 6, 30))) == [
            date(2026, 3, 31), date(2026, 6, 30),
        ]  # fmt: skip

    def test_nobody_is_obliged_before_the_signature(self):
        terms = replace(
            TERMS, usage_report_days=30, advances=(AdvanceDue(1, "On signing", SIGNED),)
        )

        assert duties_of(replace(terms, status="draft"), [], until=FAR) == []
        assert duties_of(replace(terms, signed_on=None), [], until=FAR) == []

    def test_payment_counts_from_the_statement_at_the_latest_and_from_the_issued_one(self):
        terms = replace(TERMS, statement_days=20, payment_days=30)
        payment = due(terms, "payment")[0]

        assert days_of(due(terms, "statement"))[0] == date(2026, 4, 20)
        assert payment.due_on == date(2026, 5, 20)
        assert payable_since(payment, date(2026, 4, 2), terms).due_on == date(2026, 5, 2)

    def test_months_and_years_follow_the_agreements_own_periods(self):
        monthly = replace(TERMS, rating_period="month", statement_days=5)
        fiscal = replace(TERMS, fiscal_year_start_month=7, audit_years_back=2)

        assert len(due(monthly, "statement")) == 12
        assert days_of(due(fiscal, "audit_window")) == [date(2028, 6, 30), date(2028, 12, 31)]

    def test_a_day_that_no_calendar_reaches_is_no_day(self):
        endless = replace(
            TERMS, starts_on=date(9999, 1, 1), last_on=date(9999, 12, 31), usage_report_days=400,
            retention_days=9, renewal_notice_days=1, audit_years_back=3,
        )  # fmt: skip

        found = duties_of(endless, [], until=date.max)

        assert {duty.kind.value for duty in found if duty.due_on} == {"renewal_notice"}


class TestReleases:
    GAME = Title("P5", "Starfall", "game", released_on=date(2026, 3, 1))

    def test_the_guilds_days_count_for_a_game_after_its_release(self):
        terms = replace(TERMS, guild="sag_aftra", titles=(self.GAME,))

        (report,) = due(terms, "usage_report", rule(GAME_REPORT, due_days=90))

        assert (report.due_on, report.about) == (date(2026, 5, 30), "Starfall")
        assert report.source.is_rule
        assert report.source.confidence == "Read in a secondary source"

    def test_the_earlier_of_term_and_rule_counts_and_is_named(self):
        terms = replace(TERMS, guild="sag_aftra", titles=(self.GAME,), usage_report_days=30)

        report = due(terms, "usage_report", rule(GAME_REPORT, due_days=90))[0]

        assert (report.due_on, report.source.is_rule) == (date(2026, 3, 31), False)

    @pytest.mark.parametrize(
        "other",
        [
            {"guild": "none"},
            {"titles": (replace(GAME, kind="feature"),)},
            {"titles": (replace(GAME, released_on=None),)},
            {"titles": (replace(GAME, released_on=date(2027, 1, 1)),)},
        ],
    )
    def test_other_agreements_have_no_such_duty(self, other):
        terms = replace(TERMS, **{"guild": "sag_aftra", "titles": (self.GAME,), **other})

        assert due(terms, "usage_report", rule(GAME_REPORT, due_days=90)) == []

    def test_a_rule_that_is_not_verified_obliges_nobody(self):
        terms = replace(TERMS, guild="sag_aftra", titles=(self.GAME,))

        assert due(terms, "usage_report", rule(GAME_REPORT, due_days=90, reliable=False)) == []

    def test_the_rule_of_the_day_of_release_counts(self):
        terms = replace(TERMS, guild="sag_aftra", titles=(self.GAME,))
        later = rule(GAME_REPORT, due_days=90, since=date(2026, 3, 2))

        assert due(terms, "usage_report", later) == []
        assert due(terms, "usage_report", replace(later, effective_from=date(2026, 3, 1)))

    def test_what_is_released_is_labelled(self):
        terms = replace(TERMS, titles=(self.GAME,), ai_label=True)

        assert days_of(due(terms, "disclosure")) == [date(2026, 3, 1)]


class TestCaptures:
    FILM = Title("P6", "Harbor", "feature", photography_starts_on=date(2026, 2, 10))
    SHOT = replace(TERMS, guild="sag_aftra", captures=frozenset({"face_scan"}), titles=(FILM,))

    def test_notice_is_forty_eight_hours_before_the_first_day_in_the_agreements_zone(self):
        terms = replace(self.SHOT, time_zone="America/Los_Angeles")

        (notice,) = due(terms, "capture_notice", rule(CREATION_NOTICE, notice_hours=48))

        assert notice.due_at == datetime(2026, 2, 8, 8, tzinfo=UTC)
        assert notice.due_on == date(2026, 2, 7)

    def test_the_longer_of_term_and_rule_counts(self):
        terms = replace(self.SHOT, capture_notice_hours=72)

        (notice,) = due(terms, "capture_notice", rule(CREATION_NOTICE, notice_hours=48))

        assert notice.due_at == datetime(2026, 2, 7, tzinfo=UTC)
        assert not notice.source.is_rule

    def test_without_the_day_of_photography_it_says_what_is_missing(self):
        terms = replace(self.SHOT, titles=(replace(self.FILM, photography_starts_on=None),))

        (notice,) = due(terms, "capture_notice", rule(CREATION_NOTICE, notice_hours=48))

        assert (notice.due_on, notice.due_at) == (None, None)
        assert "start of photography" in notice.missing
        assert state_of(notice, None, datetime(2030, 1, 1, tzinfo=UTC)) is ObligationState.UNDATED

    def test_archive_material_captures_nobody(self):
        terms = replace(self.SHOT, captures=frozenset({"archive"}))

        assert due(terms, "capture_notice", rule(CREATION_NOTICE, notice_hours=48)) == []


class TestTheEnd:
    def test_renewal_is_said_before_the_last_day(self):
        terms = replace(TERMS, renewal_notice_days=60)

        assert days_of(due(terms, "renewal_notice")) == [date(2026, 11, 1)]
        assert due(replace(terms, status="ended"), "renewal_notice") == []
        assert due(replace(terms, last_on=None), "renewal_notice") == []

    def test_data_goes_by_the_earliest_of_what_was_agreed_and_the_law_of_a_place(self):
        terms = replace(
            TERMS, retention_days=3000, captures=frozenset({"voice_recording"}),
            places=frozenset({"US-IL", "US-TX"}), last_used_on=date(2026, 5, 1),
        )  # fmt: skip
        illinois = rule("retention.illinois", years_after_last_interaction=3)
        texas = rule("retention.texas", years_after_purpose=1)

        assert days_of(due(terms, "destruction", illinois, texas)) == [date(2027, 12, 31)]
        assert days_of(due(terms, "destruction", illinois)) == [date(2029, 5, 1)]
        assert days_of(due(replace(terms, retention_days=10), "destruction", texas)) == [
            date(2027, 1, 10)
        ]
        elsewhere = replace(terms, places=frozenset({"FR"}), retention_days=None)
        assert due(elsewhere, "destruction", illinois, texas) == []

    def test_the_last_interaction_is_the_last_use(self):
        terms = replace(
            TERMS, retention_days=30, retention_ends="last_interaction",
            last_used_on=date(2026, 5, 1),
        )  # fmt: skip

        assert days_of(due(terms, "destruction")) == [date(2026, 5, 31)]

    def test_years_after_a_leap_day_end_on_the_28th(self):
        terms = replace(TERMS, last_on=date(2028, 2, 29), fiscal_year_start_month=3)

        window = due(replace(terms, audit_years_back=1), "audit_window")[-1]

        assert window.due_on == date(2029, 2, 28)


class TestStates:
    ADVANCE = due(
        replace(
            TERMS,
            time_zone="Asia/Tokyo",
            advances=(AdvanceDue(3, "On delivery", date(2026, 4, 1)),),
        ),
        "advance",
    )[0]
    OVER = datetime(2026, 4, 1, 15, tzinfo=UTC)  # midnight in Tokyo

    @pytest.mark.parametrize(
        ("now", "state"),
        [
            (OVER - timedelta(days=14) - MOMENT, "ahead"),
            (OVER - timedelta(days=14), "due"),
            (OVER - MOMENT, "due"),
            (OVER, "late"),
        ],
    )
    def test_it_is_late_once_its_day_is_over_in_the_agreements_zone(self, now, state):
        assert state_of(self.ADVANCE, None, now).value == state

    def test_what_fulfils_it_ends_it(self):
        assert state_of(self.ADVANCE, Fulfilment("Paid."), self.OVER).value == "done"

    def test_a_chance_lapses_and_is_not_late(self):
        (window,) = due(replace(TERMS, renewal_notice_days=60), "renewal_notice")

        assert state_of(window, None, datetime(2027, 1, 1, tzinfo=UTC)).value == "lapsed"

    def test_a_duty_keeps_its_name_when_its_day_moves(self):
        before, after = (
            due(replace(TERMS, usage_report_days=days), "usage_report")[0] for days in (30, 60)
        )

        assert before.key == after.key == "usage_report:2026-01-01"
        assert before.due_on != after.due_on
