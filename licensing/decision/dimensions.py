"""The dimensions a clearance looks at, in order: each check finds pass or fail, and says why.

Checks are total: what is missing or unknown fails. Their texts for the licensee name neither
performers nor other parties.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from itertools import chain

from licensing.words import (
    AgreementStatus,
    Channel,
    Dimension,
    Finding,
    Meter,
    PromptClass,
)
from talent.consent.matrix import (
    Breach,
    CombinedCell,
    Scope,
    Source,
    Version,
    breaches,
    cell_name,
    combined,
    covers,
    described,
    in_force,
    known_language,
    known_territory,
    listed,
)
from talent.periods import of_age
from talent.words import Exclusion, Life, Stance, Tier, TwinStatus, Use

from .request import (
    AgreementFacts,
    Approval,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    GrantFacts,
    Request,
)

# What an approver said; what nobody answered is asked, and lapses.
APPROVED, VETOED, ASKED, LAPSED = "approved", "vetoed", "asked", "lapsed"

ASKS = "needs_approval"  # the one failure that is no refusal

SECONDS_OF_AN_HOUR = 3600

SEXUAL = frozenset({Exclusion.NUDITY.value, Exclusion.SEXUAL.value})

SCRIPTED = frozenset(
    {PromptClass.SCRIPTED.value, PromptClass.REVISION.value, PromptClass.NONE.value, ""}
)

_TIERS = frozenset(Tier.codes())
_LIVES = frozenset(Life.codes())
_CHANNELS = frozenset(Channel.codes())
_EXCLUSIONS = frozenset(Exclusion.codes())
_METERS = dict(Meter.choices())
_SIGNED = frozenset({AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value})


@dataclass(frozen=True, slots=True)
class Step:
    """What one dimension found, by which rule, set by whom and since when.

    `rule` is for staff, `public` for the licensee; `change` is what would pass instead.
    """

    dimension: Dimension
    finding: Finding
    code: str
    rule: str
    public: str = ""
    set_by: str = ""
    since: datetime | None = None
    change: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A request that names its instant, with what the consents in force then say about it."""

    request: Request
    facts: Facts
    at: datetime
    known_at: datetime
    cells: tuple[tuple[Contributor, CombinedCell], ...]


def case_of(request: Request, facts: Facts, at: datetime, known_at: datetime) -> Case:
    """Find each contributor's combined cell at `at`, as known at `known_at`."""
    cells = tuple(
        (person, _cell(_layers(person, at, known_at), request.right, request.use))
        for person in facts.contributors
    )
    return Case(request, facts, at, known_at, cells)


def twin_step(request: Request, facts: Facts) -> Step:
    """Judge the twin itself; it needs no instant."""
    fail = failing(Dimension.TWIN)
    twin = facts.twin
    if twin is None:
        return fail("unknown_twin", "This twin is not known.")
    if twin.status != TwinStatus.ACTIVE:
        return fail("inactive_twin", f"{twin.name} is {twin.status}, not active.")
    if twin.tier not in _TIERS:
        return fail("unknown_tier", f"{twin.name} has a tier that is not known.")
    if twin.tier == Tier.STATIC and (request.real_time or request.prompt_class not in SCRIPTED):
        return fail(
            "scripted_only",
            "A passive static replica performs scripted material only.",
            change="use scripted material, generated ahead",
        )
    return passing(Dimension.TWIN, "active", f"{twin.name} is active.")


def _twin(case: Case) -> Step:
    return twin_step(case.request, case.facts)


def _matrix(case: Case) -> Step:
    if not case.cells:
        return failing(Dimension.MATRIX)(
            "no_contributor", "Nobody whose consent counts is on record for this twin."
        )
    denied = next((pair for pair in case.cells if pair[1].stance is Stance.DENY), None)
    if denied:
        return _denied(*denied)
    asked = (pair for pair in case.cells if pair[1].stance is Stance.ASK)
    return _consented(*next(asked, case.cells[0]))


def _denied(contributor: Contributor, cell: CombinedCell) -> Step:
    fail = failing(Dimension.MATRIX)
    name = cell_name(cell.right, cell.use)
    public = f"The consent does not allow {name}."
    if cell.decided_by is None:
        rule = f"Nobody has allowed {name} for {contributor.name}, so it is denied."
        return fail("unset", rule, public)
    rule = f"{name} is denied for {contributor.name} by {described(cell.decided_by)}."
    return fail("denied", rule, public, source=cell.decided_by)


def _consented(contributor: Contributor, cell: CombinedCell) -> Step:
    name = cell_name(cell.right, cell.use)
    verb = "is to be asked about" if cell.stance is Stance.ASK else "is allowed"
    return passing(
        Dimension.MATRIX,
        cell.stance.value,
        f"{name} {verb} for {contributor.name}.",
        f"The consent covers {name}.",
        source=cell.decided_by,
    )


def _scope(case: Case) -> Step:
    unknown = _unknown_word(case.request)
    if unknown:
        return failing(Dimension.SCOPE)("unknown_code", unknown)
    for contributor, cell in case.cells:
        found = _breaches(case, cell.scope)
        if found:
            return _out_of_scope(contributor, cell, found)
    return passing(Dimension.SCOPE, "inside", "The use is inside the scope of every consent.")


def _breaches(case: Case, scope: Scope) -> tuple[Breach, ...]:
    request = case.request
    return breaches(
        scope,
        at=case.at,
        licensee=request.licensee,
        territory=request.territory,
        language=request.language,
        content=request.content,
        real_time=request.real_time,
        noticed_at=_noticed_at(case) if scope.notice_hours else None,
    )


def _noticed_at(case: Case) -> datetime | None:
    """Return the first notice of the use: its request, or the agreement that names it."""
    given = []
    if case.request.noticed_at is not None and case.request.noticed_at.tzinfo is not None:
        given.append(case.request.noticed_at)
    agreement = case.facts.agreement
    if agreement and agreement.signed_at and _grant(case.request, agreement):
        given.append(agreement.signed_at)
    return min(given, default=None)


def _out_of_scope(contributor: Contributor, cell: CombinedCell, found: Sequence[Breach]) -> Step:
    name = cell_name(cell.right, cell.use)
    reasons = "; ".join(breach.reason for breach in found)
    lasting = any(not breach.change for breach in found)
    return failing(Dimension.SCOPE)(
        found[0].field,
        f"{name} for {contributor.name}: {reasons}.",
        f"{name}: {reasons}.",
        source=cell.source_of(found[0].field),
        change="" if lasting else ", ".join(breach.change for breach in found),
    )


def _unknown_word(request: Request) -> str:
    """Say what in the request the desk has no word for; an unknown code is never allowed."""
    if request.territory is not None and not known_territory(request.territory):
        return "The territory is no ISO 3166 code."
    if request.language and not known_language(request.language):
        return "The language is no BCP 47 tag."
    if not _EXCLUSIONS.issuperset(request.content):
        return "A content flag is not known."
    return ""


def _agreement(case: Case) -> Step:
    agreement = case.facts.agreement
    if agreement is None:
        text = "No such agreement is known." if case.request.agreement else "No agreement is named."
        return failing(Dimension.AGREEMENT)("no_agreement", text, change="name an agreement")
    failed = (
        _wrong_parties(case, agreement)
        or _unsigned(case, agreement)
        or _outside_term(case, agreement)
        or _not_granted(case.request, agreement)
    )
    return failed or Step(
        Dimension.AGREEMENT,
        Finding.PASS,
        "granted",
        f"Agreement {agreement.reference} grants it.",
        set_by=f"Agreement {agreement.reference}",
        since=agreement.signed_at,
    )


def _wrong_parties(case: Case, agreement: AgreementFacts) -> Step | None:
    fail = failing(Dimension.AGREEMENT)
    if agreement.licensee != case.request.licensee:
        return fail("other_licensee", "The agreement is with another licensee.")
    if case.facts.twin is None or agreement.twin != case.facts.twin.id:
        return fail("other_twin", f"Agreement {agreement.reference} is about another twin.")
    if agreement.productions and case.request.production not in agreement.productions:
        change = f"name a production of the agreement: {' or '.join(agreement.productions)}"
        if case.request.production is None:
            rule = f"Agreement {agreement.reference} is for certain productions; none is named."
            return fail("no_production", rule, change=change)
        rule = f"Agreement {agreement.reference} does not cover this production."
        return fail("other_production", rule, change=change)
    return None


def _unsigned(case: Case, agreement: AgreementFacts) -> Step | None:
    signed = agreement.signed_at is not None and agreement.signed_at <= case.known_at
    if signed and agreement.status in _SIGNED:
        return None
    rule = f"Agreement {agreement.reference} is not signed."
    return failing(Dimension.AGREEMENT)("unsigned", rule, change="have the agreement signed")


def _outside_term(case: Case, agreement: AgreementFacts) -> Step | None:
    fail = failing(Dimension.AGREEMENT)
    if case.at < agreement.starts_at:
        starts = agreement.starts_at.date()
        rule = f"Agreement {agreement.reference} starts on {starts}."
        return fail("before_term", rule, change=f"use it from {starts}")
    if agreement.ends_at is not None and case.at >= agreement.ends_at:
        rule = f"Agreement {agreement.reference} ended on {agreement.ends_at.date()}."
        return fail("after_term", rule, change="extend the agreement")
    return None


def _not_granted(request: Request, agreement: AgreementFacts) -> Step | None:
    name = cell_name(request.right, request.use)
    grant = _grant(request, agreement)
    if grant is None:
        rule = f"Agreement {agreement.reference} does not grant {name}."
        return failing(Dimension.AGREEMENT)("not_granted", rule, change="amend the agreement")
    return _outside_grant(request, grant, name)


def _outside_grant(request: Request, grant: GrantFacts, name: str) -> Step | None:
    fail = failing(Dimension.AGREEMENT)
    for noun, allowed, code in (
        ("territory", grant.territories, request.territory),
        ("language", grant.languages, request.language),
        ("channel", grant.channels, request.channel),
    ):
        if not covers(allowed, code):
            rule = f"{name}: the grant does not cover {noun} {code or '(none stated)'}."
            return fail(noun, rule, change=_one_of(allowed))
    if request.channel is not None and request.channel not in _CHANNELS:
        return fail("unknown_channel", "The channel is not known.")
    if request.real_time and not grant.real_time:
        rule = f"{name}: real-time generation is not granted."
        return fail("real_time", rule, change="generate ahead, not in real time")
    return None


def _one_of(allowed: frozenset[str] | None) -> str:
    return f"use one of these: {listed(allowed)}" if allowed else ""


def _grant(request: Request, agreement: AgreementFacts) -> GrantFacts | None:
    wanted = (request.right, request.use)
    return next((grant for grant in agreement.grants if (grant.right, grant.use) == wanted), None)


def _approval(case: Case) -> Step:
    answers = [_answer(case, *pair) for pair in case.cells if _asks_first(pair[1])]
    unneeded = passing(Dimension.APPROVAL, "not_needed", "No approval is needed for this use.")
    return min(answers, key=lambda step: _ANSWER_ORDER[step.code], default=unneeded)


_ANSWER_ORDER = {VETOED: 0, LAPSED: 1, ASKS: 2, APPROVED: 3}


def _answer(case: Case, contributor: Contributor, cell: CombinedCell) -> Step:
    name = cell_name(cell.right, cell.use)
    last = _last_answer(case, contributor)
    if last is None or _is_open(last, case.known_at):
        return _asks(contributor, cell, last)
    if last.answer == ASKED:
        return _silent(contributor, cell, last)
    by = last.decided_by or contributor.name
    because = f" Reason: {last.reason}" if last.reason else ""
    public_because = f" Reason given: {last.public_reason}" if last.public_reason else ""
    finding, code, verb, public = (
        (Finding.PASS, APPROVED, "approved", f"{name} is approved.")
        if last.answer == APPROVED
        else (Finding.FAIL, VETOED, "vetoed", f"{name} was not approved.{public_because}")
    )
    rule = f"{by} {verb} {name}.{because}"
    return Step(Dimension.APPROVAL, finding, code, rule, public, by, last.decided_at)


def _asks(contributor: Contributor, cell: CombinedCell, asked: Approval | None) -> Step:
    name = cell_name(cell.right, cell.use)
    until = f" It is asked for until {_minute(asked.due_at)}." if asked and asked.due_at else ""
    return failing(Dimension.APPROVAL)(
        ASKS,
        f"{name} needs the approval of {contributor.name}.{until}",
        f"{name} needs an approval.{until}",
        source=cell.decided_by,
        change="wait for the approval",
    )


def _silent(contributor: Contributor, cell: CombinedCell, asked: Approval) -> Step:
    name = cell_name(cell.right, cell.use)
    until = f"by {_minute(asked.due_at)}" if asked.due_at else "in time"
    return failing(Dimension.APPROVAL)(
        LAPSED,
        f"Nobody answered for {contributor.name} {until}; silence is a veto of {name}.",
        f"{name} was not approved {until}; silence is a veto.",
        source=cell.decided_by,
        change="ask for the approval again",
    )


def _minute(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def _is_open(approval: Approval, known_at: datetime) -> bool:
    """Tell whether a question waits: its deadline decides, not whether anybody noted the lapse."""
    if approval.answer != ASKED:
        return False
    return approval.due_at is not None and known_at < approval.due_at


def _last_answer(case: Case, contributor: Contributor) -> Approval | None:
    """Return the answer that counts; of two at once, the veto.

    The last veto outdoes what was said before it. After it any approval counts, one for good
    before one for once; a question that is open, or lapsed, takes no approval away.
    """
    about = [
        approval for approval in case.facts.approvals if _is_about(approval, case, contributor)
    ]
    about.sort(key=lambda approval: (approval.decided_at, _is_veto(approval), approval.id))
    vetoes = [i for i, approval in enumerate(about) if _is_veto(approval)]
    since = about[vetoes[-1] :] if vetoes else about
    approved = [approval for approval in since if approval.answer == APPROVED]
    approved.sort(key=lambda approval: approval.once)
    return next(iter(approved), since[-1] if since else None)


def _is_veto(approval: Approval) -> bool:
    """Take what is not understood for a veto."""
    return approval.answer not in (APPROVED, ASKED)


def relied_on(request: Request, facts: Facts, known_at: datetime) -> tuple[Approval, ...]:
    """Return the approvals that a decision stands on, one for each contributor who was asked."""
    if request.at is None or request.at.tzinfo is None:
        return ()
    case = case_of(request, facts, request.at, known_at)
    answers = (_last_answer(case, person) for person, cell in case.cells if _asks_first(cell))
    return tuple(answer for answer in answers if answer and answer.answer == APPROVED)


def to_be_asked(request: Request, facts: Facts, known_at: datetime) -> tuple[Contributor, ...]:
    """Return the contributors whose cell asks and who have not approved this use."""
    if request.at is None or request.at.tzinfo is None:
        return ()
    case = case_of(request, facts, request.at, known_at)
    return tuple(
        person
        for person, cell in case.cells
        if _asks_first(cell) and _answer(case, person, cell).code != APPROVED
    )


def _asks_first(cell: CombinedCell) -> bool:
    return cell.stance is Stance.ASK


def _is_about(approval: Approval, case: Case, contributor: Contributor) -> bool:
    request = case.request
    wanted = (contributor.id, request.right, request.use, request.licensee)
    return (
        (approval.contributor, approval.right, approval.use, approval.licensee) == wanted
        and approval.production in (None, request.production)
        and approval.channel in (None, request.channel)
        and approval.decided_at <= case.known_at
        and _within(request, approval.units)
        and not _breaches(case, approval.scope)
    )


def _within(request: Request, most: Iterable[tuple[str, Decimal]]) -> bool:
    """Tell whether a use states each bounded quantity, and no more of it than that."""
    stated = {meter: quantity for meter, quantity in request.units if quantity.is_finite()}
    return all(meter in stated and stated[meter] <= quantity for meter, quantity in most)


def _cap(case: Case) -> Step:
    units = dict(case.request.units)
    caps = (cap for cap in case.facts.caps if counts(cap, case.request.channel))
    failed = (_past_cap(cap, units.get(cap.meter)) for cap in chain(caps, _consented_hours(case)))
    within = passing(Dimension.CAP, "within", "Every cap has room for it.")
    return next((step for step in failed if step), within)


def _consented_hours(case: Case) -> Iterator[CapFacts]:
    """Yield the most hours that each consent allows, as a cap; unknown use leaves no room."""
    for contributor, cell in case.cells:
        hours = cell.scope.maximum_hours
        if hours is not None:
            limit = hours * SECONDS_OF_AN_HOUR
            used = limit if contributor.seconds_used is None else contributor.seconds_used
            subject = f"the consent of {contributor.name}"
            yield CapFacts("", subject, Meter.SECONDS.value, limit, used)


def counts(cap: CapFacts, channel: str | None) -> bool:
    """Count also a use whose channel is unknown: it may be one of the cap's."""
    return cap.channels is None or channel not in _CHANNELS - cap.channels


def _past_cap(cap: CapFacts, quantity: Decimal | None) -> Step | None:
    meter = _METERS.get(cap.meter, cap.meter).lower()
    if quantity is None or not quantity.is_finite() or quantity < 0:
        rule = f"Not measurable: a cap on {cap.subject} counts {meter}."
        public = f"A cap counts {meter}, and none are stated."
        return failing(Dimension.CAP)(
            "not_measurable", rule, public, change=f"state how many {meter}"
        )
    left = max(cap.limit - cap.used - cap.reserved, Decimal(0))
    if not cap.hard or quantity <= left:
        return None
    return _reached(cap, meter, left)


def _reached(cap: CapFacts, meter: str, left: Decimal) -> Step:
    """A licensee is told the room left under its own agreement only."""
    shown = cap.shown_to_licensee
    return failing(Dimension.CAP)(
        "over_cap",
        f"The cap on {cap.subject} has {_plain(left)} of {_plain(cap.limit)} {meter} left.",
        f"The cap has {_plain(left)} {meter} left." if shown else "A cap is reached.",
        change=f"ask for at most {_plain(left)} {meter}" if shown and left else "",
    )


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _provenance(case: Case) -> Step:
    build, twin = case.facts.build, case.facts.twin
    if not case.request.build:
        return passing(Dimension.PROVENANCE, "no_build", "No build is named.")
    if build is None or twin is None or build.twin != twin.id:
        text = "This build of the twin is not known."
        return failing(Dimension.PROVENANCE)("unknown_build", text, change="name a known build")
    return _unusable(build, case.at.date()) or passing(
        Dimension.PROVENANCE, "in_service", f"Build {build.version} is in service."
    )


def _unusable(build: BuildFacts, on: date) -> Step | None:
    fail = failing(Dimension.PROVENANCE)
    if build.contaminated:
        rule = f"Build {build.version} is not provably clean."
        return fail("contaminated", rule, change="use a clean build")
    if on < build.built_on:
        rule = f"Build {build.version} was not built before {build.built_on}."
        return fail("not_yet_built", rule, change="name the build in service then")
    if any(end is not None and on >= end for end in (build.retired_on, build.destroy_by)):
        rule = f"Build {build.version} is retired or past its retention."
        return fail("retired_build", rule, change="use a build in service")
    return None


def _hold(case: Case) -> Step:
    for hold in case.facts.holds:
        if hold.starts_at <= case.at and (hold.ends_at is None or case.at < hold.ends_at):
            return Step(
                Dimension.HOLD,
                Finding.FAIL,
                "held",
                f"A {hold.kind} hold lies on {hold.subject}: {hold.reason}",
                "A hold lies on this use.",
                hold.subject,
                hold.starts_at,
                f"wait until {hold.ends_at.date()}" if hold.ends_at else "",
            )
    return passing(Dimension.HOLD, "free", "No hold lies on this use.")


def _absolute(case: Case) -> Step:
    """Refuse sexual content with minors, and at an age that isn't the performer's own.

    No consent and no override lifts it (SAG-AFTRA 2026 TV/Theatrical §39.F).
    """
    fail = failing(Dimension.ABSOLUTE)
    public = "Content of this kind may not be made with this twin."
    if SEXUAL.isdisjoint(case.request.content):
        return passing(Dimension.ABSOLUTE, "none", "No absolute rule applies.")
    if any(_minor(contributor, case.at.date()) for contributor in case.facts.contributors):
        return fail("minor", "Nudity and sexual content with a minor are refused.", public)
    if case.request.use == Use.AGE_CHANGE:
        rule = "Nudity and sexual content at a changed age are refused."
        return fail("age_changed", rule, public)
    return passing(Dimension.ABSOLUTE, "adult", "Every contributor is of age.")


def _minor(contributor: Contributor, on: date) -> bool:
    if contributor.life == Life.MINOR or contributor.life not in _LIVES:
        return True
    born = contributor.born_on
    if born is None or contributor.life == Life.DECEASED:
        return False
    return not of_age(born, on)


CHECKS: dict[Dimension, Callable[[Case], Step]] = {
    Dimension.TWIN: _twin,
    Dimension.MATRIX: _matrix,
    Dimension.SCOPE: _scope,
    Dimension.AGREEMENT: _agreement,
    Dimension.APPROVAL: _approval,
    Dimension.CAP: _cap,
    Dimension.PROVENANCE: _provenance,
    Dimension.HOLD: _hold,
    Dimension.ABSOLUTE: _absolute,
}


@cache
def failing(dimension: Dimension) -> Callable[..., Step]:
    """Return a maker of failed steps of one dimension."""

    def fail(
        code: str, rule: str, public: str = "", *, source: Source | None = None, change: str = ""
    ) -> Step:
        return Step(dimension, Finding.FAIL, code, rule, public or rule, *_set_by(source), change)

    return fail


@lru_cache(maxsize=8192)
def passing(
    dimension: Dimension, code: str, rule: str, public: str = "", *, source: Source | None = None
) -> Step:
    """Return a passed step."""
    return Step(dimension, Finding.PASS, code, rule, public or rule, *_set_by(source))


def _set_by(source: Source | None) -> tuple[str, datetime | None]:
    if source is None:
        return "", None
    recorded = f", recorded by {source.recorded_by}" if source.recorded_by else ""
    return f"{described(source)}{recorded}", source.in_force_from


def _layers(contributor: Contributor, at: datetime, known_at: datetime) -> tuple[Version, ...]:
    found = (in_force(versions, at, known_at) for versions in _by_owner(contributor.versions))
    return tuple(version for version in found if version)


@lru_cache(maxsize=8192)
def _by_owner(versions: tuple[Version, ...]) -> tuple[tuple[Version, ...], ...]:
    owners: dict[tuple[str, str], list[Version]] = {}
    for version in versions:
        owners.setdefault((version.owner_kind, version.owner), []).append(version)
    return tuple(tuple(of_one) for of_one in owners.values())


@lru_cache(maxsize=8192)
def _cell(layers: tuple[Version, ...], right: str, use: str) -> CombinedCell:
    return combined(layers, right, use)
