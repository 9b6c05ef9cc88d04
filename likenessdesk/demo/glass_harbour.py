"""The demo's script, taken apart: a short film after a story that is in the public domain.

Its cast are the demo's invented performers; what their days cost is invented, too.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from licensing.models import Production
from talent.models import Agency, DigitalTwin, Performer
from talent.words import Role
from valuation.models import CastMember, Screenplay
from valuation.schedule.scripts import scoring, taking_in
from valuation.schedule.scripts.scoring import Score

SCRIPT = Path(__file__).parent / "glass_harbour.fountain"


@dataclass(frozen=True)
class Cast:
    """Who plays a character, for how much a day, and which twins may stand in."""

    character: str
    performer: str
    day_rate: str
    hold_rate: str
    travel: str = "0"
    minimum_percent: str | None = None
    twins: tuple[str, ...] = ()
    away: tuple[tuple[date, date], ...] = ()


CAST = (
    Cast("KEAWE", "Bruno Placeholder", "1800", "900", "400", "60",
         ("Bruno Placeholder, body",)),
    Cast("KOKUA", "Hana Dummy", "1500", "750", "300", None, ("Hana Dummy, voice",)),
    Cast("CAPTAIN MOSS", "Ada Sample", "3200", "1600", "900", "40",
         ("Ada Sample, face", "Ada Sample, voice"),
         away=((date(2026, 7, 13), date(2026, 7, 14)),)),
    Cast("OLD MAN", "Ivo Testcase", "1200", "600", "1400"),
    Cast("TOBY", "Finn Mockup", "700", "350", "0", None, ("Finn Mockup, voice",)),
    Cast("MARKET WOMAN", "", "450", "0"),
)  # fmt: skip

# Days on which a place can be had, and what a move there costs.
PLACES = {
    "HARBOUR": (3, "2500"), "HOUSE ON THE HILL": (1, "1200"), "OPEN SEA": (1, "6000"),
    "SHIP": (2, "2000"), "ISLAND": (2, "3500"), "KEAWE'S HOUSE": (2, "1200"),
    "FRENCH PORT": (2, "2800"), "OLD INN": (1, "800"), "TAVERN": (1, "800"),
}  # fmt: skip

# Resonance as the agent says it. The other scenes have the desk's proposals alone.
RESONANCE = {"1": 4, "4": 3, "6": 6, "7": 7, "8": 9, "9": 10, "11": 8, "12": 9, "14": 7, "15": 8}


def write_screenplay(at: datetime) -> Screenplay:
    """Take the script in, cast it, and score some of its scenes."""
    agency = Agency.objects.get(slug="meridian")
    agent = agency.memberships.filter(role=Role.AGENT.value).order_by("pk").first().user
    screenplay = taking_in.begin(
        agency_id=agency.pk, production_id=Production.objects.get(title="The Glass Harbour").pk,
        title="The Glass Harbour", currency="USD", content=SCRIPT.read_bytes(),
        file_name=SCRIPT.name, by=agent, at=at,
    )  # fmt: skip
    screenplay.languages = ["de", "fr"]
    screenplay.save(update_fields=["languages"])
    for one in CAST:
        _write_cast(screenplay, one)
    for name, (days, move) in PLACES.items():
        screenplay.locations.filter(name=name).update(days=days, move=Decimal(move))
    scenes = dict(screenplay.scenes.values_list("number", "pk"))
    scores = [
        Score(scenes[number], {"resonance": value}, {"resonance": None})
        for number, value in RESONANCE.items()
    ]
    scoring.score(screenplay_id=screenplay.pk, scores=scores, by=agent, at=at)
    return screenplay


def _write_cast(screenplay: Screenplay, cast: Cast) -> None:
    performer = Performer.objects.filter(name=cast.performer).first()
    member = CastMember.objects.create(
        screenplay=screenplay, name=cast.performer or "To be cast", performer=performer,
        day_rate=Decimal(cast.day_rate), hold_rate=Decimal(cast.hold_rate),
        travel=Decimal(cast.travel),
        minimum_percent=cast.minimum_percent and Decimal(cast.minimum_percent),
    )  # fmt: skip
    for from_on, last_on in cast.away:
        member.absences.create(from_on=from_on, last_on=last_on)
    character = screenplay.characters.get(name=cast.character)
    character.player = member
    character.save(update_fields=["player"])
    character.twins.set(DigitalTwin.objects.filter(name__in=cast.twins))
