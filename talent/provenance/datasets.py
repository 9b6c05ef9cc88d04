"""Versions of datasets: a manifest becomes rows, and a node of the lineage."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from talent import locales
from talent.consent.matrix import TRAINING_DOOR
from talent.database.locks import lock_until_commit
from talent.lineage import contamination, graph
from talent.models import (
    Agency,
    Capture,
    ConsentCell,
    ConsentVersion,
    CustodyItem,
    Dataset,
    DatasetFile,
    DatasetVersion,
    LineageNode,
    Performer,
    User,
)
from talent.models.lineage import LINEAGE_LOCK
from talent.words import (
    CaptureKind,
    ContaminationCause,
    DataPurpose,
    LineageKind,
    Remuneration,
    Stance,
)

from . import manifest
from .manifest import BadManifest, FileRow


@transaction.atomic
def record_version(
    *,
    dataset: Dataset,
    rows: Sequence[FileRow],
    at: datetime,
    by: User | None,
    made_from: Iterable[LineageNode] = (),
    note: str = "",
) -> DatasetVersion:
    """Record a manifest as the next version of a dataset. The last one's again is the last one.

    A file whose consent no longer allows training contaminates it at once. Raises BadManifest,
    LineageRefused.
    """
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    # Waits for a withdrawal that is under way; one that comes later finds what is recorded here.
    lock_until_commit(LINEAGE_LOCK)
    rows = manifest.in_order(manifest.checked(rows))
    sha256 = manifest.digest(rows)
    last = dataset.versions.select_related("node").order_by("number").last()
    if last is not None and last.manifest_sha256 == sha256:
        _join(last, made_from, at=at, by=by)
        return last
    number = 1 + (dataset.versions.aggregate(last=Max("number"))["last"] or 0)
    files = _Files(dataset.agency, rows, at)
    node = graph.add_node(
        agency=dataset.agency, kind=LineageKind.DATASET, at=at, by=by, sha256=sha256,
        name=f"{dataset.name}, version {number}",
    )  # fmt: skip
    version = DatasetVersion.objects.create(
        dataset=dataset, number=number, node=node, manifest_sha256=sha256, note=note
    )
    DatasetFile.objects.bulk_create((files.file_of(row, version) for row in rows), batch_size=2_000)
    _join(version, made_from, at=at, by=by)
    for consent in files.withdrawn():
        contamination.mark(
            node=node, cause=ContaminationCause.WITHDRAWN, from_at=consent.in_force_from, at=at,
            by=by, consent=consent, reason=f"{consent} allows no training.",
        )  # fmt: skip
    return version


def _join(
    version: DatasetVersion, made_from: Iterable[LineageNode], *, at: datetime, by: User | None
) -> None:
    for source in made_from:
        graph.connect(source=source, target=version.node, at=at, by=by)


class _Files:
    """What the rows of a manifest name, looked up in a constant number of queries."""

    def __init__(self, agency: Agency, rows: Sequence[FileRow], at: datetime) -> None:
        self._performers = _by_name(agency, {row.performer for row in rows} - {""})
        self._consents = {
            (version.matrix.performer_id, str(version.number)): version
            for version in ConsentVersion.objects.known(at)
            .filter(matrix__performer__in=self._performers.values())
            .select_related("matrix__performer")
        }
        wanted = {int(row.vault_item) for row in rows if row.vault_item}
        items = CustodyItem.objects.filter(agency=agency, pk__in=wanted)
        self._items = {str(item.pk): item for item in items}
        self._at = at
        self._used: set[int] = set()

    def file_of(self, row: FileRow, version: DatasetVersion) -> DatasetFile:
        performer = self._performers.get(row.performer)
        if row.performer and performer is None:
            raise BadManifest(
                _("%s: nobody of this name is or was represented here.") % row.performer
            )
        consent = self._consents.get((performer.pk if performer else None, row.consent))
        if row.consent and consent is None:
            raise BadManifest(_("%s: this performer's consent has no such version.") % row.path)
        item = self._items.get(row.vault_item.lstrip("0"))
        if row.vault_item and item is None:
            raise BadManifest(_("%s: the vault has no such item here.") % row.path)
        if row.jurisdiction and not locales.known_country(row.jurisdiction):
            raise BadManifest(_("%s: its jurisdiction is no ISO 3166 code.") % row.path)
        if consent is not None:
            self._used.add(consent.matrix_id)
        return DatasetFile(
            version=version, path=row.path, sha256=row.sha256, size=row.size, split=row.split,
            owner=row.owner, basis=row.basis, performer=performer, consent=consent,
            reference=row.reference, jurisdiction=row.jurisdiction, purposes=list(row.purposes),
            remuneration=row.remuneration, custody_item=item,
        )  # fmt: skip

    def withdrawn(self) -> list[ConsentVersion]:
        """Return the versions in force, or to be, that allow no training any more."""
        latest = [
            max(
                (one for one in self._consents.values() if one.matrix_id == matrix),
                key=lambda one: (one.in_force_from, one.number),
            )
            for matrix in sorted(self._used)
        ]
        right, use = TRAINING_DOOR
        allowing = ConsentCell.objects.filter(version__in=latest, right=right, use=use).exclude(
            stance=Stance.DENY.value
        )
        allowed = set(allowing.values_list("version", flat=True))
        return [one for one in latest if one.pk not in allowed]


def _by_name(agency: Agency, names: set[str]) -> Mapping[str, Performer]:
    people = Performer.objects.filter(representations__agency=agency, name__in=names).distinct()
    found: dict[str, Performer] = {}
    for person in people:
        if person.name in found:
            raise BadManifest(_("%s: two performers here have this name.") % person.name)
        found[person.name] = person
    return found


@transaction.atomic
def record_capture(
    *,
    agency: Agency,
    performer: Performer,
    name: str,
    kind: CaptureKind,
    owner: str,
    purposes: Iterable[DataPurpose],
    remuneration: Remuneration,
    at: datetime,
    by: User | None,
    captured_on: date | None = None,
    custody_item: CustodyItem | None = None,
) -> Capture:
    """Record what a performance left: whose it is, for what it may be used, how that is paid."""
    node = graph.add_node(agency=agency, kind=LineageKind.CAPTURE, name=name, at=at, by=by)
    return Capture.objects.create(
        node=node, performer=performer, kind=kind.value, captured_on=captured_on, owner=owner,
        purposes=[purpose.value for purpose in purposes], remuneration=remuneration.value,
        custody_item=custody_item,
    )  # fmt: skip


def rows_of(files: Iterable[DatasetFile]) -> list[FileRow]:
    """Return recorded files as the rows of a manifest; load performer and consent with them."""
    return [
        FileRow(
            file.path, file.sha256, file.size, file.split, file.owner, file.basis,
            file.performer.name if file.performer else "",
            str(file.consent.number) if file.consent else "", file.reference, file.jurisdiction,
            tuple(file.purposes), file.remuneration,
            str(file.custody_item_id or ""),
        )
        for file in files
    ]  # fmt: skip
