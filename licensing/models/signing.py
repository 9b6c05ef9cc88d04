"""Signing: rounds in which a document is signed in order, what happened in them, scans of paper."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from licensing.words import (
    Identified,
    RoundState,
    ScanKind,
    ScanState,
    SignatoryRole,
    SigningEventKind,
)
from talent.models import Performer, User
from talent.models.columns import coded, has_known_code, is_one_line
from talent.models.consent import APPEND_ONLY

from .agreements import Agreement
from .documents import AgreementDocument
from .findings import FindingSet


class SigningRoundQuerySet(models.QuerySet["SigningRound"]):
    def open(self) -> Self:
        return self.filter(state=RoundState.OPEN.value)

    def for_the_agency(self) -> Self:
        """Those in which it is the agency's turn to sign."""
        turns = Signatory.objects.whose_turn().filter(role=SignatoryRole.AGENCY.value)
        return self.open().filter(pk__in=turns.values("round"))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the rounds of agreements that somebody sees, and those in which they sign."""
        if user.is_superuser and user.is_active:
            return self
        if not (user.is_authenticated and user.is_active):
            return self.none()
        return self.filter(
            Q(agreement__in=Agreement.objects.visible_to(user))
            | Q(pk__in=Signatory.objects.filter(user=user).values("round"))
        )


class SigningRoundManager(models.Manager["SigningRound"]):
    def get_queryset(self) -> SigningRoundQuerySet:
        """Leave the files where they are until one is opened."""
        return SigningRoundQuerySet(self.model, using=self._db).defer("pdf", "record")

    def open(self) -> SigningRoundQuerySet:
        return self.get_queryset().open()

    def for_the_agency(self) -> SigningRoundQuerySet:
        return self.get_queryset().for_the_agency()

    def visible_to(self, user: User | AnonymousUser) -> SigningRoundQuerySet:
        return self.get_queryset().visible_to(user)


class SigningRound(models.Model):
    """A document that was sent to be signed, by whom in which order, until when.

    `pdf` is the document with the signatures it has so far. Each signature is appended to what was
    there, so that what anybody read before is its beginning, byte for byte.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="signing_rounds")
    document = models.ForeignKey(AgreementDocument, models.PROTECT, related_name="signing_rounds")
    findings = models.ForeignKey(
        FindingSet,
        models.PROTECT,
        related_name="+",
        help_text="What the rules said when it was sent.",
    )
    state = coded(RoundState, default=RoundState.OPEN.value)
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField("to be signed by")
    ended_at = models.DateTimeField(null=True, blank=True)
    pdf = models.BinaryField("PDF")
    digest = models.CharField("SHA-256 of the PDF", max_length=64)
    record = models.BinaryField("signature record", null=True)
    record_digest = models.CharField("SHA-256 of the signature record", max_length=64, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = SigningRoundManager()

    class Meta:
        constraints = [
            has_known_code("signing_round_state_is_known", "state", RoundState),
            models.UniqueConstraint(
                name="signing_round_one_open",
                fields=["agreement"],
                condition=Q(state=RoundState.OPEN.value),
                violation_error_message="This agreement is out for signature already.",
            ),
            models.CheckConstraint(
                name="signing_round_ends_once",
                condition=Q(state=RoundState.OPEN.value, ended_at=None)
                | (~Q(state=RoundState.OPEN.value) & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="signing_round_leaves_time", condition=Q(expires_at__gt=F("sent_at"))
            ),
            models.CheckConstraint(
                name="signing_round_has_a_record_once_signed",
                condition=~Q(state=RoundState.SIGNED.value)
                | (Q(record__isnull=False) & ~Q(record_digest="")),
            ),
        ]
        indexes = [
            # The sweep: what is to be reminded of, or has expired.
            models.Index(
                name="signing_round_out",
                fields=["expires_at"],
                condition=Q(state=RoundState.OPEN.value),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="over_for_good",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP = 'DELETE' OR OLD.state <> 'open'
                        OR substring(NEW.pdf for length(OLD.pdf)) <> OLD.pdf
                        OR (NEW.agreement_id, NEW.document_id, NEW.findings_id, NEW.sent_at,
                            NEW.expires_at)
                           <> (OLD.agreement_id, OLD.document_id, OLD.findings_id, OLD.sent_at,
                               OLD.expires_at)
                    THEN
                        RAISE EXCEPTION 'what was sent and signed stays as it was'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.agreement}: {self.get_state_display().lower()}"

    @property
    def turn(self) -> "Signatory | None":
        """Whose turn it is, from its signatories and events: who shows many loads them with it."""
        if self.state != RoundState.OPEN:
            return None
        signed = {
            event.signatory_id
            for event in self.events.all()
            if event.kind == SigningEventKind.SIGNED
        }
        rows = sorted(self.signatories.all(), key=lambda row: row.position)
        return next((row for row in rows if row.pk not in signed), None)


class PartOfRoundQuerySet(models.QuerySet):
    """Rows that are seen with their signing round."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(round__in=SigningRound.objects.visible_to(user))


class SignatoryQuerySet(PartOfRoundQuerySet):
    def unsigned(self) -> Self:
        signed = SigningEvent.objects.filter(
            signatory=OuterRef("pk"), kind=SigningEventKind.SIGNED.value
        )
        return self.filter(~Exists(signed))

    def whose_turn(self) -> Self:
        """Those who sign next in their round, whether it is still open or not."""
        earlier = Signatory.objects.unsigned().filter(
            round=OuterRef("round"), position__lt=OuterRef("position")
        )
        return self.unsigned().filter(~Exists(earlier))


class Signatory(models.Model):
    """Somebody who signs a round's document: when it is their turn, and in what capacity.

    Who signs in the desk has a user; who has none is sent links by mail. For the agency any of its
    staff signs who may.
    """

    round = models.ForeignKey(SigningRound, models.PROTECT, related_name="signatories")
    position = models.PositiveSmallIntegerField()
    role = coded(SignatoryRole)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    performer = models.ForeignKey(
        Performer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="For whom they sign, or whom they advise.",
    )
    initials = models.BooleanField(
        default=False, help_text="Whether they initial the clause on the replica apart."
    )

    named_by: ClassVar[tuple[str, ...]] = ("round",)

    objects = SignatoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "signatories"
        constraints = [
            has_known_code("signatory_role_is_known", "role", SignatoryRole),
            models.UniqueConstraint(name="signatory_place_once", fields=["round", "position"]),
            models.CheckConstraint(
                name="signatory_can_be_reached",
                condition=Q(role=SignatoryRole.AGENCY.value) | Q(user__isnull=False) | ~Q(email=""),
                violation_error_message="Somebody without an account signs by a mailed link.",
            ),
            is_one_line("signatory_name_is_a_line", "name"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.name}, {self.get_role_display().lower()}"

    @property
    def field(self) -> str:
        """Name the signature's field in the document."""
        return f"signature-{self.position}"


class SigningEvent(models.Model):
    """What happened in a round, when, by whom, how they were known, and what they had before them.

    `digest` is that of the exact bytes shown, which are the first `size` bytes of the document.
    """

    round = models.ForeignKey(SigningRound, models.PROTECT, related_name="events")
    signatory = models.ForeignKey(
        Signatory, models.PROTECT, null=True, blank=True, related_name="events"
    )
    kind = coded(SigningEventKind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    identified = coded(Identified, blank=True)
    address = models.GenericIPAddressField("network address", null=True, blank=True)
    digest = models.CharField("SHA-256 of what was shown", max_length=64, blank=True)
    size = models.PositiveIntegerField("bytes shown", null=True, blank=True)
    words = models.CharField(
        max_length=500, blank=True, help_text="What they wrote: initials, a name, a reason."
    )

    named_by: ClassVar[tuple[str, ...]] = ("round",)

    objects = PartOfRoundQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("signing_event_kind_is_known", "kind", SigningEventKind),
            models.CheckConstraint(
                name="signing_event_identified_is_known",
                condition=Q(identified="") | Q(identified__in=Identified.codes()),
            ),
            models.UniqueConstraint(
                name="signing_event_signs_once",
                fields=["signatory"],
                condition=Q(kind=SigningEventKind.SIGNED.value),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class SigningLinkQuerySet(models.QuerySet["SigningLink"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(signatory__in=Signatory.objects.visible_to(user))


class SigningLink(models.Model):
    """A link that was mailed to one signatory. Only its digest is kept; it ends with its round."""

    signatory = models.ForeignKey(Signatory, models.PROTECT, related_name="links")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField()

    objects = SigningLinkQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Link to {self.signatory}"


class SignedScanQuerySet(models.QuerySet["SignedScan"]):
    def waiting(self) -> Self:
        """Those that nobody has approved or rejected."""
        return self.filter(~Exists(SignedScanStep.objects.filter(scan=OuterRef("pk"))))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class SignedScanManager(models.Manager["SignedScan"]):
    def get_queryset(self) -> SignedScanQuerySet:
        return SignedScanQuerySet(self.model, using=self._db).defer("pdf")

    def waiting(self) -> SignedScanQuerySet:
        return self.get_queryset().waiting()

    def visible_to(self, user: User | AnonymousUser) -> SignedScanQuerySet:
        return self.get_queryset().visible_to(user)


class SignedScan(models.Model):
    """A signed PDF from outside: a scan of what the desk drew, or an agreement signed elsewhere.

    One that was signed elsewhere says who signed it when, and is bound to the terms that were
    entered beside it.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="scans")
    kind = coded(ScanKind, default=ScanKind.PRINTED.value, db_default=ScanKind.PRINTED.value)
    document = models.ForeignKey(
        AgreementDocument,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="What was printed and signed. Empty: it is no document of the desk.",
    )
    signers = models.JSONField(
        "who signed", default=list, db_default=[], help_text="Name, role and day of each."
    )
    terms_sha256 = models.CharField(
        "SHA-256 of the terms", max_length=64, blank=True, default="", db_default=""
    )
    pdf = models.BinaryField("PDF")
    digest = models.CharField("SHA-256 of the scan", max_length=64)
    signed_on = models.DateField()
    vouched = models.CharField(
        max_length=500, help_text="Who signed it, before whom, and how it is known."
    )
    handed_in_at = models.DateTimeField()
    handed_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = SignedScanManager()

    class Meta:
        constraints = [
            has_known_code("signed_scan_kind_is_known", "kind", ScanKind),
            models.CheckConstraint(
                name="signed_scan_stands_beside_document_or_terms",
                condition=Q(kind=ScanKind.PRINTED.value, document__isnull=False, terms_sha256="")
                | (Q(kind=ScanKind.ELSEWHERE.value, document=None) & ~Q(terms_sha256="")),
            ),
            models.CheckConstraint(
                name="signed_scan_is_vouched_for",
                condition=~Q(vouched=""),
                violation_error_message="Say who signed it, and how that is known.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agreement}: {self.get_kind_display().lower()}"

    @property
    def state(self) -> ScanState:
        """Its state, from its only step; a caller that shows many loads them with it."""
        step = getattr(self, "step", None)
        return ScanState.WAITING if step is None else ScanState(step.kind)


class SignedScanStepQuerySet(models.QuerySet["SignedScanStep"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(scan__in=SignedScan.objects.visible_to(user))


class SignedScanStep(models.Model):
    """What became of a scan, when, by whom and why. There is one at most."""

    scan = models.OneToOneField(SignedScan, models.PROTECT, related_name="step")
    kind = coded(ScanState)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = SignedScanStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("signed_scan_step_kind_is_known", "kind", ScanState),
            models.CheckConstraint(
                name="signed_scan_step_decides",
                condition=~Q(kind=ScanState.WAITING.value),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
