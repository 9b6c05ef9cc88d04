"""Approvals through the studios' API: asked for with a clearance or after it, and followed."""

import pytest
from django.test import Client
from django.utils import timezone

from licensing import api_keys
from licensing.api import descriptions
from licensing.approvals.answers import Narrowing, record_answer
from licensing.models import ApprovalPart, ApprovalRequest, ClearanceDecision
from licensing.words import ApprovalAnswerKind
from tests.factories import make_agency, make_studio, make_terms

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"
SPECIFIC = {**descriptions.SPECIFIC, "ends_at": "2099-03-01T00:00:00Z"}


def client_of(terms):
    return make_studio(terms, at=timezone.now())


@pytest.fixture
def studio(terms):
    return client_of(terms)


@pytest.fixture
def asked(twin, agreement, production, asking):
    return {
        "twin": f"T{twin.pk}",
        "agreement": agreement.reference,
        "production": production.title,
        "right": "voice",
        "use": "dubbing",
        "at": "2026-12-15T09:00:00Z",
        "territory": "US",
        "language": "en",
        "channel": "streaming",
        "quantities": {"lines": "6"},
    }


def post(studio, sent, address=CLEARANCES, **headers):
    return studio.post(address, sent, content_type="application/json", headers=headers)


def approval(clearance):
    return f"{CLEARANCES}/{clearance}/approval"


def test_a_description_with_the_question_asks_at_once(studio, asked, ada):
    answered = post(studio, {**asked, "description": SPECIFIC})
    assert (answered.status_code, answered.json()["outcome"]) == (201, "needs_approval")

    told = studio.get(approval(answered.json()["id"])).json()
    assert (told["state"], told["once"], told["limits"], told["reasons"]) == (
        "waiting",
        False,
        None,
        [],
    )
    assert ApprovalPart.objects.get().performer.user == ada


def test_a_clearance_asked_before_is_described_later(studio, asked, ada):
    clearance = post(studio, asked).json()["id"]
    assert studio.get(approval(clearance)).status_code == 404

    opened = post(studio, SPECIFIC, approval(clearance))
    again = post(studio, SPECIFIC, approval(clearance))
    assert (opened.status_code, again.status_code) == (201, 201)
    assert opened.json() == again.json() == studio.get(approval(clearance)).json()
    other = post(studio, {**SPECIFIC, "scene": "Scene 42"}, approval(clearance))
    assert (other.status_code, other.json()["code"]) == (409, "asked_otherwise")


def test_a_generic_description_is_refused_with_pointers_and_nothing_is_kept(studio, asked, ada):
    generic = {**SPECIFIC, "scene": "", "lines": "Any use for promotional purposes"}
    answered = post(studio, {**asked, "description": generic}, **{"Idempotency-Key": "k"})

    assert answered.status_code == 422
    assert answered["content-type"] == "application/problem+json"
    problem = answered.json()
    assert problem["code"] == "description_not_specific"
    assert {fault["pointer"]: fault["code"] for fault in problem["errors"]} == {
        "/description/scene": "missing",
        "/description/lines": "generic",
    }
    assert not ClearanceDecision.objects.exists()
    fine = post(studio, {**asked, "description": SPECIFIC}, **{"Idempotency-Key": "k"})
    assert fine.status_code == 201


def test_each_question_of_a_batch_asks_with_its_own_description(studio, asked, ada):
    generic = {**SPECIFIC, "scene": "", "lines": "Any use for promotional purposes"}
    malformed = {**SPECIFIC, "starts_at": "soon"}
    other = {**SPECIFIC, "scene": "Scene 42"}
    descriptions_ = (SPECIFIC, generic, malformed, other, None)
    batch = [{**asked, "description": one} for one in descriptions_]

    answered = post(studio, batch, f"{CLEARANCES}/batch", **{"Idempotency-Key": "b"})

    fine, refused, unread, another, plain = answered.json()["results"]
    assert [one["status"] for one in (fine, refused, unread, another, plain)] == [
        201, 422, 400, 201, 201,
    ]  # fmt: skip
    assert {fault["pointer"]: fault["code"] for fault in refused["problem"]["errors"]} == {
        "/description/scene": "missing",
        "/description/lines": "generic",
    }
    assert [fault["pointer"] for fault in unread["problem"]["errors"]] == ["/description/starts_at"]
    assert "clearance" not in unread
    scenes = ApprovalRequest.objects.order_by("pk").values_list("scene", flat=True)
    assert list(scenes) == ["Scene 41", "Scene 42"]
    assert studio.get(approval(fine["clearance"]["id"])).json()["state"] == "waiting"

    again = post(studio, batch, f"{CLEARANCES}/batch", **{"Idempotency-Key": "b"})
    assert again.json() == answered.json()
    assert ApprovalRequest.objects.count() == 2

    anew = post(studio, {**SPECIFIC, "scene": "Scene 43"}, approval(refused["clearance"]["id"]))
    assert (anew.status_code, anew.json()["state"]) == (201, "waiting")


def test_a_sandbox_batch_asks_nobody(terms, asked, ada):
    issued = api_keys.issue(terms=terms, label="Trial", at=timezone.now(), by=None, sandbox=True)
    trial = Client(headers={"authorization": f"Bearer {issued.secret}"})
    answered = post(trial, [{**asked, "description": SPECIFIC}], f"{CLEARANCES}/batch").json()
    assert answered["results"][0]["clearance"]["outcome"] == "needs_approval"
    assert not ApprovalRequest.objects.exists()


def test_a_malformed_description_is_a_problem_with_pointers(studio, asked, ada):
    malformed = {**SPECIFIC, "starts_at": "soon", "compensation": {"amount": "much"}}
    answered = post(studio, {**asked, "description": malformed})
    pointers = {fault["pointer"] for fault in answered.json()["errors"]}
    assert answered.status_code == 400
    assert {"/description/starts_at", "/description/compensation/amount"} <= pointers


def test_a_description_that_is_not_needed_does_no_harm(studio, asked, consent, performer):
    consent("allow", performer=performer)
    answered = post(studio, {**asked, "description": SPECIFIC})
    assert answered.json()["outcome"] == "cleared"
    assert not ApprovalRequest.objects.exists()
    later = post(studio, SPECIFIC, approval(answered.json()["id"]))
    assert (later.status_code, later.json()["code"]) == (422, "nothing_to_approve")


def test_the_same_key_finds_the_same_clearance_and_request(studio, asked, ada):
    sent = {**asked, "description": SPECIFIC}
    first = post(studio, sent, **{"Idempotency-Key": "k"})
    again = post(studio, sent, **{"Idempotency-Key": "k"})
    assert first.json() == again.json()
    assert ApprovalRequest.objects.count() == 1


def test_the_studio_learns_of_the_veto_and_never_of_who(studio, asked, ada, performer):
    clearance = post(studio, {**asked, "description": SPECIFIC}).json()["id"]
    part = ApprovalPart.objects.get()
    record_answer(
        part_id=part.pk,
        kind=ApprovalAnswerKind.VETO,
        by=ada,
        at=timezone.now(),
        reason="Not this scene",
        reason_shown=True,
    )

    told = studio.get(approval(clearance)).json()
    refused = post(studio, {**asked, "description": SPECIFIC}).json()
    assert (told["state"], told["reasons"]) == ("vetoed", ["Not this scene"])
    assert refused["text"] == (
        "Refused: Voice in Dubbing was not approved. Reason given: Not this scene"
    )
    assert performer.name not in str(told) + str(refused["trace"][2:])
    assert ada.email not in str(told) + str(refused["trace"][2:])


def test_the_studio_learns_what_is_left_of_a_narrower_approval(studio, asked, ada):
    wider = {**SPECIFIC, "territories": ["US", "FR"]}
    clearance = post(studio, {**asked, "description": wider}).json()["id"]
    record_answer(
        part_id=ApprovalPart.objects.get().pk,
        kind=ApprovalAnswerKind.NARROW,
        by=ada,
        at=timezone.now(),
        narrowing=Narrowing(territories=("US",)),
    )

    told = studio.get(approval(clearance)).json()
    assert told["state"] == "approved"
    assert told["limits"] == {
        "territories": ["US"],
        "languages": ["en"],
        "starts_at": "2026-12-01T00:00:00Z",
        "ends_at": "2099-03-01T00:00:00Z",
        "quantities": {"lines": "6.000000"},
    }
    named = {**asked, "approval": told["id"]}
    assert post(studio, named).json()["outcome"] == "cleared"
    assert post(studio, {**named, "territory": "FR"}).json()["outcome"] == "needs_approval"
    assert post(studio, {**asked, "description": wider}).json()["outcome"] == "cleared"
    assert post(studio, asked).json()["outcome"] == "needs_approval"


def test_another_agencys_or_studios_clearance_is_not_found(studio, asked, ada, licensee):
    clearance = post(studio, {**asked, "description": SPECIFIC}).json()["id"]
    elsewhere = make_agency("elsewhere")
    other = client_of(make_terms(elsewhere, licensee))

    assert other.get(approval(clearance)).status_code == 404
    assert post(other, SPECIFIC, approval(clearance)).status_code == 404
    assert Client().get(approval(clearance)).status_code == 401
    assert studio.get(approval("C999999")).status_code == 404


def test_following_an_approval_takes_a_fixed_number_of_queries(
    studio, asked, ada, django_assert_max_num_queries
):
    clearance = post(studio, {**asked, "description": SPECIFIC}).json()["id"]
    with django_assert_max_num_queries(12):
        studio.get(approval(clearance))
