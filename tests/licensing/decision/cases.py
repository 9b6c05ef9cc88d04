"""A clearance that passes in every dimension, to be broken one dimension at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from licensing.decision.decision import decide
from licensing.decision.request import (
    AgreementFacts,
    ApprovalFacts,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    GrantFacts,
    HoldFacts,
    Request,
    TwinFacts,
    UsedUnits,
)
from talent.consent.matrix import Cell, Version
from talent.consent.scope import Limit, Scope

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

REQUEST = Request(
    twin="7",
    right="voice",
    use="dubbing",
    licensee="lantern",
    at=MARCH,
    agreement="3",
    territory="FR",
    language="fr",
    channel="streaming",
    production="5",
    build="9",
    prompt_class="scripted",
    content=(),
    brand="none",
    units=(("lines", Decimal(10)),),
)


def version(owner_kind, stance, *, number=1, recorded_at=JANUARY, overrules=False, **scope):
    return Version(
        id=f"{owner_kind}-{number}",
        number=number,
        owner_kind=owner_kind,
        owner=f"{owner_kind.title()} Sample",
        in_force_from=JANUARY,
        recorded_at=recorded_at,
        cells=(Cell("voice", "dubbing", stance, Scope(**scope), overrules),),
        recorded_by="Gil Example",
    )


ADA = Contributor("1", "Ada Sample", versions=(version("performer", "allow"),))
GRANT = GrantFacts("voice", "dubbing", frozenset({"FR", "DE"}), None, frozenset({"streaming"}))
AGREEMENT = AgreementFacts(
    id="3",
    reference="LD-3",
    licensee="lantern",
    twin="7",
    status="signed",
    signed_at=JANUARY,
    starts_at=JANUARY,
    ends_at=NEXT_YEAR,
    productions=("5",),
    grants=(GRANT,),
)
CAP = CapFacts("1", "agreement LD-3", "lines", Decimal(100), shown_to_licensee=True)
FACTS = Facts(
    twin=TwinFacts("7", "Ada's voice", "dynamic_behavioral_emulator", "active"),
    contributors=(ADA,),
    agreement=AGREEMENT,
    caps=(CAP,),
    build=BuildFacts("9", "1.0", "7", date(2025, 12, 1), contaminated=False),
)


def consenting(*versions, **person):
    """Facts whose only contributor's consent is these versions."""
    return replace(FACTS, contributors=(replace(ADA, versions=versions, **person),))


def agreed(**terms):
    return replace(FACTS, agreement=replace(AGREEMENT, **terms))


def granted(**grant):
    return agreed(grants=(replace(GRANT, **grant),))


def capped(**cap):
    return replace(FACTS, caps=(replace(CAP, **cap),))


TWIN, BUILD = FACTS.twin, FACTS.build
SECOND = timedelta(seconds=1)
LAST_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def decided(facts=FACTS, known_at=MARCH, **request):
    return decide(replace(REQUEST, **request), facts, known_at)


def hold(starts_at=JANUARY, ends_at=None):
    return replace(FACTS, holds=(HoldFacts("strike", "SAG-AFTRA", starts_at, ends_at, "a strike"),))


def hours(used):
    """Facts of a consent to one hour, of which some seconds are used."""
    return consenting(
        version("performer", "allow", limits=(Limit("seconds", Decimal(3600)),)),
        used=None if used is None else (UsedUnits("seconds", "lantern", 2026, used),),
    )


SECONDS = {"units": (("lines", Decimal(1)), ("seconds", Decimal(10)))}


def approval(answer="approved", **fields):
    given = {
        "contributor": "1",
        "right": "voice",
        "use": "dubbing",
        "licensee": "lantern",
        "decided_at": JANUARY,
        "decided_by": "Ada Sample",
    }
    return ApprovalFacts(answer=answer, **(given | fields))


def asked(*approvals):
    return replace(consenting(version("performer", "ask")), approvals=approvals)
