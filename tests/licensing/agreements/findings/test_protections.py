"""The performer reads in plain words which rules protect them, and whether they are kept."""

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, DealTerms
from tests.factories import make_performer, make_user, sign_in


@pytest.fixture
def agreed(agreement):
    load_rules()
    Agreement.objects.update(description="Any and all uses.")
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", governing_law="US-CA")
    return agreement


def test_what_is_not_kept_stands_there_in_plain_words(ada, agreed):
    page = sign_in(ada).get(reverse("portal:protections")).text

    assert agreed.reference in page
    assert "unless it is said what for" in page
    assert "not kept" in page


def test_another_performer_reads_nothing_of_it(agency, agreed):
    other = make_user("bo@performers.example", performer=make_performer("Bo Example", agency))

    page = sign_in(other).get(reverse("portal:protections")).text

    assert agreed.reference not in page
    assert "No agreement about your twins is in force." in page
