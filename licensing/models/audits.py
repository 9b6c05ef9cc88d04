"""Audits: a performer or a studio looks at an agreement's uses and money of a period."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from licensing.words import AuditSide, AuditStepKind
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day

from .agreements import Agreement, PartOfAgreementQuerySet
from .money_terms import Advance

ENDS = (AuditStepKind.CLOSED.value, AuditStepKind.DROPPED.value)


class AuditQuerySet(PartOfAgreementQuerySet):
    def open(self):
        """Those that are neither closed nor dropped."""
        ended = AuditStep.objects.filter(kind__in=ENDS)
        return self.exclude(pk__in=ended.values("audit"))


class Audit(models.Model):
    """That one side of an agreement audits a period of it; the days are the agreement's."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="audits")
    side = coded(AuditSide)
    period_from = models.DateField()
    period_to = models.DateField(help_text="The first day after the period.")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    opens_on = models.DateField(help_text="When the notice has run; the evidence is there then.")

    objects = AuditQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("audit_side_is_known", "side", AuditSide),
            models.CheckConstraint(
                name="audit_period_ends_after_it_starts",
                condition=Q(period_to__gt=F("period_from")),
                violation_error_message="A period ends after it starts.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.agreement}: audit from {day(self.period_from)}"

    def step(self, kind):
        """Return its latest step of a kind; None if there is none. Reads prefetched steps."""
        steps = [one for one in self.steps.all() if one.kind == kind.value] if self.pk else []
        return steps[-1] if steps else None


class AuditStepQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(audit__in=Audit.objects.visible_to(user))


class AuditStep(models.Model):
    """What was found, replied, proposed and closed, by whom; a settlement is an amount owed."""

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="steps")
    kind = coded(AuditStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    text = models.TextField()
    amount = money(null=True, help_text="What the studio owes on top.")
    currency = currency(blank=True)
    advance = models.OneToOneField(
        Advance,
        models.PROTECT,
        null=True,
        related_name="settles",
        help_text="What the studio is charged, as the statements show it.",
    )

    objects = AuditStepQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            has_known_code("audit_step_kind_is_known", "kind", AuditStepKind),
            models.UniqueConstraint(
                name="audit_step_ends_once", fields=["audit"], condition=Q(kind__in=ENDS)
            ),
            models.CheckConstraint(
                name="audit_step_settles_an_amount",
                condition=Q(kind__in=[AuditStepKind.PROPOSED.value, AuditStepKind.CLOSED.value])
                & Q(amount__gte=0)
                | Q(amount=None),
                violation_error_message="A settlement is zero or more.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return str(self.get_kind_display())
