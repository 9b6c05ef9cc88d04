"""The demo's business: licensees, productions, agreements and what they charge.

Prices stand at points published by 2026 or at guild figures; each card says which, and where a
figure was not verified it says that too.
"""

from dataclasses import dataclass
from datetime import date

from licensing.words import (
    Channel,
    Engagement,
    Factor,
    GuaranteePeriod,
    LicenseeKind,
    Meter,
    Pricing,
    ProductionKind,
    PromptClass,
    RoundQuantity,
    StatedFact,
)
from talent.words import Exclusion, Guild, Right, Use


@dataclass(frozen=True)
class Studio:
    slug: str
    name: str
    kind: LicenseeKind
    country: str


STUDIOS = (
    Studio("lanternfish", "Lanternfish Pictures", LicenseeKind.STUDIO, "US"),
    Studio("paper-boat", "Paper Boat Films", LicenseeKind.INDEPENDENT, "GB"),
    Studio("tin-rocket", "Tin Rocket Games", LicenseeKind.GAMES, "US"),
    Studio("saltmarsh", "Saltmarsh Post", LicenseeKind.POST, "IT"),
    Studio("copperleaf", "Copperleaf Tea", LicenseeKind.ADVERTISER, "US"),
)


@dataclass(frozen=True)
class Title:
    studio: str
    title: str
    kind: ProductionKind
    eidr: str
    photography_starts_on: date | None = None


# Plainly demo numbers with the check character that MOD 37,36 gives them.
TITLES = (
    Title("lanternfish", "The Glass Harbour", ProductionKind.FEATURE,
          "10.5240/DE30-0000-0000-0000-0001-9", date(2026, 6, 15)),
    Title("lanternfish", "Nine Lanterns", ProductionKind.SERIES,
          "10.5240/DE30-0000-0000-0000-0002-7", date(2026, 7, 6)),
    Title("paper-boat", "Kite Weather", ProductionKind.FEATURE,
          "10.5240/DE30-0000-0000-0000-0003-5", date(2026, 5, 4)),
    Title("tin-rocket", "Orbit Garden", ProductionKind.GAME,
          "10.5240/DE30-0000-0000-0000-0004-3"),
    Title("saltmarsh", "Earnest, the Italian version", ProductionKind.FEATURE,
          "10.5240/DE30-0000-0000-0000-0005-1"),
    Title("copperleaf", "A Pot for Two", ProductionKind.COMMERCIAL,
          "10.5240/DE30-0000-0000-0000-0006-0"),
)  # fmt: skip


@dataclass(frozen=True)
class Licence:
    """One grant of an agreement."""

    right: Right
    use: Use
    territories: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    channels: tuple[Channel, ...] | None = None
    real_time: bool = False
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True)
class Price:
    """One rate line, amounts as text. A bracket is (up to, unit price); None is without end."""

    code: str
    label: str
    meter: Meter
    pricing: Pricing
    unit_price: str = "0"
    brackets: tuple[tuple[int | None, str], ...] = ()
    package_size: str | None = None
    minimum: str = "0"
    charge_group: str = ""
    unlicensed: bool = False
    prompt_classes: tuple[PromptClass, ...] | None = None
    rounding: RoundQuantity = RoundQuantity.NEVER
    scale_portion: str = "0"


@dataclass(frozen=True)
class Times:
    """A multiplier of a rate card."""

    factor: Factor
    value: str
    times: str


@dataclass(frozen=True)
class Limit:
    meter: Meter
    limit: str
    hard: bool = True


@dataclass(frozen=True)
class Least:
    """The least that an agreement earns in each period."""

    amount: str
    period: GuaranteePeriod


@dataclass(frozen=True)
class Ahead:
    """What the licensee pays ahead, and use pays back."""

    label: str
    amount: str
    due_on: date


@dataclass(frozen=True)
class Reserve:
    """What is held back of what would be payable, and for how many statement periods."""

    percent: str
    periods: int


@dataclass(frozen=True)
class Deal:
    """An agreement: one agency, one studio, one twin."""

    reference: str
    house: str
    studio: str
    twin: str
    title: str
    currency: str
    time_zone: str
    licences: tuple[Licence, ...]
    prices: tuple[Price, ...]
    source: str
    description: str
    multipliers: tuple[Times, ...] = ()
    limits: tuple[Limit, ...] = ()
    least: Least | None = None
    ahead: Ahead | None = None
    reserve: Reserve | None = None
    guild: Guild = Guild.NONE
    engagement: Engagement = Engagement.NOT_COVERED
    stated: tuple[tuple[StatedFact, bool, str], ...] = ()


LINE_PRICE = (
    "USD 3.90 a line: the interactive session of 1,169.11 over 300 lines, worked on an "
    "unverified assumption (rule scale.interactive_line)"
)

DEALS = (
    Deal(
        "MER-2026-001", "meridian", "tin-rocket", "Ada Sample, voice", "Orbit Garden",
        "USD", "America/Los_Angeles",
        (
            Licence(
                Right.VOICE, Use.GAME, None, ("en", "fr", "de"), (Channel.GAME,), real_time=True
            ),
            Licence(Right.VOICE, Use.PROMO, ("US",), ("en", "fr"), (Channel.ONLINE,)),
        ),
        (
            Price("line", "Generated line", Meter.LINES, Pricing.GRADUATED,
                  brackets=((500, "3.90"), (1500, "3.40"), (None, "2.90")),
                  rounding=RoundQuantity.PER_EVENT_UP),
            Price("unlicensed-line", "Generated line outside the licence", Meter.LINES,
                  Pricing.PER_UNIT, "11.70", unlicensed=True,
                  rounding=RoundQuantity.PER_EVENT_UP),
        ),
        LINE_PRICE + "; real time 7.5 times (rule scale.interactive_real_time)",
        "The voice of the ship's computer in the game Orbit Garden, in English, French and "
        "German, scripted lines and conversation with the player.",
        multipliers=(Times(Factor.REAL_TIME, "yes", "7.5"),),
        limits=(Limit(Meter.LINES, "3400"),),
        guild=Guild.SAG_AFTRA, engagement=Engagement.VOICE,
    ),
    Deal(
        "MER-2026-002", "meridian", "lanternfish", "Ada Sample, face", "The Glass Harbour",
        "USD", "America/Los_Angeles",
        (
            Licence(Right.FACE, Use.FEATURE, channels=(Channel.CINEMA, Channel.STREAMING)),
            Licence(Right.FACE, Use.AGE_CHANGE, channels=(Channel.CINEMA, Channel.STREAMING)),
        ),
        (
            Price("equivalent-day", "Equivalent day, at scale", Meter.EQUIVALENT_DAYS,
                  Pricing.PER_UNIT, "1283.00", scale_portion="1",
                  rounding=RoundQuantity.PER_EVENT_UP),
            Price("hero-second", "Finished second of face", Meter.SECONDS, Pricing.PER_UNIT,
                  "25.00"),
        ),
        "Day performer's minimum from July 2026 (rule scale.day_performer, derived); "
        "USD 25 an output second, a demo figure",
        "Ada's face as Captain Moss in scenes 12, 31 and 44 of The Glass Harbour, as scripted.",
        guild=Guild.SAG_AFTRA, engagement=Engagement.PRINCIPAL,
    ),
    Deal(
        "MER-2026-003", "meridian", "lanternfish", "Bruno Placeholder, body",
        "The Glass Harbour", "USD", "America/Los_Angeles",
        (Licence(Right.BODY, Use.BACKGROUND),),
        (
            Price("background-day", "Equivalent background day", Meter.EQUIVALENT_DAYS,
                  Pricing.PER_UNIT, "231.00", scale_portion="1",
                  rounding=RoundQuantity.PER_EVENT_UP),
        ),
        "Background minimum from July 2026 (rule scale.background_actor, unverified)",
        "One passer-by among the crowds of the harbour scenes.",
        guild=Guild.SAG_AFTRA, engagement=Engagement.BACKGROUND,
    ),
    Deal(
        "MER-2026-004", "meridian", "lanternfish", "Clara Specimen, 1962", "Nine Lanterns",
        "USD", "America/Los_Angeles",
        (Licence(Right.FACE, Use.POSTHUMOUS), Licence(Right.FACE, Use.PROMO, ("US",))),
        (
            Price("archive-second", "Finished second of face", Meter.SECONDS,
                  Pricing.GRADUATED,
                  brackets=((60, "90.00"), (240, "60.00"), (None, "45.00"))),
        ),
        "USD 45 to 90 an output second, demo figures",
        "The photograph on the mantelpiece speaks in episodes 3 and 4 of Nine Lanterns.",
        reserve=Reserve("10", 1),
    ),
    Deal(
        "MER-2026-005", "meridian", "paper-boat", "Finn Mockup, voice", "Kite Weather",
        "USD", "America/Los_Angeles",
        (
            # Finn is a minor: no rule lets anybody leave these in.
            Licence(
                Right.VOICE, Use.ADR, None, ("en",),
                exclusions=(Exclusion.NUDITY, Exclusion.SEXUAL),
            ),
        ),
        (
            Price("adr-line", "Replaced line", Meter.LINES, Pricing.PER_UNIT, "3.90",
                  rounding=RoundQuantity.PER_EVENT_UP),
        ),
        LINE_PRICE,
        "Replacement of lines that the wind spoilt, as scripted for Kite Weather.",
        guild=Guild.SAG_AFTRA, engagement=Engagement.VOICE,
        stated=((StatedFact.TRUST_ACCOUNT, True, "Demo Savings, blocked account 5"),),
    ),
    Deal(
        "MER-2026-006", "meridian", "copperleaf", "Hana Dummy, voice", "A Pot for Two",
        "USD", "America/New_York",
        (Licence(Right.VOICE, Use.ADVERTISING, ("US", "CA"), ("en",), (Channel.ONLINE,)),),
        (
            Price("session", "Commercial session", Meter.SESSIONS, Pricing.PER_UNIT,
                  "855.15"),
            Price("word", "Word", Meter.WORDS, Pricing.PER_UNIT, "0.35"),
            Price("unlicensed-word", "Word outside the licence", Meter.WORDS,
                  Pricing.PER_UNIT, "1.05", unlicensed=True),
        ),
        "Commercial session of 2026 (rule scale.commercial_session, derived); "
        "USD 0.35 a word, a demo figure",
        "Spoken variants of the tea commercial A Pot for Two for online audio.",
        limits=(Limit(Meter.WORDS, "20000", hard=False),),
    ),
    Deal(
        "MER-2026-007", "meridian", "saltmarsh", "Vesper", "Earnest, the Italian version",
        "EUR", "Europe/Rome",
        (Licence(Right.COMPOSITE, Use.DUBBING, None, ("it", "fr")),),
        (
            Price("dubbed-line", "Dubbed line", Meter.LINES, Pricing.GRADUATED,
                  brackets=((50, "3.90"), (120, "3.40"), (None, "2.95")),
                  rounding=RoundQuantity.PER_EVENT_UP),
            Price("adaptation", "Adapted character", Meter.CHARACTERS, Pricing.PER_UNIT,
                  "0.0125"),
        ),
        "A line is ten words (rule interactive.line); prices are demo figures",
        "Lady Bracknell in the Italian version of The Importance of Being Earnest, act three.",
    ),
    Deal(
        "MER-2026-008", "meridian", "paper-boat", "Vesper", "Kite Weather",
        "EUR", "Europe/Paris",
        (Licence(Right.COMPOSITE, Use.DUBBING, None, ("fr",)),),
        (
            Price("dubbed-line", "Dubbed line", Meter.LINES, Pricing.GRADUATED,
                  brackets=((100, "3.13"), (200, "2.71"), (None, "2.29")),
                  rounding=RoundQuantity.PER_EVENT_UP),
        ),
        "A line is ten words (rule interactive.line); prices are demo figures",
        "The harbour master in the French version of Kite Weather.",
        least=Least("750.00", GuaranteePeriod.QUARTER),
        ahead=Ahead("On signing", "1000.00", date(2026, 7, 1)),
    ),
    Deal(
        "NOR-2026-001", "northlight", "tin-rocket", "Kit Facsimile, avatar", "Orbit Garden",
        "USD", "Europe/London",
        (Licence(Right.FACE, Use.PROMO, real_time=True),),
        (
            Price("avatar-second", "Second of avatar", Meter.SECONDS, Pricing.VOLUME,
                  brackets=((36000, "0.0667"), (None, "0.0500"))),
        ),
        "USD 0.0667 and 0.05 a second: published prices of a digital-twin API",
        "The guide in the browser promotion of Orbit Garden.",
        limits=(Limit(Meter.SECONDS, "118800"),),
    ),
    Deal(
        "NOR-2026-002", "northlight", "paper-boat", "Lena Pseudonym, voice", "Kite Weather",
        "GBP", "Europe/London",
        (Licence(Right.VOICE, Use.DUBBING, None, ("de", "es")),),
        (
            Price("thousand-characters", "Thousand characters", Meter.CHARACTERS,
                  Pricing.PACKAGE, "0.10", package_size="1000", charge_group="voice"),
            Price("word", "Word", Meter.WORDS, Pricing.PER_UNIT, "0.35"),
        ),
        "0.10 per thousand characters: published price of a speech API; 0.35 a word, demo figure",
        "Dubbing of Kite Weather into German and Spanish.",
    ),
    Deal(
        "NOR-2026-003", "northlight", "lanternfish", "Milo Stand-In, body",
        "The Glass Harbour", "USD", "Europe/London",
        (Licence(Right.BODY, Use.STUNT, ("GB", "IE", "US")),),
        (
            Price("altered-shot", "Altered shot", Meter.SHOTS, Pricing.PER_UNIT, "875.00"),
        ),
        "USD 875 an altered shot: published price of a visual dubbing token",
        "The fall from the harbour wall and the two shots around it.",
    ),
    Deal(
        "NOR-2026-004", "northlight", "lanternfish", "Nora Paragon, voice", "Nine Lanterns",
        "USD", "Europe/London",
        (Licence(Right.VOICE, Use.SERIES, None, ("en",)),),
        (
            Price("line", "Generated line", Meter.LINES, Pricing.PER_UNIT, "3.90",
                  rounding=RoundQuantity.PER_EVENT_UP),
        ),
        LINE_PRICE,
        "The narrator of Nine Lanterns; each episode is asked for.",
    ),
    Deal(
        "NOR-2026-005", "northlight", "saltmarsh", "Oskar Template, face",
        "Earnest, the Italian version", "EUR", "Europe/Rome",
        (Licence(Right.FACE, Use.DUBBING),),
        (
            Price("lip-sync", "Second of lip-sync", Meter.SECONDS, Pricing.PER_UNIT,
                  "0.00498333", minimum="150.00"),
        ),
        "0.299 a minute: published price of a live lip-sync service; 150 a period at least",
        "Lip-sync for the Italian version of The Importance of Being Earnest.",
    ),
    Deal(
        "NOR-2026-006", "northlight", "tin-rocket", "Halcyon", "Orbit Garden",
        "USD", "Europe/London",
        (Licence(Right.COMPOSITE, Use.PROMO, real_time=True),),
        (
            Price("thousand-tokens", "Thousand tokens", Meter.TOKENS, Pricing.PACKAGE,
                  "0.05", package_size="1000"),
            Price("revenue-share", "Share of revenue", Meter.REVENUE, Pricing.PERCENTAGE,
                  "8"),
        ),
        "USD 0.02 to 0.10 a thousand tokens and 6 to 12 % of revenue, demo figures",
        "Halcyon hosts the season's events of Orbit Garden and chats with players.",
        stated=((StatedFact.SAYS_MACHINE, True, "First line of every conversation"),),
    ),
)  # fmt: skip
