"""Invoices: drawn from what the nights posted, corrected by the next one, never edited."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from licensing.models import Advance, UsageEvent
from talent.four_eyes import FourEyes, NobodyToApprove
from tests import factories
from tests.valuation.invoices import billing
from tests.valuation.invoices.billing import (
    TODAY,
    add_details,
    add_terms,
    balance,
    draw_up,
    invoiced,
    issue,
    left,
    receive,
    run_night,
)
from tests.valuation.world import TONIGHT
from valuation.invoices import deciding, drawing_up
from valuation.invoices.content import TermsTold, due_on, from_json, to_json
from valuation.invoices.refusals import (
    ChangedSince,
    NoReason,
    NothingToInvoice,
    NotItsTurn,
    NotThatDay,
)
from valuation.models import Invoice, InvoiceLine, Posting
from valuation.words import AccountKind

K = AccountKind
TOMORROW = TONIGHT + timedelta(days=1)


def correct(world, quantity):
    """Have the studio amend what it reported, and the next night price it."""
    world.amend(UsageEvent.objects.order_by("pk").last(), quantity)
    run_night()


def test_an_invoice_asks_for_what_the_nights_posted(owing, accountant, colleague):
    add_details(owing, accountant)

    invoice = invoiced(owing, accountant, colleague)

    assert (invoice.number, invoice.kind) == ("NORTHLIGHT-I-2026-0001", "invoice")
    assert (invoice.net, invoice.tax, invoice.total) == (D(1000), D(0), D(1000))
    assert (invoice.issued_on, invoice.due_on) == (TODAY, TODAY + timedelta(days=30))
    (line,) = invoice.lines.all()
    assert (line.label, line.quantity, line.amount) == ("Dubbed lines", D(10), D(1000))
    assert (line.period_on, line.period_ends_on) == (date(2026, 7, 1), date(2026, 10, 1))
    assert from_json(invoice.content).lines[0].rates == ("10 × 100.00",)
    (use,) = from_json(invoice.content).uses
    assert (use.quantity_told, use.amount, use.uses) == ("10 lines", D(1000), ("Dubbing",))


def test_nothing_is_invoiced_twice(owing, accountant, colleague):
    add_details(owing, accountant)
    draw_up(owing, accountant)

    with pytest.raises(NothingToInvoice):
        draw_up(owing, accountant)


def test_a_correction_below_what_was_invoiced_is_a_credit_note_that_names_it(
    owing, accountant, colleague
):
    add_details(owing, accountant)
    first = invoiced(owing, accountant, colleague)
    before = Invoice.objects.values().get(pk=first.pk)
    correct(owing, "4")

    credit = invoiced(owing, accountant, colleague)

    assert (credit.kind, credit.total, credit.due_on) == ("credit_note", D(-600), None)
    (line,) = credit.lines.all()
    assert (line.corrects.invoice, line.quantity) == (first, D(-6))
    assert from_json(credit.content).corrects == (first.number,)
    assert Invoice.objects.values().get(pk=first.pk) == before


def test_more_use_stands_on_the_next_invoice_with_the_difference(owing, accountant, colleague):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)
    owing.use("3")
    run_night()

    second = invoiced(owing, accountant, colleague)

    assert (second.number, second.total) == ("NORTHLIGHT-I-2026-0002", D(300))
    (use,) = from_json(second.content).uses
    assert (use.quantity, use.amount) == (D(3), D(300))


def test_what_a_discarded_invoice_took_stands_on_another_and_no_number_is_spent(
    owing, accountant, colleague
):
    add_details(owing, accountant)
    (draft,) = draw_up(owing, accountant).invoices
    with pytest.raises(NoReason):
        deciding.discard(invoice_id=draft.pk, by=accountant, at=TONIGHT, reason=" ")
    deciding.discard(invoice_id=draft.pk, by=accountant, at=TONIGHT, reason="Wrong address")

    again = invoiced(owing, accountant, colleague)

    assert (again.number, again.total) == ("NORTHLIGHT-I-2026-0001", D(1000))
    with pytest.raises(NotItsTurn):
        issue(draft, accountant, colleague)


def test_an_issued_invoice_never_changes(owing, accountant, colleague):
    """The database itself holds it: content, lines and amounts, and it is never deleted."""
    add_details(owing, accountant)
    invoice = invoiced(owing, accountant, colleague)
    line = invoice.lines.get()
    line.pk, line.position = None, 2
    for change in (
        lambda: Invoice.objects.filter(pk=invoice.pk).update(due_on=date(2027, 1, 1)),
        lambda: Invoice.objects.filter(pk=invoice.pk).update(pdf="other.pdf"),
        lambda: Invoice.objects.filter(pk=invoice.pk).delete(),
        lambda: InvoiceLine.objects.filter(invoice=invoice).update(amount=1),
        line.save,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# Two people


def test_nobody_approves_what_they_drew_up_the_operator_neither(owing, db):
    operator = factories.make_user("operator@desk.example", is_superuser=True)
    factories.make_user("other@desk.example", is_superuser=True)
    add_details(owing, operator)
    (draft,) = draw_up(owing, operator).invoices

    with pytest.raises(FourEyes):
        deciding.approve(invoice_id=draft.pk, seen=deciding.digest(draft), by=operator, at=TONIGHT)


def test_nothing_is_drawn_up_that_nobody_else_could_approve(owing, accountant):
    add_details(owing, accountant)

    with pytest.raises(NobodyToApprove):
        draw_up(owing, accountant)


def test_an_approver_is_bound_to_what_they_saw(owing, accountant, colleague):
    add_details(owing, accountant)
    (draft,) = draw_up(owing, accountant).invoices
    seen = deciding.digest(draft)
    content = from_json(draft.content)
    with pytest.raises(ChangedSince):
        deciding.approve(invoice_id=draft.pk, seen="0" * 64, by=colleague, at=TONIGHT)
    deciding.approve(invoice_id=draft.pk, seen=seen, by=colleague, at=TONIGHT)
    # Somebody with a hand in the database, since no page can.
    told = to_json(content) | {"buyer_reference": "Other"}
    Invoice.objects.filter(pk=draft.pk).update(content=told)

    with pytest.raises(ChangedSince):
        deciding.issue(invoice_id=draft.pk, by=accountant, at=TONIGHT)
    assert Invoice.objects.get(pk=draft.pk).number is None


def test_steps_come_in_their_order_and_once(owing, accountant, colleague):
    add_details(owing, accountant)
    (draft,) = draw_up(owing, accountant).invoices
    with pytest.raises(NotItsTurn):
        deciding.issue(invoice_id=draft.pk, by=accountant, at=TONIGHT)
    issue(draft, accountant, colleague)

    for again in (
        lambda: deciding.issue(invoice_id=draft.pk, by=accountant, at=TONIGHT),
        lambda: deciding.discard(invoice_id=draft.pk, by=accountant, at=TONIGHT, reason="No"),
    ):
        with pytest.raises(NotItsTurn):
            again()


# Terms


@pytest.mark.parametrize(
    ("issued", "days", "end_of_month", "due"),
    [
        (date(2026, 1, 31), 30, False, date(2026, 3, 2)),
        (date(2026, 1, 31), 0, True, date(2026, 1, 31)),
        (date(2026, 1, 31), 1, True, date(2026, 2, 28)),
        (date(2028, 1, 31), 29, True, date(2028, 2, 29)),
        (date(2026, 11, 15), 45, True, date(2026, 12, 31)),
        (date(2026, 12, 31), 365, True, date(2027, 12, 31)),
    ],
)
def test_an_invoice_is_due_by_its_terms(issued, days, end_of_month, due):
    assert due_on(issued, TermsTold(days, end_of_month, "Clause 9")) == due


def test_the_newest_terms_that_have_begun_count(owing, accountant, colleague):
    add_details(owing, accountant)
    add_terms(owing, accountant, days=10, starts_on=TODAY)
    add_terms(owing, accountant, days=14, starts_on=TODAY)
    add_terms(owing, accountant, days=1, starts_on=TODAY + timedelta(days=1))

    assert invoiced(owing, accountant, colleague).due_on == TODAY + timedelta(days=14)


def test_an_agreement_with_terms_of_its_own_has_invoices_of_its_own(owing, accountant, colleague):
    add_details(owing, accountant)
    add_terms(owing, accountant, days=60, agreement=owing.agreement)

    invoice = invoiced(owing, accountant, colleague)

    assert invoice.agreement == owing.agreement
    assert invoice.due_on == TODAY + timedelta(days=60)


def test_who_has_no_details_is_left_out_with_the_reason(owing, accountant, colleague):
    drawn = draw_up(owing, accountant)

    assert drawn.invoices == ()
    assert drawn.left_out == (
        (
            "Paper Moon Pictures",
            "Enter your agency’s own billing details first: name, address, numbers.",
        ),
    )


def test_nothing_is_invoiced_until_a_day_to_come_or_one_that_is_past(owing, accountant, colleague):
    add_details(owing, accountant)
    with pytest.raises(NotThatDay):
        draw_up(owing, accountant, through=TODAY + timedelta(days=1))
    with pytest.raises(NothingToInvoice):
        draw_up(owing, accountant, through=TODAY - timedelta(days=1))
    invoiced(owing, accountant, colleague)
    owing.use("1")
    run_night(as_of=TODAY + timedelta(days=1), now=TOMORROW)
    invoiced(owing, accountant, colleague, through=TODAY + timedelta(days=1), at=TOMORROW)
    owing.use("1")
    run_night(as_of=TODAY + timedelta(days=1), now=TOMORROW)
    before = drawing_up.not_invoiced(agency=owing.agency, through=TODAY)

    # What was invoiced until tomorrow would be taken back by an invoice until today.
    assert [claim.amount for claim in before] == [D(-100)]
    drawn = draw_up(owing, accountant, through=TODAY)
    assert [name for name, _why in drawn.left_out] == ["Paper Moon Pictures"]
    assert drawn.invoices == ()


# Money


def test_an_invoice_is_paid_by_the_money_that_was_matched(owing, accountant, colleague):
    add_details(owing, accountant)
    number = invoiced(owing, accountant, colleague).number
    assert left() == {number: D(1000).normalize()}

    receive(owing, "300")
    run_night()
    assert left() == {number: D(700).normalize()}
    assert left(on=date(2026, 11, 19)) == {}, "it was not issued then"

    receive(owing, "700", "WIRE-2")
    run_night()
    assert left() == {}


def test_a_credit_note_is_used_up_by_the_invoice_that_it_corrects(owing, accountant, colleague):
    """1,000 invoiced, 300 paid, then 400 turn out to be owed: 100 are left."""
    add_details(owing, accountant)
    number = invoiced(owing, accountant, colleague).number
    receive(owing, "300")
    run_night()
    correct(owing, "4")
    invoiced(owing, accountant, colleague)

    assert left() == {number: D(100).normalize()}


def test_an_overpaid_invoice_leaves_a_credit_until_the_money_is_given_back(
    owing, accountant, colleague
):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)
    receive(owing, "1000")
    run_night()
    correct(owing, "4")
    invoiced(owing, accountant, colleague)

    # The night gave 600 back, which are the licensee's credit.
    assert left() == {}
    assert balance(K.UNMATCHED) == D(-600)


@pytest.fixture
def advanced(owing, accountant):
    """An advance of 400 was due before the use of the quarter, which pays it back."""
    add_details(owing, accountant)
    Advance.objects.create(
        agreement=owing.agreement, label="Signing advance", amount=D(400),
        due_on=date(2026, 7, 1), paid_back_from="gross",
    )  # fmt: skip
    run_night()
    return owing


def test_an_advance_stands_on_the_invoice_with_what_use_pays_back(advanced, accountant, colleague):
    invoice = invoiced(advanced, accountant, colleague)

    amounts = {line.kind: line.amount for line in invoice.lines.all()}
    assert amounts == {"use": D(1000), "advance": D(400), "recoupment": D(-400)}
    assert invoice.total == balance(K.RECEIVABLE) == D(1000)


def test_what_pays_an_advance_back_is_not_invoiced_before_the_use_that_does(
    advanced, accountant, colleague
):
    """It is dated by the use, which the night posted weeks later."""
    with pytest.raises(NothingToInvoice):
        draw_up(advanced, accountant, through=date(2026, 10, 31))


# Tax


def test_tax_is_owed_like_use_and_credited_to_the_tax_account(owing, accountant, colleague):
    add_details(owing, accountant, percent="20")

    invoice = invoiced(owing, accountant, colleague)

    assert (invoice.tax, invoice.total) == (D(200), D(1200))
    assert (balance(K.RECEIVABLE), balance(K.TAX)) == (D(1200), D(-200))
    receive(owing, "1200")
    run_night()
    assert left() == {}
    assert balance(K.RECEIVABLE) == 0
    assert balance(K.PAYABLE) == D(-900), "commission and pay are of what is net"


def test_a_credit_note_takes_tax_back_too(owing, accountant, colleague):
    add_details(owing, accountant, percent="20")
    invoiced(owing, accountant, colleague)
    receive(owing, "1200")
    run_night()
    correct(owing, "4")

    credit = invoiced(owing, accountant, colleague)
    run_night()

    assert (credit.net, credit.tax) == (D(-600), D(-120))
    assert (balance(K.TAX), balance(K.UNMATCHED)) == (D(-80), D(-720))
    assert balance(K.RECEIVABLE) == 0
    assert left() == {}


def test_a_credit_note_takes_no_more_tax_off_an_invoice_than_it_charged(
    owing, accountant, colleague
):
    """200 and 60 were charged; of the 200 that are taken back, 60 are off the newest."""
    add_details(owing, accountant, percent="20")
    invoiced(owing, accountant, colleague)
    first = UsageEvent.objects.latest("pk")
    owing.use("3")
    run_night()
    invoiced(owing, accountant, colleague)
    owing.amend(first, "0")
    run_night()

    credit = invoiced(owing, accountant, colleague)

    taken = credit.lines.filter(kind="tax").order_by("position")
    assert [line.amount for line in taken] == [D(-60), D(-140)]
    assert [line.reading.gross for line in taken] == [D(0), D(60)]
    assert balance(K.TAX) == D(-60)


def test_the_tax_of_several_agreements_comes_to_that_of_the_invoice(owing, accountant, colleague):
    """Three times 33.33 at 20 % are 6.67, 6.66 and 6.67, which is 20.00."""
    add_details(owing, accountant, percent="20")
    content = from_json(draw_up(owing, accountant).invoices[0].content)
    (line,) = content.lines
    lines = [replace(line, agreement_id=pk, amount=D("33.33")) for pk in (1, 2, 3)]

    parts = dict(deciding.tax_by_agreement(replace(content, lines=tuple(lines))))

    assert parts == {1: D("6.67"), 2: D("6.66"), 3: D("6.67")}


def test_drawing_up_and_approving_post_nothing(owing, accountant, colleague):
    add_details(owing, accountant, percent="20")
    before = Posting.objects.count()
    (draft,) = draw_up(owing, accountant).invoices
    deciding.approve(invoice_id=draft.pk, seen=deciding.digest(draft), by=colleague, at=TONIGHT)

    assert Posting.objects.count() == before


def test_content_reads_back_as_it_was_written(owing, accountant, colleague):
    add_details(owing, accountant, percent="20")
    invoice = invoiced(owing, accountant, colleague)
    content = from_json(invoice.content)

    assert to_json(content) == invoice.content
    assert content.issued_on == billing.TODAY
