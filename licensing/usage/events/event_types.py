"""Event types: what each reports, which meters it carries, and the name its schema goes by."""

from dataclasses import dataclass

from licensing.words import LeafKind, Meter

PREFIX = "org.likenessdesk."
SCHEMAS = "/api/v1/schemas/"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event in one version. Its schema's address ends in its name."""

    name: str
    title: str
    kind: LeafKind
    meters: frozenset[Meter] = frozenset(Meter)

    @property
    def type(self) -> str:
        """The `type` attribute of its events."""
        return PREFIX + self.name

    @property
    def path(self) -> str:
        """Where its schema is published."""
        return SCHEMAS + self.name


def _use(name: str, title: str, *meters: Meter) -> EventType:
    return EventType(name, title, LeafKind.USE, frozenset(meters or Meter))


USE = _use("usage.v1", "A use, by any meters")
SPEECH = _use(
    "usage.speech.v1", "Speech: lines, words, characters",
    Meter.LINES, Meter.WORDS, Meter.CHARACTERS,
)  # fmt: skip
SCREEN_TIME = _use(
    "usage.screen_time.v1", "Screen time: seconds, frames, shots",
    Meter.SECONDS, Meter.FRAMES, Meter.SHOTS,
)  # fmt: skip
GENERATION = _use(
    "usage.generation.v1", "Generation: tokens, prompts, sessions, GPU seconds",
    Meter.TOKENS, Meter.PROMPTS, Meter.SESSIONS, Meter.GPU_SECONDS,
)  # fmt: skip
DISTRIBUTION = _use(
    "usage.distribution.v1", "Distribution: runs, copies", Meter.RUNS, Meter.COPIES
)  # fmt: skip
AMENDMENT = EventType(
    "usage.amendment.v1", "An amendment: what takes an earlier event's place", LeafKind.AMENDMENT
)
REVENUE_REPORT = EventType(
    "usage.revenue.v1", "The revenue of a period", LeafKind.REVENUE_REPORT,
    frozenset([Meter.REVENUE]),
)  # fmt: skip
DAY_REPORT = EventType(
    "usage.days.v1", "The equivalent days of a period", LeafKind.DAY_REPORT,
    frozenset([Meter.EQUIVALENT_DAYS]),
)  # fmt: skip

EVENT_TYPES = (
    USE, SPEECH, SCREEN_TIME, GENERATION, DISTRIBUTION, AMENDMENT, REVENUE_REPORT, DAY_REPORT,
)  # fmt: skip
USAGE_TYPE = USE.type
BY_TYPE = {event_type.type: event_type for event_type in EVENT_TYPES}
BY_NAME = {event_type.name: event_type for event_type in EVENT_TYPES}


def type_of_schema(dataschema: str) -> EventType | None:
    """Return the type whose published schema stands at an address, on whatever host; or None."""
    _host, separator, name = dataschema.rpartition(SCHEMAS)
    return BY_NAME.get(name) if separator else None
