"""Transfers: a licence that passes to another studio, with its clock, its assumption and steps."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.wire.names import Prefix, name_of
from licensing.words import TransferState, TransferStepKind
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import day

from .agreements import Agreement, PartOfAgreementQuerySet
from .parties import ApiKey, Licensee

ENDED_BY = {
    TransferStepKind.TRANSFERRED: TransferState.TRANSFERRED,
    TransferStepKind.REJECTED: TransferState.REJECTED,
    TransferStepKind.TAKEN_BACK: TransferState.TAKEN_BACK,
}


class TransferQuerySet(PartOfAgreementQuerySet):
    def waiting(self):
        """Those that are neither done nor dropped."""
        ended = TransferStep.objects.filter(kind__in=[kind.value for kind in ENDED_BY])
        return self.exclude(pk__in=ended.values("transfer"))


class Transfer(models.Model):
    """That a licence is to pass to another licensee on a day, as it was asked for."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="transfers")
    licensee = models.ForeignKey(
        Licensee, models.PROTECT, related_name="+", help_text="Who takes the licence over."
    )
    takes_effect_on = models.DateField(help_text="From this day on uses are the new licensee's.")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    answer_due_on = models.DateField(
        null=True, help_text="Until then the union may answer. Empty: no rule gives it a say."
    )
    rule = models.CharField(
        max_length=300, blank=True, help_text="The rule that gives the union its days."
    )

    named_by: ClassVar[tuple[str, ...]] = ("agreement", "licensee")

    objects = TransferQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.agreement} to {self.licensee} on {day(self.takes_effect_on)}"

    @property
    def name(self):
        """How studios name it: X3."""
        return name_of(Prefix.TRANSFER, self.pk)

    def step(self, *kinds):
        """Return its first step of one of some kinds; None if there is none. Reads prefetched."""
        steps = self.steps.all() if self.pk else ()
        return next((one for one in steps if TransferStepKind(one.kind) in kinds), None)

    @property
    def state(self) -> TransferState:
        """What has become of it."""
        ended = self.step(*ENDED_BY)
        if ended is not None:
            return ENDED_BY[TransferStepKind(ended.kind)]
        assumed = self.step(TransferStepKind.ASSUMED)
        return TransferState.ASSUMED if assumed else TransferState.ASKED

    @property
    def releases(self) -> bool:
        """Whether the licensee of before is free of what comes after: no rule, or the union's yes.

        SAG-AFTRA Television/Theatrical Agreement, 39.I.
        """
        return self.answer_due_on is None or bool(self.step(TransferStepKind.UNION_APPROVED))


class TransferStepQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(transfer__in=Transfer.objects.visible_to(user))


class TransferStep(models.Model):
    """What happened to a transfer. An assumption keeps the words, and who stands for them how."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="steps")
    kind = coded(TransferStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+")
    signatory = models.CharField(max_length=200, blank=True)
    signatory_title = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True, help_text="What was signed, word for word.")
    assigned = models.OneToOneField(
        Agreement,
        models.PROTECT,
        null=True,
        related_name="assigned_by",
        help_text="The agreement with the new licensee.",
    )
    reason = models.CharField(max_length=500, blank=True)

    objects = TransferStepQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            has_known_code("transfer_step_kind_is_known", "kind", TransferStepKind),
            models.UniqueConstraint(name="transfer_step_once_each", fields=["transfer", "kind"]),
            models.CheckConstraint(
                name="transfer_step_assumption_is_signed",
                condition=~Q(kind=TransferStepKind.ASSUMED.value)
                | (~Q(signatory="") & ~Q(text="")),
                violation_error_message="Say who assumed the obligations, and in which words.",
            ),
            models.CheckConstraint(
                name="transfer_step_names_its_agreement",
                condition=Q(kind=TransferStepKind.TRANSFERRED.value, assigned__isnull=False)
                | (~Q(kind=TransferStepKind.TRANSFERRED.value) & Q(assigned=None)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return str(self.get_kind_display())
