"""The terms of an agreement beside its grants, rates and caps: what its text says in words."""

import pghistory
from django.db import models
from django.db.models import Q

from licensing.words import CapturedKind, DealKind, Exclusivity, RetentionEnds
from talent.models import Provider
from talent.models.columns import coded, codes, has_known_code
from talent.words import BrandCategory, RepresentedBy

from .agreements import Agreement, PartOfAgreementQuerySet


@pghistory.track()
class DealTerms(models.Model):
    """What is agreed beside grants, rates and caps. Numbers of its text are read from here.

    A null number means that nothing was agreed about it yet, which the document refuses where a
    clause asks for it.
    """

    agreement = models.OneToOneField(Agreement, models.CASCADE, related_name="deal")
    kind = coded(DealKind)
    governing_law = models.CharField(
        max_length=6, blank=True, help_text="A country or a part of one, as US-CA (ISO 3166)."
    )
    exclusivity = coded(Exclusivity, default=Exclusivity.NONE.value)
    exclusive_in = codes(BrandCategory, default=list, blank=True)
    ai_label = models.BooleanField(
        "labelled as synthetic",
        default=True,
        help_text="Whether the licensee tells the audience that a digital twin performs.",
    )

    represented_by = coded(RepresentedBy, default=RepresentedBy.NONE.value)
    counsel_name = models.CharField(max_length=200, blank=True)
    counsel_firm = models.CharField(max_length=200, blank=True)
    court_approval = models.CharField(
        max_length=200, blank=True, help_text="Court, number and day, where a court must approve."
    )

    captures = codes(CapturedKind, default=list, blank=True)
    capture_boundary = models.TextField(
        blank=True, help_text="What is captured and what is not, in words."
    )
    capture_reason = models.TextField(
        blank=True, help_text="The reason of business for the capture, told before it is asked for."
    )
    capture_notice_hours = models.PositiveIntegerField(null=True, blank=True)

    held_by = models.ForeignKey(
        Provider,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who keeps the biometric data. Empty: the agency.",
    )
    retention_ends = coded(RetentionEnds, default=RetentionEnds.WITH_THE_AGREEMENT.value)
    retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="So many days after that, the data is destroyed."
    )

    removal_right = models.BooleanField(
        "right to removal",
        default=True,
        help_text="Whether the performer may withdraw a use that was agreed.",
    )
    withdrawal_notice_days = models.PositiveIntegerField(null=True, blank=True)
    audit_notice_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: no right to audit was agreed."
    )
    audit_years_back = models.PositiveSmallIntegerField(null=True, blank=True)
    confidential_years = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="After the agreement ends. Empty: not agreed."
    )
    usage_report_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="After each release or period, the licensee reports use."
    )
    statement_days = models.PositiveIntegerField(null=True, blank=True)
    payment_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="After its invoice, the licensee pays."
    )
    renewal_notice_days = models.PositiveIntegerField(null=True, blank=True)

    objects = PartOfAgreementQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "deal terms"
        constraints = [
            has_known_code("deal_terms_kind_is_known", "kind", DealKind),
            has_known_code("deal_terms_exclusivity_is_known", "exclusivity", Exclusivity),
            has_known_code("deal_terms_represented_by_is_known", "represented_by", RepresentedBy),
            has_known_code("deal_terms_retention_is_known", "retention_ends", RetentionEnds),
            models.CheckConstraint(
                name="deal_terms_names_its_counsel",
                condition=~Q(represented_by=RepresentedBy.COUNSEL.value) | ~Q(counsel_name=""),
                violation_error_message="Name the counsel who represented the performer.",
            ),
        ]

    def __str__(self):
        return f"{self.agreement}: {self.get_kind_display()}"
