"""The demo's people: two agencies, their staff, twelve invented performers and their twins.

Nobody here exists. Mail addresses end in .example, which never leads anywhere (RFC 2606).
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from talent.words import (
    CaptureMethod,
    DelegateKind,
    Exclusion,
    Guild,
    LegalClass,
    Life,
    Power,
    Right,
    Role,
    Stance,
    TaxForm,
    Tier,
    Use,
)


@dataclass(frozen=True)
class Person:
    """Somebody who signs in."""

    email: str
    first_name: str
    last_name: str


OPERATOR = Person("operator@likeness.example", "Olga", "Operator")


@dataclass(frozen=True)
class Seat:
    person: Person
    role: Role


@dataclass(frozen=True)
class House:
    """An agency and its staff. Two of them may approve, so that four eyes can."""

    slug: str
    name: str
    address: str
    country: str
    time_zone: str
    seats: tuple[Seat, ...]


def staff(domain: str, *people: tuple[str, str, Role]) -> tuple[Seat, ...]:
    return tuple(
        Seat(Person(f"{first.lower()}@{domain}.example", first, last), role)
        for first, last, role in people
    )


HOUSES = (
    House(
        "meridian", "Meridian Example Talent",
        "1 Sample Street\nLos Angeles, CA 90001", "US", "America/Los_Angeles",
        staff(
            "meridian",
            ("Alma", "Agentson", Role.AGENT),
            ("Basil", "Brief", Role.BUSINESS_AFFAIRS),
            ("Cora", "Column", Role.ACCOUNTING),
            ("Dario", "Double", Role.ACCOUNTING),
            ("Edda", "Eyes", Role.AUDITOR),
        ),
    ),
    House(
        "northlight", "Northlight Sample Artists",
        "2 Specimen Lane\nLondon N1 0AA", "GB", "Europe/London",
        staff(
            "northlight",
            ("Fay", "Finder", Role.AGENT),
            ("Gus", "Grant", Role.BUSINESS_AFFAIRS),
            ("Hedy", "Halfpenny", Role.ACCOUNTING),
            ("Ike", "Interest", Role.ACCOUNTING),
            ("Joan", "Judge", Role.AUDITOR),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Delegate:
    """Who acts for a performer, and what they may see and do."""

    person: Person
    kind: DelegateKind
    authority: str
    powers: tuple[Power, ...] = tuple(Power)


@dataclass(frozen=True)
class Heir:
    name: str
    weight: int
    email: str = ""


@dataclass(frozen=True)
class Tax:
    form: TaxForm
    residence: str
    percent: str
    source: str
    expires_on: date | None = None


US_PERSON = Tax(TaxForm.W9, "US", "0", "Form W-9 on file")


@dataclass(frozen=True)
class Player:
    """A performer, the agency that represents them, and at what commission."""

    name: str
    house: str
    commission: str
    life: Life = Life.LIVING
    guild: Guild = Guild.SAG_AFTRA
    domicile: str = "US-CA"
    born_on: date | None = None
    died_on: date | None = None
    portal: bool = True
    delegate: Delegate | None = None
    heirs: tuple[Heir, ...] = ()
    tax: Tax | None = US_PERSON

    @property
    def person(self) -> Person:
        first, _, last = self.name.partition(" ")
        return Person(f"{first.lower()}@performers.example", first, last)


PLAYERS = (
    Player("Ada Sample", "meridian", "10"),
    Player("Bruno Placeholder", "meridian", "10", portal=False),
    Player(
        "Clara Specimen", "meridian", "10", Life.DECEASED,
        born_on=date(1931, 2, 3), died_on=date(2019, 3, 14), portal=False, tax=None,
        delegate=Delegate(
            Person("estate@specimen.example", "Dora", "Specimen"), DelegateKind.ESTATE,
            "Letters testamentary, demo county, 2019",
        ),
        heirs=(Heir("Dora Specimen", 2, "estate@specimen.example"), Heir("Emil Specimen", 1)),
    ),
    Player(
        "Finn Mockup", "meridian", "10", Life.MINOR, born_on=date(2013, 9, 1), portal=False,
        delegate=Delegate(
            Person("greta@mockup.example", "Greta", "Mockup"), DelegateKind.GUARDIAN,
            "Parent; birth certificate seen",
        ),
    ),
    Player("Hana Dummy", "meridian", "10", guild=Guild.NONE),
    Player(
        "Ivo Testcase", "meridian", "10", guild=Guild.NONE, domicile="IT",
        # Not renewed: who pays him withholds the full rate from then on.
        tax=Tax(TaxForm.W8BEN, "IT", "0", "Entered by the agency for the demo; not verified",
                expires_on=date(2026, 8, 31)),
    ),
    Player("Jun Prototype", "meridian", "12.5", guild=Guild.NONE, portal=False),
    Player(
        "Kit Facsimile", "northlight", "12.5", guild=Guild.EQUITY_UK, domicile="GB",
        tax=Tax(TaxForm.W8BEN, "GB", "0", "US-UK treaty, article 14, as stated on the form"),
    ),
    Player("Lena Pseudonym", "northlight", "10", guild=Guild.NONE, domicile="GB", tax=None),
    Player("Milo Stand-In", "northlight", "10", guild=Guild.EQUITY_UK, domicile="GB", portal=False),
    Player(
        "Nora Paragon", "northlight", "10", Life.DECEASED, guild=Guild.NONE, domicile="US-NY",
        born_on=date(1944, 8, 8), died_on=date(2021, 11, 2), portal=False, tax=None,
        delegate=Delegate(
            Person("estate@paragon.example", "Otto", "Paragon"), DelegateKind.ESTATE,
            "Registry of successors, demo entry 7",
            (Power.SEE_TWINS, Power.SEE_USAGE, Power.SEE_MONEY),
        ),
        heirs=(Heir("Otto Paragon", 1, "estate@paragon.example"),),
    ),
    Player(
        "Oskar Template", "northlight", "10", guild=Guild.NONE, domicile="DE",
        tax=Tax(TaxForm.W8BEN, "DE", "15", "Entered by the agency for the demo; not verified"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Allowance:
    """One consent cell, as the demo's people gave it."""

    right: Right
    use: Use
    stance: Stance = Stance.ALLOW
    territories: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    licensees: tuple[str, ...] | None = None
    exclusions: tuple[Exclusion, ...] = ()
    real_time: bool | None = None
    maximum_hours: int | None = None


@dataclass(frozen=True)
class Source:
    """A performer on whom a persona draws: their weight, and the day they left, if they did."""

    performer: str
    weight: int
    left_on: date | None = None


@dataclass(frozen=True)
class Twin:
    """A digital twin, what it is made of, and what its people allow it to do."""

    name: str
    tier: Tier
    legal_class: LegalClass
    hand_id: str
    allows: tuple[Allowance, ...]
    performer: str = ""
    house: str = ""
    owned_by_house: bool = False
    sources: tuple[Source, ...] = ()
    capture: CaptureMethod | None = None
    captured_on: date | None = None
    training_hours: Decimal | None = None
    union_notice_on: date | None = None
    build: str = "2026.1"


CLEAN = (Exclusion.POLITICAL, Exclusion.TOBACCO, Exclusion.GAMBLING, Exclusion.HATE)

TWINS = (
    Twin(
        "Ada Sample, voice", Tier.EMULATOR, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-0001",
        (
            Allowance(Right.VOICE, Use.GAME, languages=("en", "fr", "de"), real_time=True),
            Allowance(Right.VOICE, Use.PROMO, Stance.ASK, languages=("en", "fr")),
            Allowance(Right.VOICE, Use.ADVERTISING, Stance.DENY),
            Allowance(Right.TRAINING_DATA, Use.TRAINING, Stance.DENY),
        ),
        performer="Ada Sample", training_hours=Decimal("14.50"),
    ),
    Twin(
        "Ada Sample, face", Tier.STATIC, LegalClass.EMPLOYMENT_BASED,
        "10.23/DEM0-0000-0000-0000-0002",
        (Allowance(Right.FACE, Use.FEATURE, exclusions=(Exclusion.NUDITY, Exclusion.SEXUAL)),),
        performer="Ada Sample", capture=CaptureMethod.SCAN, captured_on=date(2026, 2, 10),
    ),
    Twin(
        "Bruno Placeholder, body", Tier.STATIC, LegalClass.BACKGROUND,
        "10.23/DEM0-0000-0000-0000-0003",
        (Allowance(Right.BODY, Use.BACKGROUND),),
        performer="Bruno Placeholder", capture=CaptureMethod.PHOTOGRAPHY,
        captured_on=date(2026, 3, 3),
    ),
    Twin(
        "Clara Specimen, 1962", Tier.STATIC, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-0004",
        (
            Allowance(Right.FACE, Use.POSTHUMOUS, licensees=("lanternfish",), exclusions=CLEAN),
            Allowance(
                Right.FACE, Use.PROMO, Stance.ASK, licensees=("lanternfish",), exclusions=CLEAN
            ),
        ),
        performer="Clara Specimen", capture=CaptureMethod.ARCHIVE, captured_on=date(2026, 1, 20),
    ),
    Twin(
        "Finn Mockup, voice", Tier.EMULATOR, LegalClass.EMPLOYMENT_BASED,
        "10.23/DEM0-0000-0000-0000-0005",
        (Allowance(Right.VOICE, Use.ADR, languages=("en",), licensees=("paper-boat",)),),
        performer="Finn Mockup", training_hours=Decimal("3.00"),
    ),
    Twin(
        "Hana Dummy, voice", Tier.EMULATOR, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-0006",
        (
            Allowance(
                Right.VOICE, Use.ADVERTISING, languages=("en",), territories=("US", "CA"),
                exclusions=CLEAN,
            ),
        ),
        performer="Hana Dummy", training_hours=Decimal("22.00"),
    ),
    Twin(
        "Vesper", Tier.PERSONA, LegalClass.INDEPENDENT, "10.23/DEM0-0000-0000-0000-0007",
        (Allowance(Right.COMPOSITE, Use.DUBBING, languages=("it", "fr")),),
        house="meridian",
        sources=(
            Source("Hana Dummy", 5),
            Source("Ivo Testcase", 3),
            Source("Jun Prototype", 2, left_on=date(2026, 9, 16)),
        ),
    ),
    Twin(
        "Kit Facsimile, avatar", Tier.EMULATOR, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-0008",
        (Allowance(Right.FACE, Use.PROMO, real_time=True, maximum_hours=40),),
        performer="Kit Facsimile", training_hours=Decimal("6.25"),
    ),
    Twin(
        "Lena Pseudonym, voice", Tier.EMULATOR, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-0009",
        (Allowance(Right.VOICE, Use.DUBBING, languages=("en", "de", "es")),),
        performer="Lena Pseudonym", training_hours=Decimal("9.00"),
    ),
    Twin(
        "Milo Stand-In, body", Tier.STATIC, LegalClass.EMPLOYMENT_BASED,
        "10.23/DEM0-0000-0000-0000-000A",
        (Allowance(Right.BODY, Use.STUNT, territories=("GB", "IE", "US")),),
        performer="Milo Stand-In", capture=CaptureMethod.SCAN, captured_on=date(2026, 4, 14),
    ),
    Twin(
        "Nora Paragon, voice", Tier.EMULATOR, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-000B",
        (Allowance(Right.VOICE, Use.SERIES, Stance.ASK, languages=("en",)),),
        performer="Nora Paragon", training_hours=Decimal("31.00"),
    ),
    Twin(
        "Oskar Template, face", Tier.STATIC, LegalClass.INDEPENDENT,
        "10.23/DEM0-0000-0000-0000-000C",
        (Allowance(Right.FACE, Use.DUBBING),),
        performer="Oskar Template", capture=CaptureMethod.SCAN, captured_on=date(2026, 5, 19),
    ),
    Twin(
        "Halcyon", Tier.PERSONA, LegalClass.SYNTHETIC, "10.23/DEM0-0000-0000-0000-000D",
        (Allowance(Right.COMPOSITE, Use.PROMO, real_time=True),),
        house="northlight", owned_by_house=True, union_notice_on=date(2026, 5, 4),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Default:
    """What a guild or an agency says for everybody, unless they are stricter themselves."""

    allows: tuple[Allowance, ...]
    text: str
    guild: Guild | None = None
    house: str = ""


# Silence inherits, so a floor names only what it is stricter about.
DEFAULTS = (
    Default(
        (
            Allowance(Right.TRAINING_DATA, Use.TRAINING, Stance.ASK),
            Allowance(
                Right.FACE, Use.FEATURE, exclusions=(Exclusion.NUDITY, Exclusion.SEXUAL)
            ),
        ),
        "Training is asked for each time; a replica of the face is never shown nude.",
        guild=Guild.SAG_AFTRA,
    ),
    Default(
        (
            Allowance(Right.VOICE, Use.ADVERTISING, exclusions=CLEAN),
            Allowance(Right.FACE, Use.ADVERTISING, Stance.ASK, exclusions=CLEAN),
            Allowance(Right.FACE, Use.REALITY, Stance.DENY),
        ),
        "No advertising for politics, tobacco or gambling; faces only after asking.",
        house="meridian",
    ),
    Default(
        (Allowance(Right.FACE, Use.REALITY, Stance.DENY),),
        "No reality formats.",
        house="northlight",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Personal:
    """What a performer says about all of their twins."""

    performer: str
    allows: tuple[Allowance, ...] = field(default_factory=tuple)
    text: str = ""


PERSONAL = (
    Personal(
        "Ada Sample",
        (
            Allowance(Right.VOICE, Use.POSTHUMOUS, Stance.DENY),
            Allowance(Right.FACE, Use.AGE_CHANGE, Stance.ASK),
        ),
        "My voice shall not be used after my death, and I want to be asked before I am aged.",
    ),
    *(
        Personal(
            name,
            (Allowance(Right.COMPOSITE, Use.DUBBING, languages=("it", "fr")),),
            "My recordings may go into the persona Vesper for dubbing into Italian and French.",
        )
        for name in ("Hana Dummy", "Ivo Testcase", "Jun Prototype")
    ),
)
