"""Residuals: nights, usage totals, readings, and the differences they post."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Now

from licensing.models import Advance, Agreement, Guarantee, RateCard, RateLine
from licensing.models.usage import upstream
from licensing.models.usage_sums import SumsByMeter, UsageBucket
from licensing.words import Standing
from talent import locales
from talent.models import (
    Agency,
    Beneficiary,
    CompositeSource,
    DigitalTwin,
    EstateShare,
    Performer,
    User,
)
from talent.models.columns import (
    coded,
    currency,
    has_known_code,
    money,
    quantity,
    rate,
)
from talent.models.consent import APPEND_ONLY
from talent.models.names import day, minute, month
from talent.periods import Days, label
from talent.words import Power, Use
from valuation.words import ReadingKind, RunStatus, ShardStatus, Trouble

# What an agreement owes by a plan's rule, an invoice, or an old system's books.
RESTS_ON_NO_TERM = [
    kind.value
    for kind in (
        ReadingKind.CONTRIBUTION, ReadingKind.TAX, ReadingKind.INTEREST, ReadingKind.OPENING,
        ReadingKind.PASSED_TAX,
    )
]  # fmt: skip


class NightRunQuerySet(models.QuerySet["NightRun"]):
    def standing(self) -> Self:
        return self.filter(taken_back_at=None)

    def nights(self) -> Self:
        """Leave out the runs that rated some agreements anew: they read nothing of the log."""
        return self.filter(rerated_because="")


class NightRun(models.Model):
    """One night: the leaves [from_index, to_index) it read, and how many had which outcome.

    One that ran as of a wrong day is taken back: what it read stays read, and the next night posts
    what it posted too early back.
    """

    as_of = models.DateField()
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", help_text="None: the timetable."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    status = coded(RunStatus, default=RunStatus.RUNNING.value)
    from_index = models.BigIntegerField()
    to_index = models.BigIntegerField()
    added_until = models.BigIntegerField(
        default=0, db_default=0, help_text="Up to where these had been added up before it began."
    )
    zone = models.CharField(
        max_length=64, default="UTC", help_text="The zone in which `as_of` is a day."
    )
    events_read = models.BigIntegerField(default=0)
    events_rated = models.BigIntegerField(default=0)
    events_held = models.BigIntegerField(default=0)
    events_zero = models.BigIntegerField(default=0, help_text="Read, and no rate line applies.")
    rejected = models.BigIntegerField(default=0, help_text="Dead letters since the last run.")
    amounts = models.JSONField(default=dict, help_text="Posted by currency.")
    detail = models.TextField(
        blank=True, default="", db_default="", help_text="What could not be done."
    )
    kills = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often its process was killed before its end."
    )
    rating_since = models.DateTimeField(
        null=True, help_text="When the process that rates it began with that."
    )
    rated_before = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Agreements that were through by then."
    )
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    rerated_because = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="Why somebody had some agreements rated anew; empty: it is a night.",
    )
    drawn_at = models.DateTimeField(null=True, help_text="When its statements had been drawn.")
    taken_back_at = models.DateTimeField(null=True, help_text="When its day was found wrong.")
    taken_back_because = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = NightRunQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("night_run_status_is_known", "status", RunStatus),
            models.CheckConstraint(
                name="night_run_reads_forward", condition=Q(to_index__gte=F("from_index"))
            ),
            models.UniqueConstraint(
                name="night_run_one_at_a_time",
                fields=["status"],
                condition=Q(status=RunStatus.RUNNING.value),
                violation_error_message="Another night is running.",
            ),
        ]

    def __str__(self) -> str:
        name = "Re-rating" if self.rerated_because else "Night"
        return f"{name} as of {day(self.as_of)}, begun {minute(self.started_at)}"


class NightShardQuerySet(models.QuerySet["NightShard"]):
    def unfinished(self) -> Self:
        """The last parts of agreements that failed, set use aside, or were left by a cancel."""
        tried = NightShard.objects.filter(
            agreement=models.OuterRef("agreement"), run__gt=models.OuterRef("run")
        )
        left = [ShardStatus.FAILED.value, ShardStatus.PARTLY.value]
        cancelled = Q(status=ShardStatus.WAITING.value, run__status=RunStatus.CANCELLED.value)
        return self.filter(Q(status__in=left) | cancelled, ~models.Exists(tried))

    def unpriced(self) -> Self:
        """Parts that read uses without a price, of agreements whose rates nobody changed since.

        Whoever looks into it prices the use, or says by a line of zero that it is free.
        """
        since = {"pgh_created_at__gt": models.OuterRef("run__started_at")}
        # pghistory adds the attribute.
        cards = RateCard.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
            agreement=models.OuterRef("agreement"), **since
        )
        lines = RateLine.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
            card__agreement=models.OuterRef("agreement"), **since
        )
        return self.filter(~models.Exists(cards), ~models.Exists(lines), events_unpriced__gt=0)

    def taken_back(self) -> Self:
        """The parts of nights that were taken back, until a night that stands rates them again."""
        again = NightShard.objects.filter(
            agreement=models.OuterRef("agreement"),
            run__gt=models.OuterRef("run"),
            run__taken_back_at=None,
        )
        return self.filter(~models.Exists(again), run__taken_back_at__isnull=False)

    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class NightFailureQuerySet(models.QuerySet["NightFailure"]):
    def open(self) -> Self:
        """Return the failures after which no night has ended well."""
        since = NightRun.objects.standing().filter(
            status=RunStatus.FINISHED.value, finished_at__gt=OuterRef("at")
        )
        return self.filter(~Exists(since))

    def in_trouble(self, trouble: Trouble) -> Self:
        """Return the failures of one kind; those whose code names none of the others failed."""
        if trouble is not Trouble.FAILED:
            return self.filter(code=trouble.value)
        return self.exclude(code__in=[other.value for other in Trouble if other is not trouble])


class NightFailure(models.Model):
    """A night, or the drawing of its statements, that was refused or failed."""

    as_of = models.DateField()
    at = models.DateTimeField()
    code = models.CharField(max_length=60)
    detail = models.TextField()

    objects = NightFailureQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Night as of {day(self.as_of)}: {self.trouble.label}, {minute(self.at)}"

    @property
    def trouble(self) -> Trouble:
        return Trouble.of(self.code)


class NightShard(models.Model):
    """One agreement's part of one night: a transaction of its own, done once."""

    run = models.ForeignKey(NightRun, models.PROTECT, related_name="shards")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    status = coded(ShardStatus, default=ShardStatus.WAITING.value)
    error = models.CharField(max_length=500, blank=True)
    kills = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often a process was killed while it rated this."
    )
    events_rated = models.BigIntegerField(default=0)
    events_held = models.BigIntegerField(default=0)
    events_zero = models.BigIntegerField(default=0)
    events_unpriced = models.BigIntegerField(
        default=0, db_default=0, help_text="Of those worth zero: where nothing says that they are."
    )
    posted = money(default=0)
    terms = models.CharField(
        max_length=64,
        default="",
        help_text="Digest of the terms and shares that it was begun with.",
    )
    set_aside = models.JSONField(
        default=list, db_default=[], help_text="Use that could not be rated, and why."
    )

    named_by: ClassVar[tuple[str, ...]] = ("run", "agreement")

    objects = NightShardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="night_shard_once", fields=["run", "agreement"]),
            has_known_code("night_shard_status_is_known", "status", ShardStatus),
        ]
        indexes = [
            # The night: what is left to do.
            models.Index(
                name="night_shard_waiting", fields=["run", "id"], condition=Q(status="waiting")
            ),
            # The desk's tile: uses without a price.
            models.Index(
                name="night_shard_unpriced",
                fields=["agreement"],
                condition=Q(events_unpriced__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agreement}, night as of {day(self.run.as_of)}"


class RatedAgreementQuerySet(models.QuerySet["RatedAgreement"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class RatedAgreement(models.Model):
    """How far an agreement is rated: the last night that rated it, and by which terms.

    Terms and shares that have another digest since are rated by the next night, new use or not.
    """

    agreement = models.OneToOneField(Agreement, models.PROTECT, primary_key=True, related_name="+")
    run = models.ForeignKey(NightRun, models.PROTECT, related_name="+")
    terms = models.CharField(max_length=64)

    named_by: ClassVar[tuple[str, ...]] = ("agreement", "run")

    objects = RatedAgreementQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.agreement}: {self.run}"


class UsageStretch(models.Model):
    """The leaves [from_index, to_index), which were added up before a night reads them.

    All were sealed on one day, so that a night reads a stretch or does not. One that a night of
    another zone would cut is taken back with its totals, and added up anew.
    """

    from_index = models.BigIntegerField(unique=True)
    to_index = models.BigIntegerField(unique=True)
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="usage_stretch_has_leaves", condition=Q(to_index__gt=F("from_index"))
            )
        ]

    def __str__(self) -> str:
        return f"Leaves {self.from_index} to {self.to_index - 1}"


class AddedUpQuerySet(models.QuerySet[Any]):
    def read(self) -> Self:
        """Those of leaves that nights have read; others are added up ahead of them."""
        last = NightRun.objects.order_by("-to_index").values("to_index")[:1]
        return self.filter(last_index__lt=Subquery(last))

    def between(self, from_index: int, to_index: int) -> Self:
        """Those of the leaves [from, to), which begin and end where stretches or nights do."""
        return self.filter(last_index__gte=from_index, last_index__lt=to_index)

    def happened_by(self, day: date | models.Subquery) -> Self:
        """Those without use that came before it happened and had not by a night's day."""
        return self.filter(Q(counts_from=None) | Q(counts_from__lte=day))

    def visible_to(self, user: User) -> Self:
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(agreement__in=Agreement.objects.visible_to(user))
        )


class UsageTotal(UsageBucket):
    """What a stretch of leaves, or the rest that a night reads, adds to a month of an agreement.

    By all that rates can see. A month's total is the sum over all that were read. Rows are only
    ever added, so they can be rebuilt from the log and compared.
    """

    kind = models.UUIDField(
        null=True, help_text="A digest of all that a rate looks at; none: told one by one."
    )
    events = models.BigIntegerField(help_text="Below zero for what was taken back.")
    leaves = models.BigIntegerField(db_default=0, help_text="Leaves of the log that it tells of.")
    first_index = models.BigIntegerField()
    last_index = models.BigIntegerField()

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = AddedUpQuerySet.as_manager()

    class Meta:
        indexes = [
            # Rating: an agreement's months.
            models.Index(name="usage_total_agreement_month", fields=["agreement", "month_on"]),
            # The night: what is new of an agreement since it was rated.
            models.Index(name="usage_total_agreement_index", fields=["agreement", "last_index"]),
            # The night: what has come due since the last one.
            models.Index(
                name="usage_total_counts_from",
                fields=["counts_from"],
                condition=Q(counts_from__isnull=False),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        whose = self.agreement or "Without an agreement"
        return f"{whose}: {self.get_use_display()} in {month(self.month_on)}"


class UsageMonth(SumsByMeter):
    """What the totals of a stretch, or of the rest that a night reads, come to by month and use.

    For pages and statements, which show months and not all that a rate can see.
    """

    agency = upstream(Agency)
    agreement = upstream(Agreement, null=True)
    month_on = models.DateField()
    use = coded(Use)
    standing = coded(Standing)
    counts_from = models.DateField(null=True)
    events = models.BigIntegerField()
    leaves = models.BigIntegerField()
    last_index = models.BigIntegerField()

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = AddedUpQuerySet.as_manager()

    class Meta:
        indexes = [
            # Statements: the months of some agreements.
            models.Index(name="usage_month_agreement", fields=["agreement", "month_on"]),
            # The night: which agreements were used. Rows lie in this order.
            BrinIndex(name="usage_month_last_index", fields=["last_index"], autosummarize=True),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        whose = self.agreement or "Without an agreement"
        return f"{whose}: {self.get_use_display()} in {month(self.month_on)}"


class ReadingQuerySet(models.QuerySet["Reading"]):
    def of_use(self) -> Self:
        """Those that rate lines make of use; the others are owed by the agreement beside it."""
        return self.filter(kind=ReadingKind.USE.value)

    def with_received(self) -> Self:
        """Annotate each reading with `received` and `recouped`: what pays of it, in money and not.

        `received` is what remittances have paid, `recouped` what advances have.
        """
        own = Recoupment.objects.filter(reading=OuterRef("pk")).order_by().values("reading")
        return self.annotate(
            received=Coalesce(Sum("matches__amount"), Value(Decimal(0))),
            recouped=Coalesce(
                Subquery(own.annotate(sum=Sum("amount")).values("sum")), Value(Decimal(0))
            ),
        )

    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__agency__in=Agency.objects.visible_to(user))


class Reading(models.Model):
    """What a rate line read in one period at one factor, to date, and what that costs.

    Or what the agreement owes beside use: a true-up to its guarantee, an advance, a contribution,
    what an old system said that it owes.
    Derived: it can be rebuilt from the usage totals and the terms. What was posted for it is in its
    residual lines, which are facts.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    kind = coded(ReadingKind, default=ReadingKind.USE.value, db_default=ReadingKind.USE.value)
    rate_line = models.ForeignKey(RateLine, models.PROTECT, null=True, related_name="+")
    guarantee = models.ForeignKey(Guarantee, models.PROTECT, null=True, related_name="+")
    advance = models.ForeignKey(Advance, models.PROTECT, null=True, related_name="+")
    factor = rate()
    period_on = models.DateField()
    period_ends_on = models.DateField(help_text="The first day after the period.")
    quantity = quantity()
    events = models.BigIntegerField()
    gross = money()
    currency = currency()
    summary = models.JSONField(help_text="Uses, rights, languages and productions it covers.")
    explanation = models.JSONField(help_text="The priced lines that make the gross.")
    months = models.JSONField(
        default=list, help_text="Gross through each month, and the shares that count in it."
    )
    first_index = models.BigIntegerField()
    last_index = models.BigIntegerField()

    received: Decimal  # where `with_received` adds it
    recouped: Decimal  # … and this

    named_by: ClassVar[tuple[str, ...]] = ("agreement", "rate_line", "advance")

    objects = ReadingQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("reading_kind_is_known", "kind", ReadingKind),
            models.UniqueConstraint(
                name="reading_once", fields=["agreement", "rate_line", "factor", "period_on"]
            ),
            models.UniqueConstraint(
                name="reading_true_up_once",
                fields=["guarantee", "period_on"],
                condition=Q(kind=ReadingKind.TRUE_UP.value),
            ),
            models.UniqueConstraint(
                name="reading_advance_once",
                fields=["advance"],
                condition=Q(kind=ReadingKind.ADVANCE.value),
            ),
            models.UniqueConstraint(
                name="reading_contributions_once",
                fields=["agreement", "period_on"],
                condition=Q(kind=ReadingKind.CONTRIBUTION.value),
            ),
            models.CheckConstraint(
                name="reading_rests_on_a_term",
                condition=Q(kind=ReadingKind.USE.value, rate_line__isnull=False)
                | Q(kind=ReadingKind.TRUE_UP.value, guarantee__isnull=False, rate_line=None)
                | Q(kind=ReadingKind.ADVANCE.value, advance__isnull=False, rate_line=None)
                | Q(kind__in=RESTS_ON_NO_TERM, rate_line=None),
            ),
        ]
        indexes = [
            # The night: what agreements owe beside use.
            models.Index(
                name="reading_beside_use",
                fields=["agreement", "kind"],
                condition=~Q(kind=ReadingKind.USE.value),
            ),
        ]

    def __str__(self) -> str:
        factor = "" if self.factor == 1 else f" × {locales.quantity(self.factor, 'en')}"
        period = label(Days(self.period_on, self.period_ends_on))
        return f"{self.agreement}: {self.label}{factor}, {period}"

    @property
    def label(self) -> str:
        """What it is about, in the words of its rate line or term."""
        if self.rate_line is not None:
            return self.rate_line.label
        return self.advance.label if self.advance else ReadingKind(self.kind).label

    @property
    def owed(self) -> Decimal:
        """What the licensee still owes of it; below zero where more was received than it costs.

        For readings that `with_received` annotated.
        """
        owed: Decimal = self.gross - self.recouped - self.received
        return owed


class RecoupmentQuerySet(models.QuerySet["Recoupment"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(reading__in=Reading.objects.visible_to(user))


class Recoupment(models.Model):
    """What advances pay of a reading instead of money; below zero, pay no longer. Never edited."""

    reading = models.ForeignKey(Reading, models.PROTECT, related_name="recoupments")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    amount = money()
    currency = currency()
    recouped_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = RecoupmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="recoupment_moves_something", condition=~Q(amount=0))
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        amount = locales.money(self.amount, self.currency, "en")
        return f"{self.agreement}: {amount} recouped {minute(self.recouped_at)}"


class ResidualLineQuerySet(models.QuerySet["ResidualLine"]):
    def visible_to(self, user: User) -> Self:
        """Return lines of the user's agencies, and of those whose money the user may see.

        Whoever may see a deceased performer's money sees what the heirs get for their twins.
        """
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.spoken_for_by(user, Power.SEE_MONEY)
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(beneficiary__in=Beneficiary.objects.spoken_for_by(user))
            | _of_estates(performers)
        )

    def of_estates(self, performers: models.QuerySet[Performer]) -> Self:
        """Return what heirs get for the use of some performers' twins, and for nothing else."""
        return self.filter(_of_estates(performers))


def _of_estates(performers: models.QuerySet[Performer]) -> Q:
    """Return the condition that a line is an heir's, for a twin of one of some performers.

    Where an heir also has a part of a composite through somebody else, the line does not say how
    much came through whom: it is left out.
    """
    heir = {"beneficiary": OuterRef("beneficiary"), "performer__in": performers}
    own = EstateShare.objects.filter(performer=OuterRef("twin__performer"), **heir)
    sources = CompositeSource.objects.filter(twin=OuterRef("twin"))
    through = Q(performer__estate_shares__beneficiary=OuterRef("beneficiary"))
    directly = Q(performer__beneficiary=OuterRef("beneficiary"))
    others = sources.exclude(performer__in=performers).filter(through | directly)
    part = Exists(sources.filter(through, performer__in=performers)) & ~Exists(others)
    # Their twins first: for everybody who acts for nobody that is nothing, and costs nothing.
    return Q(twin__in=DigitalTwin.objects.of_performers(performers)) & (Q(Exists(own)) | Q(part))


class ResidualLine(models.Model):
    """The difference one night posted for a reading's month to a beneficiary. Never edited."""

    run = models.ForeignKey(NightRun, models.PROTECT, related_name="lines")
    reading = models.ForeignKey(Reading, models.PROTECT, related_name="lines")
    # Those of the reading: to look each up again took as long as to store the line.
    agency = models.ForeignKey(Agency, models.PROTECT, db_constraint=False, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, db_constraint=False, related_name="+")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, db_constraint=False, related_name="+")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    month_on = models.DateField(
        help_text="The first day of the month of use, or of the part of it that shares cut off."
    )
    period_on = models.DateField(help_text="The open period in which it counts.")
    quantity = quantity(help_text="How much the reading's quantity moved.")
    amount = money()
    currency = currency()
    explanation = models.JSONField()
    adjusts = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="adjustments",
        help_text="The line of a closed period that this one corrects.",
    )

    named_by: ClassVar[tuple[str, ...]] = ("run", "agreement", "beneficiary")

    objects = ResidualLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="residual_line_once", fields=["run", "reading", "month_on", "beneficiary"]
            )
        ]
        indexes = [
            # Statements: what a beneficiary has not seen yet.
            models.Index(
                name="residual_line_beneficiary", fields=["agency", "beneficiary", "period_on"]
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        night = f"night as of {day(self.run.as_of)}"
        return f"{self.beneficiary}: {self.agreement}, {month(self.month_on)}, {night}"
