"""Caps: limits by fiscal year, what clearances reserve of them, and the alerts near their end."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.sql.compiler import SQLCompiler

from licensing.quantities import measured
from licensing.words import Channel, Meter, ReservationState
from talent import locales
from talent.database.sql import Sql, sql_file
from talent.models import DigitalTwin, Performer, User
from talent.models.columns import coded, codes, has_known_code, quantity, quantity_sum
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from talent.periods import Days, period_containing
from talent.words import Period

from .agreements import Agreement
from .clearance import ClearanceDecision

OPEN = ReservationState.OPEN.value


class CapQuerySet(models.QuerySet["Cap"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agreement__in=Agreement.objects.visible_to(user))
            | Q(twin__in=DigitalTwin.objects.visible_to(user))
            | Q(performer__in=Performer.objects.visible_to(user))
        )


@pghistory.track()
class Cap(models.Model):
    """A limit on one meter per fiscal year, for an agreement, a twin or a performer.

    Once it counts it keeps what it counts: another meter, channel or start is another cap.
    """

    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="caps"
    )
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, null=True, blank=True, related_name="+")
    performer = models.ForeignKey(
        Performer, models.PROTECT, null=True, blank=True, related_name="+"
    )
    meter = coded(Meter)
    limit = quantity()
    channels = codes(Channel, null=True, blank=True)
    year_start_month = models.PositiveSmallIntegerField(
        default=1, help_text="Of a twin's or performer's cap; an agreement's has its own."
    )
    hard = models.BooleanField(default=True, help_text="Refuse past the limit; else overage.")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("agreement", "twin", "performer")

    objects = CapQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("cap_meter_is_known", "meter", Meter),
            models.CheckConstraint(
                name="cap_one_subject",
                condition=(
                    Q(agreement__isnull=False, twin=None, performer=None)
                    | Q(agreement=None, twin__isnull=False, performer=None)
                    | Q(agreement=None, twin=None, performer__isnull=False)
                ),
                violation_error_message="A cap limits an agreement, a twin or a performer.",
            ),
            models.CheckConstraint(
                name="cap_limit_is_positive",
                condition=Q(limit__gt=0),
                violation_error_message="A cap's limit is above zero.",
            ),
            models.CheckConstraint(
                name="cap_year_starts_in_a_month",
                condition=Q(year_start_month__range=(1, 12)),
                violation_error_message="A fiscal year starts in month 1 to 12.",
            ),
        ]
        triggers = [
            # What was counted of one meter, channel or time would pass for that of another.
            pgtrigger.Trigger(
                name="counts_the_same_for_good",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "agreement", "twin", "performer", "meter", "channels", "starts_on",
                    "year_start_month",
                ),
                func="""
                    IF EXISTS (SELECT FROM licensing_capyear WHERE cap_id = OLD.id) THEN
                        RAISE EXCEPTION 'a cap that counts keeps its meter, channels and start'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        whom = self.agreement or self.twin or self.performer
        return f"{whom}: {measured(self.limit, self.meter)} a year"

    @property
    def time_zone(self) -> str:
        """The zone its days begin in: that of its agreement, else UTC."""
        return self.agreement.time_zone if self.agreement else "UTC"

    def year_of(self, day: date) -> Days:
        """The fiscal year that holds a day, by the first month of its agreement, else its own."""
        agreed = self.agreement and self.agreement.fiscal_year_start_month
        return period_containing(day, Period.YEAR, agreed or self.year_start_month)


def lapsed_units(year: str, at: str) -> Sql:
    """Return SQL for what lapsed reservations still take up in the column `reserved` of a year.

    `year` is SQL for the year's id, `at` SQL for the instant.
    """
    return sql_file(__file__, "lapsed_units.sql", year=year, at=at)


class LapsedUnits(models.Func):
    """The same as an expression of a query: `LapsedUnits("pk", at)`."""

    arity = 2
    output_field = quantity()

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        (year, of_year), (at, of_at) = map(compiler.compile, self.source_expressions)
        return lapsed_units(year, at), (*of_year, *of_at)


class CapYearQuerySet(models.QuerySet["CapYear"]):
    def with_still_reserved(self, at: datetime) -> Self:
        """Annotate `still_reserved`: what is reserved without what has lapsed at an instant."""
        lapsed = LapsedUnits("pk", models.Value(at, models.DateTimeField()))
        return self.annotate(still_reserved=F("reserved") - lapsed)

    def near_its_end(self, at: datetime, share: Decimal = Decimal("0.8")) -> Self:
        """Years that run at an instant with at least that share of their limit used or reserved."""
        today = at.date()
        return self.with_still_reserved(at).filter(
            used__gte=F("cap__limit") * share - F("still_reserved"),
            starts_on__lte=today,
            starts_on__gt=today - timedelta(days=366),
        )

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(cap__in=Cap.objects.visible_to(user))


class CapYear(models.Model):
    """What one fiscal year of a cap has reserved and used; its row is the lock."""

    cap = models.ForeignKey(Cap, models.PROTECT, related_name="years", db_index=False)
    starts_on = models.DateField()
    reserved = quantity_sum(default=0)
    used = quantity_sum(default=0)

    still_reserved: Decimal  # only where `with_still_reserved` or a decision's facts brought it

    named_by: ClassVar[tuple[str, ...]] = ("cap",)

    objects = CapYearQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="cap_year_once", fields=["cap", "starts_on"]),
            models.CheckConstraint(
                name="cap_year_never_negative", condition=Q(reserved__gte=0, used__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cap}, from {day(self.starts_on)}"


class CapReservationQuerySet(models.QuerySet["CapReservation"]):
    def lapsed(self, at: datetime) -> Self:
        """Open reservations whose time is over: they hold nothing any more."""
        return self.filter(state=OPEN, expires_at__lte=at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(decision__in=ClearanceDecision.objects.visible_to(user))


class CapReservation(models.Model):
    """Units that a cleared request holds until it is confirmed, released or expired, once."""

    decision = models.OneToOneField(
        ClearanceDecision, models.PROTECT, primary_key=True, related_name="reservation"
    )
    reserved_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = coded(ReservationState, default=OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_key = models.CharField(max_length=200, blank=True, help_text="The idempotency key.")
    settled_digest = models.BinaryField(max_length=32, null=True)

    named_by: ClassVar[tuple[str, ...]] = ("decision",)

    objects = CapReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("cap_reservation_state_is_known", "state", ReservationState),
            models.CheckConstraint(
                name="cap_reservation_expires_after_it_begins",
                condition=Q(expires_at__gt=F("reserved_at")),
                violation_error_message="A reservation expires after it begins.",
            ),
            models.CheckConstraint(
                name="cap_reservation_settled_unless_open",
                condition=Q(state=OPEN, settled_at=None)
                | (~Q(state=OPEN) & Q(settled_at__isnull=False)),
                violation_error_message="An open reservation is not settled; every other one is.",
            ),
        ]
        indexes = [
            # The sweep, and every sum of what a cap's year still holds.
            models.Index(
                name="cap_reservation_open", fields=["expires_at"], condition=Q(state=OPEN)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="settled_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=OPEN),
            ),
            pgtrigger.ReadOnly(name="terms_stay", fields=["decision", "reserved_at", "expires_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.decision}: {self.get_state_display().lower()}"


class ReservedUnitsQuerySet(models.QuerySet["ReservedUnits"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(reservation__in=CapReservation.objects.visible_to(user))


class ReservedUnits(models.Model):
    """Units of one meter that a reservation holds of one cap's year; no year: no cap counts them.

    `drawn` is what events under its permit reported of them.
    """

    reservation = models.ForeignKey(
        CapReservation, models.PROTECT, related_name="units", db_index=False
    )
    cap_year = models.ForeignKey(CapYear, models.PROTECT, null=True, related_name="reservations")
    meter = coded(Meter)
    units = quantity()
    over = quantity(default=0, help_text="The part of the units past a soft cap's limit.")
    confirmed = quantity(null=True)
    drawn = quantity(default=0)

    objects = ReservedUnitsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "reserved units"
        constraints = [
            has_known_code("reserved_units_meter_is_known", "meter", Meter),
            models.UniqueConstraint(
                name="reserved_units_once",
                fields=["reservation", "meter", "cap_year"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="reserved_units_cover_what_is_drawn",
                condition=Q(units__gt=0, over__gte=0, over__lte=F("units"), drawn__gte=0)
                & Q(drawn__lte=F("units"))
                & (Q(confirmed=None) | Q(confirmed__gte=F("drawn"), confirmed__lte=F("units"))),
                violation_error_message="No more is confirmed or drawn than was reserved.",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="terms_stay", fields=["reservation", "cap_year", "meter", "units", "over"]
            ),
        ]

    def __str__(self) -> str:
        return measured(self.units, self.meter)

    @property
    def left(self) -> Decimal:
        """What no event has reported yet, of what was confirmed or else reserved."""
        covered: Decimal = self.units if self.confirmed is None else self.confirmed
        left: Decimal = covered - self.drawn
        return left


class CapAlertQuerySet(models.QuerySet["CapAlert"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(year__in=CapYear.objects.visible_to(user))


class CapAlert(models.Model):
    """That a cap's year reached a part of its limit.

    Raised once, in the transaction that reached it.
    """

    year = models.ForeignKey(CapYear, models.PROTECT, related_name="alerts")
    percent = models.PositiveSmallIntegerField()
    raised_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("year",)

    objects = CapAlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="cap_alert_once", fields=["year", "percent"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.year}: {locales.percent(Decimal(self.percent), 'en')} reached"
