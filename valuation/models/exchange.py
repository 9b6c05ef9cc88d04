"""Exchange rates: what a currency was worth in another on a day, and who said so."""

from datetime import date, datetime
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from talent.models import User
from talent.models.columns import currency
from talent.models.consent import APPEND_ONLY
from talent.periods import LAST_YEAR

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(LAST_YEAR, 12, 31)


class ExchangeRateQuerySet(models.QuerySet["ExchangeRate"]):
    def known_at(self, instant: datetime) -> Self:
        """Keep, of each day's rates, the last that was recorded by an instant."""
        known = self.filter(recorded_at__lte=instant)
        return known.order_by("base", "currency", "on", "-recorded_at", "-pk").distinct(
            "base", "currency", "on"
        )

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.is_authenticated else self.none()


class ExchangeRate(models.Model):
    """How much of `currency` one unit of `base` bought on a day.

    It is never changed: a corrected rate is a row of its own, and the last recorded one counts.
    """

    base = currency()
    currency = currency()
    on = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    source = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = ExchangeRateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exchange_rate_above_zero",
                condition=Q(rate__gt=0),
                violation_error_message="A rate is above zero.",
            ),
            models.CheckConstraint(
                name="exchange_rate_between_two",
                condition=~Q(base=F("currency")),
                violation_error_message="A rate is between two currencies.",
            ),
            models.CheckConstraint(
                name="exchange_rate_in_this_age",
                condition=Q(on__gte=FIRST_DAY, on__lte=LAST_DAY),
                violation_error_message="No rate is known of that year.",
            ),
            models.UniqueConstraint(
                name="exchange_rate_once", fields=["base", "currency", "on", "recorded_at"]
            ),
        ]
        indexes = [models.Index(name="exchange_rate_by_day", fields=["on", "base", "currency"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"1 {self.base} = {self.rate.normalize():f} {self.currency} on {self.on}"
