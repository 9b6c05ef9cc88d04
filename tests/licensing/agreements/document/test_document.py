"""The document: drawn from the terms, refused where it contradicts them, kept as drawn."""

import hashlib
import json
import shutil
import subprocess
from datetime import timedelta
from io import BytesIO

import page
import pikepdf
import pytest
from django.db import DatabaseError, transaction

from licensing.agreements import document
from licensing.agreements.document import pdf
from licensing.agreements.document.drawing import NotThatKind
from licensing.models import (
    Agreement,
    AgreementDocument,
    DealTerms,
    RateCard,
    RateLine,
)
from licensing.words import DealStep, DocumentKind
from tests.factories import (
    NOW,
    make_agency,
    make_licensee,
    make_member,
    make_performer,
    make_user,
    sign_on_paper,
)
from tests.licensing.agreements.papers import DESCRIPTION, change, draw, make_deal, places, text_of

pytestmark = pytest.mark.django_db


# What a careful lawyer looks for


LAWYER = {
    "who binds whom, and for whom the agency acts": [
        "which acts for Ada Example",
        "Paper Moon Pictures (United States)",
    ],
    "what the twin is, by tier and by law": [
        "dynamic behavioral emulator",
        "independently created replica",
    ],
    "a reasonably specific description of the uses": [
        DESCRIPTION,
        "not licensed, whatever else this agreement says",
    ],
    "no blanket consent, and training reserved": [
        "Nothing is licensed by silence",
        "No right to train is granted",
    ],
    "the replica clause, initialled by itself": [
        "Replica: to be initialled separately",
        "Initials and day",
    ],
    "who represented the performer": ["SAG-AFTRA, whose collective agreement expressly"],
    "territory, languages, term and limit": [
        "France and United States",
        "French and Spanish",
        "December 31, 2026",
        "at most 5,000 lines a fiscal year",
    ],
    "price, minimum, payment, report, statement and audit": [
        "3.90 USD for 1 line",
        "at least $100.00 a period",
        "within 45 days of the Agency's invoice",
        "within 90 days after each release",
        "within 60 days after each statement period",
        "a notice of 20 days",
    ],
    "retention, destruction with proof, and removal": [
        "no later than 30 days after",
        "proved by a certificate",
        "a notice of 14 days",
    ],
    "what happens between the parties": [
        "answers within 21 days",
        "law of California",
        "within 10 days of being told",
        "on strike",
        "This agreement changes only by an amendment",
    ],
}


def test_ten_points_that_a_careful_lawyer_looks_for_stand_in_the_document(deal):
    text = text_of(draw(deal).pdf)

    lacking = {
        point: [words for words in wanted if words not in text] for point, wanted in LAWYER.items()
    }
    assert {point: words for point, words in lacking.items() if words} == {}


def test_the_first_page_tells_the_performer_what_is_signed(deal):
    text = text_of(draw(deal).pdf)
    first = text[: text.index("Parties and meaning")]

    for words in (
        "Before you sign", "may be used by Paper Moon Pictures", "Never with: political content",
        "to December 31, 2026", "3.90 USD for 1 line", "14 days after it is withdrawn",
        "They are destroyed within 30 days",
    ):  # fmt: skip
        assert words in first


def test_what_stands_between_agency_and_performer_is_not_in_what_the_studio_reads(deal):
    deal.reserve_percent, deal.reserve_periods, deal.recoups_with = 17, 2, "The Ines deals"
    deal.save()

    drawn = draw(deal)

    text = text_of(drawn.pdf) + json.dumps(drawn.content)
    assert "commission stands between the Agency and the Performer" in text
    for secret in ("17%", "10%", "The Ines deals"):
        assert secret not in text


# The file


# What only a file that says it is PDF/UA has: one file says one standard.
OF_ANOTHER_STANDARD = "PDFUA1-ID-"


@pytest.mark.parametrize("name", ["Ada Example", "ليلى الحداد 山田"])
def test_the_file_keeps_to_the_standards_for_archives_and_for_everybody(name):
    agency = make_agency(address="1 Street")
    performer = make_performer(name, agency, guild="sag_aftra")
    drawn = bytes(draw(make_deal(agency=agency, performer=performer), DocumentKind.DRAFT).pdf)

    faults = {
        one.rule_id
        for profile in (page.ValidationProfile.PDF_A_3A, page.ValidationProfile.PDF_UA_1)
        for one in page.validate_pdf_bytes(drawn, profile=profile).failures
    }
    assert {rule for rule in faults if not rule.startswith(OF_ANOTHER_STANDARD)} == set()


@pytest.mark.judge("qpdf")
def test_judges_accept_the_file(deal, tmp_path):
    drawn = draw(deal, DocumentKind.DRAFT)
    path = tmp_path / "draft.pdf"
    path.write_bytes(bytes(drawn.pdf))

    checked = subprocess.run(  # noqa: S603
        [shutil.which("qpdf"), "--check", str(path)], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_the_terms_are_attached_as_data_that_programs_read(deal):
    drawn = draw(deal)

    with pikepdf.open(BytesIO(bytes(drawn.pdf))) as paper:
        files = {name: file.get_file().read_bytes() for name, file in paper.attachments.items()}
    assert set(files) == {"terms.json", "licence.jsonld", "text.json"}
    assert json.loads(files["terms.json"])["deal"]["payment_days"] == 45
    assert "permission" in json.loads(files["licence.jsonld"])


def test_the_same_terms_give_the_same_bytes_but_for_their_number(deal):
    drawn = draw(deal)
    again = pdf.draw(
        drawn.content, number=1, kind=DocumentKind.TO_SIGN, dated=NOW.date(), missing=[]
    )

    assert hashlib.sha256(again).hexdigest() == drawn.digest
    assert hashlib.sha256(bytes(drawn.pdf)).hexdigest() == drawn.digest


def test_a_draft_carries_its_number_across_the_page_and_says_what_it_misses(deal):
    change(deal, payment_days=None)

    drawn = draw(deal, DocumentKind.DRAFT)

    text = text_of(drawn.pdf)
    assert "NA-7 · Draft 1 page 1 of" in text
    assert "Draft 1, binds nobody" in text
    assert "It names the days until payment: enter it." in text


@pytest.mark.parametrize(
    ("country", "size"), [("US", (612, 792)), ("DE", (595, 842)), ("JP", (595, 842))]
)
def test_paper_is_that_of_the_agencys_country(country, size):
    agreement = make_deal(agency=make_agency(country=country, address="1 Street"))

    drawn = draw(agreement)

    with pikepdf.open(BytesIO(bytes(drawn.pdf))) as paper:
        box = [round(float(one)) for one in paper.pages[0].MediaBox[2:]]
    assert tuple(box) == size


@pytest.mark.parametrize(
    "name", ["ليلى الحداد", "山田 花子", "Ünal Żółć", "Άννα Παπαδοπούλου", "N" * 200]
)
def test_names_of_any_script_that_fonts_have_are_printed(name):
    agency = make_agency(address="1 Street")
    performer = make_performer("Ada Example", agency, legal_name=name, guild="sag_aftra")

    drawn = draw(make_deal(agency=agency, performer=performer))

    with pikepdf.open(BytesIO(bytes(drawn.pdf))) as paper:
        fonts = {
            str(font["/BaseFont"])
            for page in paper.pages
            for font in page.Resources.get("/Font", {}).values()
        }
    assert all("Source-Sans" in font or "Noto-Sans" in font for font in fonts), fonts
    if name.isascii():
        assert name in text_of(drawn.pdf).replace(" ", "")


def test_a_character_that_no_font_has_is_refused_by_its_name(deal):
    performer = deal.twin.performer
    performer.legal_name = "Ada \N{GRINNING FACE}"
    performer.save()

    with pytest.raises(document.CannotBeDrawn, match="grinning face"):
        draw(deal)


def test_names_are_words_and_never_markup(deal):
    deal.description = "Dubbing <b>Ines</b> {{ payment_days }} {% for x in y %} in Paper Harbor"
    deal.save()

    text = text_of(draw(deal).pdf)

    assert "Dubbing <b>Ines</b> {{ payment_days }} {% for x in y %} in Paper Harbor" in text


# What is refused, with its place


def test_nothing_is_drawn_to_be_signed_while_a_placeholder_is_empty(deal):
    change(deal, retention_days=None, governing_law="")

    with pytest.raises(document.CannotBeDrawn) as refusal:
        draw(deal)

    steps = {one.step for one in refusal.value.missing}
    assert steps == {DealStep.CAPTURE, DealStep.KIND}
    assert "Retention and destruction: It names the days until the data" in str(refusal.value)
    assert AgreementDocument.objects.count() == 0


def test_a_number_in_free_text_that_differs_from_the_terms_is_refused_with_its_place(deal):
    deal.description = f"{DESCRIPTION}, at $4.10 a line, with 14 days to withdraw"
    deal.save()

    found = places(deal)["The description of the intended uses"]

    assert "“$4.10”" in found.sentence
    assert found.step == DealStep.GRANTS
    assert len(document.missing(deal, at=NOW)) == 1


def test_a_number_that_is_the_terms_may_stand_in_free_text(deal):
    deal.description = f"{DESCRIPTION}, season 2, at $3.90 a line and at most 5,000 lines"
    deal.save()

    assert document.missing(deal, at=NOW) == []


def test_without_deal_terms_the_kind_of_deal_is_what_is_missing(deal):
    DealTerms.objects.all().delete()

    assert [one.step for one in document.missing(deal, at=NOW)] == [DealStep.KIND]
    with pytest.raises(document.CannotBeDrawn):
        draw(deal, DocumentKind.DRAFT)


def test_what_is_missing_takes_as_many_queries_for_many_rows(deal, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        document.missing(deal, at=NOW)


def test_a_minors_agreement_names_guardian_trust_and_the_day_of_age():
    agency = make_agency(address="1 Street")
    performer = make_performer("Ada Example", agency, life="minor", born_on="2012-02-29")
    agreement = make_deal(agency=agency, performer=performer, represented_by="none")

    said = {one.sentence for one in document.missing(agreement, at=NOW)}

    assert "It names the minor's guardian: enter it." in said
    assert "It names the part set aside for the minor: enter it." in said
    text = text_of(draw(agreement, DocumentKind.DRAFT).pdf)
    assert "comes of age on March 1, 2030" in text
    assert "never shown nude or in sexual content" in text


def test_clauses_of_another_tier_or_kind_are_not_in_it(deal):
    codes = {clause["code"] for clause in draw(deal).content["clauses"]}

    assert "twin.emulator" in codes
    assert not codes & {"twin.static", "twin.persona", "deal.game", "performer.estate"}


# Kept as it was drawn


def test_a_document_is_current_until_a_term_changes(deal):
    drawn = draw(deal)
    assert document.is_current(drawn, at=NOW + timedelta(days=3))

    change(deal, payment_days=46)

    assert not document.is_current(drawn, at=NOW)


def test_documents_count_up_and_stay_as_they_were_drawn(deal):
    first, second = draw(deal, DocumentKind.DRAFT), draw(deal)

    assert (first.number, second.number) == (1, 2)
    rows = AgreementDocument.objects.filter(pk=first.pk)
    for step in (lambda: rows.update(number=9), rows.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            step()


def test_two_who_draw_at_once_do_not_get_one_number(deal, monkeypatch):
    """The second finds the number taken when its file is drawn, and draws again."""
    once = []

    def meanwhile(*args, **given):
        if not once:
            once.append(draw_file(*args, **given))
            draw(deal, DocumentKind.DRAFT)
        return once[0]

    draw_file = pdf.draw
    monkeypatch.setattr(pdf, "draw", meanwhile)

    with pytest.raises(NotThatKind, match="Draw it again"):
        draw(deal, DocumentKind.DRAFT)
    assert AgreementDocument.objects.count() == 1


def test_a_draft_is_not_drawn_as_amended_nor_a_signed_one_as_a_draft(deal):
    with pytest.raises(NotThatKind):
        draw(deal, DocumentKind.AMENDED)
    sign_on_paper(agreement=deal, at=NOW, by=None)
    deal.refresh_from_db()
    with pytest.raises(NotThatKind):
        draw(deal, DocumentKind.DRAFT)


def test_terms_of_a_signed_agreement_do_not_change_past_an_amendment(deal):
    sign_on_paper(agreement=deal, at=NOW, by=None)

    for step in (
        lambda: change(deal, payment_days=1),
        lambda: DealTerms.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="change by amendment"), transaction.atomic():
            step()


def test_the_performer_sees_what_binds_and_staff_see_drafts_too(deal):
    draw(deal, DocumentKind.DRAFT)
    draw(deal)
    performer = make_user("ada@performers.example", performer=deal.twin.performer)
    agent = make_member(deal.agency, "business_affairs")
    stranger = make_member(make_agency("elsewhere"), "business_affairs")

    seen = {
        user: [one.number for one in AgreementDocument.objects.visible_to(user).order_by("number")]
        for user in (performer, agent, stranger)
    }
    assert seen == {performer: [2], agent: [1, 2], stranger: []}


# What the performer reads beside it


def test_the_performer_reads_what_the_studio_does_not(deal):
    deal.reserve_percent, deal.reserve_periods = 17, 2
    deal.save()

    read = beside(deal)

    assert read["What the agency takes"] == ("10% of what you are paid.",)
    assert read["What is held back"] == ("17% of what would be payable, for 2 periods.",)
    assert read["What similar uses of yours pay"] == (
        "You have no other agreement that counts the same.",
    )


def test_similar_uses_are_the_performers_own_and_name_no_studio(deal):
    sign_on_paper(agreement=deal, at=NOW, by=None)
    other = Agreement.objects.create(
        agency=deal.agency, licensee=make_licensee("far-away"), twin=deal.twin, reference="NA-8",
        starts_at=deal.starts_at, ends_at=deal.ends_at, currency="USD",
    )  # fmt: skip
    card = RateCard.objects.create(agreement=other, effective_from="2026-01-01")
    RateLine.objects.create(
        card=card, code="line", label="A line", meter="lines", pricing="per_unit", unit_price=5
    )

    (similar,) = beside(other)["What similar uses of yours pay"]

    assert similar.startswith("Dubbed line, agreed in 2026: 1,000 lines a period cost $3,900.00")
    assert "Paper Moon" not in similar
    stranger = make_performer("Bo Example", deal.agency)
    assert beside(other, stranger)["What similar uses of yours pay"] == (
        "You have no other agreement that counts the same.",
    )


def beside(agreement, performer=None):
    performer = performer or agreement.twin.performer
    read = document.before_signing(agreement, performer, at=NOW, locale="en")
    return {one.question: one.sentences for one in read}
