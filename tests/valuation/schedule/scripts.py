"""Small scripts with casts, twins and terms, drawn from a seed."""

import random
from decimal import Decimal as D

from licensing.words import Outcome
from talent.words import Tier
from valuation.schedule.breakdown import (
    Breakdown,
    Character,
    Location,
    Part,
    Performer,
    Scene,
    Twin,
)
from valuation.schedule.options import Answer, CapLeft, PlanTerms, TwinTerms

TIERS = list(Tier)


def script(seed, *, scenes=4, characters=2, twins=2, in_scene=2):
    """Return a breakdown; each character is played by a performer of its own, who has twins."""
    chance = random.Random(seed)  # noqa: S311
    people = range(characters)
    return Breakdown(
        currency="USD",
        day_minutes=600,
        scenes=tuple(
            Scene(
                key=f"S{number}",
                number=str(number),
                heading=f"INT. ROOM {number}",
                eighths=chance.randint(2, 20),
                minutes=chance.randint(60, 300),
                screen_seconds=chance.randint(20, 180),
                parts=tuple(
                    Part(
                        f"C{c}",
                        scripted=chance.random() < 0.8,
                        face_visibility=chance.randint(0, 10),
                    )
                    for c in sorted(chance.sample(people, min(in_scene, characters)))
                ),
                location=f"L{chance.randint(1, 2)}",
                resonance=chance.randint(0, 9),
                stunt=chance.random() < 0.3,
                crowd=chance.choice([0, 0, 0, 12]),
            )
            for number in range(1, scenes + 1)
        ),
        characters=tuple(
            Character(f"C{c}", f"Role {c}", f"P{c}", tuple(f"T{c}{t}" for t in range(twins)))
            for c in people
        ),
        performers=tuple(
            Performer(
                f"P{c}", f"Player {c}", D(chance.randint(800, 9000)), D(chance.randint(100, 800)),
                travel=D(chance.choice([0, 1500])), minimum_share=chance.choice([None, D("0.3")]),
            )
            for c in people
        ),
        twins=tuple(
            Twin(f"T{c}{t}", f"Twin {c}{t}", TIERS[t % len(TIERS)], f"P{c}")
            for c in people
            for t in range(twins)
        ),
        locations=(Location("L1", "Stage"), Location("L2", "Quay", move=D(900))),
    )  # fmt: skip


def terms(seed, breakdown, **changes):
    """Return what a plan of a script costs, and what bounds it."""
    chance = random.Random(seed + 1_000)  # noqa: S311
    given = {
        "unit_day": D(chance.randint(0, 20_000)),
        "second_unit": D(2_500),
        "crowd_day": D(180),
        "resonance_from": 8,
        "quality_minutes": D(chance.randint(30, 400)),
        "risk_price": D(chance.randint(0, 60)),
        "twins": tuple(
            TwinTerms(
                twin.key,
                set_up=D(chance.randint(0, 4_000)),
                compute_a_second=D(chance.randint(1, 400)) / 100,
                post_hours_a_minute=D(chance.randint(1, 6)),
                artifacts_a_minute=D(chance.randint(1, 9)),
                mending_minutes=D(chance.randint(3, 20)),
                artist_hour=D(85),
                fee_a_scene=D(chance.randint(0, 700)),
                cap="K1",
            )
            for twin in breakdown.twins
        ),
        "caps": (CapLeft("K1", "Seconds of both", "seconds", D(chance.randint(60, 400))),),
    }
    return PlanTerms(**(given | changes))


def answers(seed, breakdown, refused=0.15):
    """Return what consent says of each twin in each scene."""
    chance = random.Random(seed + 2_000)  # noqa: S311
    outcomes = [Outcome.CLEARED, Outcome.NEEDS_APPROVAL]
    return {
        (scene.key, twin.key): Answer(
            Outcome.REFUSED if chance.random() < refused else chance.choice(outcomes), "As asked."
        )
        for scene in breakdown.scenes
        for twin in breakdown.twins
    }
