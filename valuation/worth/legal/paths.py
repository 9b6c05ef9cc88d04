"""Legal paths: what of a plan's licences, uses and builds is on file, and what is not known."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

from django.db.models import Q, Sum, prefetch_related_objects

from licensing.models import Agreement
from licensing.words import Standing
from talent.consent import consents, matrix
from talent.consent.exports import ConsentingParty, consent_of_all
from talent.consent.matrix import TRAINING_DOOR, CombinedCell, Version
from talent.models import (
    Build,
    CleanAnswer,
    CompositeSource,
    Contamination,
    ContaminationMark,
    DigitalTwin,
    Performer,
)
from talent.periods import local_day
from talent.words import Answer, Owner, Right, Stance, Use
from valuation.models import UsageMonth
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
    """Yield what a plan rests on: licences, uses so far, consent, builds and what is in them.

    `until` is the first day after the plan. Read with `agency_id`'s layer of consent and no other
    agency's, in a constant number of queries.
    """
    for agreement in agreements:
        yield _licence(agreement, begins_on, until)
    yield from _uses_outside(agreements, as_of)
    licensed = {agreement.twin_id for agreement in agreements}
    for twin in twins:
        if twin.pk not in licensed:
            yield Path(
                f"Licence of {twin.name}",
                PathState.UNLICENSED,
                key=f"no licence {twin.pk}",
                source="The scenario has no agreement for it",
            )
    said = _Consent(twins, agreements, agency_id, known_at)
    yield from _licensed_uses(agreements, said, as_of)
    yield from _trainings(said, as_of)
    yield from _provenance(twins, as_of, known_at)


def _licence(agreement: Agreement, begins_on: date, until: date) -> Path:
    name, key = f"Licence {agreement.reference}", f"licence {agreement.pk}"
    if agreement.signed_at is None:
        return Path(name, PathState.UNLICENSED, key, source="A draft that is not signed")
    starts_on = local_day(agreement.starts_at, agreement.time_zone)
    if starts_on > begins_on:
        source = "The agreement begins after the plan does"
        return Path(name, PathState.UNLICENSED, key, source=source, on=starts_on)
    if agreement.ends_at is not None:
        # The term does not hold the instant of its end.
        ends_on = local_day(agreement.ends_at, agreement.time_zone)
        if ends_on < until:
            source = "The agreement ends before the plan does"
            return Path(name, PathState.UNLICENSED, key, source=source, on=ends_on)
    return Path(name, PathState.LICENSED, key, source="Signed agreement", on=agreement.signed_on)


def _uses_outside(agreements: Sequence[Agreement], as_of: date) -> Iterator[Path]:
    """Yield a path for the uses so far that consent or cap did not cover, whatever was paid."""
    months = UsageMonth.objects.filter(agreement__in=agreements, month_on__lte=as_of).exclude(
        standing=Standing.CLEARED.value
    )
    counts = dict(months.order_by().values_list("agreement").annotate(Sum("events")))
    for agreement in agreements:
        if count := counts.get(agreement.pk):
            yield Path(
                f"Uses outside the consent under {agreement.reference}",
                PathState.UNLICENSED,
                key=f"uses outside {agreement.pk}",
                source=f"{count:,} in the log",
            )


def _licensed_uses(
    agreements: Sequence[Agreement], said: "_Consent", as_of: date
) -> Iterator[Path]:
    """Yield a path for each licensed use that consent no longer allows: it was withdrawn, say."""
    at = datetime.combine(as_of, time.max, UTC)
    for agreement in agreements:
        twin = said.twins.get(agreement.twin_id)
        for grant in sorted(agreement.grants.all(), key=lambda grant: (grant.right, grant.use)):
            cell = twin and said.cell(twin, (grant.right, grant.use), at)
            if cell and cell.decided_by and not _allows(cell, at):
                right, use = Right(grant.right).label.lower(), Use(grant.use).label.lower()
                yield Path(
                    f"Consent to what {agreement.reference} licenses: {right}, {use}",
                    PathState.UNLICENSED,
                    key=f"consent {agreement.pk} {grant.right} {grant.use}",
                    source="Consent does not allow it any more",
                )


def _trainings(said: "_Consent", as_of: date) -> Iterator[Path]:
    """Yield a path for each build, by the consent to training that was in force on its day."""
    builds = Build.objects.filter(twin__in=said.twins, built_on__lte=as_of).exclude(
        retired_on__lte=as_of
    )
    for build in builds.order_by("twin__name", "twin", "built_on", "pk"):
        at = datetime.combine(build.built_on, time.max, UTC)
        cell = said.cell(said.twins[build.twin_id], TRAINING_DOOR, at)
        state, source = _judged(cell, at)
        name = f"Training of {said.twins[build.twin_id].name}, build {build.version}"
        key = f"training {build.pk}"
        yield Path(name, state, key, source=source, on=build.built_on)


def _provenance(twins: Sequence[DigitalTwin], as_of: date, known_at: datetime) -> Iterator[Path]:
    """Yield a path for what the builds of each twin in service are made from."""
    serving = Q(retired_on=None) | Q(retired_on__gt=as_of)
    builds = Build.objects.filter(serving, twin__in=twins, built_on__lte=as_of)
    marks = ContaminationMark.objects.filter(
        node__build__in=builds,
        contamination__in=Contamination.objects.live(),
        contamination__known_at__lte=known_at,
        contamination__from_at__lte=datetime.combine(as_of, time.max, UTC),
    )
    marked = set(marks.values_list("node__build", flat=True))
    told = CleanAnswer.objects.filter(build__in=builds, at__lte=known_at).order_by("pk")
    answers = dict(told.values_list("build", "answer"))
    of_twin: dict[int, list[Build]] = defaultdict(list)
    for build in builds.order_by("built_on", "pk"):
        of_twin[build.twin_id].append(build)
    for twin in twins:
        state, source = _made_from(of_twin[twin.pk], marked, answers)
        name = f"Datasets, captures and base models of {twin.name}"
        yield Path(name, state, key=f"provenance {twin.pk}", source=source)


def _made_from(
    builds: Sequence[Build], marked: Container[int], answers: Mapping[int, str]
) -> tuple[PathState, str]:
    if bad := [build.version for build in builds if build.pk in marked]:
        return PathState.CONTAMINATED, f"Contaminated: {', '.join(bad)}"
    unproved = [build.version for build in builds if answers.get(build.pk) != Answer.YES]
    if unproved or not builds:
        return PathState.UNKNOWN, f"Not proved clean: {', '.join(unproved) or 'no build'}"
    return PathState.LICENSED, "Each build in service was proved clean"


class _Consent:
    """What all who are in a plan's twins said, in the agency's layer, read once."""

    def __init__(
        self,
        twins: Sequence[DigitalTwin],
        agreements: Sequence[Agreement],
        agency_id: int,
        known_at: datetime,
    ) -> None:
        self.agency_id, self.known_at = agency_id, known_at
        self.twins = {twin.pk: twin for twin in twins}
        prefetch_related_objects(list(agreements), "grants")
        doors = {
            (grant.right, grant.use)
            for agreement in agreements
            if agreement.twin_id in self.twins
            for grant in agreement.grants.all()
        }
        self.sources = list(
            CompositeSource.objects.filter(twin__in=self.twins).select_related("performer")
        )
        people = {row.performer for row in self.sources}
        people |= {twin.performer for twin in twins if twin.performer is not None}
        self.versions = consents.versions_of(
            guilds={person.guild for person in people},
            agencies=[agency_id],
            performers={person.pk for person in people},
            twins=self.twins,
            cells=[TRAINING_DOOR, *sorted(doors)],
            known_at=known_at,
        )

    def cell(self, twin: DigitalTwin, door: tuple[str, str], at: datetime) -> CombinedCell:
        """Combine what all who are in a twin say of a door; a persona's owner speaks for it."""
        composed_of = [
            row.performer for row in self.sources if row.twin_id == twin.pk and _counts(row, at)
        ]
        return _combined(twin, composed_of, door, self.agency_id, self.versions, at, self.known_at)


def _counts(row: CompositeSource, at: datetime) -> bool:
    on = at.date()
    return (row.starts_on is None or row.starts_on <= on) and (
        row.ends_on is None or on < row.ends_on
    )


def _combined(
    twin: DigitalTwin,
    composed_of: Sequence[Performer],
    door: tuple[str, str],
    agency_id: int,
    versions: Versions,
    at: datetime,
    known_at: datetime,
) -> CombinedCell:
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
        cell = matrix.combined_cell([version for version in told if version], *door, voices=voices)
        parties.append(ConsentingParty("", {door: cell}))
    return consent_of_all(parties, *door)


def _holds(cell: CombinedCell, at: datetime) -> bool:
    """Tell whether an instant lies in the time for which something was said."""
    begins, ends = cell.scope.valid_from, cell.scope.valid_to
    return (begins is None or begins <= at) and (ends is None or at < ends)


def _allows(cell: CombinedCell, at: datetime) -> bool:
    """Tell whether a cell lets a use happen, if only after being asked."""
    return cell.stance in {Stance.ALLOW, Stance.ASK} and _holds(cell, at)


def _judged(cell: CombinedCell, at: datetime) -> tuple[PathState, str]:
    if not _holds(cell, at):
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
