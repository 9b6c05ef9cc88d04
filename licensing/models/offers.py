"""Standing offers: packages that a performer approved and that studios take without negotiating."""

from typing import ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from licensing.wire.names import Prefix, name_of
from licensing.words import Channel, DealKind, Engagement, Meter, OfferState, OfferStepKind
from talent.models import Agency, DigitalTwin, Performer
from talent.models.columns import (
    coded,
    codes,
    currency,
    has_known_code,
    is_one_line,
    money,
    quantity,
    tags,
)
from talent.models.consent import APPEND_ONLY
from talent.words import Exclusion, Guild, Power, RepresentedBy, Right, Use

from .agreements import Agreement
from .parties import ApiKey, LicenseeTerms

CLOSED = (OfferStepKind.DECLINED, OfferStepKind.WITHDRAWN)


class StandingOfferQuerySet(models.QuerySet):
    def open_at(self, at):
        """Those that a studio may take at an instant, as far as dates and steps say."""
        steps = OfferStep.objects.values("offer")
        closed = steps.filter(kind__in=[kind.value for kind in CLOSED])
        opened = steps.filter(kind=OfferStepKind.OPENED.value)
        rows = self.filter(Q(offered_until=None) | Q(offered_until__gt=at), offered_from__lte=at)
        return rows.filter(pk__in=opened).exclude(pk__in=closed)

    def visible_to(self, user):
        """For the agency's staff, and the twin's performers and who decides for them."""
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.spoken_for_by(user, Power.DECIDE)
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(twin__in=DigitalTwin.objects.of_performers(performers))
        )


@pghistory.track()
class StandingOffer(models.Model):
    """A package of one twin: what may be done, how much of it, for what price, how many times.

    It is fixed once it was shown to the performer: another one is another offer.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    description = models.TextField(
        help_text="The reasonably specific description of what the twin will do."
    )
    kind = coded(DealKind)
    engagement = coded(Engagement, default=Engagement.NOT_COVERED.value)
    guild = coded(Guild, default=Guild.NONE.value)
    governing_law = models.CharField(
        max_length=6, blank=True, help_text="A country or a part of one, as US-CA (ISO 3166)."
    )
    represented_by = coded(RepresentedBy, default=RepresentedBy.NONE.value)
    counsel_name = models.CharField(max_length=200, blank=True)
    meter = coded(Meter)
    units = quantity(help_text="So many units are in the package; none beyond are cleared.")
    price = money(help_text="For the package, due when it is taken.")
    currency = currency()
    months = models.PositiveSmallIntegerField(default=3, help_text="How long a taking licenses.")
    times = models.PositiveIntegerField(default=1, help_text="How many packages there are.")
    try_out_units = quantity(
        default=0,
        help_text="Free units that a studio may try first, watermarked and never published.",
    )
    try_out_days = models.PositiveSmallIntegerField(default=14)
    offered_from = models.DateTimeField()
    offered_until = models.DateTimeField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = StandingOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("standing_offer_kind_is_known", "kind", DealKind),
            has_known_code("standing_offer_engagement_is_known", "engagement", Engagement),
            has_known_code("standing_offer_guild_is_known", "guild", Guild),
            has_known_code("standing_offer_meter_is_known", "meter", Meter),
            is_one_line("standing_offer_name_is_a_line", "name"),
            models.CheckConstraint(
                name="standing_offer_has_units",
                condition=Q(units__gt=0, times__gt=0),
                violation_error_message="Units and times are above zero.",
            ),
            models.CheckConstraint(
                # So that its units are one limit, whose year begins with the month of the taking.
                name="standing_offer_lasts_less_than_a_year",
                condition=Q(months__range=(1, 11), try_out_days__range=(1, 90)),
                violation_error_message="A package lasts 1 to 11 months, a try-out 1 to 90 days.",
            ),
            models.CheckConstraint(
                name="standing_offer_price_is_no_debt",
                condition=Q(price__gte=0, try_out_units__gte=0),
                violation_error_message="A price and free units are zero or more.",
            ),
            models.CheckConstraint(
                name="standing_offer_ends_after_it_starts",
                condition=Q(offered_until=None) | Q(offered_until__gt=F("offered_from")),
                violation_error_message="An offer must end after it starts.",
            ),
        ]

    def __str__(self):
        return f"{self.name}: {self.twin}"

    @property
    def code(self):
        """How studios name it: O3."""
        return name_of(Prefix.OFFER, self.pk)

    def step(self, *kinds):
        """Return its first step of one of some kinds; None if there is none. Reads prefetched."""
        steps = self.steps.all() if self.pk else ()
        return next((one for one in steps if OfferStepKind(one.kind) in kinds), None)

    @property
    def state(self) -> OfferState:
        """What has become of it; dates aside."""
        if closed := self.step(*CLOSED):
            declined = closed.kind == OfferStepKind.DECLINED
            return OfferState.DECLINED if declined else OfferState.WITHDRAWN
        if self.step(OfferStepKind.OPENED):
            return OfferState.OPEN
        return OfferState.PROPOSED if self.step(OfferStepKind.PROPOSED) else OfferState.DRAFT


class PartOfOfferQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(offer__in=StandingOffer.objects.visible_to(user))


@pghistory.track()
class OfferGrant(models.Model):
    """One right for one use that an offer licenses, within a scope. Null: anywhere."""

    offer = models.ForeignKey(StandingOffer, models.CASCADE, related_name="grants")
    right = coded(Right)
    use = coded(Use)
    territories = tags(null=True, blank=True)
    languages = tags(null=True, blank=True)
    channels = codes(Channel, null=True, blank=True)
    exclusions = codes(Exclusion, default=list, db_default=[], blank=True)
    real_time = models.BooleanField(default=False)

    objects = PartOfOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="offer_grant_once_each", fields=["offer", "right", "use"]),
            has_known_code("offer_grant_right_is_known", "right", Right),
            has_known_code("offer_grant_use_is_known", "use", Use),
        ]

    def __str__(self):
        return f"{self.get_right_display()} × {self.get_use_display()}"


class OfferStep(models.Model):
    """What happened to an offer. An approval keeps the words that were read, and their digest."""

    offer = models.ForeignKey(StandingOffer, models.PROTECT, related_name="steps")
    kind = coded(OfferStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    performer = models.ForeignKey(
        Performer, models.PROTECT, null=True, related_name="+", help_text="Who approved it."
    )
    digest = models.CharField("SHA-256 of what was read", max_length=64, blank=True)
    text = models.TextField(blank=True, help_text="What was read, word for word.")
    reason = models.CharField(max_length=500, blank=True)

    objects = PartOfOfferQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            has_known_code("offer_step_kind_is_known", "kind", OfferStepKind),
            models.UniqueConstraint(
                name="offer_step_once_each",
                fields=["offer", "kind", "performer"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="offer_step_approval_is_of_words",
                condition=~Q(kind=OfferStepKind.APPROVED.value)
                | (~Q(digest="") & ~Q(text="") & Q(performer__isnull=False)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return str(self.get_kind_display())


class OfferTaking(models.Model):
    """That a studio took an offer, or tries it: by which key, who accepted, and in which words."""

    offer = models.ForeignKey(StandingOffer, models.PROTECT, related_name="takings")
    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="+")
    agreement = models.OneToOneField(Agreement, models.PROTECT, related_name="taking")
    try_out = models.BooleanField(default=False)
    taken_at = models.DateTimeField()
    api_key = models.ForeignKey(ApiKey, models.PROTECT, related_name="+")
    signatory = models.CharField(max_length=200)
    signatory_title = models.CharField(max_length=200, blank=True)
    digest = models.CharField("SHA-256 of what was accepted", max_length=64)
    text = models.TextField(help_text="What was accepted, word for word.")
    idempotency_key = models.CharField(max_length=200)
    request_digest = models.BinaryField(max_length=32)

    named_by: ClassVar[tuple[str, ...]] = ("offer", "terms")

    objects = PartOfOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="offer_taking_key_once", fields=["terms", "idempotency_key"]
            ),
            models.UniqueConstraint(
                name="offer_try_out_once_each",
                fields=["offer", "terms"],
                condition=Q(try_out=True),
            ),
            models.CheckConstraint(
                name="offer_taking_is_signed",
                condition=~Q(signatory=""),
                violation_error_message="Say who accepts it.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.offer}, by {self.terms.licensee}"
