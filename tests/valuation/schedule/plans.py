"""A kept screenplay with a cast, one of whom has a twin, and a plan for it."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

from likenessdesk.demo.glass_harbour import SCRIPT
from valuation.models import SchedulePlan
from valuation.schedule.scripts import taking_in

AT = datetime(2026, 6, 3, 9, tzinfo=UTC)
STARTS_ON = date(2026, 6, 22)


def make_screenplay(agency, production, by, *, twin, performer):
    """Return the demo's script, with a cast of two: Keawe, who has a twin, and Kokua."""
    screenplay = taking_in.begin(
        agency_id=agency.pk, production_id=production.pk, title="The Glass Harbour",
        currency="USD", content=SCRIPT.read_bytes(), file_name="draft.fountain", by=by, at=AT,
    )  # fmt: skip
    for name, day_rate, hold_rate in (("KEAWE", 4_000, 2_000), ("KOKUA", 3_000, 1_500)):
        character = screenplay.characters.get(name=name)
        member = screenplay.cast.create(
            name=f"{name.title()}’s player", day_rate=day_rate, hold_rate=hold_rate,
            performer=performer if name == "KEAWE" else None,
        )  # fmt: skip
        character.player = member
        character.save()
    screenplay.characters.get(name="KEAWE").twins.add(twin)
    return screenplay


def make_plan(screenplay, agreement, *, name="With a twin", **fields):
    """Return a plan in which the agreement's twin may play, by voice and for little."""
    defaults = {
        "starts_on": STARTS_ON, "use": "dubbing", "channel": "streaming", "territory": "US",
        "language": "en", "unit_day": D(20_000), "order_states": 50_000,
    }  # fmt: skip
    plan = SchedulePlan.objects.create(screenplay=screenplay, name=name, **(defaults | fields))
    plan.twins.create(
        twin=agreement.twin, agreement=agreement, rights=["voice"], set_up=D(500),
        compute_a_second=D("0.10"), post_hours_a_minute=D(1), artist_hour=D(80), fee_a_scene=D(50),
    )  # fmt: skip
    return plan
