"""A signature on paper: a scan of what was drawn, by one person, approved by another."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from licensing.agreements import agreements, document
from licensing.agreements.signing import scans
from licensing.models import Agreement, SignedScan
from licensing.words import AgreementStatus, DocumentKind
from talent.four_eyes import FourEyes, NobodyToApprove
from talent.papers.seal import NotAPdf
from tests.factories import (
    NOW,
    make_agency,
    make_member,
    messages_of,
    record_consent,
    sign_in,
    take_step,
)
from tests.licensing.agreements.papers import SCAN, a_pdf
from tests.licensing.agreements.signing import rounds_of_tests as flow

pytestmark = pytest.mark.usefixtures("light_papers")
DAY = date(2026, 11, 20)
SAYS = "Ada Example and Sam Studio, before me in Los Angeles"


@pytest.fixture
def agent(deal):
    return make_member(deal.agency, "agent", email="agent@northlight.example")


@pytest.fixture
def printed(deal, lawyer):
    return document.draw(agreement=deal, kind=DocumentKind.TO_SIGN, at=NOW, by=lawyer)


def hand_in(deal, by, *, content=SCAN, size=None, signed_on=DAY, vouched=SAYS):
    return scans.hand_in(
        agreement=deal, file=BytesIO(content), size=len(content) if size is None else size,
        signed_on=signed_on, vouched=vouched, at=NOW, by=by,
    )  # fmt: skip


def test_it_binds_once_a_second_person_approves_it(deal, printed, agent, lawyer):
    scan = hand_in(deal, agent)
    assert Agreement.objects.get(pk=deal.pk).status == AgreementStatus.DRAFT

    scans.approve(scan_id=scan.pk, at=NOW, by=lawyer)

    deal.refresh_from_db()
    assert deal.status == AgreementStatus.SIGNED
    assert SAYS in deal.steps.get(kind="signed").reason
    assert deal.finding_sets.get(at=NOW).document_digest == printed.digest


def test_nobody_approves_what_they_handed_in(deal, printed, lawyer):
    make_member(deal.agency, "business_affairs", email="second@northlight.example")
    scan = hand_in(deal, lawyer)

    with pytest.raises(FourEyes):
        scans.approve(scan_id=scan.pk, at=NOW, by=lawyer)


def test_nobody_hands_in_what_nobody_could_approve(deal, printed, lawyer):
    with pytest.raises(NobodyToApprove):
        hand_in(deal, lawyer)


def test_only_who_signs_for_the_agency_approves(deal, printed, agent, lawyer):
    scan = hand_in(deal, agent)
    rival = make_member(make_agency("elsewhere"), "business_affairs")
    other = make_member(deal.agency, "agent", email="other@northlight.example")

    for by in (rival, other):
        with pytest.raises(FourEyes):
            scans.approve(scan_id=scan.pk, at=NOW, by=by)


def test_what_was_decided_is_decided(deal, printed, agent, lawyer):
    scan = hand_in(deal, agent)
    scans.reject(scan_id=scan.pk, at=NOW, by=agent, reason="The wrong scan")

    with pytest.raises(scans.ScanRefused, match="has decided"):
        scans.approve(scan_id=scan.pk, at=NOW, by=lawyer)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"PK\x03\x04", "no PDF"), (a_pdf(user="u", owner="o"), "encrypted"), (SCAN[:90], "damaged")],
)
def test_what_is_no_pdf_or_encrypted_or_damaged_is_refused(
    deal, printed, agent, lawyer, content, why
):
    with pytest.raises(NotAPdf, match=why):
        hand_in(deal, agent, content=content)


def test_two_hundred_megabytes_are_refused_before_they_are_read(deal, printed, agent, lawyer):
    class Unread(BytesIO):
        def read(self, *_size):
            raise AssertionError("It was read.")

    with pytest.raises(scans.ScanRefused, match="at most 25 MB"):
        scans.hand_in(
            agreement=deal, file=Unread(), size=200 * 2**20, signed_on=DAY, vouched=SAYS, at=NOW,
            by=agent,
        )  # fmt: skip
    with pytest.raises(scans.ScanRefused, match="at most 25 MB"):
        hand_in(deal, agent, content=b"%PDF-" + bytes(scans.LARGEST), size=9)


def test_it_is_the_document_that_was_drawn_to_be_signed(deal, agent, lawyer):
    with pytest.raises(scans.ScanRefused, match="Draw the document"):
        hand_in(deal, agent)
    document.draw(agreement=deal, kind=DocumentKind.TO_SIGN, at=NOW, by=lawyer)
    scan = hand_in(deal, agent)
    Agreement.objects.filter(pk=deal.pk).update(description="Another")

    for late in (lambda: hand_in(deal, agent),
                 lambda: scans.approve(scan_id=scan.pk, at=NOW, by=lawyer)):  # fmt: skip
        with pytest.raises(scans.ScanRefused, match="terms were changed"):
            late()


def test_it_is_not_signed_twice_at_once(deal, star, agent, lawyer):
    flow.send(deal, lawyer)

    with pytest.raises(scans.ScanRefused, match="Cancel that round first"):
        hand_in(deal, agent)


def test_it_was_signed_on_a_day_that_has_come_and_somebody_vouches(deal, printed, agent, lawyer):
    with pytest.raises(scans.ScanRefused, match="day to come"):
        hand_in(deal, agent, signed_on=NOW.date() + timedelta(days=1))
    with pytest.raises(scans.ScanRefused, match="Say who signed it"):
        hand_in(deal, agent, vouched="  ")


def test_consent_that_was_withdrawn_meanwhile_stops_the_approval(deal, printed, agent, lawyer):
    scan = hand_in(deal, agent)
    record_consent(performer=deal.twin.performer, stance="deny", at=NOW + timedelta(hours=1))

    with pytest.raises(agreements.GrantsExceedConsent):
        scans.approve(scan_id=scan.pk, at=NOW + timedelta(hours=2), by=lawyer)


def test_it_is_drawn_handed_in_and_approved_on_its_pages(deal, agent, lawyer):
    drawn = take_step(sign_in(agent), "draw_to_sign", deal)
    assert "Print that one" in messages_of(drawn)
    url = f"{reverse('admin:licensing_signedscan_hand_in')}?agreement={deal.pk}"
    sent = {"signed_on": "2026-11-20", "vouched": SAYS,
            "scan": SimpleUploadedFile("scan.pdf", SCAN)}  # fmt: skip
    client = sign_in(agent)
    assert client.get(url).status_code == 200
    assert client.post(url, sent).status_code == 302
    scan = SignedScan.objects.get()

    approved = take_step(sign_in(lawyer), "approve", scan)

    assert "holds from now on" in messages_of(approved)
    file = sign_in(lawyer).get(reverse("admin:licensing_signedscan_file", args=[scan.pk]))
    assert file.content == SCAN
    assert file["content-security-policy"] == "sandbox"
    rival = sign_in(make_member(make_agency("elsewhere"), "business_affairs"))
    assert rival.get(url).status_code == 404
    assert rival.get(reverse("admin:licensing_signedscan_file", args=[scan.pk])).status_code == 404
