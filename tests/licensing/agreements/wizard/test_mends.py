"""What would mend a finding is a link: to the wizard's step and field, or to an amendment."""

import re

import pytest

from licensing.admin import mends
from licensing.agreements.checks.cases import read_cases
from licensing.agreements.checks.check import check
from licensing.agreements.checks.rule_check import Mend
from licensing.agreements.rules.rulebook import read_rulebook
from licensing.models import Agreement
from licensing.words import DealStep
from tests.factories import make_member, sign_in, sign_on_paper
from tests.licensing.agreements.papers import NOW, make_deal


@pytest.fixture(scope="module")
def every_mend():
    """Each place and field that a worked case of a rule is mended at."""
    rules = read_rulebook()
    found = {
        (one.mend.step, one.mend.field): one.mend
        for case in read_cases()
        for one in check(case.facts, rules)
        if one.mend is not None
    }
    assert len(found) > 20
    return list(found.values())


@pytest.fixture
def deal(db):
    return make_deal()


@pytest.fixture
def client(deal):
    return sign_in(make_member(deal.agency, "business_affairs"))


def test_each_leads_to_a_page_of_a_draft_that_has_the_field(deal, client, every_mend):
    pages, lost = {}, []
    for mend in every_mend:
        page, _, anchor = mends.address_of(deal, mend).partition("#")
        if page not in pages:
            answer = client.get(page)
            assert answer.status_code == 200, page
            pages[page] = set(re.findall(r'\bid="([^"]+)"', answer.text))
        if anchor and anchor not in pages[page]:
            lost.append(f"{mend.step.value} {mend.field}: {page}#{anchor}")
    assert lost == [], "\n".join(lost)


def test_each_leads_to_a_page_of_a_signed_agreement(deal, client, every_mend):
    sign_on_paper(agreement=deal, at=NOW)
    signed = Agreement.objects.get(pk=deal.pk)

    pages = {mends.address_of(signed, mend) for mend in every_mend}

    assert {page: client.get(page, follow=True).status_code for page in pages} == dict.fromkeys(
        pages, 200
    )
    assert not [page for page in pages if "/wizard/" in page]


@pytest.mark.parametrize(
    ("mend", "draft", "signed"),
    [
        (Mend("", DealStep.GRANTS, "exclusions"), "wizard/grants/#id_exclusions", "ask_for_grant"),
        (Mend("", DealStep.LIMITS, "ends_at"), "wizard/deal/#id_ends_on", "end"),
        (Mend("", DealStep.PRICE, "unit_price"), "wizard/prices/", "add_rates"),
        (Mend("", DealStep.CAPTURE, "retention_days"), "wizard/handling/#id_retention_days",
         "ask_for_deal_terms"),
    ],
)  # fmt: skip
def test_it_is_the_step_and_field_of_a_draft_and_the_amendment_of_a_signed_one(mend, draft, signed):
    row = Agreement(pk=7, status="draft")
    assert mends.address_of(row, mend).endswith(f"/7/{draft}")

    row.status = "signed"
    assert signed in mends.address_of(row, mend)
