"""Each night what reads otherwise is kept and told; what reads as it did writes nothing."""

from datetime import UTC, date, datetime

import pytest

from licensing.agreements.findings import nightly
from licensing.agreements.findings.nightly import check_in_force
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, DealTerms, FindingSet
from talent.models import OutboxMessage
from tests.factories import admin_page, make_agreement, sign_in

TONIGHT = datetime(2026, 11, 28, 3, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 29, 3, tzinfo=UTC)


@pytest.fixture
def in_force(agreement, affairs):
    load_rules()
    agreement.description = "Dubbing of the feature Kite Weather into French, as recorded."
    agreement.save()
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", governing_law="US-CA")
    return agreement


def test_the_first_night_keeps_what_it_found_and_tells_nobody(in_force):
    assert check_in_force(at=TONIGHT) == 1
    assert FindingSet.objects.get().occasion == "night"
    assert not OutboxMessage.objects.exists()


def test_a_night_that_finds_what_it_found_before_writes_nothing(in_force):
    check_in_force(at=TONIGHT)

    assert check_in_force(at=TOMORROW) == 0
    assert FindingSet.objects.count() == 1


def test_what_reads_otherwise_is_kept_told_and_found_in_the_list(in_force, affairs):
    check_in_force(at=TONIGHT)
    Agreement.objects.update(description="Any and all uses.")

    assert check_in_force(at=TOMORROW) == 1

    mail = OutboxMessage.objects.get()
    assert mail.recipient == affairs.email
    listed = sign_in(affairs).get(admin_page(Agreement, name="changelist"), {"rules": "fail"})
    assert in_force.reference in listed.text


def test_a_rule_that_begins_within_the_term_is_found_by_the_night_of_its_day(in_force):
    """The grace of Article 50(2) ends on 2 December 2026."""
    in_force.stated_facts.create(fact="on_market_before", holds=True)
    in_force.stated_facts.create(fact="machine_readable_mark", holds=False)
    check_in_force(at=datetime(2026, 12, 1, 12, tzinfo=UTC))

    assert check_in_force(at=datetime(2026, 12, 2, 12, tzinfo=UTC)) == 1
    found = FindingSet.objects.latest("pk").findings.get(code="ai_act.marking")
    assert (found.result, found.day) == ("fail", date(2026, 12, 2))


def test_what_has_ended_is_not_asked(in_force):
    assert check_in_force(at=datetime(2027, 6, 1, tzinfo=UTC)) == 0


def test_one_that_cannot_be_asked_is_logged_and_stops_no_other(
    in_force, agency, licensee, twin, monkeypatch, caplog
):
    others = [
        make_agreement(agency, licensee, twin, reference=f"NA-{number}") for number in (2, 3, 4)
    ]
    ask, parts = nightly.of_each, []

    def fail_for_one(rows, **about):
        parts.append(len(rows))
        if others[1] in rows:
            raise ArithmeticError("a rate that no card can have")
        return ask(rows, **about)

    monkeypatch.setattr(nightly, "of_each", fail_for_one)
    monkeypatch.setattr(nightly, "AT_ONCE", 3)

    assert check_in_force(at=TONIGHT) == 3
    asked = set(FindingSet.objects.values_list("agreement", flat=True))
    assert asked == {in_force.pk, others[0].pk, others[2].pk}
    assert f"agreement {others[1].pk} could not be asked" in caplog.text
    assert max(parts) == 3
