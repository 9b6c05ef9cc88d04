"""Prompts: commitments that stay, texts that can be erased, and who saw or erased one."""

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.words import RevealPurpose
from talent.models import Agency, User
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute

from .usage import UsageEvent

GONE_ONLY_WHEN_ERASED = """
    IF NOT EXISTS (SELECT 1 FROM licensing_prompterasure WHERE event_id = OLD.event_id) THEN
        RAISE EXCEPTION 'The text of prompt % goes only by an erasure on record.', OLD.event_id;
    END IF;
    RETURN OLD;
"""


def of_event(**options) -> models.ForeignKey:
    """An event, referred to without a constraint: its table is partitioned and never shrinks."""
    return models.ForeignKey(
        UsageEvent, models.PROTECT, db_constraint=False, related_name="+", **options
    )


class PromptCommitment(models.Model):
    """A salted commitment to a prompt's text; the sealed bytes of its event hold it too."""

    event = models.OneToOneField(
        UsageEvent, models.PROTECT, primary_key=True, db_constraint=False, related_name="prompt"
    )
    salt = models.BinaryField(max_length=32)
    commitment = models.BinaryField(max_length=32)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Prompt of event {self.pk}"


class PromptText(models.Model):
    """A prompt's text under a data key of its own, and that key under the desk's.

    Deleted, with its key, only by an erasure that stays on record.
    """

    event = models.OneToOneField(
        UsageEvent,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="prompt_text",
    )
    # Repeated here, since the event itself may have left for an archive.
    agency = models.ForeignKey(
        Agency, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    wrapped_key = models.BinaryField(max_length=60)
    sealed = models.BinaryField()

    class Meta:
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="gone_only_when_erased",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=GONE_ONLY_WHEN_ERASED,
            ),
        ]

    def __str__(self):
        return f"Text of prompt {self.pk}"


class OfAgencyQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PromptReveal(models.Model):
    """That somebody read a prompt's text, and what for."""

    event = of_event()
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    purpose = coded(RevealPurpose)
    note = models.CharField(max_length=500)
    revealed_at = models.DateTimeField()

    objects = OfAgencyQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("prompt_reveal_purpose_is_known", "purpose", RevealPurpose),
            models.CheckConstraint(
                name="prompt_reveal_says_why",
                condition=~Q(note=""),
                violation_error_message="Say what the prompt is read for.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.get_purpose_display()}, {minute(self.revealed_at)}"


class PromptErasure(models.Model):
    """What is left of a prompt whose text was erased: who did it, when and why."""

    event = models.OneToOneField(
        UsageEvent,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="prompt_erasure",
    )
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    erased_at = models.DateTimeField()

    objects = OfAgencyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="prompt_erasure_says_why",
                condition=~Q(reason=""),
                violation_error_message="Say why the prompt is erased.",
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Erased {minute(self.erased_at)}: {self.reason}"
