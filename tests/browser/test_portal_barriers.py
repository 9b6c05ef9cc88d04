"""In a real browser: the portal's pages on a phone, as axe-core judges them."""

import pytest

from licensing.models import ApprovalPart

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}
PAGES = ["/", "/documents/", "/twins/", "/consent/", "/usage/", "/earnings/", "/statements/",
         "/worth/", "/approvals/", "/offers/", "/audits/"]  # fmt: skip


def test_no_page_of_the_portal_keeps_anybody_out(sign_in, barriers):
    page = sign_in("ada@performers.example", **PHONE)
    part = ApprovalPart.objects.get(request__agreement__reference="MER-2026-002")
    found = {}
    for address in [*PAGES, f"/approvals/{part.pk}/"]:
        page.goto(address)
        found[address] = barriers(page)

    assert {where: met for where, met in found.items() if met} == {}
