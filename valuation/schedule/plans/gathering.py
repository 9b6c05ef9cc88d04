"""A plan frozen: its breakdown and terms, what caps have left, what consent says of each part.

The desk's own `decide` answers for every scene and twin, on facts that are read once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from licensing.caps.burn_down import burn_downs
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Request
from licensing.facts.facts import facts_for
from licensing.models import LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import Outcome
from valuation.models import PlanTwin, SchedulePlan
from valuation.schedule.assignment.solving import Effort
from valuation.schedule.breakdown import Breakdown, Part, Scene
from valuation.schedule.options import IN_PERSON, Answer, CapLeft, Lock, PlanTerms, TwinTerms
from valuation.schedule.plans.described import requests_of
from valuation.schedule.scripts import loading
from valuation.schedule.shooting import Calendar
from valuation.schedule.solution import Asked, PlanInput

# The worst counts, where a part makes use of several rights.
WORST_FIRST = (Outcome.REFUSED, Outcome.NEEDS_APPROVAL, Outcome.CLEARED)


def gather(plan: SchedulePlan, *, at: datetime) -> PlanInput:
    """Return all that a plan is solved from, as it is at an instant. Raises UnsoundBreakdown."""
    breakdown = loading.load(plan.screenplay)
    rows = {name_of(Prefix.TWIN, row.twin_id): row for row in twins_of(plan)}
    return PlanInput(
        breakdown=breakdown,
        terms=_terms(plan, breakdown, rows, at),
        asked=tuple(_asked(plan, breakdown, rows, at)),
        calendar=Calendar(plan.starts_on, plan.days_a_week),
        effort=Effort(
            nodes=plan.nodes,
            seconds=plan.seconds,
            gap=float(plan.gap_percent / 100),
            seed=plan.seed,
        ),
        order_states=plan.order_states,
    )


def is_as_solved(plan: SchedulePlan, solved: PlanInput, *, at: datetime) -> bool:
    """Tell whether script, scores, cast, locks and costs are still what a plan was solved from.

    What consents say and caps have left changes by the hour; it is decided anew by whoever asks.
    """
    breakdown = loading.load(plan.screenplay)
    rows = {name_of(Prefix.TWIN, row.twin_id): row for row in twins_of(plan)}
    terms = replace(_terms(plan, breakdown, rows, at), caps=())
    calendar = Calendar(plan.starts_on, plan.days_a_week)
    return (breakdown, terms, calendar) == (
        solved.breakdown, replace(solved.terms, caps=()), solved.calendar,
    )  # fmt: skip


def twins_of(plan: SchedulePlan) -> list[PlanTwin]:
    return list(
        plan.twins.select_related(
            "twin", "cap__agreement__licensee", "cap__agreement__twin", "cap__twin",
            "cap__performer", "agreement",
        ).order_by("pk")
    )  # fmt: skip


def _terms(
    plan: SchedulePlan, breakdown: Breakdown, rows: Mapping[str, PlanTwin], at: datetime
) -> PlanTerms:
    scenes = {scene.key for scene in breakdown.scenes}
    return PlanTerms(
        unit_day=plan.unit_day,
        second_unit=plan.second_unit,
        crowd_day=plan.crowd_day,
        resonance_from=plan.resonance_from,
        quality_minutes=None if plan.quality_hours is None else plan.quality_hours * 60,
        quality_weeks=plan.quality_weeks,
        risk_price=plan.risk_price,
        budget=plan.budget,
        twins=tuple(_twin_terms(key, row) for key, row in rows.items()),
        caps=tuple(_caps(rows.values(), at)),
        locks=tuple(_locks(plan, scenes)),
        unlocked=frozenset(str(scene) for scene in plan.unlocks.values_list("scene", flat=True))
        & scenes,
    )


def _twin_terms(key: str, row: PlanTwin) -> TwinTerms:
    return TwinTerms(
        twin=key,
        set_up=row.set_up,
        compute_a_second=row.compute_a_second,
        post_hours_a_minute=row.post_hours_a_minute,
        artifacts_a_minute=row.artifacts_a_minute,
        mending_minutes=row.mending_minutes,
        artist_hour=row.artist_hour,
        fee_a_scene=row.fee_a_scene,
        fee_a_second=row.fee_a_second,
        cap="" if row.cap_id is None else str(row.cap_id),
        cap_units=row.cap_units,
    )


def _caps(rows: Iterable[PlanTwin], at: datetime) -> Iterator[CapLeft]:
    caps = {row.cap_id: row.cap for row in rows if row.cap is not None}
    for year in burn_downs(list(caps.values()), at=at):
        meter = year.cap.get_meter_display().lower()
        yield CapLeft(str(year.cap.pk), f"The cap of {year.cap}", meter, year.left)


def _locks(plan: SchedulePlan, scenes: set[str]) -> Iterator[Lock]:
    """Yield the locks of scenes that the script still has."""
    for lock in plan.locks.order_by("pk"):
        if str(lock.scene_id) in scenes:
            choice = IN_PERSON if lock.twin_id is None else name_of(Prefix.TWIN, lock.twin_id)
            yield Lock(str(lock.scene_id), str(lock.character_id), choice)


def _asked(
    plan: SchedulePlan, breakdown: Breakdown, rows: Mapping[str, PlanTwin], at: datetime
) -> Iterator[Asked]:
    """Yield the answer for each scene and twin that could play in it; without terms, none."""
    terms = LicenseeTerms.objects.filter(
        agency=plan.screenplay.agency_id, licensee=plan.screenplay.production.licensee_id
    ).select_related("licensee").first()  # fmt: skip
    if terms is None:
        return
    about: list[tuple[Scene, str]] = []
    requests: list[Request] = []
    for scene, part, key, row in _parts(breakdown, rows):
        character = next(one.name for one in breakdown.characters if one.key == part.character)
        for request in requests_of(scene, part, character=character, row=row, plan=plan, at=at):
            about.append((scene, key))
            requests.append(request)
    facts = facts_for(requests, terms=terms, known_at=at)
    decided: dict[tuple[str, str], list[Decision]] = {}
    for (scene, key), request, known in zip(about, requests, facts, strict=True):
        decided.setdefault((scene.key, key), []).append(decide(request, known, at))
    for (scene_key, twin), decisions in decided.items():
        yield Asked(scene_key, twin, _worst(decisions, rows[twin]))


def _parts(
    breakdown: Breakdown, rows: Mapping[str, PlanTwin]
) -> Iterator[tuple[Scene, Part, str, PlanTwin]]:
    twins = {one.key: one.twins for one in breakdown.characters}
    for scene in breakdown.scenes:
        for part in scene.parts:
            for key in twins[part.character]:
                if key in rows:
                    yield scene, part, key, rows[key]


def _worst(decisions: Sequence[Decision], row: PlanTwin) -> Answer:
    worst = min(decisions, key=lambda decision: WORST_FIRST.index(decision.outcome))
    agreement = row.agreement.reference if row.agreement else ""
    why = worst.staff_text
    if worst.outcome == Outcome.REFUSED and worst.nearest_change:
        why = f"{why} {worst.nearest_change}"
    return Answer(worst.outcome, why, agreement)
