"""Legal paths: what of a plan's licences and builds is on file, and what is not known here."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

from licensing.models import Agreement
from talent.consent import consents, matrix
from talent.consent.exports import ConsentingParty, consent_of_all
from talent.consent.matrix import TRAINING_DOOR, CombinedCell, Version
from talent.models import Build, CompositeSource, DigitalTwin, Performer
from talent.periods import local_day
from talent.words import Owner, Stance
from valuation.worth.legal.risks import Path, PathState

Versions = Mapping[consents.Layer, Sequence[Version]]


def paths_of(
    twins: Sequence[DigitalTwin],
    agreements: Sequence[Agreement],
    *,
    agency_id: int,
    begins_on: date,
    until: date,
    as_of: date,
    known_at: datetime,
) -> Iterator[Path]:
    """Yield what a plan rests on: licences, the training of builds, what is in them.

    `until` is the first day after the plan.

    Read with `agency_id`'s layer of consent and no other agency's, in four queries. Nobody told the
    desk what could be claimed, so no path has an amount.
    """
    for agreement in agreements:
        yield _licence(agreement, begins_on, until)
    licensed = {agreement.twin_id for agreement in agreements}
    for twin in twins:
        if twin.pk not in licensed:
            yield Path(
                f"Licence of {twin.name}",
                PathState.UNLICENSED,
                source="The scenario has no agreement for it",
            )
    yield from _trainings(twins, agency_id, as_of, known_at)
    for twin in twins:
        yield Path(
            f"Datasets, captures and base models of {twin.name}",
            PathState.UNKNOWN,
            source="Provenance is not kept here",
        )


def _licence(agreement: Agreement, begins_on: date, until: date) -> Path:
    name = f"Licence {agreement.reference}"
    if agreement.signed_at is None:
        return Path(name, PathState.UNLICENSED, source="A draft that is not signed")
    starts_on = local_day(agreement.starts_at, agreement.time_zone)
    if starts_on > begins_on:
        source = "The agreement begins after the plan does"
        return Path(name, PathState.UNLICENSED, source=source, on=starts_on)
    if agreement.ends_at is not None:
        # The term does not hold the instant of its end.
        ends_on = local_day(agreement.ends_at, agreement.time_zone)
        if ends_on < until:
            source = "The agreement ends before the plan does"
            return Path(name, PathState.UNLICENSED, source=source, on=ends_on)
    return Path(name, PathState.LICENSED, source="Signed agreement", on=agreement.signed_on)


def _trainings(
    twins: Sequence[DigitalTwin], agency_id: int, as_of: date, known_at: datetime
) -> Iterator[Path]:
    """Yield a path for each build, by the consent to training that was in force on its day."""
    by_id = {twin.pk: twin for twin in twins}
    sources = list(CompositeSource.objects.filter(twin__in=by_id).select_related("performer"))
    people = {row.performer for row in sources}
    people |= {twin.performer for twin in twins if twin.performer is not None}
    versions = consents.versions_of(
        guilds={person.guild for person in people},
        agencies=[agency_id],
        performers={person.pk for person in people},
        twins=by_id,
        cells=[TRAINING_DOOR],
        known_at=known_at,
    )
    builds = Build.objects.filter(twin__in=by_id, built_on__lte=as_of).exclude(
        retired_on__lte=as_of
    )
    for build in builds.order_by("twin__name", "twin", "built_on", "pk"):
        twin = by_id[build.twin_id]
        counting = [row.performer for row in sources if _counts(row, build)]
        at = datetime.combine(build.built_on, time.max, UTC)
        cell = _training_cell(twin, counting, agency_id, versions, at, known_at)
        state, source = _judged(cell, at)
        name = f"Training of {twin.name}, build {build.version}"
        yield Path(name, state, source=source, on=build.built_on)


def _counts(row: CompositeSource, build: Build) -> bool:
    return (
        row.twin_id == build.twin_id
        and (row.starts_on is None or row.starts_on <= build.built_on)
        and (row.ends_on is None or build.built_on < row.ends_on)
    )


def _training_cell(
    twin: DigitalTwin,
    composed_of: Sequence[Performer],
    agency_id: int,
    versions: Versions,
    at: datetime,
    known_at: datetime,
) -> CombinedCell:
    """Combine what all who are in a twin said about training; a persona's owner speaks for it."""
    shared = [(Owner.AGENCY.value, agency_id), (Owner.TWIN.value, twin.pk)]
    people = [twin.performer] if twin.performer is not None else composed_of
    is_composite = twin.performer is None and bool(composed_of)
    voices = matrix.VOICES_IN_A_COMPOSITE if is_composite else matrix.VOICES
    own = [
        [(Owner.GUILD.value, person.guild), (Owner.PERFORMER.value, person.pk)] for person in people
    ] or [[]]
    parties = []
    for layers in own:
        told = (
            matrix.in_force(versions.get(layer, ()), at, known_at) for layer in (*shared, *layers)
        )
        cell = matrix.combined_cell(
            [version for version in told if version], *TRAINING_DOOR, voices=voices
        )
        parties.append(ConsentingParty("", {TRAINING_DOOR: cell}))
    return consent_of_all(parties, *TRAINING_DOOR)


def _judged(cell: CombinedCell, at: datetime) -> tuple[PathState, str]:
    scope = cell.scope
    is_over = scope.valid_to is not None and scope.valid_to <= at
    if is_over or (scope.valid_from is not None and at < scope.valid_from):
        return PathState.UNLICENSED, "Consent to training did not hold on the day"
    match cell.stance:
        case Stance.ALLOW:
            return PathState.LICENSED, "Consent to training"
        case Stance.ASK:
            return PathState.UNKNOWN, "Consent says to ask; no answer for a build is kept here"
        case _ if cell.decided_by:
            return PathState.UNLICENSED, "Consent denied training"
        case _:
            return PathState.UNLICENSED, "No consent to training on file"
