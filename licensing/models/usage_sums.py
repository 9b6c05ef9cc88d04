"""Usage sums: what each batch brought, added up by all that a rate can see."""

from typing import Self

import pgtrigger
from django.db import models

from licensing.words import Channel, PromptClass, Standing, Treatment
from talent.models import Agency, User
from talent.models.columns import coded, quantity_sum
from talent.models.consent import APPEND_ONLY
from talent.models.names import month
from talent.words import Right, Use

from .agreements import Agreement
from .parties import Production
from .usage import UsageBatch, upstream


class SumsByMeter(models.Model):
    """What some usage comes to by meter; null where none of it is counted in one."""

    lines = quantity_sum(null=True)
    words = quantity_sum(null=True)
    characters = quantity_sum(null=True)
    seconds = quantity_sum(null=True)
    frames = quantity_sum(null=True)
    shots = quantity_sum(null=True)
    tokens = quantity_sum(null=True)
    prompts = quantity_sum(null=True)
    sessions = quantity_sum(null=True)
    gpu_seconds = quantity_sum(null=True)
    equivalent_days = quantity_sum(null=True)
    runs = quantity_sum(null=True)
    copies = quantity_sum(null=True)
    revenue = quantity_sum(null=True)

    class Meta:
        abstract = True


class UsageBucket(SumsByMeter):
    """All that a rate can see of usage, and its quantities by meter.

    Months are those of `occurred_at` in the agreement's time zone.
    """

    agency = upstream(Agency)
    agreement = upstream(Agreement, null=True)
    month_on = models.DateField()
    production = upstream(Production, null=True)
    right = coded(Right)
    use = coded(Use)
    territory = models.CharField(max_length=6)
    language = models.CharField(max_length=35, blank=True)
    channel = coded(Channel)
    prompt_class = coded(PromptClass)
    real_time = models.BooleanField()
    standing = coded(Standing)
    treatment = coded(Treatment, blank=True, db_default="", help_text="What a ruling made of it.")
    counts_from = models.DateField(
        null=True, help_text="The day after they happen, of uses that came before that."
    )
    whole = models.JSONField(
        null=True, help_text="What one event says in all, where these are parts of events."
    )
    uniform = models.BooleanField(
        help_text="All events carry the same quantities, so each can be rounded."
    )

    class Meta(SumsByMeter.Meta):
        abstract = True


class UsageSumQuerySet(models.QuerySet["UsageSum"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class UsageSum(UsageBucket):
    """What the leaves of one batch add to a bucket of usage, or take back from it. Never edited.

    Sums are facts that follow from the events: `manage.py night --verify` adds these up and
    compares.
    """

    batch = upstream(UsageBatch)
    bucket = models.UUIDField(help_text="A digest of the columns that make the bucket.")
    events = models.IntegerField(help_text="Below zero for what was taken back.")
    leaves = models.IntegerField(help_text="Leaves of the log that it tells of.")
    first_seat = models.IntegerField()
    last_seat = models.IntegerField()

    objects = UsageSumQuerySet.as_manager()

    class Meta:
        constraints = [
            # Also the night: which batches have no sums; and the check, batch by batch.
            models.UniqueConstraint(name="usage_sum_once", fields=["batch", "bucket"])
        ]
        indexes = [
            # The night: what new batches brought to some agreements.
            models.Index(name="usage_sum_agreement", fields=["agreement", "batch"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Use in {month(self.month_on)}"
