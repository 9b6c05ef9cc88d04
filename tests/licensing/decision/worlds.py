"""Random consents, agreements and requests, for judges that answer the same questions otherwise.

Codes come from short lists and dates from few days, so that requests meet what was consented to,
and its edges, often.
"""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from operator import attrgetter

from hypothesis import strategies as st

from licensing.decision.request import (
    AgreementFacts,
    ApprovalFacts,
    BrandFacts,
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
from talent.consent.matrix import TRAINING_DOOR, VOICES, VOICES_IN_A_COMPOSITE, Cell, Version
from talent.consent.scope import EVERYWHERE, MERGES, NOTHING, LanguagesIn, Limit, Scope

KNOWN_AT = datetime(2026, 9, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOT_YET_KNOWN = KNOWN_AT + SECOND
INSTANTS = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7)]
TERRITORIES = ["FR", "US", "US-CA", "US-NY"]
LANGUAGES = ["fr", "fr-CA", "en"]
LICENSEES = ["lantern", "saltmarsh"]
CONTENTS = ["nudity", "political", "tobacco"]
CHANNELS = ["streaming", "cinema"]
PRODUCTIONS = ["5", "6"]
FIZZ = BrandFacts("fizz", frozenset({"soft_drinks"}))
PAIRS = [("voice", "dubbing"), ("face", "feature")]
STANCES = ["allow", "ask", "allow", "deny", "ask", "allow"]


def mostly(usual, *others):
    """Seldom one of the others: a use that everything allows must come up often enough.

    They stand in the middle, since Hypothesis likes the ends of a list.
    """
    around = [usual] * 10 * len(others)
    return st.sampled_from([*around, *others, *around])


def some_of(codes):
    return [frozenset(few) for size in range(3) for few in combinations(codes, size)]


instants = st.sampled_from(INSTANTS)
amounts = st.integers(0, 2).map(Decimal)

limits = st.builds(
    Limit,
    st.sampled_from(["seconds", "lines"]),
    st.sampled_from([Decimal(0), Decimal(1800), Decimal(3600)]),
    st.booleans(),
    st.booleans(),
)

scopes = st.builds(
    Scope,
    territories=mostly(None, *some_of(TERRITORIES)),
    languages=mostly(None, *some_of(LANGUAGES)),
    licensees_allowed=mostly(None, *some_of(LICENSEES)),
    licensees_excluded=mostly(frozenset(), *some_of(LICENSEES)),
    valid_from=mostly(None, *INSTANTS),
    valid_to=mostly(None, *INSTANTS),
    notice_hours=mostly(None, 0, 24, 48),
    exclusions=mostly(frozenset(), *some_of(CONTENTS)),
    real_time=st.sampled_from([None, True, True, False]),
    limits=st.one_of(
        st.just(()),
        st.just(()),
        st.lists(limits, max_size=2, unique_by=attrgetter("counts")).map(
            lambda some: tuple(sorted(some))
        ),
    ),
    territories_excluded=mostly(NOTHING, *some_of(["US-CA", "FR"])),
    languages_in=mostly(
        (), (LanguagesIn("US", frozenset({"en"})),), (LanguagesIn("US-CA", frozenset({"fr"})),)
    ),
    channels_allowed=mostly(None, *some_of(CHANNELS)),
    channels_excluded=mostly(NOTHING, *some_of(CHANNELS)),
    productions_allowed=mostly(None, *some_of(PRODUCTIONS)),
    productions_excluded=mostly(NOTHING, *some_of(PRODUCTIONS)),
    brands_allowed=mostly(None, *some_of(["fizz", "spark"])),
    brands_excluded=mostly(NOTHING, *some_of(["fizz", "category:soft_drinks"])),
)

cells = st.builds(
    lambda pair, stance, scope, overrules: Cell(*pair, stance, scope, overrules),
    mostly(*PAIRS),
    st.sampled_from(STANCES),
    scopes,
    st.sampled_from([False, False, False, True]),
)


@st.composite
def versions(draw, kind, owner, *, least=0, most=2):
    """Some versions of one owner's matrix, at times recorded late or not yet known."""
    return tuple(
        Version(
            id=f"{owner}-{number}",
            number=number,
            owner_kind=kind,
            owner=owner,
            in_force_from=draw(mostly(*INSTANTS)),
            recorded_at=draw(mostly(INSTANTS[0], NOT_YET_KNOWN)),
            cells=(draw(cells),),
        )
        for number in range(1, draw(st.integers(least, most)) + 1)
    )


used = st.builds(
    UsedUnits,
    st.sampled_from(["seconds", "lines"]),
    st.sampled_from(LICENSEES),
    st.sampled_from([2025, 2026]),
    st.sampled_from([Decimal(0), Decimal(1800)]),
    st.sampled_from([Decimal(0), Decimal(1)]),
)


@st.composite
def contributors(draw, number, shared):
    name = f"Performer {number}"
    guild = draw(versions("guild", f"Guild {draw(st.integers(1, 2))}", most=1))
    own = draw(versions("performer", name, least=draw(mostly(1, 0))))
    return Contributor(
        id=str(number),
        name=name,
        life=draw(st.sampled_from(["living", "minor", "deceased"])),
        born_on=draw(st.sampled_from([None, date(2008, 3, 1), date(2008, 2, 29)])),
        died_on=draw(st.sampled_from([None, date(2026, 2, 28), date(2026, 6, 1)])),
        voices=draw(mostly(VOICES, VOICES_IN_A_COMPOSITE)),
        versions=(*guild, *own, *shared),
        used=draw(st.lists(used, max_size=2).map(tuple)),
    )


@st.composite
def people(draw, *, most=2):
    agency = draw(versions("agency", "Northlight"))
    twin = draw(versions("twin", "The twin"))
    return tuple(
        draw(contributors(number, (*agency, *twin)))
        for number in range(1, draw(st.integers(1, most)) + 1)
    )


def used_alike(contributed):
    """The same people, all with the first one's hours: a policy has one meter for them all."""
    return tuple(replace(one, used=contributed[0].used) for one in contributed)


consented = people().map(used_alike)

grants = st.builds(
    GrantFacts,
    right=st.just("voice"),
    use=st.just("dubbing"),
    territories=mostly(None, *some_of(TERRITORIES)),
    languages=mostly(None, *some_of(LANGUAGES)),
    channels=mostly(None, *some_of(CHANNELS)),
    real_time=st.sampled_from([True, True, False]),
)

agreements = st.builds(
    AgreementFacts,
    id=st.just("3"),
    reference=st.just("LD-3"),
    licensee=mostly("lantern", "saltmarsh"),
    twin=mostly("7", "8"),
    status=mostly("signed", "draft", "ended"),
    signed_at=mostly(INSTANTS[0], None, INSTANTS[1], NOT_YET_KNOWN),
    starts_at=mostly(*INSTANTS),
    ends_at=mostly(None, *INSTANTS),
    productions=mostly((), ("5",)),
    grants=st.tuples(grants, st.builds(GrantFacts, st.just("face"), st.just("feature"))),
)

approvals = st.builds(
    ApprovalFacts,
    contributor=st.sampled_from(["1", "2"]),
    right=st.just("voice"),
    use=st.just("dubbing"),
    licensee=st.sampled_from(["lantern", "lantern", "saltmarsh"]),
    answer=st.sampled_from(["approved", "approved", "vetoed"]),
    decided_at=st.sampled_from([*INSTANTS[1:3], NOT_YET_KNOWN]),
    production=mostly(None, "5"),
    scope=st.one_of(st.just(Scope(real_time=True)), scopes),
)

caps = st.builds(
    CapFacts,
    id=st.just("1"),
    subject=st.just("agreement LD-3"),
    meter=mostly("lines", "seconds"),
    limit=st.integers(2, 4).map(Decimal),
    used=amounts,
    reserved=amounts,
    hard=st.booleans(),
    channels=mostly(None, *some_of(CHANNELS)),
)

builds = st.builds(
    BuildFacts,
    id=st.just("9"),
    version=st.just("1.0"),
    twin=mostly("7", "8"),
    built_on=mostly(date(2026, 1, 1), date(2026, 5, 1)),
    retired_on=mostly(None, date(2026, 7, 1)),
    contaminated=st.sampled_from([False, False, False, True]),
    destroy_by=mostly(None, date(2026, 5, 1)),
)

holds = st.builds(
    HoldFacts,
    kind=st.just("strike"),
    subject=st.just("the guild"),
    starts_at=instants,
    ends_at=mostly(None, *INSTANTS),
)

twins = st.builds(
    TwinFacts,
    id=st.just("7"),
    name=st.just("The twin"),
    tier=mostly("dynamic_behavioral_emulator", "passive_static_replica", "new"),
    status=st.sampled_from(["active", "active", "suspended", "active", "active"]),
)

worlds = st.builds(
    Facts,
    twin=twins,
    contributors=people(),
    agreement=agreements,
    approvals=st.lists(approvals, max_size=3).map(tuple),
    caps=st.lists(caps, max_size=1).map(tuple),
    build=st.one_of(st.none(), builds),
    holds=st.lists(holds, max_size=1).map(tuple),
    brand=st.sampled_from([FIZZ, FIZZ, None]),
)

requests = st.builds(
    lambda pair, **fields: Request("7", *pair, **fields),
    pair=mostly(*PAIRS),
    licensee=mostly("lantern", "saltmarsh"),
    at=st.sampled_from([at + second for at in INSTANTS for second in (SECOND, 0 * SECOND)]),
    agreement=st.just("3"),
    territory=mostly("US-CA", None, "FR", "US"),
    language=mostly("fr-CA", None, "en", "fr"),
    channel=st.just("streaming"),
    production=st.sampled_from([None, "5"]),
    build=mostly(None, "9"),
    content=mostly((), None, ("tobacco",)),
    brand=mostly("none", "fizz", "spark", None),
    prompt_class=mostly("scripted", "free"),
    units=st.just((("lines", Decimal(1)), ("seconds", Decimal(1800)))),
    noticed_at=mostly(None, *INSTANTS),
)

OTHERWISE = {
    "at": [at - second for at in INSTANTS for second in (SECOND, 0 * SECOND)],
    "licensee": LICENSEES,
    "territory": [None, *TERRITORIES, "XX"],
    "language": [None, *LANGUAGES, "zz-zz"],
    "channel": [None, "cinema", "carrier pigeon"],
    "production": ["6"],
    "build": ["9"],
    "prompt_class": ["free"],
    "real_time": [True],
    "brand": ["none", "fizz", None],
    "content": [None, ("political",), ("nudity",), ("tobacco", "political"), ("unheard of",)],
    "units": [(), (("lines", Decimal(2)),)],
}


def varied(request):
    """A request and all that differ from it in one thing: many questions for one draw."""
    yield request
    for field, values in OTHERWISE.items():
        for value in values:
            yield replace(request, **{field: value})


# Farther worlds: the same ones, told of training and changed ages, of groups and of less.

PAIRS_INSTEAD = [
    {},
    {},
    {PAIRS[0]: ("voice", "training"), PAIRS[1]: TRAINING_DOOR},
    {PAIRS[0]: TRAINING_DOOR, PAIRS[1]: ("voice", "training")},
    {PAIRS[0]: ("voice", "age_change")},
]
PLACES_INSTEAD = [{}, {}, {"US": "EU"}, {"FR": "EU", "US-NY": "BENELUX"}, {"US-CA": "BENELUX"}]
TERRITORIES_ASKED = [*TERRITORIES, None, "BE", "DE", "GB"]
# What a world looks at: mostly a few things, so that each comes to decide often enough.
LOOKED_AT = ["stance", "twin", "holds", "cap", "agreement", *MERGES]
NOT_THERE = ["used", "contaminated", "build", "agreement", "twin", "contributors"]


@st.composite
def farther_worlds(draw):
    """A request and facts without approvals, and one thing of them that is mostly otherwise."""
    pairs, places = draw(st.sampled_from(PAIRS_INSTEAD)), draw(st.sampled_from(PLACES_INSTEAD))
    request, facts = draw(requests), replace(draw(worlds), approvals=())
    field = draw(st.sampled_from(["territory", "territory", *OTHERWISE]))
    others = TERRITORIES_ASKED if field == "territory" else OTHERWISE[field]
    request = replace(request, **{field: draw(st.sampled_from([getattr(request, field), *others]))})
    doors = draw(st.lists(cells, min_size=4, max_size=4)) if TRAINING_DOOR in pairs.values() else []
    facts = replace(
        facts,
        contributors=tuple(_told(one, pairs, places, doors) for one in facts.contributors),
        agreement=_granted(facts.agreement, pairs, places),
        build=facts.build if request.build else None,
        brand=FIZZ if request.brand == FIZZ.slug else None,
    )
    if draw(st.integers(0, 3)):
        facts = _simpler(facts, draw(st.lists(st.sampled_from(LOOKED_AT), min_size=2, max_size=5)))
    right, use = pairs.get((request.right, request.use), (request.right, request.use))
    return replace(request, right=right, use=use), _less(facts, draw(mostly("", *NOT_THERE)))


def _told(person, pairs, places, doors):
    """Return somebody whose consents speak of other rights, and of the door to training."""
    versions = []
    for place, version in enumerate(person.versions):
        told = [_cell(cell, pairs, places) for cell in version.cells]
        for door in doors[place : place + 1]:
            keys = {(cell.right, cell.use) for cell in told}
            missing = next(key for key in pairs.values() if key not in keys)
            told.append(replace(_cell(door, {}, places), right=missing[0], use=missing[1]))
        versions.append(replace(version, cells=tuple(told)))
    living = {"died_on": None} if person.life == "living" else {}
    if doors:  # Behind it lies what was done with another right.
        used = [replace(row, right="face" * place) for place, row in enumerate(person.used)]
        person = replace(person, used=tuple(used))
    return replace(person, versions=tuple(versions), **living)


def _cell(cell, pairs, places):
    right, use = pairs.get((cell.right, cell.use), (cell.right, cell.use))
    return replace(cell, right=right, use=use, scope=_elsewhere(cell.scope, places))


def _granted(agreement, pairs, places):
    grants = [_cell_of_grant(grant, pairs, places) for grant in agreement.grants]
    return replace(agreement, grants=tuple(grants))


def _cell_of_grant(grant, pairs, places):
    right, use = pairs.get((grant.right, grant.use), (grant.right, grant.use))
    return replace(_elsewhere(grant, places), right=right, use=use)


def _simpler(facts, looked_at):
    """Return facts in which only some things are out of the ordinary."""
    plain = {name: getattr(EVERYWHERE, name) for name in MERGES if name not in looked_at}

    def cell(one):
        stance = one.stance if "stance" in looked_at else one.stance.replace("deny", "allow")
        return replace(one, stance=stance, scope=replace(one.scope, **plain))

    def version(one):
        return replace(one, cells=tuple(map(cell, one.cells)))

    contributors = tuple(
        replace(person, versions=tuple(map(version, person.versions)))
        for person in facts.contributors
    )
    if "twin" not in looked_at:
        facts = replace(facts, twin=replace(facts.twin, status="active"))
    if "agreement" not in looked_at:
        deal = replace(facts.agreement, licensee="lantern", status="signed", signed_at=INSTANTS[0])
        facts = replace(facts, agreement=replace(deal, starts_at=INSTANTS[0], ends_at=None))
    holds = facts.holds if "holds" in looked_at else ()
    caps = facts.caps if "cap" in looked_at else ()
    return replace(facts, contributors=contributors, holds=holds, caps=caps)


def _elsewhere(scope, places):
    """Return a scope, or a grant, with other places in it."""
    allowed, excluded = scope.territories, scope.territories_excluded
    return replace(
        scope,
        territories=None if allowed is None else frozenset(places.get(one, one) for one in allowed),
        territories_excluded=frozenset(places.get(one, one) for one in excluded),
    )


def _less(facts, what):
    """Return facts of which the desk does not know one thing."""
    if what == "used":
        unknown = tuple(replace(person, used=None) for person in facts.contributors)
        return replace(facts, contributors=unknown)
    if what == "contaminated" and facts.build:
        return replace(facts, build=replace(facts.build, contaminated=None, destroy_by=None))
    if what == "contributors":
        return replace(facts, contributors=())
    return replace(facts, **{what: None}) if what in {"build", "agreement", "twin"} else facts


# As JSON, for judges that read no Python


def to_json(request, facts, known_at=KNOWN_AT):
    """Return a request and its facts in product's words: instants, days and decimals as text."""
    return {
        "request": _plain(request, without=("reserve", "described", "approval")),
        "facts": _plain(facts, without=("approvals",)),
        "known_at": _plain(known_at),
    }


def _plain(value, without=()):
    if is_dataclass(value):
        names = [field.name for field in fields(value) if field.name not in without]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
