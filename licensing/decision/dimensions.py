"""The dimensions that a clearance looks at: each check returns pass or fail, and says why.

Checks never raise: what is missing or unknown fails. Their texts for the licensee name neither
performers nor other parties.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import chain

from licensing.words import AgreementStatus, Channel, Dimension, Finding, Meter, PromptClass
from talent.consent.matrix import CombinedCell, cell_name, is_behind_the_door, source_name
from talent.consent.scope import (
    Breach,
    Limit,
    Scope,
    breaches,
    content_names,
    is_known_language,
    limit_in_words,
)
from talent.periods import of_age
from talent.territories import is_known_territory
from talent.words import Exclusion, Life, Owner, Stance, Tier, TwinStatus, Use

from .case import Case, Step, breaches_of, failed_step, grant_for, passed_step, unknown_step
from .request import (
    ANY_LICENSEE,
    AgreementFacts,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    GrantFacts,
    HoldFacts,
    Request,
    UsedUnits,
)

ASK_AGENCY = "ask the agency"
NOT_PUBLISHED = Channel.OTHER.value  # the one channel where no audience is met

ANY_TIME = datetime.max.replace(tzinfo=UTC)  # for a scope without dates

SEXUAL = frozenset({Exclusion.NUDITY.value, Exclusion.SEXUAL.value})

SCRIPTED = frozenset(
    {PromptClass.SCRIPTED.value, PromptClass.REVISION.value, PromptClass.NONE.value, ""}
)

# The codes that the desk knows; a lookup in a set is faster than one in an enumeration.
_TIERS = frozenset(Tier.codes())
_LIVES = frozenset(Life.codes())
_CHANNELS = frozenset(Channel.codes())
_EXCLUSIONS = frozenset(Exclusion.codes())
_METERS = dict(Meter.choices())
_SIGNED = frozenset({AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value})


def twin_step(request: Request, facts: Facts) -> Step:
    """Check that the twin is known and active, and that its tier may do this. Needs no instant."""
    fail = partial(failed_step, Dimension.TWIN)
    twin = facts.twin
    if twin is None:
        change = "check the twin's name or number"
        return fail("unknown_twin", "No twin of this name is known.", change=change)
    if twin.status != TwinStatus.ACTIVE:
        change = "" if twin.status == TwinStatus.RETIRED else f"{ASK_AGENCY} when the twin is back"
        return fail("inactive_twin", f"{twin.name} is {twin.status}, not active.", change=change)
    if twin.tier not in _TIERS:
        rule = f"{twin.name} has a tier that is not known."
        return fail("unknown_tier", rule, change=ASK_AGENCY)
    if twin.tier == Tier.STATIC and (request.real_time or request.prompt_class not in SCRIPTED):
        return fail(
            "scripted_only",
            "A passive static replica performs scripted material only.",
            change="use scripted material, generated ahead",
        )
    return passed_step(Dimension.TWIN, "active", f"{twin.name} is active.")


def twin_check(case: Case) -> Step:
    """Check the twin itself; see `twin_step`."""
    return twin_step(case.request, case.facts)


def matrix_check(case: Case) -> Step:
    """Check that no contributor's consent denies the right and use. One that says to ask passes."""
    if not case.cells:
        return failed_step(
            Dimension.MATRIX,
            "no_contributor",
            "Nobody whose consent counts is on record for this twin.",
            change=ASK_AGENCY,
        )
    denied = next((pair for pair in case.cells if pair[1].stance is Stance.DENY), None)
    if denied:
        return _denied(*denied)
    asked = (pair for pair in case.cells if pair[1].stance is Stance.ASK)
    return _allowed(*next(asked, case.cells[0]))


def _denied(contributor: Contributor, cell: CombinedCell) -> Step:
    fail = partial(failed_step, Dimension.MATRIX)
    name = cell_name(cell.right, cell.use)
    door = (
        " Training with any right also needs the consent to training with training data."
        if is_behind_the_door(cell.right, cell.use)
        else ""
    )
    public = f"The consent does not allow {name}.{door}"
    source, change = cell.decided_by, f"{ASK_AGENCY} whether {name} may be consented to"
    if source is None:
        rule = f"Nobody has allowed {name} for {contributor.name}, so it is denied.{door}"
        return fail("unset", rule, public, change=change)
    rule = f"{name} is denied for {contributor.name} by {source_name(source)}.{door}"
    # What a guild denies nobody else can allow.
    change = "" if source.owner_kind == Owner.GUILD else change
    return fail("denied", rule, public, source=source, change=change)


def _allowed(contributor: Contributor, cell: CombinedCell) -> Step:
    name = cell_name(cell.right, cell.use)
    verb = "is to be asked about" if cell.stance is Stance.ASK else "is allowed"
    return passed_step(
        Dimension.MATRIX,
        cell.stance.value,
        f"{name} {verb} for {contributor.name}.",
        f"The consent covers {name}.",
        source=cell.decided_by,
    )


def scope_check(case: Case) -> Step:
    """Check that the use is inside the scope of every contributor's consent."""
    unknown = _unknown_word(case.request)
    if unknown:
        return failed_step(Dimension.SCOPE, "unknown_code", unknown, change="correct the code")
    for contributor, cell in case.cells:
        breaches = breaches_of(cell.scope, case)
        if breaches:
            return _out_of_scope(contributor, cell, breaches)
    return passed_step(Dimension.SCOPE, "inside", "The use is inside the scope of every consent.")


def _out_of_scope(contributor: Contributor, cell: CombinedCell, breaches: Sequence[Breach]) -> Step:
    name = cell_name(cell.right, cell.use)
    reasons = "; ".join(breach.reason for breach in breaches)
    return failed_step(
        Dimension.SCOPE,
        breaches[0].field,
        f"{name} for {contributor.name}: {reasons}.",
        f"{name}: {reasons}.",
        source=cell.source_of(breaches[0].field),
        change=", ".join(dict.fromkeys(breach.change or ASK_AGENCY for breach in breaches)),
    )


def _unknown_word(request: Request) -> str:
    """Say which code of the request is unknown, and so never allowed; empty if none is."""
    if request.territory is not None and not is_known_territory(request.territory):
        return "The territory is no ISO 3166 code."
    if request.language and not is_known_language(request.language):
        return "The language is no BCP 47 tag."
    if not _EXCLUSIONS.issuperset(request.content or ()):
        return "A content flag is not known."
    return ""


def agreement_check(case: Case) -> Step:
    """Check that the agreement is about licensee, twin and production, runs and grants the use."""
    agreement = case.facts.agreement
    if agreement is None:
        return _no_agreement(case.request)
    failure = (
        _other_parties(case, agreement)
        or _not_signed(case, agreement)
        or _outside_term(case, agreement)
        or _published(case.request, agreement)
        or _not_granted(case.request, agreement)
    )
    granted = f"Agreement {agreement.reference} grants it."
    if agreement.try_out:
        granted = (
            f"Agreement {agreement.reference} grants it as a try-out: watermark it, and publish "
            "nothing of it."
        )
    return failure or Step(
        Dimension.AGREEMENT,
        Finding.PASS,
        "granted",
        granted,
        granted,
        set_by=f"Agreement {agreement.reference}",
        since=agreement.signed_at,
    )


def _no_agreement(request: Request) -> Step:
    fail = partial(failed_step, Dimension.AGREEMENT)
    if request.agreement:
        text = "No agreement of this reference is known between you and the agency."
        return fail("unknown_agreement", text, change="correct the agreement's reference")
    return fail("no_agreement", "No agreement is named.", change="name an agreement")


def _other_parties(case: Case, agreement: AgreementFacts) -> Step | None:
    fail = partial(failed_step, Dimension.AGREEMENT)
    if agreement.licensee != case.request.licensee:
        change = "name an agreement of your own"
        return fail("other_licensee", "The agreement is with another licensee.", change=change)
    if case.facts.twin is None or agreement.twin != case.facts.twin.id:
        rule = f"Agreement {agreement.reference} is about another twin."
        return fail("other_twin", rule, change="name an agreement about this twin")
    if agreement.productions and case.request.production not in agreement.productions:
        change = f"name a production of the agreement: {' or '.join(agreement.productions)}"
        if case.request.production is None:
            rule = f"Agreement {agreement.reference} is for certain productions; none is named."
            return fail("no_production", rule, change=change)
        rule = f"Agreement {agreement.reference} does not cover this production."
        return fail("other_production", rule, change=change)
    return None


def _not_signed(case: Case, agreement: AgreementFacts) -> Step | None:
    signed = agreement.signed_at is not None and agreement.signed_at <= case.known_at
    if signed and agreement.status in _SIGNED:
        return None
    rule = f"Agreement {agreement.reference} is not signed."
    return failed_step(Dimension.AGREEMENT, "unsigned", rule, change=f"{ASK_AGENCY} to sign it")


def _outside_term(case: Case, agreement: AgreementFacts) -> Step | None:
    fail = partial(failed_step, Dimension.AGREEMENT)
    if case.at < agreement.starts_at:
        starts = agreement.starts_at.date()
        rule = f"Agreement {agreement.reference} starts on {starts}."
        return fail("before_term", rule, change=f"use it from {starts}")
    if agreement.ends_at is not None and case.at >= agreement.ends_at:
        rule = f"Agreement {agreement.reference} ended on {agreement.ends_at.date()}."
        return fail("after_term", rule, change=f"{ASK_AGENCY} for a longer agreement")
    if agreement.ends_at is None and agreement.status == AgreementStatus.ENDED:
        rule = f"Agreement {agreement.reference} was ended, and it is not known when."
        return fail("after_term", rule, change=f"{ASK_AGENCY} when it ended")
    return None


def _published(request: Request, agreement: AgreementFacts) -> Step | None:
    """Refuse a try-out wherever an audience could meet it: it is for the studio's own eyes."""
    if not agreement.try_out or request.channel == NOT_PUBLISHED:
        return None
    rule = f"Agreement {agreement.reference} is a try-out, of which nothing is published."
    change = f"state the channel “{NOT_PUBLISHED}”, or take the offer"
    return failed_step(Dimension.AGREEMENT, "try_out_is_not_published", rule, change=change)


def _not_granted(request: Request, agreement: AgreementFacts) -> Step | None:
    name = cell_name(request.right, request.use)
    grant = grant_for(request, agreement)
    if grant is None:
        rule = f"Agreement {agreement.reference} does not grant {name}."
        change = f"{ASK_AGENCY} for a grant of it"
        return failed_step(Dimension.AGREEMENT, "not_granted", rule, change=change)
    return _outside_grant(request, grant, name)


def _outside_grant(request: Request, grant: GrantFacts, name: str) -> Step | None:
    fail = partial(failed_step, Dimension.AGREEMENT)
    if request.channel is not None and request.channel not in _CHANNELS:
        return fail("unknown_channel", "The channel is not known.", change="correct the channel")
    outside = _breaches_of_grant(request, grant)
    if not outside:
        return None
    breach = outside[0]
    reason = breach.reason.replace("the consent", "the grant").replace("consent", "grant")
    code = _CODES_OF_GRANTS.get(breach.field, breach.field)
    return fail(code, f"{name}: {reason}.", change=breach.change or ASK_AGENCY)


def _breaches_of_grant(request: Request, grant: GrantFacts) -> Sequence[Breach]:
    """Return how a use lies outside of a grant, which is a scope without dates and parties."""
    scope = Scope(
        territories=grant.territories,
        territories_excluded=grant.territories_excluded,
        languages=grant.languages,
        languages_in=grant.languages_in,
        channels_allowed=grant.channels,
        brands_allowed=grant.brands,
        exclusions=grant.exclusions,
        real_time=grant.real_time,
    )
    return breaches(
        scope,
        at=ANY_TIME,
        licensee=request.licensee,
        territory=request.territory,
        language=request.language,
        channel=request.channel,
        brand=frozenset([request.brand]) if request.brand else None,
        content=request.content,
        real_time=request.real_time,
    )


# What a refusal for a grant's scope is called, by the field of the scope.
_CODES_OF_GRANTS = {
    "territories": "territory",
    "territories_excluded": "territory",
    "languages": "language",
    "languages_in": "language",
    "channels_allowed": "channel",
    "brands_allowed": "brand",
    "exclusions": "content",
}


def cap_check(case: Case) -> Step:
    """Check that every hard cap, and every limit in a consent, has room for the use.

    A use that does not state a quantity of a cap's meter fails, also where the cap is soft.
    """
    units = dict(case.request.units)
    caps = (cap for cap in case.facts.caps if counts_channel(cap, case.request.channel))
    every_cap = chain(caps, _caps_of_consents(case))
    failures = (_cap_failure(cap, units.get(cap.meter)) for cap in every_cap)
    within = passed_step(Dimension.CAP, "within", "Every cap has room for it.")
    return next((step for step in failures if step), within)


def _caps_of_consents(case: Case) -> Iterator[CapFacts]:
    """Yield the limits of each consent as caps of the use that they count.

    Where it is not known what was used, nothing is left of them. Those of the door to training
    count what every right was used for.
    """
    for contributor, cell in case.cells:
        own = ((limit, False) for limit in cell.scope.limits)
        at_the_door = ((limit, True) for limit in cell.door_limits)
        for limit, of_every_right in chain(own, at_the_door):
            counted = _counted(contributor, limit, case, of_every_right=of_every_right)
            yield CapFacts(
                "",
                f"the consent of {contributor.name} ({limit_in_words(limit)})",
                limit.meter,
                limit.maximum,
                used=limit.maximum if counted is None else _sum(row.used for row in counted),
                reserved=_sum(row.reserved for row in counted or ()),
            )


def _counted(
    contributor: Contributor, limit: Limit, case: Case, *, of_every_right: bool
) -> Sequence[UsedUnits] | None:
    """Return what a limit counts of a contributor's use: its meter, year, licensee and right."""
    if contributor.used is None:
        return None
    year = case.at.astimezone(UTC).year
    return [
        row
        for row in contributor.used
        if row.meter == limit.meter
        and (of_every_right or not row.right)
        and (not limit.per_year or row.year == year)
        and (not limit.per_licensee or row.licensee in (case.request.licensee, ANY_LICENSEE))
    ]


def _sum(units: Iterable[Decimal]) -> Decimal:
    return sum(units, Decimal(0))


def counts_channel(cap: CapFacts, channel: str | None) -> bool:
    """Tell whether a cap counts use in a channel.

    It counts use whose channel is not known as well: that may be one of the cap's.
    """
    return cap.channels is None or channel not in _CHANNELS - cap.channels


def _cap_failure(cap: CapFacts, quantity: Decimal | None) -> Step | None:
    meter = _METERS.get(cap.meter, cap.meter).lower()
    if quantity is None or not quantity.is_finite() or quantity < 0:
        rule = f"Not measurable: a cap on {cap.subject} counts {meter}."
        public = f"A cap counts {meter}, and none are stated."
        return failed_step(
            Dimension.CAP, "not_measurable", rule, public, change=f"state how many {meter}"
        )
    left = max(cap.limit - cap.used - cap.reserved, Decimal(0))
    if not cap.hard or quantity <= left:
        return None
    return _cap_reached(cap, meter, left)


def _cap_reached(cap: CapFacts, meter: str, left: Decimal) -> Step:
    """Return the failure of a use that needs more units than the cap has left.

    A licensee reads how many are left only where the cap is on its own agreement.
    """
    shown = cap.shown_to_licensee
    return failed_step(
        Dimension.CAP,
        "over_cap",
        f"The cap on {cap.subject} has {_plain(left)} of {_plain(cap.limit)} {meter} left.",
        f"The cap has {_plain(left)} {meter} left." if shown else "A cap is reached.",
        change=f"ask for at most {_plain(left)} {meter}" if shown and left else ASK_AGENCY,
    )


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def provenance_check(case: Case) -> Step:
    """Check that the build, where one is named, is the twin's, clean and in service that day.

    Whether its data is clean, and by when it must be destroyed, passes only where that is known.
    """
    build, twin = case.facts.build, case.facts.twin
    if not case.request.build:
        text = "No build is named, so its provenance is not known here."
        return unknown_step(Dimension.PROVENANCE, "no_build", text)
    if build is None or twin is None or build.twin != twin.id:
        text = "This build of the twin is not known."
        return failed_step(Dimension.PROVENANCE, "unknown_build", text, change="name a known build")
    failure = _unusable(build, case.at)
    if failure:
        return failure
    in_service = f"Build {build.version} is in service."
    if build.contaminated is None or build.contaminated:
        # What is contaminated from a later instant on was not proved clean for now either.
        text = f"{in_service} Whether its data is clean is not known here."
        return unknown_step(Dimension.PROVENANCE, "unproven", text)
    return passed_step(Dimension.PROVENANCE, "in_service", in_service)


def _unusable(build: BuildFacts, at: datetime) -> Step | None:
    fail, on = partial(failed_step, Dimension.PROVENANCE), at.date()
    if build.contaminated and (build.contaminated_from is None or build.contaminated_from <= at):
        rule = f"Build {build.version} is not provably clean"
        return fail(
            "contaminated",
            f"{rule}: {build.path}." if build.path else f"{rule}.",
            f"{rule}: {build.public_path}." if build.public_path else f"{rule}.",
            change="use a clean build",
        )
    if on < build.built_on:
        rule = f"Build {build.version} was not built before {build.built_on}."
        return fail("not_yet_built", rule, change="name the build in service then")
    if any(end is not None and on >= end for end in (build.retired_on, build.destroy_by)):
        rule = f"Build {build.version} is retired or past its retention."
        return fail("retired_build", rule, change="use a build in service")
    return None


def hold_check(case: Case) -> Step:
    """Check that no hold is in force at the instant of the use."""
    for hold in case.facts.holds:
        if hold.lies_at(case.at) and hold.concerns(case.request):
            return Step(
                Dimension.HOLD,
                Finding.FAIL,
                "held",
                f"A {hold.kind} hold lies on {hold.subject}: {hold.reason}",
                hold.public or "A hold lies on this use.",
                hold.subject,
                hold.starts_at,
                _way_past(hold),
            )
    return passed_step(Dimension.HOLD, "free", "No hold on this use is on record.")


def _way_past(hold: HoldFacts) -> str:
    """Return what would pass instead: a production that a strike spares, or its end."""
    until = f"wait until {hold.ends_at.date()}" if hold.ends_at else ASK_AGENCY
    if hold.spares_begun_before is None:
        return until
    return f"name a production that had begun before {hold.spares_begun_before}, or {until}"


def absolute_check(case: Case) -> Step:
    """Refuse sexual content with minors, and at an age that isn't the performer's own.

    No consent and no override lifts it (SAG-AFTRA 2026 TV/Theatrical §39.F). Where the rule looks
    at the content, a use that does not state it is refused: silence is no statement.
    """
    fail = partial(failed_step, Dimension.ABSOLUTE)
    minor = any_minor(case.facts.contributors, case.at.date())
    changed_age = case.request.use == Use.AGE_CHANGE
    content = case.request.content
    if not minor and not changed_age:
        return passed_step(Dimension.ABSOLUTE, "none", "No absolute rule applies.")
    if content is None:
        text = "For this twin and use the content must be stated, also where there is none."
        return fail("content_not_stated", text, change="state the content, or that there is none")
    if SEXUAL.isdisjoint(content):
        return passed_step(Dimension.ABSOLUTE, "decent", "No absolute rule forbids its content.")
    public = "Content of this kind may not be made with this twin."
    change = f"leave out: {content_names(SEXUAL.intersection(content))}"
    if minor:
        rule = "Nudity and sexual content with a minor are refused."
        return fail("minor", rule, public, change=change)
    rule = "Nudity and sexual content at a changed age are refused."
    return fail("age_changed", rule, public, change=change)


def any_minor(contributors: Iterable[Contributor], on: date) -> bool:
    """Tell whether somebody in a twin counts as a minor on a day."""
    return any(_is_minor(contributor, on) for contributor in contributors)


def _is_minor(contributor: Contributor, on: date) -> bool:
    """Tell whether somebody is under age on a day, or was on the day of their death.

    The rule does not end with a death. Who cannot be shown to have come of age counts as a minor:
    a life status that the desk does not know, and somebody who died and whose dates are unknown.
    """
    if contributor.life == Life.MINOR or contributor.life not in _LIVES:
        return True
    born, died = contributor.born_on, contributor.died_on
    if contributor.life == Life.DECEASED:
        return born is None or died is None or not of_age(born, min(on, died))
    return born is not None and not of_age(born, on)
