"""Keys that performers have of their own, and which items are written to them, too."""

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from talent.words import OwnKeyStepKind

from .columns import coded, has_known_code
from .consent import APPEND_ONLY
from .custody import CustodyItem
from .people import Performer, User


class OwnKeyQuerySet(models.QuerySet["OwnKey"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(performer__in=Performer.objects.visible_to(user))

    def in_use(self) -> Self:
        """Return those whose possession was proven and that nobody ended."""
        steps = OwnKeyStep.objects.filter(key=OuterRef("pk"))
        return self.filter(
            Exists(steps.filter(kind=OwnKeyStepKind.PROVEN.value)),
            ~Exists(steps.filter(kind=OwnKeyStepKind.ENDED.value)),
        )


class OwnKey(models.Model):
    """An age key that a performer names as theirs; it counts once they opened something with it."""

    performer = models.ForeignKey(Performer, models.PROTECT, related_name="own_keys")
    recipient = models.CharField(max_length=80, help_text="Its public part, age1….")
    answer_sha256 = models.CharField(max_length=64, editable=False)
    challenge = models.BinaryField(editable=False)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = OwnKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "performer's own key"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.recipient


class OwnKeyStepQuerySet(models.QuerySet["OwnKeyStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(key__in=OwnKey.objects.visible_to(user))


class OwnKeyStep(models.Model):
    """That a performer proved to have a key, or that it is used no more."""

    key = models.ForeignKey(OwnKey, models.PROTECT, related_name="steps")
    kind = coded(OwnKeyStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = OwnKeyStepQuerySet.as_manager()

    class Meta:
        verbose_name = "step of a performer's own key"
        verbose_name_plural = "steps of performers' own keys"
        constraints = [
            has_known_code("own_key_step_kind_is_known", "kind", OwnKeyStepKind),
            models.UniqueConstraint(name="own_key_step_once", fields=["key", "kind"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class ItemOfOwnKeyQuerySet(models.QuerySet["ItemOfOwnKey"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))


class ItemOfOwnKey(models.Model):
    """That an item is written to its performer's own key, too, or no more; the last word counts."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="own_keys")
    key = models.ForeignKey(OwnKey, models.PROTECT, related_name="items")
    is_written = models.BooleanField(
        default=True, db_default=True, help_text="No: from then on the key opens it no more."
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = ItemOfOwnKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "item written to an own key"
        verbose_name_plural = "items written to own keys"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.item}: {self.key}"
