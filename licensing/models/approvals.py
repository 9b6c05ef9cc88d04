"""Approvals: what a studio asks a performer, the answers, and what became of them."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from licensing.words import ApprovalAnswerKind, ApprovalNoticeKind, ApprovalState, Channel
from talent.models import Agency, DigitalTwin, Performer, User
from talent.models.columns import coded, codes, currency, has_known_code, money, tags
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute
from talent.words import Exclusion, Power, Right, Use

from .agreements import Agreement
from .clearance import ClearanceDecision
from .parties import LicenseeTerms, Production

SOON = timedelta(hours=24)


class ApprovalRequestQuerySet(models.QuerySet["ApprovalRequest"]):
    def waiting(self, at: datetime) -> Self:
        """Somebody has yet to answer, the deadline is not over, and nobody vetoed."""
        return self.filter(self._has_unanswered_part(), ~self._is_refused(), due_at__gt=at)

    def due_soon(self, at: datetime) -> Self:
        return self.waiting(at).filter(due_at__lte=at + SOON)

    def approved(self) -> Self:
        """Everybody answered, and nobody vetoed or let it lapse."""
        return self.filter(~self._has_unanswered_part(), ~self._is_refused())

    def vetoed(self) -> Self:
        return self.filter(self._has_answer(ApprovalAnswerKind.VETO))

    def lapsed(self, at: datetime) -> Self:
        """Nobody vetoed, and the deadline passed before everybody answered, recorded yet or not."""
        silent = Q(due_at__lte=at) & self._has_unanswered_part()
        return self.filter(
            silent | self._has_answer(ApprovalAnswerKind.LAPSED),
            ~self._has_answer(ApprovalAnswerKind.VETO),
        )

    def visible_to(self, user: User) -> Self:
        """Staff of the agency that was asked, and those who may answer a part of it."""
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.spoken_for_by(user, Power.DECIDE)
        parts = ApprovalPart.objects.filter(performer__in=performers)
        return self.filter(
            Q(terms__agency__in=Agency.objects.visible_to(user)) | Q(pk__in=parts.values("request"))
        )

    def _has_unanswered_part(self) -> Exists:
        return Exists(ApprovalPart.objects.unanswered().filter(request=OuterRef("pk")))

    def _has_answer(self, *kinds: ApprovalAnswerKind) -> Exists:
        answers = ApprovalAnswer.objects.current().filter(part__request=OuterRef("pk"))
        return Exists(answers.filter(kind__in=[kind.value for kind in kinds]))

    def _is_refused(self) -> Exists:
        return self._has_answer(ApprovalAnswerKind.VETO, ApprovalAnswerKind.LAPSED)


class ApprovalRequest(models.Model):
    """One use, described specifically, that a studio asks performers to approve by a deadline."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="approval_requests")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="approval_requests")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    right = coded(Right)
    use = coded(Use)
    channel = coded(Channel)
    real_time = models.BooleanField(default=False)
    content = codes(Exclusion, default=list, blank=True)
    scene = models.CharField(max_length=200, blank=True)
    campaign = models.CharField(max_length=200, blank=True)
    lines = models.TextField("what is made")
    territories = tags()
    languages = tags(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    units = models.JSONField("most in one clearance", help_text="Quantities by meter, as text.")
    amount = money()
    currency = currency()
    basis = models.CharField("paid for", max_length=200)
    digest = models.BinaryField(max_length=32, editable=False)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = ApprovalRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("approval_request_right_is_known", "right", Right),
            has_known_code("approval_request_use_is_known", "use", Use),
            has_known_code("approval_request_channel_is_known", "channel", Channel),
            models.CheckConstraint(
                name="approval_request_names_scene_or_campaign",
                condition=~Q(scene="", campaign=""),
                violation_error_message="Name the scene or the campaign.",
            ),
            models.CheckConstraint(
                name="approval_request_ends_after_it_starts",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message="A use must end after it starts.",
            ),
            models.CheckConstraint(
                name="approval_request_leaves_time",
                condition=Q(due_at__gt=F("opened_at")),
                violation_error_message="The deadline must lie after the request.",
            ),
            models.CheckConstraint(
                name="approval_request_pays_no_less_than_nothing",
                condition=Q(amount__gte=0),
                violation_error_message="The compensation is not below zero.",
            ),
        ]
        indexes = [
            # The sweep and the desk's tile: what is due.
            models.Index(name="approval_request_due", fields=["due_at"]),
            # The same request asked again.
            models.Index(name="approval_request_digest", fields=["terms", "digest"]),
            # A decision's facts: what was answered about this right and use of a twin.
            models.Index(name="approval_request_cell", fields=["twin", "right", "use"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.twin}: {self.get_use_display()}, {self.scene or self.campaign}"

    def state_at(self, at: datetime) -> ApprovalState:
        """Return its state from its parts and their answers: one veto is enough."""
        kinds = [answer.kind if answer else None for answer in map(_last_answer, self.parts.all())]
        if ApprovalAnswerKind.VETO in kinds:
            return ApprovalState.VETOED
        if ApprovalAnswerKind.LAPSED in kinds or (None in kinds and at >= self.due_at):
            return ApprovalState.LAPSED
        return ApprovalState.WAITING if None in kinds else ApprovalState.APPROVED


def _last_answer(part: "ApprovalPart") -> "ApprovalAnswer | None":
    answers = part.answers.all()
    return max(answers, key=lambda answer: (answer.answered_at, answer.pk), default=None)


class ApprovalAskingQuerySet(models.QuerySet["ApprovalAsking"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(request__in=ApprovalRequest.objects.visible_to(user))


class ApprovalAsking(models.Model):
    """A clearance whose studio asked for this approval; the first one opened the request."""

    request = models.ForeignKey(ApprovalRequest, models.PROTECT, related_name="askings")
    decision = models.OneToOneField(
        ClearanceDecision, models.PROTECT, related_name="approval_asking"
    )
    asked_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("request",)

    objects = ApprovalAskingQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.request}, asked {minute(self.asked_at)}"


class ApprovalPartQuerySet(models.QuerySet["ApprovalPart"]):
    def unanswered(self) -> Self:
        return self.filter(~Exists(ApprovalAnswer.objects.filter(part=OuterRef("pk"))))

    def visible_to(self, user: User) -> Self:
        """Staff of the agency that was asked; an approver sees their own part only."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(request__terms__agency__in=Agency.objects.visible_to(user))
            | Q(performer__in=Performer.objects.spoken_for_by(user, Power.DECIDE))
        )


class ApprovalPart(models.Model):
    """The part of a request that one performer, or who decides for them, answers."""

    request = models.ForeignKey(ApprovalRequest, models.PROTECT, related_name="parts")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    share_percent = models.DecimalField(
        max_digits=6, decimal_places=3, default=100, help_text="Of a composite; else 100."
    )

    named_by: ClassVar[tuple[str, ...]] = ("performer",)

    objects = ApprovalPartQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="approval_part_once", fields=["request", "performer"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.performer)


class ApprovalAnswerQuerySet(models.QuerySet["ApprovalAnswer"]):
    def current(self) -> Self:
        """The answers that no later one replaced."""
        return self.filter(replaced_by=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(part__in=ApprovalPart.objects.visible_to(user))


class ApprovalAnswer(models.Model):
    """An answer to one part. A later one replaces it for decisions to come, never for past ones.

    What is null was not narrowed.
    """

    part = models.ForeignKey(ApprovalPart, models.PROTECT, related_name="answers")
    kind = coded(ApprovalAnswerKind)
    answered_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    reason = models.CharField(max_length=500, blank=True)
    reason_shown = models.BooleanField("reason shown to the studio", default=False)
    territories = tags(null=True, blank=True)
    languages = tags(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    units = models.JSONField(null=True, blank=True)
    each_use = models.BooleanField(
        default=False, help_text="Each use may have the units; else all uses together."
    )

    objects = ApprovalAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("approval_answer_kind_is_known", "kind", ApprovalAnswerKind),
            models.UniqueConstraint(
                name="approval_answer_one_is_first", fields=["part"], condition=Q(replaces=None)
            ),
            models.CheckConstraint(
                name="approval_answer_is_somebodys_or_silence",
                condition=Q(kind=ApprovalAnswerKind.LAPSED.value, by=None)
                | (~Q(kind=ApprovalAnswerKind.LAPSED.value) & Q(by__isnull=False)),
                violation_error_message="Only silence has nobody who answered.",
            ),
            models.CheckConstraint(
                name="approval_answer_narrows_or_not",
                condition=Q(kind=ApprovalAnswerKind.NARROW.value)
                | Q(territories=None, languages=None, ends_at=None, units=None),
                violation_error_message="Only a narrower approval has a scope of its own.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {minute(self.answered_at)}"


class ApprovalSpendingQuerySet(models.QuerySet["ApprovalSpending"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(answer__in=ApprovalAnswer.objects.visible_to(user))


class ApprovalSpending(models.Model):
    """That a reservation, or a reported use without a permit, stood on an approval.

    One given `once` is spent by the first, and again only once that one's reservation has ended
    with nothing reported; who spends it holds the lock of its part. A reservation says itself how
    many units it has; `units` are those of a reported use, below zero where an amendment takes one
    back.
    """

    answer = models.ForeignKey(ApprovalAnswer, models.PROTECT, related_name="spendings")
    decision = models.ForeignKey(
        ClearanceDecision, models.PROTECT, null=True, related_name="approvals_spent"
    )
    # No foreign key: partitions of events leave the table.
    event = models.BigIntegerField(null=True)
    units = models.JSONField(null=True)
    once = models.BooleanField()
    spent_at = models.DateTimeField()

    objects = ApprovalSpendingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="approval_spent_by_a_reservation_or_a_use",
                condition=Q(decision__isnull=False, event=None, units=None)
                | Q(decision=None, event__isnull=False, units__isnull=False),
                violation_error_message="A reservation or a reported use spends an approval.",
            ),
        ]
        indexes = [
            # An amendment: what the event that it replaces has taken.
            models.Index(
                name="approval_spent_by_event",
                fields=["event"],
                condition=Q(event__isnull=False),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{'Spent' if self.once else 'Used'} {minute(self.spent_at)}"


class ApprovalNoticeQuerySet(models.QuerySet["ApprovalNotice"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(part__in=ApprovalPart.objects.visible_to(user))


class ApprovalNotice(models.Model):
    """That an approver was told of a request, a deadline or a lapse: each kind once."""

    part = models.ForeignKey(ApprovalPart, models.PROTECT, related_name="notices")
    kind = coded(ApprovalNoticeKind)
    told_at = models.DateTimeField()

    objects = ApprovalNoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("approval_notice_kind_is_known", "kind", ApprovalNoticeKind),
            models.UniqueConstraint(name="approval_notice_once_each", fields=["part", "kind"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {minute(self.told_at)}"
