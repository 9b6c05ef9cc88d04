"""Where models come from: captures, datasets, builds and outputs in one graph without cycles."""

from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from talent.words import (
    CaptureKind,
    DataPurpose,
    DataSplit,
    LicenceBasis,
    LineageKind,
    Remuneration,
)

from .columns import coded, codes, country, has_known_code, is_one_line
from .consent import APPEND_ONLY, ConsentVersion
from .custody import CustodyItem
from .people import Agency, Performer, User
from .twins import Build

# Who adds an edge waits for who adds another, and for who marks a contamination: else two edges
# could close a cycle together, and what is built meanwhile would escape the mark.
LINEAGE_LOCK = "lineage"

# A cycle needs an edge back to what was recorded earlier: where there is none, nothing is walked.
# Once a statement, so that many edges may come in one.
NO_CYCLE = f"""
    PERFORM pg_advisory_xact_lock(hashtextextended('{LINEAGE_LOCK}', 0));
    IF NOT EXISTS (SELECT FROM talent_lineageedge WHERE source_id > target_id) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM added WHERE EXISTS (
            WITH RECURSIVE reached (node) AS (
                SELECT added.target_id
                UNION
                SELECT edge.target_id FROM reached
                JOIN talent_lineageedge edge ON edge.source_id = reached.node
            )
            SELECT FROM reached WHERE node = added.source_id
        )
    ) THEN
        RAISE EXCEPTION 'something would be made from itself'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'lineage_has_no_cycle';
    END IF;
    RETURN NULL;
"""  # noqa: S608 - our own text


class LineageNodeQuerySet(models.QuerySet["LineageNode"]):
    def visible_to(self, user: User) -> Self:
        """Return what the user's agencies keep, and the builds of twins that they may see."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(build__in=Build.objects.visible_to(user))
        )


class LineageNode(models.Model):
    """A capture, a version of a dataset, a build or an output, as the lineage knows it."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = coded(LineageKind)
    name = models.CharField(max_length=250)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, help_text="Of its one file.")
    build = models.OneToOneField(
        Build, models.PROTECT, null=True, blank=True, related_name="lineage"
    )
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = LineageNodeQuerySet.as_manager()

    class Meta:
        verbose_name = "lineage node"
        constraints = [
            is_one_line("lineage_node_name_is_a_line", "name"),
            has_known_code("lineage_node_kind_is_known", "kind", LineageKind),
            models.CheckConstraint(
                name="lineage_node_of_a_build_is_one",
                condition=Q(kind=LineageKind.BUILD.value, build__isnull=False)
                | (~Q(kind=LineageKind.BUILD.value) & Q(build=None)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.name


class LineageEdgeQuerySet(models.QuerySet["LineageEdge"]):
    def visible_to(self, user: User) -> Self:
        seen = LineageNode.objects.visible_to(user)
        return self.filter(source__in=seen, target__in=seen)


class LineageEdge(models.Model):
    """That something was made from something else, and which share of it that is."""

    source = models.ForeignKey(LineageNode, models.PROTECT, related_name="made")
    target = models.ForeignKey(LineageNode, models.PROTECT, related_name="made_from")
    share = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Of the target's data, from 0 to 1; empty: not known.",
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("source", "target")

    objects = LineageEdgeQuerySet.as_manager()

    class Meta:
        verbose_name = "lineage edge"
        constraints = [
            models.UniqueConstraint(name="lineage_edge_once", fields=["source", "target"]),
            models.CheckConstraint(
                name="lineage_edge_is_no_loop",
                condition=~Q(source=F("target")),
                violation_error_message="Nothing is made from itself.",
            ),
            models.CheckConstraint(
                name="lineage_edge_share_is_a_part",
                condition=Q(share=None) | Q(share__gt=0, share__lte=1),
                violation_error_message="A share is above 0 and at most 1.",
            ),
        ]
        indexes = [
            # The trigger asks whether there is one at all.
            models.Index(
                name="lineage_edge_backwards",
                fields=["id"],
                condition=Q(source__gt=F("target")),
            )
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=APPEND_ONLY),
            pgtrigger.Trigger(
                name="has_no_cycle",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=NO_CYCLE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target} is made from {self.source}"


class CaptureQuerySet(models.QuerySet["Capture"]):
    def visible_to(self, user: User) -> Self:
        """Return what the user's agencies keep. Performers read of theirs in the portal."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(node__agency__in=Agency.objects.visible_to(user))


class Capture(models.Model):
    """What a performance left: whose it is, what it may be used for, how that is paid."""

    node = models.OneToOneField(LineageNode, models.PROTECT, related_name="capture")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="captures")
    kind = coded(CaptureKind)
    captured_on = models.DateField(null=True, blank=True)
    owner = models.CharField(max_length=200, help_text="Whose it is, as agreed.")
    purposes = codes(DataPurpose, blank=True, help_text="What it may be used for.")
    remuneration = coded(Remuneration)
    custody_item = models.ForeignKey(
        CustodyItem, models.PROTECT, null=True, blank=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("node", "performer")

    objects = CaptureQuerySet.as_manager()

    class Meta:
        constraints = [
            is_one_line("capture_owner_is_a_line", "owner"),
            has_known_code("capture_kind_is_known", "kind", CaptureKind),
            has_known_code("capture_remuneration_is_known", "remuneration", Remuneration),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.node_id}"


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User) -> Self:
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))


@pghistory.track()
class Dataset(models.Model):
    """A collection of files to train on. What it holds stands in its versions."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=1000, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [
            is_one_line("dataset_name_is_a_line", "name"),
            models.UniqueConstraint(
                name="dataset_name_once_an_agency",
                fields=["agency", "name"],
                violation_error_message="This agency has a dataset of that name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(dataset__in=Dataset.objects.visible_to(user))


class DatasetVersion(models.Model):
    """One state of a dataset, by the manifest of its files. A change is another version."""

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    node = models.OneToOneField(LineageNode, models.PROTECT, related_name="dataset_version")
    manifest_sha256 = models.CharField(
        "SHA-256 of the manifest", max_length=64, help_text="Of its canonical form."
    )
    note = models.CharField(max_length=500, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("dataset",)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "dataset version"
        constraints = [
            models.UniqueConstraint(
                name="dataset_version_numbers_count_up", fields=["dataset", "number"]
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.dataset}, version {self.number}"


class DatasetFileQuerySet(models.QuerySet["DatasetFile"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(version__in=DatasetVersion.objects.visible_to(user))

    def of_performer(self, performer_id: int) -> Self:
        """Return the files with a performer's likeness."""
        return self.filter(performer=performer_id)


class DatasetFile(models.Model):
    """A file of a dataset's version: what it is, whose, by what right and for what it is there."""

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="files")
    path = models.CharField(max_length=500)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.BigIntegerField(help_text="Bytes.")
    split = coded(DataSplit, default=DataSplit.TRAIN.value)
    owner = models.CharField(max_length=200, blank=True)
    basis = coded(LicenceBasis, default=LicenceBasis.UNKNOWN.value)
    performer = models.ForeignKey(
        Performer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose likeness is in it.",
    )
    consent = models.ForeignKey(
        ConsentVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The consent to training that it rests on.",
    )
    reference = models.CharField(
        max_length=200, blank=True, help_text="The licence or agreement that it rests on."
    )
    jurisdiction = country(blank=True)
    purposes = codes(DataPurpose, blank=True, default=list)
    remuneration = coded(Remuneration, default=Remuneration.UNKNOWN.value)
    custody_item = models.ForeignKey(
        CustodyItem, models.PROTECT, null=True, blank=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("version",)

    objects = DatasetFileQuerySet.as_manager()

    class Meta:
        verbose_name = "file of a dataset"
        verbose_name_plural = "files of datasets"
        constraints = [
            is_one_line("dataset_file_path_is_a_line", "path"),
            has_known_code("dataset_file_split_is_known", "split", DataSplit),
            has_known_code("dataset_file_basis_is_known", "basis", LicenceBasis),
            has_known_code("dataset_file_remuneration_is_known", "remuneration", Remuneration),
            models.UniqueConstraint(
                name="dataset_file_path_once",
                fields=["version", "path"],
                violation_error_message="A manifest names each file once.",
            ),
            models.CheckConstraint(
                name="dataset_file_has_a_hash", condition=Q(sha256__regex="^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(name="dataset_file_has_a_size", condition=Q(size__gte=0)),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.path
