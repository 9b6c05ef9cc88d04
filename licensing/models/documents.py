"""Documents: an agreement's text, drawn from its terms; the clauses it is made of."""

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from licensing.words import DocumentKind
from talent.models import Agency, User
from talent.models.columns import coded, has_known_code, tags
from talent.models.consent import APPEND_ONLY

from .agreements import Agreement

OWN = "own."  # how the codes of an agency's own clauses begin


class ClauseQuerySet(models.QuerySet["Clause"]):
    def offered_to(self, agency_id: int) -> Self:
        """Return every version that agreements of an agency may use: the desk's and its own."""
        return self.filter(Q(agency=None) | Q(agency=agency_id))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the desk's clauses to who signs in, an agency's to its staff."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(agency=None) | Q(agency__in=Agency.objects.visible_to(user)))


class Clause(models.Model):
    """A version of a clause. Its words never change: other words are another version."""

    agency = models.ForeignKey(
        Agency,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose own clause it is. Empty: of the desk's library.",
    )
    code = models.CharField(max_length=80, help_text="Stays the same from version to version.")
    version = models.PositiveSmallIntegerField()
    section = models.CharField(max_length=80, help_text="The heading under which it stands.")
    title = models.CharField(max_length=120)
    body = models.TextField(help_text="Placeholders stand in double braces, as {{ payment_days }}.")
    gloss = models.TextField(blank=True, help_text="What it means, in plain words.")
    applies = models.JSONField(default=dict, blank=True, help_text="To which deals it applies.")
    required = models.BooleanField(default=True)
    mirrors = tags(default=list, blank=True, help_text="Codes of the rules that it mirrors.")
    source = models.CharField(max_length=300, blank=True)
    in_use = models.BooleanField(
        "offered", default=True, help_text="No longer offered, it stays where it is agreed."
    )
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ClauseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="clause_version_once",
                fields=["agency", "code", "version"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="clause_own_code_tells",
                condition=(Q(agency=None) & ~Q(code__startswith=OWN))
                | (Q(agency__isnull=False) & Q(code__startswith=OWN)),
                violation_error_message="An agency's own clause has a code that begins with own.",
            ),
            models.CheckConstraint(
                name="clause_version_counts_from_one", condition=Q(version__gte=1)
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"


class AgreementClauseQuerySet(models.QuerySet["AgreementClause"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


@pghistory.track()
class AgreementClause(models.Model):
    """The version of a clause that an agreement uses, or that it leaves the clause out.

    It stays that version when a newer one is published, until somebody takes the newer one.
    """

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="clauses")
    code = models.CharField(max_length=80)
    clause = models.ForeignKey(Clause, models.PROTECT, related_name="+")
    left_out = models.BooleanField(default=False)

    named_by: ClassVar[tuple[str, ...]] = ("clause",)

    objects = AgreementClauseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="agreement_clause_once", fields=["agreement", "code"]),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="signed_words_stay",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF EXISTS (
                        SELECT FROM licensing_agreement
                        WHERE id = OLD.agreement_id AND status <> 'draft'
                    ) THEN
                        RAISE EXCEPTION 'a signed agreement keeps the clauses it was signed with'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN
                        RETURN OLD;
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return str(self.clause)


class AgreementDocumentQuerySet(models.QuerySet["AgreementDocument"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the documents of an agency to its staff.

        Whose twin it is sees those that count: what is to be signed, was signed or amended. Drafts
        are the agency's, until somebody sends one.
        """
        if user.is_superuser and user.is_active:
            return self
        agreements = Agreement.objects.visible_to(user)
        agencies = Agency.objects.visible_to(user)
        drafts = Q(kind=DocumentKind.DRAFT.value) & ~Q(agreement__agency__in=agencies)
        return self.filter(agreement__in=agreements).exclude(drafts)


class AgreementDocumentManager(models.Manager["AgreementDocument"]):
    def get_queryset(self) -> AgreementDocumentQuerySet:
        """Leave the file and its content where they are until one document is opened."""
        return AgreementDocumentQuerySet(self.model, using=self._db).defer("pdf", "content")

    def visible_to(self, user: User | AnonymousUser) -> AgreementDocumentQuerySet:
        return self.get_queryset().visible_to(user)


class AgreementDocument(models.Model):
    """A document of an agreement as it was drawn: its content, and the bytes that people read."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="documents")
    number = models.PositiveSmallIntegerField(help_text="Counts up within its agreement.")
    kind = coded(DocumentKind)
    drawn_at = models.DateTimeField()
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    content: Any = models.JSONField(default=dict, help_text="What it was drawn from, frozen.")
    content_sha256 = models.CharField("SHA-256 of the content", max_length=64, blank=True)
    pdf = models.BinaryField("PDF")
    digest = models.CharField("SHA-256 of the PDF", max_length=64)
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The version that it is compared with.",
    )

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = AgreementDocumentManager()

    class Meta:
        constraints = [
            has_known_code("agreement_document_kind_is_known", "kind", DocumentKind),
            models.UniqueConstraint(
                name="agreement_document_number_once", fields=["agreement", "number"]
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agreement}, document {self.number}"
