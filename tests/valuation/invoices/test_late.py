"""What is paid late: interest by agreement and law, letters by levels, papers mailed by link."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D

import pgtrigger
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import RuleSet, UsageEvent
from talent.models import OutboxMessage
from talent.periods import period_containing
from tests import factories
from tests.factories import sign_in, take_step
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
from valuation.cash.disputed import raising
from valuation.invoices import ageing, dunning, interest, interest_terms, links, papers
from valuation.invoices.content import PayToTold
from valuation.invoices.refusals import NothingToClaim, NotItsTurn, WhoseIsUnknown
from valuation.models import (
    DunningLetter,
    InterestTerms,
    LateInterest,
    PaperLink,
    PaymentTerms,
    Reading,
    ResidualLine,
)
from valuation.statements import gathering
from valuation.words import AccountKind as K
from valuation.words import DisputeReason, Section

DUE = TODAY + timedelta(days=30)  # 22 December 2026


def noon(day):
    return datetime.combine(day, time(12), UTC)


@pytest.fixture
def late(owing, accountant, colleague, short_papers):
    """1,000.00 and tax of 200.00 were due on 22 December."""
    load_rules()
    add_details(owing, accountant, percent="20")
    is_owned_by("agency", owing, accountant, colleague)
    return invoiced(owing, accountant, colleague)


def is_owned_by(owner, world, by, second, **fields):
    terms = InterestTerms.objects.create(
        agency=world.agency, owner=owner, source="Representation agreement, clause 7",
        starts_on=date(2026, 1, 1), written_at=noon(TODAY), written_by=by, **fields,
    )  # fmt: skip
    return interest_terms.approve(terms_id=terms.pk, by=second, at=noon(TODAY))


def claim(invoice, by, on):
    found = interest.worked_out(invoice, on=on)
    asked = found.amount + found.fixed
    return interest.claim(invoice_id=invoice.pk, on=on, seen=asked, by=by, at=noon(on))


def stretches(invoice, on):
    found = interest.worked_out(invoice, on=on)
    return [(one.since, one.until, one.owed, one.percent) for one in found.stretches], found.amount


def test_it_is_worked_out_day_by_day_by_law_until_it_was_paid(late, owing):
    """United Kingdom: 8 points above Bank Rate of the half-year in which it became late."""
    receive(owing, "700", on=date(2027, 1, 11), now=noon(date(2027, 1, 11)))
    run_night(as_of=date(2027, 1, 12), now=noon(date(2027, 1, 12)))
    half_year, paid = date(2026, 12, 31), date(2027, 1, 11)

    told, amount = stretches(late, date(2027, 2, 1))

    assert told == [
        (DUE, half_year, D(1200), D("11.75")),
        (half_year, paid, D(1200), D("11.75")),
        (paid, date(2027, 2, 1), D(500), D("11.75")),
    ]
    # 1,200 for 20 days and 500 for 21, at 11.75 % of 365.
    assert amount == D("11.11")
    with pytest.raises(NothingToClaim, match="not late"):
        interest.worked_out(late, on=DUE)


def test_what_is_agreed_goes_before_the_law_and_without_either_none_is_claimed(
    late, owing, accountant
):
    RuleSet.objects.filter(code="late_payment.gb").update(confidence="conflicting")
    with pytest.raises(NothingToClaim, match="Nothing is agreed"):
        interest.worked_out(late, on=DUE + timedelta(days=73))

    add_terms(owing, accountant, interest_percent=D(10), starts_on=date(2026, 2, 1))
    told, amount = stretches(late, DUE + timedelta(days=73))
    # A fifth of a year of 1,200 at 10 %.
    assert (told[0][3], amount) == (D(10), D(24))
    assert PaymentTerms.objects.count() == 2
    # Terms that begin once it was issued say nothing of it.
    add_terms(owing, accountant, interest_percent=D(50), starts_on=TODAY + timedelta(days=1))
    assert stretches(late, DUE + timedelta(days=73))[1] == D(24)


def test_an_unknown_reference_rate_is_never_guessed(late):
    RuleSet.objects.filter(code="reference_rate.gb", effective_from="2026-07-01").delete()

    with pytest.raises(NothingToClaim, match="reference rate on 2026-12-23 is not known"):
        interest.worked_out(late, on=DUE + timedelta(days=5))


def test_a_person_claims_it_once_it_is_owed_like_use_and_taken_back_with_what_was_paid(
    late, owing, accountant
):
    on = DUE + timedelta(days=73)
    add_terms(owing, accountant, interest_percent=D(10), starts_on=date(2026, 2, 1))
    claimed = claim(late, accountant, on)

    assert (claimed.amount, claimed.fixed) == (D(24), D(0))
    assert (balance(K.RECEIVABLE), balance(K.AGENCY_MONEY)) == (D(1224), D(-24))
    with pytest.raises(NothingToClaim):
        claim(late, accountant, on)
    with pytest.raises(NotItsTurn):
        interest.claim(invoice_id=late.pk, on=on + timedelta(days=73), seen=D(1), by=accountant,
                       at=noon(on + timedelta(days=73)))  # fmt: skip
    # It is no use, and no invoice ever asks for it again.
    row = ageing.ageing(agency=owing.agency, on=on)[0]
    assert (row.invoiced, row.receivable) == (D(1200), D(1224))
    assert (row.interest, row.not_invoiced) == (D(24), D(0))

    receive(owing, "1224", on=on, now=noon(on))
    run_night(as_of=on, now=noon(on))
    assert (balance(K.RECEIVABLE), left(on)) == (D(0), {})
    # Of use 1,000 are released; tax and interest are nobody's earnings.
    assert balance(K.PAYABLE) == D(-900)

    interest.take_back(interest_id=claimed.pk, by=accountant, at=noon(on), reason="Goodwill")
    run_night(as_of=on, now=noon(on))
    assert (balance(K.UNMATCHED), balance(K.AGENCY_MONEY)) == (D(-24), D(0))
    assert Reading.objects.get(kind="interest").gross == 0
    with pytest.raises(NotItsTurn):
        interest.take_back(interest_id=claimed.pk, by=accountant, at=noon(on), reason="Twice")


def test_interest_that_is_the_payees_is_earned_stated_and_released_and_unknown_is_refused(
    late, owing, accountant, colleague
):
    on = DUE + timedelta(days=73)
    add_terms(owing, accountant, interest_percent=D(10), starts_on=date(2026, 2, 1))
    with pytest.raises(NothingToClaim, match="to come"):
        interest.claim(invoice_id=late.pk, on=on, seen=D(24), by=accountant, at=noon(DUE))
    with pgtrigger.ignore():
        InterestTerms.objects.all().delete()
    with pytest.raises(WhoseIsUnknown, match="Nobody has said whose interest on NA-1"):
        claim(late, accountant, on)
    terms = is_owned_by("payees", owing, accountant, colleague, agreement=owing.agreement)
    with pytest.raises(NotItsTurn):
        interest_terms.approve(terms_id=terms.pk, by=colleague, at=noon(on))
    # The agreement's own terms go before the agency's, whenever those came.
    is_owned_by("agency", owing, accountant, colleague)

    claimed = claim(late, accountant, on)

    assert (balance(K.RECEIVABLE), balance(K.ACCRUED)) == (D(1224), D(-1024))
    assert balance(K.AGENCY_MONEY) == 0
    run_night(as_of=on, now=noon(on))
    assert [row.amount for row in ResidualLine.objects.filter(reading__kind="interest")] == [24]
    run_night(as_of=on, now=noon(on))
    assert ResidualLine.objects.filter(reading__kind="interest").count() == 1
    series = gathering.Series(owing.agency, owing.beneficiary, "USD")
    quarter = period_containing(on, owing.agency.statement_period)
    stated = gathering.gather(series, quarter, None, since=quarter.starts_on).content
    (line,) = [line for line in stated.lines if line.section is Section.INTEREST]
    assert "Interest on what was paid late adds $24.00." in stated.in_words
    assert (line.amount, line.note) == (24, f"{late.number}, {DUE} – {on}")

    receive(owing, "1224", on=on, now=noon(on))
    run_night(as_of=on, now=noon(on))
    # Like what was paid late: 10 % of 1,024.00 are the agency's commission.
    assert (balance(K.PAYABLE), balance(K.COMMISSION)) == (D("-921.60"), D("-102.40"))
    assert (balance(K.ACCRUED), balance(K.RECEIVABLE)) == (0, 0)

    interest.take_back(interest_id=claimed.pk, by=accountant, at=noon(on), reason="Goodwill")
    run_night(as_of=on, now=noon(on))
    assert (balance(K.PAYABLE), balance(K.UNMATCHED), balance(K.ACCRUED)) == (-900, -24, 0)
    assert sum(row.amount for row in ResidualLine.objects.all()) == 1000


def test_a_payment_that_is_told_late_leaves_nothing_more_to_claim(late, owing, accountant):
    on = DUE + timedelta(days=73)
    add_terms(owing, accountant, interest_percent=D(10), starts_on=date(2026, 2, 1))
    claim(late, accountant, on)
    receive(owing, "1200", on=DUE, now=noon(on))
    run_night(as_of=on, now=noon(on))

    found = interest.worked_out(late, on=on)

    # By then it was paid in time: all that was claimed is too much, and no more is.
    assert (found.amount, found.claimed) == (D(0), D(24))


def test_the_fixed_sum_of_the_law_is_claimed_once_and_in_its_currency(late, accountant):
    assert interest.worked_out(late, on=DUE + timedelta(days=9)).fixed == 0
    RuleSet.objects.filter(code="late_payment.gb").update(
        values=RuleSet.objects.get(code="late_payment.gb").values | {"fixed_currency": "USD"}
    )

    first = claim(late, accountant, DUE + timedelta(days=9))
    assert first.fixed == D(70)
    assert interest.worked_out(late, on=DUE + timedelta(days=99)).fixed == 0


@pytest.fixture
def disputed(late, owing, accountant):
    """The licensee disputes the use of 1,000.00; the tax of 200.00 stands."""
    reading = Reading.objects.get(kind="use")
    raising.raise_for_licensee(
        reading_id=reading.pk, reason=DisputeReason.AMOUNT, text="Not 10", by=accountant,
        at=noon(TODAY),
    )  # fmt: skip
    return late


def test_what_is_disputed_bears_no_interest_and_nobody_is_dunned_for_it(
    disputed, owing, accountant
):
    on = DUE + timedelta(days=10)

    found = interest.worked_out(disputed, on=on)
    letter = write(owing, accountant, 1, on)

    assert {one.owed for one in found.stretches} == {D(200)}
    assert found.disputed == D(1000)
    assert letter.total == D(200)
    (row,) = ageing.ageing(agency=owing.agency, on=on)
    assert (row.invoiced, row.disputed) == (D(1200), D(1000))


def write(world, by, level, on, **about):
    late = {"agency": world.agency, "licensee": world.licensee, "currency": "USD"}
    told = {"seen": dunning.digest_of_late(**late, on=on)} | about
    return dunning.write(**late, level=level, by=by, at=noon(on), **told)


def test_what_is_paid_of_a_disputed_line_keeps_nobody_from_asking_for_the_rest(
    disputed, owing, accountant
):
    """The use in dispute is paid by then: what is late is the tax that nobody disputes."""
    on = DUE + timedelta(days=10)
    receive(owing, "1000", on=DUE, now=noon(DUE))
    run_night(as_of=DUE, now=noon(DUE))

    found = interest.worked_out(disputed, on=on)
    letter = write(owing, accountant, 1, on)

    assert {one.owed for one in found.stretches} == {D(200)}
    assert (found.disputed, letter.total) == (D(0), D(200))


def test_a_letter_is_what_was_looked_at_once_and_names_the_account_of_today(
    late, owing, accountant
):
    on = DUE + timedelta(days=3)
    looked_at = dunning.digest_of_late(
        agency=owing.agency, licensee=owing.licensee, currency="USD", on=on
    )
    receive(owing, "700", on=on, now=noon(on))
    run_night(as_of=on, now=noon(on))
    with pytest.raises(NotItsTurn, match="changed since you looked"):
        write(owing, accountant, 1, on, seen=looked_at)

    seen = dunning.digest_of_late(
        agency=owing.agency, licensee=owing.licensee, currency="USD", on=on
    )
    letter = write(owing, accountant, 1, on, seen=seen, pay_to=PayToTold("Ours", "GB33 NEW"))
    assert letter.content["pay_to"] == {"holder": "Ours", "account": "GB33 NEW"}
    # Its page was sent twice.
    with pytest.raises(NotItsTurn, match="changed since you looked"):
        write(owing, accountant, 1, on, seen=seen)
    assert DunningLetter.objects.count() == 1


def test_letters_come_in_their_order_and_are_mailed_as_a_link_that_expires(late, owing, accountant):
    owing.licensee.billing_email = "bills@paper.example"
    owing.licensee.save()
    on = DUE + timedelta(days=3)
    with pytest.raises(NothingToClaim):
        write(owing, accountant, 1, DUE)
    with pytest.raises(NotItsTurn):
        write(owing, accountant, 2, on)
    OutboxMessage.objects.all().delete()

    first = write(owing, accountant, 1, on)
    second = write(owing, accountant, 2, on + timedelta(days=14))

    assert [first.content["rows"][0]["days"], second.content["rows"][0]["days"]] == [3, 17]
    claim(late, accountant, on + timedelta(days=28))
    third = write(owing, accountant, 3, on + timedelta(days=28))
    assert (first.content["interest"], third.content["interest"]) == ("", "$11.98")
    late_now = {"agency": owing.agency, "licensee": owing.licensee, "currency": "USD"}
    assert dunning.next_level(**late_now, on=on + timedelta(days=42)) == 3
    assert papers.read(first).read().startswith(b"%PDF")
    mail, *_others = OutboxMessage.objects.order_by("pk")
    assert mail.recipient == "bills@paper.example"
    address = next(word for word in mail.body.split() if "/paper/" in word)
    secret = address.rstrip("/").rsplit("/", 1)[1]
    assert secret not in str(PaperLink.objects.values_list())
    assert links.find(secret, at=noon(on)).letter == first
    assert links.find(secret, at=noon(on) + links.LASTS) is None
    assert links.find(secret[:-1], at=noon(on)) is None


def test_an_invoice_is_mailed_to_who_has_no_account(late, owing, accountant):
    refused = take_step(sign_in(accountant), "mail", late)
    assert "billing address for mails" in refused.content.decode()
    owing.licensee.billing_email = "bills@paper.example"
    owing.licensee.save()

    take_step(sign_in(accountant), "mail", late)

    body = OutboxMessage.objects.latest("pk").body
    secret = body.split("/paper/")[1].split("/")[0]
    answer = Client().get(reverse("portal:paper", args=[secret]))
    assert b"".join(answer.streaming_content) == papers.read(late).read()
    assert Client().get(reverse("portal:paper", args=[secret + "x"])).status_code == 404
    default_storage.delete(late.pdf.name)
    assert Client().get(reverse("portal:paper", args=[secret])).status_code == 404


def test_pages_claim_and_write_only_what_was_looked_at(late, owing, accountant, monkeypatch):
    monkeypatch.setattr(
        "valuation.admin.invoices.late.timezone.now", lambda: noon(DUE + timedelta(days=9))
    )
    monkeypatch.setattr("talent.admin.steps.timezone.now", lambda: noon(DUE + timedelta(days=9)))
    client = sign_in(accountant)
    take_step(client, "claim_interest", late)
    assert LateInterest.objects.get().by == accountant

    page = reverse("admin:valuation_dunningletter_write_letter")
    told = {"agency": owing.agency.pk, "licensee": owing.licensee.pk, "currency": "USD", "level": 1}
    looked = client.post(page, told)
    assert late.number in looked.content.decode()
    assert not DunningLetter.objects.exists()
    client.post(page, told | {"sure": "yes", "seen": looked.context["seen"]})
    letter = DunningLetter.objects.get()
    assert letter.mailed_to == ""
    file = reverse("admin:valuation_dunningletter_file", args=[letter.pk])
    assert b"".join(client.get(file).streaming_content).startswith(b"%PDF")
    stranger = factories.make_member(factories.make_agency("elsewhere"), "accounting")
    assert sign_in(stranger).get(file).status_code == 404


def test_a_credit_note_bears_no_interest(owing, accountant, colleague, late):
    owing.amend(UsageEvent.objects.get(), "7")
    run_night()
    (draft,) = draw_up(owing, accountant).invoices
    credit = issue(draft, accountant, colleague)

    with pytest.raises(NothingToClaim):
        interest.worked_out(credit, on=DUE + timedelta(days=30))
    told, _amount = stretches(late, DUE + timedelta(days=5))
    assert [owed for _since, _until, owed, _percent in told] == [D(840)]

    # One of a day on which it is late parts the days that bear interest, whenever it was posted.
    day = DUE + timedelta(days=3)
    owing.amend(UsageEvent.objects.latest("pk"), "5")
    run_night(as_of=day, now=noon(day))
    (draft,) = draw_up(owing, accountant, through=day, at=noon(day)).invoices
    issue(draft, accountant, colleague, at=noon(day + timedelta(days=1)))
    told, _amount = stretches(late, DUE + timedelta(days=5))
    assert [(until, owed) for _since, until, owed, _percent in told] == [
        (day, D(840)), (day + timedelta(days=1), D(840)), (DUE + timedelta(days=5), D(600)),
    ]  # fmt: skip
