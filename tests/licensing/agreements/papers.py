"""Agreements that can be drawn: a complete deal of one kind, and what a PDF says."""

import shutil
import subprocess
from datetime import timedelta
from io import BytesIO

import pikepdf

from licensing.agreements import amendments, deals, document
from licensing.agreements.amendments import Change
from licensing.agreements.deals import DEAL
from licensing.models import Agreement, Cap, DealTerms, Grant, LicenseeTerms, RateCard, RateLine
from licensing.words import DocumentKind
from talent.words import Role
from tests.factories import (
    JANUARY,
    NEXT_JANUARY,
    NOW,
    make_agency,
    make_licensee,
    make_member,
    make_performer,
    make_twin,
    record_consent,
)

DESCRIPTION = (
    "Dubbing the part of Ines in the series Paper Harbor into Spanish and French, from the script "
    "of the picture"
)


def a_pdf(**encryption):
    out = BytesIO()
    with pikepdf.new() as paper:
        paper.add_blank_page()
        options = {"encryption": pikepdf.Encryption(**encryption)} if encryption else {}
        paper.save(out, **options)
    return out.getvalue()


SCAN = a_pdf()


SOON = NOW + timedelta(hours=1)


def amend(agreement, *, at=SOON, counts_from=None, **terms):
    """Ask for other deal terms, and have somebody else approve them."""
    agent, affairs = (
        make_member(agreement.agency, role, email=f"{role}.{at:%d%H}@northlight.example")
        for role in (Role.AGENT, Role.BUSINESS_AFFAIRS)
    )
    deal = DealTerms.objects.get(agreement=agreement)
    for name, value in terms.items():
        setattr(deal, name, value)
    asked = amendments.ask(
        agreement=agreement, change=Change(DEAL, deals.deal_terms(deal), deal.pk),
        counts_from=counts_from or at.date(), reason="They pay sooner.", by=agent, at=at,
    )  # fmt: skip
    return amendments.approve(amendment_id=asked.pk, by=affairs, at=at)


def make_deal(*, kind="dubbing_adr", agency=None, performer=None, twin=None, **terms):
    """Return a draft that misses nothing: a voice is dubbed, counted in lines and limited."""
    agency = agency or make_agency(address="1 Harbor Street\nLos Angeles")
    performer = performer or make_performer("Ada Example", agency, guild="sag_aftra")
    twin = twin or make_twin(performer)
    licensee = make_licensee(billing_email="rights@paper-moon.example")
    record_consent(performer=performer)
    LicenseeTerms.objects.create(agency=agency, licensee=licensee)
    agreement = Agreement.objects.create(
        agency=agency, licensee=licensee, twin=twin, reference="NA-7", starts_at=JANUARY,
        ends_at=NEXT_JANUARY, currency="USD", guild="sag_aftra", description=DESCRIPTION,
    )  # fmt: skip
    Grant.objects.create(
        agreement=agreement, right="voice", use="dubbing", territories=["US", "FR"],
        languages=["es", "fr"], exclusions=["tobacco", "political"],
    )  # fmt: skip
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    RateLine.objects.create(
        card=card, code="line", label="Dubbed line", meter="lines", pricing="per_unit",
        unit_price="3.90", minimum=100,
    )  # fmt: skip
    Cap.objects.create(agreement=agreement, meter="lines", limit=5_000, starts_on="2026-01-01")
    DealTerms.objects.create(
        agreement=agreement,
        kind=kind,
        **{
            "governing_law": "US-CA", "represented_by": "union", "retention_days": 30,
            "withdrawal_notice_days": 14, "audit_notice_days": 20, "audit_years_back": 3,
            "audit_shortfall_percent": 5, "confidential_years": 2, "usage_report_days": 90,
            "statement_days": 60, "payment_days": 45, "renewal_notice_days": 75,
            "transfer_answer_days": 21, "cure_days": 10, **terms,
        },
    )  # fmt: skip
    return agreement


def draw(agreement, kind=DocumentKind.TO_SIGN, at=NOW):
    """Draw the document of an agreement."""
    return document.draw(agreement=agreement, kind=kind, at=at, by=None)


def change(agreement, **terms):
    """Change deal terms of a draft."""
    DealTerms.objects.filter(agreement=agreement).update(**terms)


def places(agreement):
    """Return what is missing, by its place."""
    return {one.place: one for one in document.missing(agreement, at=NOW)}


def text_of(pdf):
    """Return what a reader of a PDF reads, as one line of words."""
    program = shutil.which("pdftotext")
    read = subprocess.run(  # noqa: S603 (our own file)
        [program, "-layout", "-", "-"], input=bytes(pdf), capture_output=True, check=True
    )
    return " ".join(read.stdout.decode().split())
