"""Nothing puts an agreement in force but what was signed, with the rules asked about it then."""

import hashlib
from datetime import timedelta

import pytest

from licensing.agreements import agreements
from licensing.agreements.findings import findings
from licensing.agreements.grounds import Grounds, NotChecked, NothingWasSigned
from licensing.models import (
    FindingSet,
    RuleFinding,
    Signatory,
    SignedScan,
    SignedScanStep,
    SigningEvent,
    SigningRound,
)
from licensing.words import CheckOccasion, Trigger
from talent.models import User
from tests.factories import NOW, make_agreement, make_licensee, make_paper, make_scan

pytestmark = pytest.mark.django_db
DIGEST = hashlib.sha256(b"%PDF").hexdigest()


@pytest.fixture
def draft(agency, licensee, twin):
    return make_agreement(agency, licensee, twin, status="draft", signed_at=None)


def scanned(agreement, *, of=None, **fields):
    return make_scan(of or agreement, make_paper(agreement, at=NOW), at=NOW, **fields)


def drawn_anew_since(agreement):
    scan = scanned(agreement)
    make_paper(agreement, at=NOW, number=2)
    return scan


def came_signed(agreement):
    """A PDF from elsewhere that was taken in and approved, but not kept as the document."""
    clerk = User.objects.create(email="clerk@likeness.example")
    scan = SignedScan.objects.create(
        agreement=agreement, kind="elsewhere", terms_sha256="a" * 64, pdf=b"%PDF", digest=DIGEST,
        signed_on=NOW.date(), vouched="A test", handed_in_at=NOW, handed_in_by=clerk,
    )  # fmt: skip
    SignedScanStep.objects.create(scan=scan, kind="approved", at=NOW, by=clerk)
    return scan


def nobody_is_named(agreement):
    """A round in which nobody is named."""
    clerk = User.objects.create(email="clerk@likeness.example")
    return SigningRound.objects.create(
        agreement=agreement, document=make_paper(agreement, at=NOW), findings=found(agreement),
        sent_at=NOW, sent_by=clerk, expires_at=NOW + timedelta(days=1), pdf=b"%PDF", digest=DIGEST,
    )  # fmt: skip


def somebody_has_not_signed(agreement):
    out = nobody_is_named(agreement)
    for position, email in enumerate(("ada@post.example", "sam@post.example"), start=1):
        one = Signatory.objects.create(
            round=out, position=position, role="licensee", name=email, email=email
        )
        if position == 1:
            SigningEvent.objects.create(round=out, signatory=one, kind="signed", at=NOW)
    return out


def found(agreement, *, at=NOW, digest=DIGEST, occasion=CheckOccasion.SIGNING):
    return findings.write(
        agreement, [], {}, occasion=occasion, document_digest=digest, at=at, by=None
    )


def sign(agreement, words, of):
    return agreements.sign(agreement=agreement, grounds=Grounds(words, of), at=NOW, by=None)


def another(agreement):
    return make_agreement(
        agreement.agency, make_licensee("elsewhere"), agreement.twin, reference="NA-99"
    )


def test_the_scan_of_the_last_document_puts_it_in_force(draft, consent, performer):
    consent(performer=performer)

    assert sign(draft, scanned(draft), found(draft)).status == "signed"


@pytest.mark.parametrize(
    "shown",
    [
        lambda draft: scanned(draft, approved=False),
        lambda draft: scanned(draft, of=another(draft)),
        drawn_anew_since,
        came_signed,
        nobody_is_named,
        somebody_has_not_signed,
    ],
    ids=[
        "waits for approval",
        "of another",
        "drawn anew since",
        "not kept",
        "nobody is named",
        "not signed by all",
    ],
)
def test_what_nobody_signed_is_refused(draft, shown):
    with pytest.raises(NothingWasSigned):
        sign(draft, shown(draft), found(draft))


@pytest.mark.parametrize(
    "asked",
    [
        lambda draft: found(draft, digest="e" * 64),
        lambda draft: found(draft, at=NOW - timedelta(seconds=1)),
        lambda draft: found(draft, occasion=CheckOccasion.NIGHT),
        lambda draft: found(another(draft)),
        lambda draft: refusing(draft),
    ],
    ids=["of other words", "before", "by night", "of another", "it says no"],
)
def test_what_the_rules_were_not_asked_about_is_refused(draft, asked):
    with pytest.raises(NotChecked):
        sign(draft, scanned(draft), asked(draft))


def refusing(draft):
    kept: FindingSet = found(draft)
    RuleFinding.objects.create(
        found_in=kept, code="minors.guardian", effective_from=NOW.date(), title="A guardian signs",
        result="fail", blocks=True, instrument="Family Code", source="primary text",
        confidence="primary", trigger=Trigger.AGREEMENT.value, assumed=False,
        sentence="Nobody signs.",
    )  # fmt: skip
    return kept
