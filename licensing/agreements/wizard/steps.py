"""Steps of the wizard, in their order."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Step(StrEnum):
    """What is asked together; the value is its place in the page's address."""

    WHO = "who"
    DEAL = "deal"
    GRANTS = "grants"
    PRICES = "prices"
    LIMITS = "limits"
    HANDLING = "handling"
    CHECKS = "checks"

    @property
    def number(self) -> int:
        return list(Step).index(self) + 1

    @property
    def heading(self) -> Promise:
        return HEADINGS[self]

    @property
    def next(self) -> "Step | None":
        steps = list(Step)
        return steps[self.number] if self.number < len(steps) else None

    @property
    def before(self) -> "Step | None":
        return list(Step)[self.number - 2] if self.number > 1 else None


HEADINGS = {
    Step.WHO: _("Who and what"),
    Step.DEAL: _("Which deal"),
    Step.GRANTS: _("What may be done"),
    Step.PRICES: _("What it costs"),
    Step.LIMITS: _("Limits"),
    Step.HANDLING: _("Capture, retention"),
    Step.CHECKS: _("Checks and signing"),
}
