"""What was signed elsewhere: taken in by one person, compared by another, kept as it came."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from licensing.agreements import agreements, document
from licensing.agreements.findings.findings import RulesForbidIt
from licensing.agreements.rules.rulesets import load_rules
from licensing.agreements.signing import imports, kept, rounds, scans
from licensing.agreements.signing.imports import Signer
from licensing.api.agreements import AgreementSerializer
from licensing.models import (
    Agreement,
    AgreementDocument,
    DealTerms,
    Grant,
    SignedCommission,
    SignedScan,
)
from licensing.words import AgreementStatus, DocumentKind, SignatoryRole
from talent.four_eyes import FourEyes
from talent.models import Performer, Representation
from talent.papers.seal import NotAPdf
from tests.factories import (
    NOW,
    admin_page,
    make_agency,
    make_member,
    messages_of,
    sign_in,
    take_step,
)
from tests.licensing.agreements.papers import SCAN, a_pdf, amend
from tests.licensing.agreements.signing import rounds_of_tests as flow

pytestmark = pytest.mark.usefixtures("light_papers")
DAY = date(2026, 3, 2)
SAYS = "The original lies in our safe"


@pytest.fixture
def agent(deal):
    return make_member(deal.agency, "agent", email="agent@northlight.example")


def signers(*, on=DAY, last_on=DAY):
    return [
        Signer("Ada Example", SignatoryRole.PERFORMER, on),
        Signer("Sam Studio", SignatoryRole.LICENSEE, last_on),
    ]


def take_in(deal, by, *, content=SCAN, size=None, who=None, vouched=SAYS, at=NOW):
    return imports.take_in(
        agreement=deal, file=BytesIO(content), size=len(content) if size is None else size,
        signers=signers() if who is None else who, vouched=vouched, at=at, by=by,
    )  # fmt: skip


def confirm(scan, by, *, at=NOW):
    return imports.confirm(scan_id=scan.pk, at=at, by=by)


def test_it_holds_once_a_second_person_confirms_it_and_is_kept_as_it_came(deal, agent, lawyer):
    scan = take_in(deal, agent, who=signers(last_on=DAY + timedelta(days=3)))
    assert Agreement.objects.get(pk=deal.pk).status == AgreementStatus.DRAFT
    assert not AgreementDocument.objects.filter(agreement=deal).exists()

    confirm(scan, lawyer)

    deal.refresh_from_db()
    assert (deal.status, deal.signed_elsewhere_on) == ("signed", DAY + timedelta(days=3))
    paper = document.latest(deal)
    assert (paper.kind, paper.digest) == (DocumentKind.IMPORTED.value, scan.digest)
    assert bytes(paper.pdf) == SCAN, "Nothing of the desk's stands on it."
    assert document.is_current(paper, at=NOW)
    assert AgreementSerializer(deal).data["signed_elsewhere_on"] == "2026-03-05"
    assert list(kept.faults()) == []


def test_what_the_rules_say_undoes_nothing_and_is_frozen_as_found(deal, agent, lawyer):
    """The desk's own signature would be refused by the same finding."""
    load_rules()
    Agreement.objects.filter(pk=deal.pk).update(description="Any and all uses.")
    DealTerms.objects.filter(agreement=deal).update(represented_by="none")
    with pytest.raises(RulesForbidIt):
        rounds.refuse_unlawful(Agreement.objects.get(pk=deal.pk), at=NOW)
    scan = take_in(deal, agent)

    confirm(scan, lawyer)

    found = imports.findings_of(scan)
    limb = found.findings.get(code="three_limb_test.california")
    assert (found.by, found.occasion, limb.result) == (agent, "import", "fail")
    asked = found.findings.filter(trigger="agreement_date").exclude(day=None)
    assert set(asked.values_list("day", flat=True)) == {DAY}, "The day on the paper counts."
    assert Agreement.objects.get(pk=deal.pk).status == AgreementStatus.SIGNED


def test_the_rules_of_the_day_on_the_paper_count_and_its_commission(deal, agent, lawyer):
    performer = deal.twin.performer
    Representation.objects.filter(performer=performer).delete()
    early, later = date(2026, 1, 1), date(2026, 9, 1)
    for percent, starts_on, ends_on in ((10, early, later), (15, later, None)):
        Representation.objects.create(
            performer=performer, agency=deal.agency, commission_percent=percent,
            starts_on=starts_on, ends_on=ends_on,
        )  # fmt: skip

    confirm(take_in(deal, agent), lawyer)

    assert SignedCommission.objects.get(agreement=deal).percent == 10
    assert Agreement.objects.get(pk=deal.pk).signed_on == DAY


def test_nobody_confirms_what_they_took_in_and_no_stranger_does(deal, agent, lawyer):
    second = make_member(deal.agency, "business_affairs", email="second@northlight.example")
    scan = take_in(deal, lawyer)
    rival = make_member(make_agency("elsewhere"), "business_affairs")

    for by in (lawyer, rival, agent):
        with pytest.raises(FourEyes):
            confirm(scan, by)
    confirm(scan, second)
    with pytest.raises(scans.ScanRefused, match="has decided"):
        confirm(scan, second)


def test_terms_that_were_changed_meanwhile_are_not_what_was_compared(deal, agent, lawyer):
    scan = take_in(deal, agent)
    Grant.objects.filter(agreement=deal).update(languages=["es"])

    with pytest.raises(scans.ScanRefused, match="terms were changed after"):
        confirm(scan, lawyer)


def test_what_went_out_for_signature_meanwhile_is_signed_here_or_cancelled(
    deal, star, agent, lawyer
):
    scan = take_in(deal, agent)
    flow.send(deal, lawyer)

    with pytest.raises(scans.ScanRefused, match="Cancel that round first"):
        confirm(scan, lawyer)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"PK\x03\x04", "no PDF"), (a_pdf(user="u", owner="o"), "encrypted"), (SCAN[:90], "damaged")],
)
def test_what_is_no_pdf_or_encrypted_or_damaged_is_refused(deal, agent, lawyer, content, why):
    with pytest.raises(NotAPdf, match=why):
        take_in(deal, agent, content=content)


def test_two_hundred_megabytes_are_refused(deal, agent, lawyer):
    with pytest.raises(scans.ScanRefused, match="at most 25 MB"):
        take_in(deal, agent, size=200 * 2**20)


def test_the_same_file_comes_in_once_and_none_of_the_desks_own(deal, agent, lawyer):
    scan = take_in(deal, agent)
    with pytest.raises(scans.ScanRefused, match="handed in before, for NA-7"):
        take_in(deal, agent)
    scans.reject(scan_id=scan.pk, at=NOW, by=agent, reason="The wrong file")
    take_in(deal, agent)

    drawn = SCAN + b"\n"
    AgreementDocument.objects.create(
        agreement=deal, number=9, kind="draft", drawn_at=NOW, pdf=drawn,
        digest=rounds.digest_of(drawn),
    )  # fmt: skip
    with pytest.raises(scans.ScanRefused, match="This desk drew this file"):
        take_in(deal, agent, content=drawn)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (signers(on=NOW.date() + timedelta(days=1)), "a day to come"),
        (signers(on=date(1979, 12, 31)), "before Ada Example was born"),
        (signers(on=date(2026, 2, 2)), "Ada Example had died"),
        (signers()[:1], "for the licensee"),
        ([], "for the licensee"),
    ],
)
def test_days_and_people_that_cannot_be_are_refused(deal, agent, lawyer, who, why):
    Performer.objects.filter(pk=deal.twin.performer_id).update(
        born_on=date(1980, 1, 1),
        **({"died_on": date(2026, 2, 1), "life": "deceased"} if "died" in why else {}),
    )

    with pytest.raises(scans.ScanRefused, match=why):
        take_in(deal, agent, who=who)


def test_terms_that_license_nothing_are_refused_at_once(deal, agent, lawyer):
    Grant.objects.filter(agreement=deal).delete()

    with pytest.raises(agreements.GrantsNothing):
        take_in(deal, agent)


def test_it_is_amended_as_others_and_the_new_version_says_whose_words_count(deal, agent, lawyer):
    confirm(take_in(deal, agent), lawyer)
    imported = AgreementDocument.objects.get(agreement=deal)

    amend(Agreement.objects.get(pk=deal.pk), payment_days=30)
    assert document.draw_amended(at=NOW + timedelta(hours=2)) == 1

    paper = document.latest(deal)
    assert (paper.kind, paper.follows) == ("amended", imported)
    assert paper.content["signed_elsewhere"]["sha256"] == imported.digest


def test_it_is_taken_in_and_confirmed_on_its_pages(deal, agent, lawyer):
    client = sign_in(agent)
    start = reverse("admin:licensing_signedscan_take_in")
    assert "NA-7" in client.get(start).text
    assert start in client.get(reverse("admin:licensing_agreement_wizard_begin")).text
    page = client.get(f"{start}?agreement={deal.pk}")
    assert page.status_code == 200
    sent = {"vouched": SAYS, "name_1": "Ada Example", "role_1": "performer", "on_1": "2026-03-02",
            "name_3": "Sam Studio", "role_3": "licensee", "on_3": "2026-03-04",
            "role_2": "agency", "role_4": "performer", "role_5": "performer",
            "role_6": "performer"}  # fmt: skip
    half = client.post(page.request["PATH_INFO"] + f"?agreement={deal.pk}",
                       sent | {"on_3": "", "pdf": SimpleUploadedFile("a.pdf", SCAN)})  # fmt: skip
    assert "Enter the name and the day" in half.text
    done = client.post(f"{start}?agreement={deal.pk}",
                       sent | {"pdf": SimpleUploadedFile("a.pdf", SCAN)})  # fmt: skip
    scan = SignedScan.objects.get()
    assert done.url == admin_page(SignedScan, scan.pk)

    second = sign_in(lawyer)
    asked = second.get(admin_page(SignedScan, scan.pk, name="confirm")).text
    assert "Sam Studio, licensee, March 4, 2026" in asked
    assert reverse("admin:licensing_signedscan_file", args=[scan.pk]) in asked
    confirmed = take_step(second, "confirm", scan, compared="on")

    assert "holds from now on" in messages_of(confirmed)
    shown = second.get(admin_page(Agreement, deal.pk)).text
    assert "Taken in by" in shown
    paper = AgreementDocument.objects.get(agreement=deal)
    file = second.get(reverse("admin:licensing_agreementdocument_pdf", args=[paper.pk]))
    assert file["content-security-policy"] == "sandbox"
    rival = sign_in(make_member(make_agency("elsewhere"), "business_affairs"))
    assert rival.get(f"{start}?agreement={deal.pk}").status_code == 404
    assert "NA-7" not in rival.get(start).text
