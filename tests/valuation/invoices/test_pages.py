"""The pages of accounting: draw up, approve, issue, download, see what is late."""

from datetime import UTC, date, datetime, time, timedelta
from unittest import mock

import pytest
from django.urls import reverse
from lxml import etree

from tests import factories
from tests.factories import admin_page, messages_of, sign_in, take_step
from tests.valuation.invoices.billing import (
    TODAY,
    add_details,
    add_terms,
    draw_up,
    invoiced,
    issue,
    left,
)
from tests.valuation.world import TONIGHT
from valuation import tasks
from valuation.invoices import deciding, links, papers
from valuation.invoices.refusals import NotThatDay
from valuation.models import Invoice, JournalEntry, PaperLink, PaymentTerms, Posting


@pytest.fixture
def known(owing, accountant):
    add_details(owing, accountant, percent="20", format="ubl")
    return owing


def file_of(client, invoice, name):
    return client.get(reverse("admin:valuation_invoice_file", args=[invoice.pk, name]))


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_accounting_draws_up_a_colleague_approves_and_it_is_issued(known, accountant, colleague):
    page = reverse("admin:valuation_invoice_draw_up")
    told = {"agency": known.agency.pk, "licensee": "", "through": TODAY.isoformat()}
    sent = sign_in(accountant).post(page, told)
    assert "1 drawn up" in messages_of(sent)
    draft = Invoice.objects.get()

    take_step(sign_in(colleague), "approve", draft)
    take_step(sign_in(accountant), "issue", draft)

    draft.refresh_from_db()
    assert draft.number == f"NORTHLIGHT-I-{draft.issued_on.year}-0001"
    assert draft.pdf_sha256


def test_who_is_left_out_is_told_with_the_reason(owing, accountant, colleague):
    page = reverse("admin:valuation_invoice_draw_up")
    told = {"agency": owing.agency.pk, "licensee": "", "through": TODAY.isoformat()}

    sent = sign_in(accountant).post(page, told)

    assert "Enter your agency’s own billing details first" in messages_of(sent)
    assert not Invoice.objects.exists()


def test_files_say_what_was_issued(known, accountant, colleague):
    invoice = invoiced(known, accountant, colleague)
    client = sign_in(accountant)

    assert body(file_of(client, invoice, "document")).startswith(b"%PDF")
    assert b"NORTHLIGHT-I-2026-0001,1,Use,NA-1,Dubbed lines" in body(
        file_of(client, invoice, "csv")
    )
    assert b"2026-07,Dubbing" in body(file_of(client, invoice, "uses-csv"))
    assert body(file_of(client, invoice, "uses")).startswith(b"%PDF")
    root = etree.fromstring(body(file_of(client, invoice, "xml")))
    total = root.findtext(".//{*}LegalMonetaryTotal/{*}PayableAmount")
    assert (root.findtext("{*}ID"), total) == (invoice.number, "1200.00")
    assert file_of(client, invoice, "other").status_code == 404


def test_a_licensee_who_takes_cii_gets_the_same_amounts_in_it(owing, accountant, colleague):
    add_details(owing, accountant, percent="20", format="cii")
    invoice = invoiced(owing, accountant, colleague)

    root = etree.fromstring(body(file_of(sign_in(accountant), invoice, "xml")))

    assert etree.QName(root).localname == "CrossIndustryInvoice"
    assert root.findtext(".//{*}ExchangedDocument/{*}ID") == invoice.number
    assert root.findtext(".//{*}DuePayableAmount") == "1200.00"


def test_what_the_norm_misses_is_said_and_no_data_is_handed_out(owing, accountant, colleague):
    """Reverse charge names both VAT numbers."""
    add_details(owing, accountant, format="ubl", vat_number="", tax_category="AE",
                tax_reason="Reverse charge")  # fmt: skip
    invoice = invoiced(owing, accountant, colleague)
    client = sign_in(accountant)

    sent = file_of(client, invoice, "xml")

    assert sent.status_code == 302
    assert "The customer has no VAT number. (BR-AE-02)" in messages_of(sent)


def test_a_document_that_could_not_be_drawn_is_drawn_later_as_it_would_have_been(
    known, accountant, colleague, monkeypatch
):
    (draft,) = draw_up(known, accountant).invoices
    drawn = papers.draw

    def full(_content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(papers, "draw", full)

    invoice = issue(draft, accountant, colleague)
    assert (invoice.number, invoice.pdf.name) == ("NORTHLIGHT-I-2026-0001", "")
    sent = file_of(sign_in(accountant), invoice, "document")
    assert "not drawn yet" in messages_of(sent)

    monkeypatch.setattr(papers, "draw", drawn)
    take_step(sign_in(accountant), "draw_document", invoice)
    invoice.refresh_from_db()
    assert papers.read(invoice).read() == drawn(papers.from_json(invoice.content))


def test_a_document_that_lacks_is_drawn_by_the_sweep_and_one_that_is_there_is_left(
    known, accountant, colleague, short_papers
):
    """Whoever issued it was killed between the number and the drawing."""
    with mock.patch.object(papers, "complete"):
        invoice = invoiced(known, accountant, colleague)
    assert not invoice.pdf

    assert tasks.draw_missing_invoices() == 1

    invoice.refresh_from_db()
    assert papers.read(invoice).read().startswith(b"%PDF")
    assert tasks.draw_missing_invoices() == 0


@pytest.fixture
def agreed_by_mail(known, accountant):
    """Their terms have invoices mailed to their billing address."""
    add_terms(known, accountant, mails_invoices=True, starts_on=date(2026, 2, 1))
    known.licensee.billing_email = "bills@paper.example"
    known.licensee.save()
    return known


def test_an_issue_shows_where_it_is_mailed_and_mails_it_once(
    agreed_by_mail, accountant, colleague, short_papers
):
    (draft,) = draw_up(agreed_by_mail, accountant).invoices
    take_step(sign_in(colleague), "approve", draft)
    client = sign_in(accountant)
    page = client.get(admin_page(Invoice, draft.pk, name="issue")).text
    assert "bills@paper.example" in page

    take_step(client, "issue", draft)

    link = PaperLink.objects.get()
    assert (link.invoice, link.sent_to, link.sent_by) == (draft, "bills@paper.example", accountant)
    tasks.draw_missing_invoices()
    assert links.mail_issued(draft.pk, at=TONIGHT) is None
    assert PaperLink.objects.count() == 1


def test_what_cannot_be_drawn_at_its_issue_is_mailed_where_that_said_once_it_is(
    agreed_by_mail, accountant, colleague, short_papers
):
    with mock.patch.object(papers, "complete", return_value=False):
        invoice = invoiced(agreed_by_mail, accountant, colleague)
    assert not PaperLink.objects.exists()
    agreed_by_mail.licensee.billing_email = "others@paper.example"
    agreed_by_mail.licensee.save()

    tasks.draw_missing_invoices()

    assert PaperLink.objects.get(invoice=invoice).sent_to == "bills@paper.example"


def test_a_person_says_otherwise_and_nothing_is_issued_where_nobody_can_get_it(
    agreed_by_mail, accountant, colleague, short_papers
):
    (draft,) = draw_up(agreed_by_mail, accountant).invoices
    deciding.approve(invoice_id=draft.pk, seen=deciding.digest(draft), by=colleague, at=TONIGHT)
    agreed_by_mail.licensee.billing_email = ""
    agreed_by_mail.licensee.save()
    sent = take_step(sign_in(accountant), "issue", draft, mail="yes")
    assert "no billing address for mails" in sent.text
    draft.refresh_from_db()
    assert draft.number is None

    agreed_by_mail.licensee.billing_email = "bills@paper.example"
    agreed_by_mail.licensee.save()
    take_step(sign_in(accountant), "issue", draft, mail="no")
    draft.refresh_from_db()
    assert (draft.number is None, PaperLink.objects.exists()) == (False, False)


def test_what_last_night_posted_is_invoiced_in_the_evening_before_its_day(
    known, accountant, colleague, short_papers
):
    """In California the day of a night has not begun yet when it has run."""
    known.agency.time_zone = "America/Los_Angeles"
    known.agency.save()
    evening = datetime.combine(TODAY, time(3), UTC)

    (draft,) = draw_up(known, accountant, through=TODAY, at=evening).invoices

    assert draft.through == TODAY
    with pytest.raises(NotThatDay):
        draw_up(known, accountant, through=TODAY + timedelta(days=1), at=evening)


def test_ageing_leads_from_a_figure_to_its_invoices(known, accountant, colleague):
    invoice = invoiced(known, accountant, colleague)
    client = sign_in(accountant)
    late = (invoice.due_on + timedelta(days=31)).isoformat()
    asked = {"agency": known.agency.pk, "on": late}
    before = Posting.objects.count(), JournalEntry.objects.count()

    page = client.get(reverse("admin:ageing"), asked).content.decode()
    assert "$1,200.00" in page
    behind = {"licensee": known.licensee.pk, "currency": "USD", "age": "to_60"}
    assert invoice.number in client.get(reverse("admin:ageing"), asked | behind).content.decode()
    others = client.get(reverse("admin:ageing"), asked | behind | {"age": "to_30"})
    assert invoice.number not in others.content.decode()
    file = body(client.get(reverse("admin:ageing"), asked | {"format": "csv"})).decode()
    assert f"{late},Paper Moon Pictures,USD,0,0,0,1200.0000,0,0,1200.0000" in file
    assert (Posting.objects.count(), JournalEntry.objects.count()) == before


@pytest.mark.parametrize("name", ["document", "csv", "uses", "uses-csv", "xml"])
def test_nobody_elses_invoice_is_handed_out(known, accountant, colleague, name):
    invoice = invoiced(known, accountant, colleague)
    stranger = factories.make_member(factories.make_agency("elsewhere"), "accounting")

    assert file_of(sign_in(stranger), invoice, name).status_code == 404
    page = sign_in(stranger).get(reverse("admin:ageing"), {"agency": known.agency.pk, "on": TODAY})
    assert invoice.number not in page.content.decode()
    assert left()


def test_terms_and_details_are_added_and_never_edited(known, accountant):
    client = sign_in(accountant)
    told = {"agency": known.agency.pk, "licensee": known.licensee.pk, "agreement": "",
            "starts_on": "2026-12-01", "days": "14", "source": "Mail of 1 December"}  # fmt: skip

    sent = client.post(admin_page(PaymentTerms), told)

    assert sent.status_code == 302
    newest = PaymentTerms.objects.latest("pk")
    assert (newest.days, newest.written_by) == (14, accountant)
    assert (
        client.post(admin_page(PaymentTerms, newest.pk), told | {"days": "99"}).status_code == 403
    )
    newest.refresh_from_db()
    assert newest.days == 14
