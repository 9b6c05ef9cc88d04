"""What a part of a plan asks of a performer: as a request, and described in sentences."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from licensing.approvals.description import Description
from licensing.decision.request import Request, request_about
from licensing.money import rounded
from licensing.words import Meter
from valuation.models import PlanTwin, SchedulePlan
from valuation.schedule.breakdown import Part, Scene, seconds_of

# What a plan does not count yet it asks for as little of as can be measured.
LEAST = Decimal("0.000001")
LASTS = timedelta(days=365)


def begins_at(plan: SchedulePlan) -> datetime:
    """Return when the use begins: noon (UTC) of the first shooting day."""
    return datetime.combine(plan.starts_on, time(12), tzinfo=UTC)


def units_of(scene: Scene, part: Part) -> tuple[tuple[str, Decimal], ...]:
    """Return what a part counts: seconds in the finished film, words; of the rest the least."""
    counted = {Meter.SECONDS: Decimal(seconds_of(scene, part)), Meter.WORDS: Decimal(part.words)}
    return tuple((meter.value, counted.get(meter) or LEAST) for meter in Meter)


def description_of(
    scene: Scene, part: Part, *, character: str, row: PlanTwin, plan: SchedulePlan
) -> Description:
    """Return what a performer is asked to approve: one scene, one character, one twin."""
    fee = row.fee_a_scene + row.fee_a_second * seconds_of(scene, part)
    spoken = (
        f"speaks {_counted(part.words, 'word', 'words')}"
        f" in {_counted(part.speeches, 'speech', 'speeches')}"
        if part.words
        else "is silent"
    )
    starts_at = begins_at(plan)
    return Description(
        scene=f"Scene {scene.number}: {scene.heading}"[:200],
        lines=(
            f"{row.twin.name} stands in for the performer as {character}, who {spoken} here, in"
            f" about {seconds_of(scene, part)} seconds of {plan.screenplay.production.title}."
        ),
        territories=(plan.territory,) if plan.territory else (),
        languages=(plan.language,) if plan.language else (),
        starts_at=starts_at,
        ends_at=starts_at + LASTS,
        amount=rounded(fee, plan.screenplay.currency),
        currency=plan.screenplay.currency,
        basis=f"Fee for scene {scene.number} as planned",
    )


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def requests_of(
    scene: Scene, part: Part, *, character: str, row: PlanTwin, plan: SchedulePlan, at: datetime
) -> Iterator[Request]:
    """Yield a request for each right of which a part makes use, as asked at an instant."""
    described = description_of(scene, part, character=character, row=row, plan=plan).digest
    for right in row.rights:
        yield request_about(
            twin=row.twin_id,
            agreement=row.agreement_id,
            production=plan.screenplay.production_id,
            right=right,
            use=plan.use,
            licensee=plan.screenplay.production.licensee.slug,
            at=begins_at(plan),
            territory=plan.territory or None,
            language=plan.language or None,
            channel=plan.channel,
            content=tuple(plan.content),
            units=units_of(scene, part),
            noticed_at=at,
            described=described,
        )
