"""Renewal: what ends soon, what lapses with it, and the draft that carries it on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from licensing.agreements import agreements, renewals
from licensing.agreements.exports import terms
from licensing.models import (
    Advance,
    Agreement,
    Bracket,
    Cap,
    DealTerms,
    Escalator,
    Grant,
    Guarantee,
    Multiplier,
    RateCard,
    RateLine,
    Renewal,
)
from tests import factories
from tests.factories import admin_page, messages_of, sign_in, sign_on_paper, take_step

NOVEMBER = datetime(2026, 11, 15, tzinfo=UTC)
PAGE = reverse("admin:renewals")


@pytest.fixture
def whole(agreement, production):
    """The agreement of the year 2026, with something of every part."""
    agreement.productions.add(production)
    for on, price in (("2025-01-01", 9), ("2026-01-01", 1)):
        card = RateCard.objects.create(agreement=agreement, effective_from=on, source="List")
        line = RateLine.objects.create(
            card=card, code="lines", label="Lines", meter="lines", pricing="graduated",
            unit_price=price, production=production,
        )  # fmt: skip
        Bracket.objects.create(line=line, up_to=None, unit_price=price)
        Multiplier.objects.create(card=card, dimension="territory", value="FR", factor="1.2")
        Escalator.objects.create(card=card, raises=["prices"], first_on="2026-07-01", percent=3)
    Guarantee.objects.create(agreement=agreement, amount=1000)
    Advance.objects.create(agreement=agreement, label="On signing", amount=5, due_on="2026-01-05")
    Cap.objects.create(agreement=agreement, meter="lines", limit=900, starts_on="2026-01-01")
    Cap.objects.create(
        agreement=agreement, meter="words", limit=9, starts_on="2026-01-01", ends_on="2026-03-01"
    )
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", usage_report_days=90)
    return agreement


def test_a_renewal_takes_over_all_terms_with_their_dates_moved(whole, affairs):
    draft = renewals.renew(agreement=whole, at=NOVEMBER, by=affairs)

    old, new = terms.terms_of(whole), terms.terms_of(draft)
    assert (draft.status, draft.reference, draft.signed_at) == ("draft", "NA-1/2", None)
    assert (new["starts_at"], new["ends_at"]) == ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
    same = {name for name in old if old[name] == new[name]}
    assert set(old) - same == {
        "id", "reference", "starts_at", "ends_at", "rate_cards", "caps", "advances",
    }  # fmt: skip
    assert new["rate_cards"] == [old["rate_cards"][1]]
    assert new["advances"][0]["due_on"] == "2027-01-05"
    assert [(cap["meter"], cap["starts_on"]) for cap in new["caps"]] == [("lines", "2027-01-01")]
    assert draft.steps.get().by == affairs
    assert (draft.renewal.renews, whole.renewed_by.agreement) == (whole, draft)


def test_nothing_of_the_old_agreement_changes(whole):
    before = terms.terms_bytes(whole)

    renewals.renew(agreement=whole, at=NOVEMBER, by=None)

    assert terms.terms_bytes(whole) == before
    assert Agreement.objects.get(pk=whole.pk).status == "signed"


def test_an_agreement_is_renewed_once_and_its_renewal_after_that(whole):
    draft = renewals.renew(agreement=whole, at=NOVEMBER, by=None)

    with pytest.raises(renewals.RenewedBefore, match="NA-1/2"):
        renewals.renew(agreement=whole, at=NOVEMBER, by=None)
    with pytest.raises(renewals.NothingToRenew):
        renewals.renew(agreement=draft, at=NOVEMBER, by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Renewal.objects.create(agreement=draft, renews=draft, at=NOVEMBER)
    Agreement.objects.filter(pk=draft.pk).update(status="signed", signed_at=NOVEMBER)
    draft.refresh_from_db()
    assert renewals.renew(agreement=draft, at=NOVEMBER, by=None).reference == "NA-1/3"


def test_a_draft_that_is_taken_away_leaves_the_agreement_to_be_renewed(whole):
    draft = renewals.renew(agreement=whole, at=NOVEMBER, by=None)
    Renewal.objects.filter(agreement=draft).delete()

    assert renewals.renew(agreement=whole, at=NOVEMBER, by=None).reference == "NA-1/3"


def test_references_stay_within_their_length_and_free(agreement, agency, licensee, twin):
    Agreement.objects.filter(pk=agreement.pk).update(reference="N" * 40)
    agreement.refresh_from_db()
    factories.make_agreement(agency, licensee, twin, reference="N" * 38 + "/2")

    assert renewals.renew(agreement=agreement, at=NOVEMBER, by=None).reference == "N" * 38 + "/3"


@pytest.mark.parametrize(
    ("zone", "starts", "ends", "next_ends"),
    [
        # A year is a year, also across 29 February; months stay months across summer time.
        ("UTC", "2027-03-01T00:00", "2028-03-01T00:00", "2029-03-01T00:00"),
        ("America/New_York", "2026-09-01T04:00", "2026-12-01T05:00", "2027-03-01T05:00"),
        ("UTC", "2026-08-31T00:00", "2026-10-31T00:00", "2026-12-31T00:00"),
        # Other terms last as long.
        ("UTC", "2026-11-10T00:00", "2026-11-20T12:00", "2026-12-01T00:00"),
    ],
)
def test_the_next_term_is_as_long_as_the_last(agreement, zone, starts, ends, next_ends):
    agreement.time_zone = zone
    agreement.starts_at, agreement.ends_at = (
        datetime.fromisoformat(f"{text}+00:00") for text in (starts, ends)
    )

    term = renewals.next_term(agreement, at=agreement.starts_at)

    assert term.starts_at == agreement.ends_at
    assert term.ends_at == datetime.fromisoformat(f"{next_ends}+00:00")


def test_what_has_ended_is_carried_on_from_today_and_not_from_the_past(agreement):
    term = renewals.next_term(agreement, at=datetime(2027, 5, 4, 13, tzinfo=UTC))

    assert term.starts_at == datetime(2027, 5, 4, tzinfo=UTC)
    assert term.ends_at == datetime(2028, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize("ends_at", [None, datetime(9999, 12, 1, tzinfo=UTC)])
def test_without_an_end_or_a_calendar_that_reaches_the_next_there_is_nothing_to_renew(
    agreement, ends_at
):
    agreement.ends_at = ends_at

    with pytest.raises(renewals.NothingToRenew):
        renewals.next_term(agreement, at=NOVEMBER)


def test_a_try_out_is_not_renewed(agreement):
    agreement.try_out = True

    with pytest.raises(renewals.NothingToRenew, match="a package is taken next"):
        renewals.next_term(agreement, at=NOVEMBER)


def test_what_lapses_is_counted_in_as_many_queries_for_many(
    whole, agency, licensee, twin, django_assert_max_num_queries
):
    factories.change_deal_terms(retention_days=30)
    others = [
        factories.make_agreement(agency, licensee, twin, reference=f"NA-{number}")
        for number in (7, 8)
    ]
    renewals.lapsing_with([whole], at=NOVEMBER)

    with django_assert_max_num_queries(18):
        found = renewals.lapsing_with([whole, *others], at=NOVEMBER)

    assert [burnt.cap.meter for burnt in found[whole.pk].caps] == ["lines", "words"]
    assert found[whole.pk].destroy_by == date(2027, 1, 30)
    assert found[others[0].pk] == renewals.Lapsing()


class TestTheDesk:
    @pytest.fixture
    def soon(self, agreement):
        """The agreement, as it ends in 45 days."""
        ends_at = (timezone.now() + timedelta(days=45)).replace(microsecond=0)
        starts_at = datetime(2026, 1, 1, tzinfo=UTC)
        Agreement.objects.filter(pk=agreement.pk).update(starts_at=starts_at, ends_at=ends_at)
        Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")
        agreement.refresh_from_db()
        return agreement

    def test_it_is_renewed_in_two_clicks_and_what_lapses_is_shown_first(self, soon, affairs):
        client = sign_in(affairs)
        page = client.get(PAGE)
        shown = dict(page.context["buckets"])
        assert [len(rows) for rows in shown.values()] == [0, 1, 0]
        (row,) = shown[60]
        assert row["lapses"] == ["of its cap, 9 lines of 9 lines left this year"]

        asked = client.get(row["url"])
        assert "of its cap, 9 lines" in asked.text
        assert Renewal.objects.count() == 0
        take_step(client, "renew", soon)

        draft = Renewal.objects.get().agreement
        assert draft.starts_at == soon.ends_at
        (row,) = dict(client.get(PAGE).context["buckets"])[60]
        assert (row["renewal"].agreement, row["url"]) == (draft, "")
        for one, other in ((soon, draft), (draft, soon)):
            assert admin_page(Agreement, other.pk) in client.get(admin_page(Agreement, one.pk)).text

    def test_the_step_is_not_offered_twice(self, soon, affairs):
        client = sign_in(affairs)
        take_step(client, "renew", soon)

        told = client.get(reverse("admin:licensing_agreement_renew", args=[soon.pk]))

        assert "is not its next step" in messages_of(told)
        assert Renewal.objects.count() == 1

    def test_an_auditor_sees_and_renews_nothing(self, soon, auditor):
        client = sign_in(auditor)

        (row,) = dict(client.get(PAGE).context["buckets"])[60]
        assert row["url"] == ""
        assert (
            client.get(reverse("admin:licensing_agreement_renew", args=[soon.pk])).status_code
            == 403
        )

    def test_another_agency_sees_none_of_it(self, soon, elsewhere):
        stranger = sign_in(factories.make_member(elsewhere, "agent"))

        assert all(rows == [] for _days, rows in stranger.get(PAGE).context["buckets"])
        url = reverse("admin:licensing_agreement_renew", args=[soon.pk])
        assert stranger.get(url).status_code == 404

    def test_the_boundary_of_a_bucket_is_in_it(self, agreement):
        at = NOVEMBER
        agreement.ends_at = at + timedelta(days=30)
        later = Agreement(pk=0, ends_at=at + timedelta(days=30, microseconds=1))

        found = renewals.ending([agreement, later], at=at, buckets=(30, 60, 90))

        assert (found[30], found[60]) == ([agreement], [later])


def test_a_renewal_is_signed_against_the_consent_of_then(whole, consent, performer):
    draft = renewals.renew(agreement=whole, at=NOVEMBER, by=None)

    assert Grant.objects.filter(agreement=draft).count() == 1
    with pytest.raises(agreements.GrantsExceedConsent):
        sign_on_paper(agreement=draft, at=NOVEMBER, by=None)
