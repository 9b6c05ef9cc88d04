"""On what terms: rules of the field, agreements, grants, rate cards."""

import secrets
from datetime import date
from typing import ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from licensing.words import (
    AgreementStatus,
    AgreementStepKind,
    Channel,
    Confidence,
    ContributionPlan,
    ContributionsPaidBy,
    CutPeriod,
    Engagement,
    Factor,
    Meter,
    PayClass,
    Pricing,
    PromptClass,
    RoundQuantity,
    RuleStatus,
    Trigger,
)
from talent import locales
from talent.models import Agency, DigitalTwin, Performer
from talent.models.columns import (
    coded,
    codes,
    currency,
    has_known_code,
    money,
    quantity,
    rate,
    tags,
    time_zone,
)
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from talent.periods import local_day
from talent.words import Exclusion, Guild, Period, Power, Right, Use

from .parties import Licensee, Production


class RuleSetQuerySet(models.QuerySet):
    def on(self, day):
        """Rules that count on a day: that of the fact which triggers them."""
        return self.filter(Q(effective_to=None) | Q(effective_to__gte=day), effective_from__lte=day)

    def visible_to(self, user):
        return self if user.is_authenticated else self.none()


class RuleSet(models.Model):
    """A dated, sourced rule or figure of the field, with how sure the desk is of it."""

    code = models.CharField(max_length=80)
    instrument = models.CharField(max_length=200)
    jurisdiction = models.CharField(max_length=40, blank=True)
    clause = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=200)
    summary = models.TextField()
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True, help_text="The last day, included.")
    trigger = coded(Trigger)
    source = models.CharField(max_length=300)
    source_url = models.URLField(blank=True)
    confidence = coded(Confidence)
    status = coded(RuleStatus)
    second_source = models.CharField(max_length=300, blank=True, default="", db_default="")
    second_source_url = models.URLField(blank=True, default="", db_default="")
    blocks = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether breaking it forbids a signature, if it was read well enough.",
    )
    absolute = models.BooleanField(
        default=False, db_default=False, help_text="Nobody may override it."
    )
    in_plain_words = models.TextField(
        blank=True, default="", db_default="", help_text="What it does for a performer."
    )
    values = models.JSONField(default=dict, blank=True)

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="rule_set_one_per_start", fields=["code", "effective_from"]
            ),
            has_known_code("rule_set_trigger_is_known", "trigger", Trigger),
            has_known_code("rule_set_confidence_is_known", "confidence", Confidence),
            has_known_code("rule_set_status_is_known", "status", RuleStatus),
            models.CheckConstraint(
                name="rule_set_ends_after_it_starts",
                condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")),
                violation_error_message="A rule must end after it starts.",
            ),
        ]

    def __str__(self):
        return f"{self.title}, from {day(self.effective_from)}"


class AgreementQuerySet(models.QuerySet):
    def in_force(self, at):
        """Signed agreements whose term holds the instant: start included, end not."""
        return self.filter(
            Q(ends_at=None) | Q(ends_at__gt=at), signed_at__isnull=False, starts_at__lte=at
        )

    def expiring_within(self, days):
        """In force now and ending within so many days."""
        return self.in_force(Now()).filter(ends_at__lte=Now() + days)

    def visible_to(self, user):
        """For the agency's staff and the twin's performers, delegates and sources who see usage."""
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.spoken_for_by(user, Power.SEE_USAGE)
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(twin__in=DigitalTwin.objects.of_performers(performers))
        )


@pghistory.track(exclude=["tag_key"])
class Agreement(models.Model):
    """A licence of one twin by one agency to one licensee. Ending early moves `ends_at`."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="agreements")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    productions = models.ManyToManyField(
        Production, blank=True, related_name="agreements", help_text="None: all of the licensee's."
    )
    reference = models.CharField(max_length=40)
    status = coded(AgreementStatus, default=AgreementStatus.DRAFT.value)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_elsewhere_on = models.DateField(
        null=True,
        blank=True,
        editable=False,
        help_text="The last day on the paper, where it was signed outside this desk.",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    currency = currency()
    time_zone = time_zone(help_text="Fixed at signing: its days decide the period.")
    rating_period = coded(Period, default=Period.QUARTER.value)
    fiscal_year_start_month = models.PositiveSmallIntegerField(default=1)
    engagement = coded(Engagement, default=Engagement.NOT_COVERED.value)
    guild = coded(Guild, default=Guild.NONE.value)
    description = models.TextField(
        blank=True, help_text="The reasonably specific description of the intended uses."
    )
    recoups_with = models.CharField(
        "recoups together with",
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="A name that agreements share whose advances are paid back together. Empty: "
        "each pays back its own.",
    )
    reserve_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=0,
        db_default=0,
        help_text="Held back of what would be payable, in percent.",
    )
    reserve_periods = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="For how many statement periods after that of the receipt.",
    )
    reserve_cap = money(null=True, blank=True, help_text="The most that is held. Empty: no limit.")
    contribution_plan = coded(
        ContributionPlan,
        default=ContributionPlan.NONE.value,
        db_default=ContributionPlan.NONE.value,
        help_text="The plan whose rates count on top of pay.",
    )
    contribution_class = coded(
        PayClass, default=PayClass.PRINCIPAL.value, db_default=PayClass.PRINCIPAL.value
    )
    contributions_paid_by = coded(
        ContributionsPaidBy,
        default=ContributionsPaidBy.LICENSEE.value,
        db_default=ContributionsPaidBy.LICENSEE.value,
    )
    try_out = models.BooleanField(
        "try-out",
        default=False,
        db_default=False,
        editable=False,
        help_text="Free and watermarked; nothing made under it is published.",
    )
    tag_key = models.BinaryField(max_length=32, default=secrets.token_bytes, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="agreement_reference_once", fields=["agency", "reference"]
            ),
            has_known_code("agreement_status_is_known", "status", AgreementStatus),
            has_known_code("agreement_period_is_known", "rating_period", Period),
            has_known_code("agreement_engagement_is_known", "engagement", Engagement),
            has_known_code("agreement_guild_is_known", "guild", Guild),
            has_known_code("agreement_plan_is_known", "contribution_plan", ContributionPlan),
            has_known_code("agreement_pay_class_is_known", "contribution_class", PayClass),
            has_known_code(
                "agreement_contributor_is_known", "contributions_paid_by", ContributionsPaidBy
            ),
            models.CheckConstraint(
                name="agreement_reserve_is_a_part",
                condition=Q(reserve_percent=0)
                | Q(
                    reserve_percent__gt=0, reserve_percent__lte=100, reserve_periods__range=(1, 40)
                ),
                violation_error_message="A reserve is at most the whole, held for 1 to 40 periods.",
            ),
            models.CheckConstraint(
                name="agreement_reserve_cap_is_above_zero",
                condition=Q(reserve_cap=None) | Q(reserve_cap__gt=0),
                violation_error_message="The most that is held in reserve is above zero.",
            ),
            models.CheckConstraint(
                name="agreement_ends_after_it_starts",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                violation_error_message="An agreement must end after it starts.",
            ),
            models.CheckConstraint(
                name="agreement_signed_unless_draft",
                condition=Q(status=AgreementStatus.DRAFT.value, signed_at=None)
                | (~Q(status=AgreementStatus.DRAFT.value) & Q(signed_at__isnull=False)),
                violation_error_message="A draft is not signed; everything else is.",
            ),
            models.CheckConstraint(
                name="agreement_signed_elsewhere_is_signed",
                condition=Q(signed_elsewhere_on=None) | ~Q(status=AgreementStatus.DRAFT.value),
                violation_error_message="A draft is not signed, here or elsewhere.",
            ),
            models.CheckConstraint(
                name="agreement_fiscal_year_starts_in_a_month",
                condition=Q(fiscal_year_start_month__range=(1, 12)),
                violation_error_message="A fiscal year starts in month 1 to 12.",
            ),
        ]
        indexes = [
            # Metering: the agreement of a licensee that an event names.
            models.Index(name="agreement_by_parties", fields=["agency", "licensee", "twin"]),
        ]

    def __str__(self):
        return self.reference

    @property
    def signed_on(self) -> date | None:
        """The day of the agreement: that on the paper if it was signed elsewhere. None: a draft."""
        if self.signed_elsewhere_on is not None or self.signed_at is None:
            return self.signed_elsewhere_on
        return local_day(self.signed_at, self.time_zone)


class PartOfAgreementQuerySet(models.QuerySet):
    """Rows that are seen with their agreement."""

    def visible_to(self, user):
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class AgreementStep(models.Model):
    """What happened to an agreement, when, by whom and why."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="steps")
    kind = coded(AgreementStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = PartOfAgreementQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("agreement_step_kind_is_known", "kind", AgreementStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return str(self.get_kind_display())


class SignedCommission(models.Model):
    """The agency's commission on a performer's part, fixed when an agreement was signed."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="commissions")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    percent = models.DecimalField(max_digits=6, decimal_places=3)

    objects = PartOfAgreementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="signed_commission_once_each", fields=["agreement", "performer"]
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Commission of {locales.percent(self.percent, 'en')}"


@pghistory.track()
class Grant(models.Model):
    """One right for one use that an agreement licenses, within a scope. Null: anywhere."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="grants")
    right = coded(Right)
    use = coded(Use)
    territories = tags(null=True, blank=True)
    territories_excluded = tags(default=list, db_default=[], blank=True)
    languages = tags(null=True, blank=True)
    languages_in = models.JSONField(
        "languages by territory", default=list, db_default=[], blank=True
    )
    channels = codes(Channel, null=True, blank=True)
    brands = tags(null=True, blank=True)
    exclusions = codes(Exclusion, default=list, db_default=[], blank=True)
    real_time = models.BooleanField(default=False)

    objects = PartOfAgreementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="grant_once_each", fields=["agreement", "right", "use"]),
            has_known_code("grant_right_is_known", "right", Right),
            has_known_code("grant_use_is_known", "use", Use),
        ]

    def __str__(self):
        return f"{self.get_right_display()} × {self.get_use_display()}"


class RateCardQuerySet(PartOfAgreementQuerySet):
    def agreed(self):
        """Those that rate: agreed at signing, or by an amendment."""
        return self.filter(proposed=False)


@pghistory.track()
class RateCard(models.Model):
    """A dated version of an agreement's rates. It starts at a period's first day."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="rate_cards")
    effective_from = models.DateField()
    source = models.CharField(max_length=300, blank=True, help_text="Where the prices come from.")
    proposed = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Waits for its amendment, and rates nothing before.",
    )
    agreed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its amendment was applied; null: at signing."
    )

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = RateCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="rate_card_one_per_day", fields=["agreement", "effective_from"]
            ),
            models.CheckConstraint(
                name="rate_card_starts_with_a_month",
                condition=Q(effective_from__day=1),
                violation_error_message="Rates change on the first day of a month.",
            ),
        ]

    def __str__(self):
        return f"{self.agreement}: rates from {day(self.effective_from)}"


class PartOfRateCardQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(card__agreement__in=Agreement.objects.visible_to(user))


@pghistory.track()
class RateLine(models.Model):
    """One price of a rate card: what it meters, which uses it rates, how it charges them."""

    card = models.ForeignKey(RateCard, models.CASCADE, related_name="lines")
    code = models.SlugField(max_length=60, help_text="Stays the same from version to version.")
    label = models.CharField(max_length=200)
    meter = coded(Meter)
    pricing = coded(Pricing)
    unit_price = rate(default=0)
    package_size = quantity(null=True, blank=True)
    free_quantity = quantity(default=0, help_text="How much of each period costs nothing.")
    discount_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=0,
        help_text="Taken off the price, not off a minimum.",
    )
    minimum = money(default=0, help_text="The least a period costs, used or not.")
    maximum = money(null=True, blank=True, help_text="The most a period costs.")
    cut_period = coded(
        CutPeriod,
        default=CutPeriod.WHOLE.value,
        help_text="How a flat fee, a minimum and a maximum count in a cut period.",
    )
    charge_group = models.CharField(
        max_length=60, blank=True, help_text="Lines of one group are alternatives."
    )
    unlicensed = models.BooleanField(default=False, help_text="Rates use outside the consent.")
    rights = codes(Right, null=True, blank=True)
    uses = codes(Use, null=True, blank=True)
    territories = tags(null=True, blank=True)
    languages = tags(null=True, blank=True)
    channels = codes(Channel, null=True, blank=True)
    prompt_classes = codes(PromptClass, null=True, blank=True)
    production = models.ForeignKey(
        Production, models.PROTECT, null=True, blank=True, related_name="+"
    )
    round_quantity = coded(RoundQuantity, default=RoundQuantity.NEVER.value)
    round_to = quantity(default=1, help_text="The step a quantity is rounded to.")
    scale_portion = models.DecimalField(
        max_digits=6,
        decimal_places=5,
        default=0,
        help_text="Part of the price (0 to 1) that is guild scale and carries no commission.",
    )

    objects = PartOfRateCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rate_line_code_once", fields=["card", "code"]),
            has_known_code("rate_line_meter_is_known", "meter", Meter),
            has_known_code("rate_line_pricing_is_known", "pricing", Pricing),
            has_known_code("rate_line_rounding_is_known", "round_quantity", RoundQuantity),
            models.CheckConstraint(
                name="rate_line_scale_portion_is_a_part",
                condition=Q(scale_portion__gte=0, scale_portion__lte=1),
                violation_error_message="The scale portion is a part between 0 and 1.",
            ),
            models.CheckConstraint(
                name="rate_line_rounds_to_something",
                condition=Q(round_to__gt=0),
                violation_error_message="A quantity is rounded to a step above zero.",
            ),
            models.CheckConstraint(
                name="rate_line_package_has_a_size",
                condition=~Q(pricing=Pricing.PACKAGE.value) | Q(package_size__gt=0),
                violation_error_message="A package price needs a package size above zero.",
            ),
            has_known_code("rate_line_cut_period_is_known", "cut_period", CutPeriod),
            models.CheckConstraint(
                name="rate_line_minimum_is_below_its_maximum",
                condition=Q(maximum=None) | Q(maximum__gte=F("minimum")),
                violation_error_message="The minimum of a period is above its maximum.",
            ),
            models.CheckConstraint(
                name="rate_line_discount_is_a_percentage",
                condition=Q(
                    discount_percent__gte=0, discount_percent__lte=100, free_quantity__gte=0
                ),
                violation_error_message="A discount is a percentage, a free quantity not negative.",
            ),
            models.CheckConstraint(
                name="rate_line_costs_nothing_below_zero",
                condition=Q(unit_price__gte=0, minimum__gte=0),
                violation_error_message="Prices are not negative.",
            ),
        ]

    def __str__(self):
        return self.label


class BracketQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(line__card__agreement__in=Agreement.objects.visible_to(user))


@pghistory.track()
class Bracket(models.Model):
    """A step of a graduated or volume price, up to and including a quantity (null: without end)."""

    line = models.ForeignKey(RateLine, models.CASCADE, related_name="brackets")
    up_to = quantity(null=True, blank=True)
    unit_price = rate(default=0)
    flat = money(default=0)

    objects = BracketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="bracket_once_each", fields=["line", "up_to"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="bracket_ends_above_zero",
                condition=Q(up_to=None) | Q(up_to__gt=0),
                violation_error_message="A bracket ends above zero.",
            ),
        ]

    def __str__(self):
        if self.up_to is None:
            return "Without end"
        return f"Up to {locales.quantity(self.up_to, 'en')}"


@pghistory.track()
class Multiplier(models.Model):
    """A factor on a rate card's prices where a use has a certain value."""

    card = models.ForeignKey(RateCard, models.CASCADE, related_name="multipliers")
    dimension = coded(Factor)
    value = models.CharField(max_length=64, help_text="A territory, a language, or yes.")
    factor = rate()

    objects = PartOfRateCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="multiplier_once_each", fields=["card", "dimension", "value"]
            ),
            has_known_code("multiplier_dimension_is_known", "dimension", Factor),
            models.CheckConstraint(
                name="multiplier_is_positive",
                condition=Q(factor__gt=0),
                violation_error_message="A multiplier is above zero.",
            ),
        ]

    def __str__(self):
        factor = locales.quantity(self.factor, "en")
        return f"{self.get_dimension_display()} {self.value_in_words()} × {factor}"

    def value_in_words(self) -> str:
        """Return the territory or the language by its name."""
        names = {Factor.TERRITORY: locales.territory, Factor.LANGUAGE: locales.language}
        name = names.get(Factor(self.dimension))
        return name(self.value, "en") if name else self.value
