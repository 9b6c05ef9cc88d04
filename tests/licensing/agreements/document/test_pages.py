"""Pages of documents and clauses: drawn, opened, compared and published by staff."""

import pytest
from django.urls import reverse

from licensing.models import (
    AgreementDocument,
    Amendment,
    Clause,
)
from licensing.words import DocumentKind
from talent.words import Role
from tests.factories import (
    admin_page,
    make_agency,
    make_delegate,
    make_member,
    make_performer,
    make_user,
    messages_of,
    sign_in,
    take_step,
)
from tests.licensing.agreements.papers import change, draw

pytestmark = pytest.mark.django_db


def test_a_draft_is_drawn_on_the_agreements_page_opened_and_compared(deal):
    client = sign_in(make_member(deal.agency, Role.BUSINESS_AFFAIRS))

    page = take_step(client, "draw_draft", deal)
    assert "the draft is drawn" in messages_of(page)
    change(deal, payment_days=30)
    take_step(client, "draw_draft", deal)

    first, second = AgreementDocument.objects.order_by("number")
    sent = client.get(reverse("admin:licensing_agreementdocument_pdf", args=[first.pk]))
    assert b"".join(sent.streaming_content) == bytes(first.pdf)
    shown = client.get(admin_page(AgreementDocument, first.pk, name="redline")).content.decode()
    assert "The terms have changed since: draw it again" in shown
    compared = client.get(admin_page(AgreementDocument, second.pk, name="redline"))
    assert "<del>45</del> <ins>30</ins>" in compared.content.decode()
    stranger = sign_in(make_member(make_agency("elsewhere"), Role.BUSINESS_AFFAIRS))
    for url in (
        reverse("admin:licensing_agreementdocument_pdf", args=[first.pk]),
        admin_page(AgreementDocument, second.pk, name="redline"),
    ):
        assert stranger.get(url).status_code == 404


def test_the_page_that_draws_says_what_is_missing_and_where_it_is_entered(deal):
    change(deal, governing_law="")
    client = sign_in(make_member(deal.agency, Role.AGENT))

    page = client.get(admin_page(deal.__class__, deal.pk, name="draw_draft")).content.decode()

    assert "It names the governing law: enter it. (Which kind of deal)" in page
    assert AgreementDocument.objects.count() == 0


def test_other_deal_terms_are_asked_for_on_the_agreements_page(signed):
    client = sign_in(make_member(signed.agency, Role.AGENT))
    make_member(signed.agency, Role.BUSINESS_AFFAIRS)

    take_step(
        client, "ask_for_deal_terms", signed, payment_days=30, ends=["confidential_years"],
        counts_from="2199-01-01", reason="They pay sooner.",
    )  # fmt: skip

    asked = signed.amendments.get()
    assert asked.before["payment_days"] == 45
    assert (asked.after["payment_days"], asked.after["confidential_years"]) == (30, None)
    page = client.get(admin_page(Amendment, asked.pk)).content.decode()
    assert "Payment days" in page
    assert "payment_days" not in page


def test_an_agency_publishes_a_clause_and_learns_where_its_wording_is_broken(deal):
    client = sign_in(make_member(deal.agency, Role.BUSINESS_AFFAIRS))
    values = {
        "agency": deal.agency_id, "code": "travel", "section": "Money", "title": "Travel",
        "required": "on", "in_use": "on",
    }  # fmt: skip

    page = client.post(admin_page(Clause, name="add"), {**values, "body": "{% load x %}"})
    assert "is no placeholder" in page.content.decode()
    for body in ("Travel is paid in {{ currency }}.", "Travel is paid."):
        client.post(admin_page(Clause, name="add"), {**values, "body": body})

    assert list(Clause.objects.filter(agency=deal.agency).values_list("code", "version")) == [
        ("own.travel", 1), ("own.travel", 2),
    ]  # fmt: skip
    elsewhere = {**values, "agency": make_agency("elsewhere").pk, "body": "Mine."}
    client.post(admin_page(Clause, name="add"), elsewhere)
    assert Clause.objects.filter(body="Mine.").count() == 0


# Of the performer


def test_the_performer_reads_in_the_portal_what_binds_and_what_the_studio_does_not_read(deal):
    deal.reserve_percent, deal.reserve_periods = 17, 2
    deal.save()
    draft, drawn = draw(deal, DocumentKind.DRAFT), draw(deal)
    reader = sign_in(make_user("ada@performers.example", performer=deal.twin.performer))

    listed = reader.get(reverse("portal:agreements")).content.decode()
    page = reader.get(reverse("portal:agreement", args=[drawn.pk])).content.decode()
    sent = reader.get(reverse("portal:agreement-file", args=[drawn.pk]))

    assert reverse("portal:agreement", args=[drawn.pk]) in listed
    assert reverse("portal:agreement", args=[draft.pk]) not in listed
    assert "10% of what you are paid." in page
    assert "17% of what would be payable, for 2 periods." in page
    assert "may be used by Paper Moon Pictures" in page
    assert b"".join(sent.streaming_content) == bytes(drawn.pdf)
    for name in ("agreement", "agreement-file"):
        assert reader.get(reverse(f"portal:{name}", args=[draft.pk])).status_code == 404


def test_nobody_else_reads_a_performers_agreement(deal):
    drawn = draw(deal)
    other = make_performer("Bo Example", deal.agency)
    stranger = sign_in(make_user("bo@performers.example", performer=other))
    counsel = sign_in(make_delegate(deal.twin.performer, "counsel", "see_usage"))

    for name in ("agreement", "agreement-file"):
        assert stranger.get(reverse(f"portal:{name}", args=[drawn.pk])).status_code == 404
    page = counsel.get(reverse("portal:agreement", args=[drawn.pk])).content.decode()
    assert "In plain words" in page
    assert "Only for you" not in page
