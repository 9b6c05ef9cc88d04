"""Proposals: what agencies ask the operator to add, and what became of it."""

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.words import ProposalState, Proposed
from talent.models import Agency, User
from talent.models.columns import coded, has_known_code, is_one_line


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def waiting(self) -> Self:
        """Those that the operator has not decided."""
        return self.filter(state=ProposalState.WAITING.value)

    def visible_to(self, user: User) -> Self:
        """The operator's: agencies learn by mail what became of theirs."""
        return self if user.is_superuser and user.is_active else self.none()


class Proposal(models.Model):
    """A licensee or production that an agency asks for. It is decided once."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    asks_for = coded(Proposed)
    name = models.CharField(max_length=200)
    filled_in = models.CharField(
        max_length=4000, help_text="The query with which the page that adds it is filled in."
    )
    note = models.CharField(max_length=300, blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    state = coded(ProposalState, default=ProposalState.WAITING.value)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("proposal_asks_for_is_known", "asks_for", Proposed),
            has_known_code("proposal_state_is_known", "state", ProposalState),
            is_one_line("proposal_name_is_a_line", "name"),
            models.CheckConstraint(
                name="proposal_is_decided_by_somebody",
                condition=Q(state=ProposalState.WAITING.value, decided_at=None, decided_by=None)
                | ~Q(state=ProposalState.WAITING.value) & Q(decided_at__isnull=False),
            ),
            # The same twice is one.
            models.UniqueConstraint(
                name="proposal_waits_once",
                fields=["agency", "asks_for", "filled_in"],
                condition=Q(state=ProposalState.WAITING.value),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="only_decided", exclude=["state", "decided_by", "decided_at", "reason"]
            ),
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["added", "declined"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_asks_for_display()}: {self.name}"
