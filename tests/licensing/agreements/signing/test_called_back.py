"""A draft that is out for signature: whoever changes its terms is warned, and calls it back."""

import pytest
from django.urls import reverse

from licensing.agreements.signing import acts, rounds
from licensing.agreements.wizard.steps import Step
from licensing.models import Agreement, Cap, DealTerms, RateLine
from licensing.words import RoundState
from talent.models import OutboxMessage
from tests.factories import NOW, admin_page, messages_of, sign_in
from tests.licensing.agreements.signing import rounds_of_tests as flow
from tests.pages import form_on

pytestmark = pytest.mark.usefixtures("light_papers")
WARNED = "is out for signature; it waits for Ada Example"


@pytest.fixture
def client(lawyer):
    return sign_in(lawyer)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """Have the pages' clock stand where the round's does."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def step_page(deal, step):
    return reverse("admin:licensing_agreement_wizard_step", args=[deal.pk, Step(step).value])


def save(client, page, **changed):
    return client.post(page, form_on(client, page) | changed)


def state_of(found):
    found.refresh_from_db(fields=["state"])
    return found.state


@pytest.mark.parametrize("step", [step.value for step in Step if step is not Step.CHECKS])
def test_each_step_warns_and_going_on_changes_nothing(client, out, deal, step):
    page = step_page(deal, step)
    assert WARNED in client.get(page).text

    assert save(client, page, next="1").status_code == 302

    assert state_of(out) == RoundState.OPEN


def test_what_is_changed_is_called_back_and_read_anew_by_all(client, out, deal, star, lawyer):
    read_by_ada = flow.digest_now(out)
    flow.read(out, "performer", flow.signed_in(star))

    sent = save(client, step_page(deal, "limits"), limit_lines="4000", next="1")

    assert state_of(out) == RoundState.CANCELLED
    assert "was called back" in messages_of(sent)
    assert (
        rounds.CALLED_BACK in OutboxMessage.objects.filter(recipient=star.email).latest("pk").body
    )
    with pytest.raises(rounds.RoundIsOver):
        flow.sign(out, "performer", flow.signed_in(star), shown=read_by_ada)
    anew = flow.send(Agreement.objects.get(pk=deal.pk), lawyer)
    assert anew.document_id != out.document_id
    with pytest.raises(acts.ShownIsOld):
        flow.sign(anew, "performer", flow.signed_in(star), shown=read_by_ada)
    with pytest.raises(acts.NotReady):
        flow.sign(anew, "performer", flow.signed_in(star))


def test_the_form_with_all_details_warns_and_calls_back_only_what_was_changed(client, out, deal):
    page = admin_page(Agreement, deal.pk)
    assert WARNED in client.get(page).text
    save(client, page)
    assert state_of(out) == RoundState.OPEN

    save(client, page, reserve_percent="5", reserve_periods="1")

    assert Agreement.objects.get(pk=deal.pk).reserve_percent == 5
    assert state_of(out) == RoundState.CANCELLED, "A clause says that there is a reserve."


@pytest.mark.parametrize(
    ("model", "changed"), [(RateLine, {"unit_price": "4.20"}), (Cap, {"limit": "4000"})]
)
def test_a_change_on_a_page_of_its_own_calls_it_back_too(client, out, model, changed):
    page = admin_page(model, model.objects.get().pk)
    save(client, page)
    assert state_of(out) == RoundState.OPEN

    save(client, page, **changed)

    assert state_of(out) == RoundState.CANCELLED


def test_a_change_of_no_form_stops_the_next_signature(out, deal, star):
    flow.prepare(out, "performer", flow.signed_in(star))
    DealTerms.objects.filter(agreement=deal).update(payment_days=90)

    with pytest.raises(acts.TermsChanged):
        flow.sign(out, "performer", flow.signed_in(star))


def test_one_whose_time_is_over_expires(client, deal, star, lawyer, monkeypatch):
    out = flow.send(deal, lawyer, days=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: out.expires_at)

    page = step_page(deal, "limits")
    assert WARNED not in client.get(page).text
    save(client, page, limit_lines="4000", next="1")

    assert state_of(out) == RoundState.OPEN
