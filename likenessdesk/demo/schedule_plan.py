"""The demo's plan: the script with Ada's face for Captain Moss where her consent allows it.

Its costs are invented. It is solved as anybody would solve it.
"""

from datetime import date, datetime
from decimal import Decimal

from licensing.models import Agreement
from licensing.words import Channel
from talent.words import Right, Use
from valuation.models import Screenplay
from valuation.schedule.plans import computation

REFERENCE = "MER-2026-002"
SOURCE = "The line producer's quotes, demo"


def write_schedule_plan(screenplay: Screenplay, at: datetime) -> None:
    """Write the plan of the demo's script, and solve it."""
    agreement = Agreement.objects.get(reference=REFERENCE)
    plan = screenplay.plans.create(
        name="Moss by Ada's face",
        starts_on=date(2026, 12, 7),
        unit_day=Decimal(14_000),
        second_unit=Decimal(2_200),
        crowd_day=Decimal(190),
        quality_hours=Decimal(30),
        quality_weeks=2,
        risk_price=Decimal(10),
        use=Use.FEATURE.value,
        channel=Channel.CINEMA.value,
        territory="US",
        language="en",
    )
    plan.twins.create(
        twin=agreement.twin,
        agreement=agreement,
        rights=[Right.FACE.value],
        set_up=Decimal(300),
        compute_a_second=Decimal("0.40"),
        post_hours_a_minute=Decimal(1),
        artifacts_a_minute=Decimal(2),
        mending_minutes=Decimal(12),
        artist_hour=Decimal(85),
        fee_a_second=Decimal(2),
        source=SOURCE,
    )
    computation.solve_now(plan_id=plan.pk, by=None, now=at)
