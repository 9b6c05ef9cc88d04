"""The terms of an agreement beside its grants, rates and caps: what its text says in words."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from licensing.words import CapturedKind, DealKind, Exclusivity, RetentionEnds
from talent.models import Provider
from talent.models.columns import coded, codes, has_known_code
from talent.words import BrandCategory, RepresentedBy

from .agreements import Agreement, PartOfAgreementQuerySet


def _is_a_part(field: str) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__range": (0, 100)})


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
    transfer_answer_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="So long the agency has to answer where the licensee wants to transfer it.",
    )
    cure_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="So long a party has to put a breach right."
    )
    late_interest_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="A year, on what is paid late. Empty: as the governing law says.",
    )
    audit_shortfall_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="From such a shortfall on, the licensee bears an audit's cost.",
    )
    minor_trust_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Of a minor's gross pay, set aside in a blocked trust.",
    )
    credit = models.CharField(
        max_length=200, blank=True, help_text="How the performer is credited. Empty: no credit."
    )

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
            models.CheckConstraint(
                name="deal_terms_percentages_are_parts",
                condition=_is_a_part("late_interest_percent")
                & _is_a_part("audit_shortfall_percent")
                & _is_a_part("minor_trust_percent"),
                violation_error_message="A percentage lies between 0 and 100.",
            ),
        ]
        triggers = [
            # What was signed changes when two people say so: by an amendment that was approved,
            # and is being applied.
            pgtrigger.Trigger(
                name="signed_terms_stay",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF EXISTS (
                        SELECT FROM licensing_agreement
                        WHERE id = OLD.agreement_id AND status <> 'draft'
                    ) AND NOT EXISTS (
                        SELECT FROM licensing_amendment asked
                        JOIN licensing_amendmentstep step ON step.amendment_id = asked.id
                        WHERE asked.agreement_id = OLD.agreement_id
                        AND asked.about = 'deal_terms' AND asked.row = OLD.id
                        GROUP BY asked.id
                        HAVING bool_and(step.kind = 'approved')
                    ) THEN
                        RAISE EXCEPTION 'the terms of a signed agreement change by amendment'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN
                        RETURN OLD;
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self):
        return f"{self.agreement}: {self.get_kind_display()}"
