"""Options: in person or by which twin a part may be played, what it costs, and what forbids it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from licensing.money import rounded
from licensing.words import Outcome
from talent.errors import Refused
from talent.words import Tier
from valuation.words import Bar, PlanCost

from .breakdown import (
    HIGHEST_SCORE,
    Breakdown,
    Part,
    Performer,
    Scene,
    Twin,
    seconds_of,
)

IN_PERSON = ""
ZERO = Decimal(0)
MINUTES = Decimal(60)


class UnsoundTerms(Refused):
    """A plan's terms contradict the breakdown or themselves; the text says where."""

    code = "unsound_plan_terms"


@dataclass(frozen=True, slots=True)
class TwinTerms:
    """What playing a part by a twin costs, in the breakdown's currency, and what it uses up.

    `set_up` is paid once, as soon as the twin plays at all. Compute and fee are per second of
    the part in the finished film, post hours per finished minute. `artifacts` is how many there
    are to mend in a finished minute, each taking `mending_minutes` of an artist. `cap` is the key
    of the cap that its seconds draw on, times `cap_units`; "": none.
    """

    twin: str
    set_up: Decimal = ZERO
    compute_a_second: Decimal = ZERO
    post_hours_a_minute: Decimal = ZERO
    artifacts_a_minute: Decimal = ZERO
    mending_minutes: Decimal = ZERO
    artist_hour: Decimal = ZERO
    fee_a_scene: Decimal = ZERO
    fee_a_second: Decimal = ZERO
    cap: str = ""
    cap_units: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class CapLeft:
    """Units that a cap has left for the plan, in the unit of its meter."""

    key: str
    name: str
    unit: str
    left: Decimal


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk decides about a twin in a scene: the outcome, why, and on which agreement."""

    outcome: Outcome
    why: str = ""
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A choice that a person made for a part: in person ("") or a twin's key."""

    scene: str
    character: str
    choice: str


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a plan costs besides its cast, and what bounds it; money in the breakdown's currency.

    `unit_day` is the shooting unit's cost a day, shared by minutes; `second_unit` what a scene with
    a stunt costs besides, where it is shot; `crowd_day` a background performer's day. Scenes with a
    resonance of `resonance_from` or more stay in person, unless `unlocked` names them.
    `quality_minutes` are minutes of checking and mending a week, over `quality_weeks`; None: no
    bound. `risk_price` is what a point of quality risk is worth to who plans; no money flows for
    it, but choices weigh it.
    """

    unit_day: Decimal = ZERO
    second_unit: Decimal = ZERO
    crowd_day: Decimal = ZERO
    resonance_from: int = 7
    quality_minutes: Decimal | None = None
    quality_weeks: int = 1
    risk_price: Decimal = ZERO
    budget: Decimal | None = None
    twins: tuple[TwinTerms, ...] = ()
    caps: tuple[CapLeft, ...] = ()
    locks: tuple[Lock, ...] = ()
    unlocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a cost, rounded to the currency's unit."""

    kind: PlanCost
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Option:
    """A way to play a part: a twin's key, or "" in person, with what it costs by kinds.

    `bars` say why it cannot be chosen; `answer` is what was decided of consent.
    `quality` is minutes of checking and mending, `units` what it draws of its cap, `risk` points
    from 0 to 10: how much the face is seen, weighed by the scene's resonance.
    """

    scene: str
    character: str
    choice: str
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...] = ()
    answer: Answer | None = None
    quality: Decimal = ZERO
    cap: str = ""
    units: Decimal = ZERO
    risk: Decimal = ZERO

    @property
    def cost(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)


Answers = Mapping[tuple[str, str], Answer]  # by scene and twin


def options(breakdown: Breakdown, terms: PlanTerms, answers: Answers) -> tuple[Option, ...]:
    """Return every option of every part, in the breakdown's order, in person first.

    Twins whose costs nobody has said are no option. One for which the desk has no answer is
    refused: silence is no consent. Raises UnsoundTerms.
    """
    book = _Book(breakdown, terms, answers)
    return tuple(
        option
        for scene in breakdown.scenes
        for part in scene.parts
        for option in book.of(scene, part)
    )


class _Book:
    """What options are priced from."""

    def __init__(self, breakdown: Breakdown, terms: PlanTerms, answers: Answers) -> None:
        self.breakdown, self.terms, self.answers = breakdown, terms, answers
        self.characters = {one.key: one for one in breakdown.characters}
        self.performers = {one.key: one for one in breakdown.performers}
        self.twins = {one.key: one for one in breakdown.twins}
        self.costs = {one.twin: one for one in terms.twins}
        caps = {one.key for one in terms.caps}
        for one in terms.twins:
            if one.cap and one.cap not in caps:
                raise UnsoundTerms(f"The twin {one.twin} draws on the cap {one.cap}, unknown here.")

    def of(self, scene: Scene, part: Part) -> Iterator[Option]:
        character = self.characters[part.character]
        yield self._in_person(scene, part, self.performers.get(character.performer))
        for key in character.twins:
            if key in self.costs:
                yield self._by_twin(scene, part, self.twins[key])

    def _in_person(self, scene: Scene, part: Part, performer: Performer | None) -> Option:
        share = Decimal(scene.minutes) / self.breakdown.day_minutes
        rate = performer.day_rate if performer else ZERO
        line = self._line(PlanCost.WORK, rate * share)
        return Option(scene.key, part.character, IN_PERSON, (line,))

    def _by_twin(self, scene: Scene, part: Part, twin: Twin) -> Option:
        costs = self.costs[twin.key]
        answer = self.answers.get((scene.key, twin.key), NO_ANSWER)
        seconds = Decimal(seconds_of(scene, part))
        minutes = seconds / MINUTES
        mending = costs.artifacts_a_minute * minutes * costs.mending_minutes
        risk = Decimal(part.face_visibility * scene.resonance) / HIGHEST_SCORE
        lines = (
            self._line(PlanCost.COMPUTE, costs.compute_a_second * seconds),
            self._line(PlanCost.POST, costs.post_hours_a_minute * minutes * costs.artist_hour),
            self._line(PlanCost.QUALITY, mending / MINUTES * costs.artist_hour),
            self._line(PlanCost.FEE, costs.fee_a_scene + costs.fee_a_second * seconds),
            self._line(PlanCost.RISK, self.terms.risk_price * risk),
        )
        return Option(
            scene.key,
            part.character,
            twin.key,
            lines,
            bars=tuple(self._bars(scene, part, twin, answer)),
            answer=answer,
            quality=mending,
            cap=costs.cap,
            units=costs.cap_units * seconds if costs.cap else ZERO,
            risk=risk,
        )

    def _bars(self, scene: Scene, part: Part, twin: Twin, answer: Answer) -> Iterator[Bar]:
        if answer.outcome == Outcome.REFUSED:
            yield Bar.CONSENT
        if twin.tier == Tier.STATIC and not part.scripted:
            yield Bar.STATIC
        if scene.resonance >= self.terms.resonance_from and scene.key not in self.terms.unlocked:
            yield Bar.RESONANCE

    def _line(self, kind: PlanCost, amount: Decimal) -> Line:
        return Line(kind, rounded(amount, self.breakdown.currency))


NO_ANSWER = Answer(Outcome.REFUSED, "The desk was not asked about this twin.")
