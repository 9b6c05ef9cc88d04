"""In a real browser: a draft is sent, and performer, agency and studio sign it in order."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from licensing.models import SigningRound
from tests import judges, signing
from tests.factories import make_member, make_user
from tests.licensing.agreements.papers import make_deal

pytestmark = pytest.mark.judge("chromium")
SAM = "sam@paper-moon.example"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def desk(transactional_db, live_server, sealing, tmp_path, settings):
    """A desk with nothing on it but what this story needs."""
    settings.MEDIA_ROOT = tmp_path
    return live_server.url


@pytest.fixture
def deal(desk):
    deal = make_deal()
    make_user("star@performers.example", performer=deal.twin.performer, first_name="Ada")
    make_member(deal.agency, "business_affairs", email="lawyer@northlight.example")
    return deal


def read_and_sign(page, name, *, initials=""):
    page.get_by_role("button", name="I have opened and read it").click()
    page.get_by_label("I agree to sign this document").check()
    page.get_by_role("button", name="Agree", exact=True).click()
    if initials:
        page.get_by_label("Your initials").fill(initials)
        page.get_by_role("button", name="Initial", exact=True).click()
    page.get_by_label("Write your full name").fill(name)
    page.get_by_role("button", name="Sign", exact=True).click()


def test_three_sign_in_order_and_the_agreement_holds(
    sign_in, browser, desk, deal, barriers, tmp_path
):
    lawyer = sign_in("lawyer@northlight.example")
    lawyer.goto(reverse("admin:licensing_agreement_send", args=[deal.pk]))
    lawyer.get_by_label("Who signs for the licensee").fill("Sam Studio")
    lawyer.get_by_label("Their mail address").fill(SAM)
    lawyer.get_by_role("button", name="Send for signature").click()
    expect(lawyer.get_by_text("is out for signature. Its round")).to_be_visible(timeout=60_000)
    found = SigningRound.objects.get()
    assert found.expires_at - found.sent_at == timedelta(days=30)

    star = sign_in("star@performers.example", at="/documents/", viewport=PHONE)
    assert barriers(star) == []
    star.get_by_role("link", name="Read and sign").click()
    assert barriers(star) == []
    read_and_sign(star, "Ada Example", initials="A. E.")
    expect(star.get_by_text("The next one is asked now")).to_be_visible(timeout=60_000)

    lawyer.goto(reverse("admin:licensing_signinground_change", args=[found.pk]))
    assert barriers(lawyer) == []
    lawyer.get_by_role("link", name="Sign for the agency").click()
    lawyer.get_by_label("I have opened and read the document").check()
    lawyer.get_by_label("I agree to sign it electronically").check()
    lawyer.get_by_label("Your full name").fill("Lena Lawyer")
    lawyer.get_by_role("button", name="Sign for the agency").click()
    expect(lawyer.get_by_text("Your signature stands in the document")).to_be_visible(
        timeout=60_000
    )

    window = browser.new_context(base_url=desk, locale="en-US")
    sam = window.new_page()
    sam.goto(signing.link_in_the_mail(SAM))
    assert barriers(sam) == []
    sam.get_by_role("button", name="Mail me a code").click()
    sam.get_by_label("The code from the mail").fill(signing.code_in_the_mail(SAM))
    sam.get_by_role("button", name="Go on").click()
    read_and_sign(sam, "Sam Studio")
    expect(sam.get_by_text("the agreement holds from now on")).to_be_visible(timeout=60_000)
    assert barriers(sam) == []
    window.close()

    deal.refresh_from_db()
    assert deal.status == "signed"
    pictures = pictures_of(SigningRound.objects.get().pdf, tmp_path)
    assert all(picture.stat().st_size > 10_000 for picture in pictures)


def pictures_of(pdf, folder):
    """Return the pages of a PDF as pictures, where the program that draws them is here."""
    program = judges.JUDGES["poppler-utils"].path()
    if program is None:
        return []
    (folder / "signed.pdf").write_bytes(bytes(pdf))
    draw = [Path(program).with_name("pdftoppm"), "-r", "70", "-png", "signed.pdf", "page"]
    subprocess.run(draw, check=True, cwd=folder)  # noqa: S603 (our own file)
    return sorted(folder.glob("page*.png"))
