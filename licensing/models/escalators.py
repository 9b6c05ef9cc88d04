"""How amounts of a rate card rise by themselves: escalators, and the indexes that some follow."""

import pghistory
from django.db import models
from django.db.models import Q

from licensing.words import Escalates
from talent.models.columns import coded, codes, is_one_line
from talent.models.names import day, month
from talent.words import Period

from .agreements import PartOfRateCardQuerySet, RateCard


class PriceIndexQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Return all, for who signs in: the operator keeps them for every agency."""
        return self if user.is_authenticated and user.is_active else self.none()


@pghistory.track()
class PriceIndex(models.Model):
    """A published series of figures that escalators follow, such as consumer prices."""

    name = models.CharField(max_length=200, unique=True)
    source = models.CharField(max_length=300, help_text="Who publishes it.")
    source_url = models.URLField(blank=True)

    objects = PriceIndexQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "price indexes"
        constraints = [is_one_line("price_index_name_is_a_line", "name")]

    def __str__(self):
        return self.name


@pghistory.track()
class IndexFigure(models.Model):
    """The figure of an index for one month. One that is revised is changed; history keeps both."""

    index = models.ForeignKey(PriceIndex, models.PROTECT, related_name="figures")
    month_on = models.DateField("month", help_text="The first day of the month that it is of.")
    figure = models.DecimalField(max_digits=14, decimal_places=4)

    objects = PriceIndexQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="index_figure_once", fields=["index", "month_on"]),
            models.CheckConstraint(
                name="index_figure_is_of_a_month",
                condition=Q(month_on__day=1),
                violation_error_message="A figure is of a month: enter the month's first day.",
            ),
            models.CheckConstraint(
                name="index_figure_is_positive",
                condition=Q(figure__gt=0),
                violation_error_message="A figure is above zero.",
            ),
        ]

    def __str__(self):
        return f"{month(self.month_on)}: {self.figure.normalize():f}"


@pghistory.track()
class Escalator(models.Model):
    """How a rate card's amounts rise by themselves: by a percentage, or as an index has.

    It steps on `first_on`, and again after each period of `every`, always with a rating period.
    By an index an amount is its figure `months_before` the step over that of `base_on`, times what
    the card says.
    """

    card = models.ForeignKey(RateCard, models.CASCADE, related_name="escalators")
    raises = codes(Escalates)
    first_on = models.DateField("first step", help_text="The first day of a rating period.")
    every = coded(Period, blank=True, help_text="Empty: it steps once.")
    percent = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Percent a step, on top of the steps before. Empty: by an index.",
    )
    index = models.ForeignKey(
        PriceIndex, models.PROTECT, null=True, blank=True, related_name="escalators"
    )
    base_on = models.DateField(
        "base month",
        null=True,
        blank=True,
        help_text="The month whose figure stands for the card's amounts: its first day.",
    )
    months_before = models.PositiveSmallIntegerField(
        default=0,
        help_text="How many months before a step lies the month whose figure counts.",
    )

    objects = PartOfRateCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="escalator_every_is_known", condition=Q(every__in=["", *Period.codes()])
            ),
            models.CheckConstraint(
                name="escalator_raises_something",
                condition=Q(raises__len__gt=0),
                violation_error_message="An escalator raises something.",
            ),
            models.CheckConstraint(
                name="escalator_by_percent_or_index",
                condition=Q(percent__isnull=False, index=None, base_on=None)
                | Q(percent=None, index__isnull=False, base_on__isnull=False),
                violation_error_message=(
                    "An escalator has a percentage, or an index with its base month."
                ),
            ),
            models.CheckConstraint(
                name="escalator_leaves_something",
                condition=Q(percent=None) | Q(percent__gt=-100),
                violation_error_message="A step takes less than all.",
            ),
            models.CheckConstraint(
                name="escalator_steps_with_a_month",
                condition=Q(first_on__day=1) & (Q(base_on=None) | Q(base_on__day=1)),
                violation_error_message="Steps and base months are first days of months.",
            ),
        ]

    def __str__(self):
        return f"Escalator from {day(self.first_on)}"
