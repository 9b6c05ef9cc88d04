"""Holds are placed and lifted, each with who and why, and lie on everything they are about."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from licensing.clearance.holds import (
    HoldEndsBeforeItStarts,
    HoldIsOver,
    holds_in_force,
    lift,
    place,
)
from licensing.models import Hold, HoldStep
from tests.factories import admin_page, sign_in, take_step

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def placed(agreement, agent):
    return place(
        kind="dispute", agreement=agreement, starts_at=MARCH, reason="A bill.", at=MARCH, by=agent
    )


def test_a_hold_says_who_placed_it_and_who_lifted_it_and_why(placed, agent):
    lift(hold=placed, ends_at=JUNE, at=JUNE, by=agent, reason="Paid.")
    placed.refresh_from_db()
    assert placed.ends_at == JUNE
    steps = HoldStep.objects.order_by("pk").values_list("kind", "by", "reason")
    assert list(steps) == [("placed", agent.pk, "A bill."), ("lifted", agent.pk, "Paid.")]
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        HoldStep.objects.update(reason="Never.")


def test_a_hold_that_is_over_is_not_lifted_again(placed, agent):
    lift(hold=placed, ends_at=JUNE, at=JUNE, by=agent, reason="Paid.")
    with pytest.raises(HoldIsOver):
        lift(hold=placed, ends_at=JUNE, at=JUNE, by=agent, reason="Paid.")


def test_a_hold_ends_after_it_starts(placed, agent):
    with pytest.raises(HoldEndsBeforeItStarts):
        lift(hold=placed, ends_at=MARCH, at=JUNE, by=agent, reason="Paid.")
    assert HoldStep.objects.count() == 1


@pytest.mark.parametrize("subject", ["guild", "performer", "twin", "agreement"])
@pytest.mark.parametrize("kind", ["strike", "dispute", "legal"])
def test_a_hold_is_found_on_everything_it_is_about(
    kind, subject, twin, performer, agreement, agent
):
    on = {"guild": "equity_uk", "performer": performer, "twin": twin, "agreement": agreement}
    place(kind=kind, starts_at=MARCH, reason="Why.", at=MARCH, by=agent, **{subject: on[subject]})
    (lying,) = holds_in_force([twin], at=JUNE)
    assert lying.kind.lower() == kind
    assert holds_in_force([twin], at=MARCH - timedelta(seconds=1)) == []


def test_a_hold_elsewhere_does_not_lie_here(twin, agent):
    place(kind="strike", guild="sag_aftra", starts_at=MARCH, reason="A strike.", at=MARCH, by=agent)
    assert holds_in_force([twin], at=JUNE) == []


class TestInTheAdmin:
    def test_staff_place_and_lift_a_hold(self, client, agent, agreement):
        client.force_login(agent)
        sent = {
            "kind": "legal", "agreement": agreement.pk, "reason": "A suit.",
            "starts_at_0": "2026-03-01", "starts_at_1": "00:00:00",
            "steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0",
        }  # fmt: skip
        assert client.post(reverse("admin:licensing_hold_add"), sent).status_code == 302
        hold = Hold.objects.get()
        assert (hold.reason, HoldStep.objects.get().by) == ("A suit.", agent)
        when = {"ends_at_0": "2026-04-01", "ends_at_1": "00:00:00"}
        lifted = take_step(client, "lift", hold, **when, reason="Settled.")
        assert lifted.status_code == 302
        hold.refresh_from_db()
        assert hold.ends_at == datetime(2026, 4, 1, tzinfo=UTC)
        assert HoldStep.objects.latest("pk").reason == "Settled."

    def test_what_a_hold_says_is_not_edited(self, client, agent, placed):
        client.force_login(agent)
        page = reverse("admin:licensing_hold_change", args=[placed.pk])
        client.post(page, {"reason": "Another.", "steps-TOTAL_FORMS": "0",
                           "steps-INITIAL_FORMS": "0"})  # fmt: skip
        placed.refresh_from_db()
        assert placed.reason == "A bill."
        assert client.get(page).status_code == 200

    def test_a_stranger_lifts_nothing(self, client, placed, stranger):
        client.force_login(stranger)
        page = reverse("admin:licensing_hold_lift", args=[placed.pk])
        assert client.get(page).status_code in (403, 404)


def test_only_the_operator_declares_a_hold_over_a_guild(affairs, operator):
    fields = sign_in(affairs).get(admin_page(Hold)).context["adminform"].form.fields

    assert "guild" not in fields
    assert "guild" in sign_in(operator).get(admin_page(Hold)).context["adminform"].form.fields


def test_a_hold_over_a_twin_is_the_agencys_to_lift(affairs, twin):
    hold = Hold.objects.create(
        kind="dispute", twin=twin, starts_at=timezone.now(), reason="Under review"
    )

    assert sign_in(affairs).get(admin_page(Hold, hold.pk)).context["has_change_permission"]
