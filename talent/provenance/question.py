"""“Provably clean?” for a build: what stands behind it, loaded in a constant number of queries."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from django.db.models import OuterRef, Prefetch, Subquery

from talent.consent import consents, matrix
from talent.consent.matrix import TRAINING_DOOR, Version
from talent.lineage import graph
from talent.models import (
    Build,
    Contamination,
    CustodyItem,
    CustodyStep,
    DatasetFile,
    LineageNode,
    Performer,
    TrainingManifest,
    TrainingResult,
)
from talent.words import CustodyPurpose, DataSplit, LineageKind, ManifestFinding, Owner, Stance

from .judgement import FileFacts, Judgement, NodeFacts, TaintFacts, judge, trained_into


@dataclass(frozen=True, slots=True)
class Asked:
    """A build, the judgement on it, and the nodes behind it by id."""

    build: Build
    judgement: Judgement
    nodes: Mapping[int, NodeFacts]
    sources: graph.Ancestry


def ask(*, build_id: int, agency_id: int | None, at: datetime) -> Asked:
    """Judge whether a build is provably clean, by what is known at `at`, for an agency.

    What other agencies keep counts as well, and is told by its number alone; without an agency,
    for licensees, all is. The same number of queries whatever stands behind it. A build without a
    node in the lineage has nothing behind it.
    """
    build = Build.objects.select_related("twin__performer", "provider", "lineage").get(pk=build_id)
    node = getattr(build, "lineage", None)
    if node is None:
        name = f"build {build.version}" if agency_id is None else str(build)
        alone = {0: NodeFacts(0, LineageKind.BUILD.value, name)}
        ancestry = graph.Ancestry(0, {0: {}})
        return Asked(build, judge(0, alone, ancestry.sources), alone, ancestry)
    ancestry = graph.ancestors(node.pk)
    nodes = _Loaded(ancestry, agency_id, at).nodes()
    return Asked(build, judge(node.pk, nodes, ancestry.sources), nodes, ancestry)


class _Loaded:
    """All that is known of the nodes behind a build."""

    def __init__(self, ancestry: graph.Ancestry, agency_id: int | None, at: datetime) -> None:
        self._ancestry, self._agency_id, self._at = ancestry, agency_id, at
        rows = LineageNode.objects.filter(pk__in=ancestry.nodes).select_related(
            "build", "capture", "dataset_version"
        )
        self._rows = {row.pk: row for row in rows}
        files = DatasetFile.objects.filter(version__node__in=ancestry.nodes).select_related(
            "performer", "version", "consent"
        )
        self._files: dict[int, list[DatasetFile]] = {}
        for file in files.order_by("version", "path"):
            self._files.setdefault(file.version.node_id, []).append(file)
        self._told = self._name_files()
        self._vault = _told_by_the_vault(file for of in self._files.values() for file in of)
        self._results = _results(row.build_id for row in self._rows.values() if row.build_id)
        self._taints = self._load_taints()

    def nodes(self) -> dict[int, NodeFacts]:
        """Return the facts of all nodes, the files judged by the instants they were trained at."""
        plain = {pk: self._node(row) for pk, row in self._rows.items()}
        builds = [pk for pk, row in self._rows.items() if row.build_id]
        instants = {pk: self._trained_at(self._rows[pk]) for pk in builds}
        trained = trained_into(builds, plain, self._ancestry.sources)
        consent = _Consent(self._rows.values(), self._files, self._at)
        found = {}
        for pk, node in plain.items():
            on_it = trained.get(pk, set())
            files = self._judged(pk, [instants[one] for one in on_it], consent)
            if self._read_to_train_only(pk, on_it, plain):
                files = tuple(_set_aside(files))
            found[pk] = replace(node, files=files)
        return found

    def _read_to_train_only(
        self, dataset: int, builds: Collection[int], nodes: Mapping[int, NodeFacts]
    ) -> bool:
        """Tell whether all trainings on a dataset read no file of it that was set aside.

        Only of what was registered itself a manifest says so, not of what that was made from.
        """
        return bool(builds) and all(
            nodes[build].read_training_only and dataset in self._ancestry.sources[build]
            for build in builds
        )

    def _node(self, row: LineageNode) -> NodeFacts:
        result = self._results.get(row.build_id or 0)
        manifests = list(result.manifests.all()) if result else []
        capture = getattr(row, "capture", None)
        return NodeFacts(
            row.pk, row.kind, self._name(row),
            taints=tuple(self._taints.get(row.pk, ())),
            manifest=manifests[-1].finding if manifests else None,
            read_training_only=_read_training_only(manifests),
            registered=result is not None,
            captured=frozenset(capture.purposes) if capture else None,
        )  # fmt: skip

    def _name(self, row: LineageNode) -> str:
        if self._may_name(row):
            return row.name
        if self._agency_id is not None:
            return f"N{row.pk}, kept elsewhere"
        # Licensees read builds by version: names of nodes may name performers.
        what = f"build {row.build.version}" if row.build else LineageKind(row.kind).label.lower()
        return f"{what} N{row.pk}"

    def _may_name(self, row: LineageNode) -> bool:
        is_build = row.kind == LineageKind.BUILD
        return self._agency_id is not None and (is_build or row.agency_id == self._agency_id)

    def _trained_at(self, row: LineageNode) -> datetime:
        result = self._results.get(row.build_id or 0)
        if result is not None:
            return result.run.begins_at
        if row.build is None:
            raise ValueError(f"node {row.pk} is no build")
        return datetime.combine(row.build.built_on, time.max, UTC)

    def _judged(
        self, node: int, instants: list[datetime], consent: "_Consent"
    ) -> tuple[FileFacts, ...]:
        agency = self._rows[node].agency_id
        known: dict[int | None, bool | None] = {None: True}
        facts = []
        for file in self._files.get(node, ()):
            if file.performer_id not in known:
                known[file.performer_id] = consent.covers(file.performer, agency, instants)
            facts.append(
                FileFacts(
                    self._told[file.pk],
                    file.sha256,
                    file.size,
                    file.split,
                    file.owner,
                    file.basis,
                    frozenset(file.purposes),
                    known[file.performer_id],
                    file.consent_id is not None,
                    *self._vault.get(file.custody_item_id or 0, (None, True)),
                )
            )
        return tuple(facts)

    def _name_files(self) -> dict[int, str]:
        """Return by file the path that is told of it: a number, of what others keep."""
        return {
            file.pk: file.path if self._may_name(self._rows[node]) else f"file {number}"
            for node, of_node in self._files.items()
            for number, file in enumerate(of_node, 1)
        }

    def _load_taints(self) -> dict[int, list[TaintFacts]]:
        facts = Contamination.objects.live().filter(
            node__in=self._ancestry.nodes, known_at__lte=self._at
        )
        found: dict[int, list[TaintFacts]] = {}
        for fact in facts.select_related("consent__matrix").order_by("pk"):
            found.setdefault(fact.node_id, []).append(self._taint(fact))
        return found

    def _taint(self, fact: Contamination) -> TaintFacts:
        named = self._may_name(self._rows[fact.node_id])
        # What somebody wrote stays with who keeps it; how much of the data it is does not.
        reason = fact.reason if named else fact.get_cause_display().lower()
        return TaintFacts(fact.pk, fact.cause, reason, self._paths(fact))

    def _paths(self, fact: Contamination) -> frozenset[str] | None:
        """Return the files that a contamination is about, as they are told; None: all."""
        if fact.file_id is not None:
            return frozenset([self._told[fact.file_id]])
        if fact.consent is None:
            return None
        # Withdrawn is one person's consent: what of the dataset rests on it, or is of them.
        matrix = fact.consent.matrix
        of_them = frozenset(
            self._told[file.pk]
            for file in self._files.get(fact.node_id, ())
            if (file.consent and file.consent.matrix_id == matrix.pk)
            or (file.performer_id and file.performer_id == matrix.performer_id)
        )
        return of_them or None


def _read_training_only(manifests: Iterable[TrainingManifest]) -> bool:
    """Tell whether all that a trainer signed says so: a later word takes no earlier one back."""
    signed = [one for one in manifests if one.finding != ManifestFinding.NOT_SIGNED]
    return bool(signed) and all(
        one.finding == ManifestFinding.SAME and one.read_training_only for one in signed
    )


def _set_aside(files: Iterable[FileFacts]) -> Iterator[FileFacts]:
    """Yield files; what is there to validate or to test is set aside."""
    for file in files:
        yield replace(file, set_aside=file.split != DataSplit.TRAIN)


def _told_by_the_vault(files: Iterable[DatasetFile]) -> dict[int, tuple[str, bool]]:
    """Return by vault item the SHA-256 that it was proven with, and whether it may train.

    The hash is empty where it was never read back whole.
    """
    wanted = {file.custody_item_id for file in files if file.custody_item_id}
    proven = CustodyStep.objects.filter(item=OuterRef("pk")).exclude(sha256="").order_by("-pk")
    items = CustodyItem.objects.filter(pk__in=wanted).annotate(
        proven=Subquery(proven.values("sha256")[:1])
    )
    return {
        pk: (sha256 or "", CustodyPurpose.TRAIN in purposes)
        for pk, sha256, purposes in items.values_list("pk", "proven", "purposes")
    }


def _results(builds: Iterable[int]) -> dict[int, TrainingResult]:
    manifests = Prefetch("manifests", TrainingManifest.objects.order_by("pk"))
    rows = TrainingResult.objects.filter(build__in=list(builds)).select_related("run")
    return {row.build_id: row for row in rows.prefetch_related(manifests)}


class _Consent:
    """What all whose likeness stands behind a build said of training, and when."""

    def __init__(
        self,
        nodes: Iterable[LineageNode],
        files: Mapping[int, list[DatasetFile]],
        at: datetime,
    ) -> None:
        people = {
            file.performer.pk: file.performer
            for of_node in files.values()
            for file in of_node
            if file.performer is not None
        }
        self._at = at
        self._versions = consents.versions_of(
            guilds={person.guild for person in people.values()},
            agencies={node.agency_id for node in nodes},
            performers=people,
            cells=[TRAINING_DOOR],
            known_at=at,
        )

    def covers(
        self, performer: Performer | None, agency: int, instants: list[datetime]
    ) -> bool | None:
        """Tell whether somebody's consent covered training at some instants.

        None: it does by what was recorded afterwards.
        """
        if performer is None:
            return True
        if not all(self._allows(performer, agency, at, self._at) for at in instants):
            return False
        then = all(self._allows(performer, agency, at, at) for at in instants)
        return True if then else None

    def _allows(self, performer: Performer, agency: int, at: datetime, known_at: datetime) -> bool:
        layers = (
            (Owner.GUILD.value, performer.guild),
            (Owner.AGENCY.value, agency),
            (Owner.PERFORMER.value, performer.pk),
        )
        told = (self._in_force(layer, at, known_at) for layer in layers)
        cell = matrix.combined_cell([one for one in told if one], *TRAINING_DOOR)
        begins, ends = cell.scope.valid_from, cell.scope.valid_to
        holds = (begins is None or begins <= at) and (ends is None or at < ends)
        return cell.stance is Stance.ALLOW and holds

    def _in_force(self, layer: consents.Layer, at: datetime, known_at: datetime) -> Version | None:
        return matrix.in_force(self._versions.get(layer, ()), at, known_at)
