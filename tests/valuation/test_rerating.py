"""Some agreements rated anew: seen first without a trace, then posted as a run of its own."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.models import Agreement, RateCard, RateLine
from talent.words import Role
from tests.factories import make_member, messages_of, sign_in
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from tests.written import what_was_done
from valuation import night, rerating
from valuation.models import NightRun, RatedAgreement, ResidualLine

pytestmark = pytest.mark.usefixtures("without_statements")
PAGE = reverse("admin:rerate")
LATER = TONIGHT + timedelta(hours=9)


@pytest.fixture
def rated(world):
    """Ten lines of July at 1.00, whose price was wrong in the tables and was put right by hand."""
    line = world.line(unit_price=D(1))
    world.use("10")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    RateLine.objects.filter(pk=line.pk).update(unit_price=D("1.50"))
    return world


@pytest.fixture
def clerk(rated):
    return make_member(rated.agency, Role.ACCOUNTING)


def preview(*agreements):
    return rerating.preview(agreement_ids=[one.pk for one in agreements], now=LATER)


def post(clerk, seen, *agreements):
    return rerating.post(
        agreement_ids=[one.pk for one in agreements], because="The price was wrong.", by=clerk,
        now=LATER, seen=seen,
    )  # fmt: skip


def posted():
    return sorted(ResidualLine.objects.values_list("amount", flat=True))


# What it does


def test_a_preview_says_what_would_be_posted_and_changes_no_row(rated):
    runs, lines, done = NightRun.objects.count(), posted(), RatedAgreement.objects.get().terms

    outcome = preview(rated.agreement)

    assert outcome.totals == [("NA-1", "Ada Example", "USD", D(5))]
    assert not any(one.adjusts for one in outcome.differences)
    assert (NightRun.objects.count(), posted()) == (runs, lines)
    assert RatedAgreement.objects.get().terms == done


def test_what_is_posted_is_what_was_seen(rated, clerk):
    outcome = preview(rated.agreement)

    run = post(clerk, outcome.digest, rated.agreement)

    assert posted() == [D(5), D(10)]
    assert (run.amounts, run.started_by, run.rerated_because) == (
        {"USD": "5.00"}, clerk, "The price was wrong.",
    )  # fmt: skip
    assert str(run).startswith("Re-rating")
    assert preview(rated.agreement).differences == ()


def test_nothing_is_rated_anew_before_a_killed_night_is_finished(rated):
    """What that night read would be of an earlier run than the last that rated its agreement."""
    rated.use("4")
    night.start(TONIGHT.date(), TONIGHT, "UTC")

    with pytest.raises(rerating.NothingToRerate):
        preview(rated.agreement)
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    preview(rated.agreement)


def test_the_next_night_posts_nothing_more_and_reads_on_where_the_last_one_ended(rated, clerk):
    post(clerk, preview(rated.agreement).digest, rated.agreement)
    rated.use("4")

    tomorrow = TONIGHT + timedelta(days=1)
    run = night.run_night(as_of=tomorrow.date(), now=tomorrow)

    assert run.events_read == 1
    assert posted() == [D(5), D(6), D(10)]


def test_it_is_no_night_of_its_day(rated, clerk):
    run = post(clerk, preview(rated.agreement).digest, rated.agreement)

    assert run.as_of == TONIGHT.date()
    assert list(NightRun.objects.nights()) == [NightRun.objects.earliest("pk")]


def test_what_changed_since_it_was_seen_is_not_posted(rated, clerk):
    seen = preview(rated.agreement).digest
    RateLine.objects.update(unit_price=D(9))

    with pytest.raises(rerating.RatedOtherwise, match="Look again"):
        post(clerk, seen, rated.agreement)

    assert posted() == [D(10)]
    assert NightRun.objects.count() == 1


def test_a_closed_period_is_adjusted_in_the_next(rated):
    issue_july_statement(rated)

    (difference,) = preview(rated.agreement).differences

    assert (difference.month_on, difference.period_on, difference.adjusts) == (JULY, OCTOBER, True)


def test_an_agreement_that_cannot_be_rated_is_named_and_stops_no_other(rated, monkeypatch):
    monkeypatch.setattr(night, "rate_and_post", lambda **_: (_ for _ in ()).throw(RuntimeError))

    outcome = preview(rated.agreement)

    assert outcome.failed == (("NA-1", "RuntimeError"),)
    assert outcome.differences == ()


def test_only_what_was_chosen_is_rated(rated):
    other = Agreement.objects.get(pk=rated.agreement.pk)
    other.pk, other.reference = None, "NA-2"
    other.save()
    rated.card = RateCard.objects.create(agreement=other, effective_from=JULY)
    rated.line(unit_price=D(2))

    assert preview(other).differences == ()
    assert preview(rated.agreement, other).agreements == 2


def test_nothing_is_rated_anew_beside_a_night_before_one_or_without_a_choice(rated, world):
    with pytest.raises(rerating.NothingToRerate):
        preview()
    NightRun.objects.update(taken_back_at=TONIGHT)
    with pytest.raises(rerating.NothingToRerate, match="No night has run"):
        preview(rated.agreement)


# Its page


def test_the_page_shows_first_and_posts_then(rated, clerk):
    client = sign_in(clerk)
    chosen = {"agreements": [rated.agreement.pk]}
    shown = client.post(PAGE, {**chosen, "look": "1"})
    assert shown.context["outcome"].totals == [("NA-1", "Ada Example", "USD", D(5))]
    assert posted() == [D(10)]
    seen = {"seen": shown.context["outcome"].digest, "post": "1"}

    refused = client.post(PAGE, {**chosen, **seen})
    assert "Say why" in refused.text
    assert posted() == [D(10)]
    told = client.post(PAGE, {**chosen, **seen, "reason": "The price was wrong."})
    assert "Posted: 5.00 USD" in messages_of(told)
    assert client.get(told.url).context["cl"].result_count == 1


def test_looking_at_the_page_changes_nothing(rated, clerk):
    client = sign_in(clerk)
    before = what_was_done()

    assert client.get(PAGE).status_code == 200

    assert what_was_done() == before


def test_agreements_are_chosen_by_licensee_performer_and_period(rated, clerk):
    client = sign_in(clerk)

    def chosen(**asked):
        outcome = client.post(PAGE, {**asked, "look": "1"}).context["outcome"]
        return outcome and outcome.agreements

    assert chosen(licensee=rated.licensee.pk) == 1
    assert chosen(performer=rated.performer.pk) == 1
    assert chosen(performer=rated.performer.pk, used_from="2026-07-01") == 1
    assert chosen(licensee=rated.licensee.pk, used_from="2026-10-01") is None
    assert chosen(licensee=rated.licensee.pk, used_before="2026-07-01") is None
    assert chosen() is None
    assert chosen(agreements="x") is None


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_who_may_not_is_refused(rated, role):
    client = sign_in(make_member(rated.agency, role))

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"agreements": [rated.agreement.pk], "look": "1"}).status_code == 403


def test_another_agencys_agreement_is_not_to_be_chosen(rated, elsewhere):
    client = sign_in(make_member(elsewhere, Role.ACCOUNTING))

    page = client.post(PAGE, {"agreements": [rated.agreement.pk], "look": "1"})

    assert page.context["outcome"] is None
    assert "NA-1" not in page.text
    assert (
        client.post(PAGE, {"licensee": rated.licensee.pk, "look": "1"}).context["outcome"] is None
    )


def test_a_seat_that_only_reads_rates_nothing_by_the_right_of_another(rated, elsewhere):
    user = make_member(elsewhere, Role.ACCOUNTING)
    make_member(rated.agency, Role.AUDITOR, email=user.email)

    page = sign_in(user).post(PAGE, {"agreements": [rated.agreement.pk], "look": "1"})

    assert page.context["outcome"] is None
