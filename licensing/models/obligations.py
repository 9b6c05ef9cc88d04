"""What people said of obligations, and the secret addresses of calendars that show them."""

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.words import TickKind
from talent.models import Agency, Performer, User
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY

from .agreements import Agreement
from .parties import LicenseeTerms


class ObligationTickQuerySet(models.QuerySet["ObligationTick"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class ObligationTick(models.Model):
    """What somebody said of an obligation of an agreement, with why. The last one counts.

    Obligations themselves are derived; `key` names one among its agreement's, and `due_on` is the
    day that it had when it was ticked.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="ticks")
    key = models.CharField(max_length=100)
    kind = coded(TickKind)
    due_on = models.DateField(null=True)
    note = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = ObligationTickQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("obligation_tick_kind_is_known", "kind", TickKind)]
        indexes = [models.Index(name="obligation_tick_last", fields=["agreement", "key", "-id"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class CalendarAddressQuerySet(models.QuerySet["CalendarAddress"]):
    def open(self) -> Self:
        """Those that answer."""
        return self.filter(revoked_at=None)

    def visible_to(self, user: User) -> Self:
        """A person's own, and those that a licensee has of the user's agencies."""
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        return self.filter(Q(user_id=user.pk) | Q(terms__agency__in=agencies))


class CalendarAddress(models.Model):
    """A secret address of a calendar of obligations; only its SHA-256 is kept.

    It is somebody's seat at an agency, somebody who speaks for a performer, or a licensee's with an
    agency. What it shows is asked anew each time, so it never shows more than its owner may see.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    performer = models.ForeignKey(Performer, models.PROTECT, null=True, related_name="+")
    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, null=True, related_name="calendars")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = CalendarAddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "calendar addresses"
        constraints = [
            models.CheckConstraint(
                name="calendar_address_has_one_owner",
                condition=Q(user__isnull=False, agency__isnull=False, performer=None, terms=None)
                | Q(user__isnull=False, agency=None, performer__isnull=False, terms=None)
                | Q(user=None, agency=None, performer=None, terms__isnull=False),
            ),
            # Another one takes the place of the first.
            models.UniqueConstraint(
                name="calendar_address_once_open",
                fields=["user", "agency", "performer", "terms"],
                condition=Q(revoked_at=None),
                nulls_distinct=False,
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="only_revoked", exclude=["revoked_at"]),
        ]

    def __str__(self) -> str:
        return str(self.terms or self.agency or self.performer)
