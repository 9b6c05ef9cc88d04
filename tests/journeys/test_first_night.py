"""The demo's first night as `make run` shows it: statements issued here, drafts there."""

from pathlib import Path

import pytest
from django.core.management import call_command

from talent.models import User
from valuation.models import Statement, StatementStep
from valuation.words import StatementKind, StatementStepKind

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_agency_issues_with_four_eyes_and_the_other_has_drafts_left(short_papers, capsys):
    call_command("seed_demo")
    call_command("first_night")

    issued = Statement.objects.issued()
    assert set(issued.values_list("agency__slug", flat=True)) == {"meridian"}
    assert Statement.objects.filter(number=None).values_list("agency__slug", flat=True)[0] == (
        "northlight"
    )
    for statement in issued:
        by = dict(StatementStep.objects.filter(statement=statement).values_list("kind", "by"))
        assert by[StatementStepKind.REVIEWED.value] != by[StatementStepKind.APPROVED.value]

    said = capsys.readouterr().out
    shown = next(line for line in said.splitlines() if line.startswith("A statement to look at: "))
    shown = Path(shown.removeprefix("A statement to look at: "))
    assert shown in {Path(statement.pdf.path) for statement in issued}
    assert shown.stat().st_size
    for email in User.objects.values_list("email", flat=True):
        assert email in said

    before = StatementStep.objects.count(), issued.count()
    call_command("first_night")
    assert (StatementStep.objects.count(), Statement.objects.issued().count()) == before

    for roll_up in Statement.objects.filter(kind=StatementKind.ROLL_UP):
        parts = Statement.objects.filter(
            agency=roll_up.agency, currency=roll_up.currency, period_on=roll_up.period_on
        ).exclude(beneficiary=None)
        assert roll_up.earned == sum(part.earned for part in parts)
