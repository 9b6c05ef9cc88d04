"""Overrides: signing in spite of a finding that blocks. One person asks, another approves.

An override is bound to the finding as it was read, so that another verdict needs another one. What
a rule calls absolute has none.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.agreements import agreements
from licensing.agreements.checks.rule_check import RuleCheck
from licensing.models import Agreement, RuleOverride, RuleOverrideStep
from licensing.words import AgreementStatus, OverrideState, OverrideStepKind
from talent import four_eyes
from talent.errors import Refused
from talent.models import User

from .findings import of

ASKS = "licensing.ask_ruleoverride"
APPROVES = "licensing.approve_ruleoverride"


class NothingToOverride(Refused):
    """No finding of that rule blocks the agreement, so that there is nothing to let pass."""

    code = "nothing_to_override"


class NeverOverridden(Refused):
    """The rule is absolute: nobody may let it pass."""

    code = "never_overridden"


class OverrideDecided(Refused):
    """Somebody has decided on the override already."""

    code = "override_decided"


@transaction.atomic
def ask(*, agreement: Agreement, rule: str, reason: str, by: User, at: datetime) -> RuleOverride:
    """Ask to sign a draft in spite of what one rule says of it now. `rule` is its code.

    Raises NothingToOverride, NeverOverridden and four_eyes.NobodyToApprove.
    """
    locked = agreements.lock(agreement)
    if locked.status != AgreementStatus.DRAFT:
        raise NothingToOverride(_("It is signed; a finding is let pass before that."))
    if not reason.strip():
        raise NothingToOverride(
            _("Say why: whoever approves it reads it, and the document says it.")
        )
    finding = _blocking(locked, rule, at)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=locked.agency_id)
    return RuleOverride.objects.create(
        agreement=locked, code=finding.code, title=finding.title, digest=finding.digest,
        sentence=finding.sentence, reason=reason.strip(), asked_at=at, asked_by=by,
    )  # fmt: skip


@transaction.atomic
def approve(*, override_id: int, by: User, at: datetime, reason: str = "") -> RuleOverride:
    """Approve what somebody else asked for, if the finding still reads as it did.

    Raises OverrideDecided, NothingToOverride, NeverOverridden and four_eyes.FourEyes.
    """
    override = _waiting(override_id)
    four_eyes.refuse_same_person(by=by, before=[override.asked_by_id])
    finding = _blocking(override.agreement, override.code, at)
    if finding.digest != override.digest:
        raise NothingToOverride(
            _("The rule says something else by now: %s Ask anew.") % finding.sentence
        )
    _step(override, OverrideStepKind.APPROVED, by=by, at=at, reason=reason)
    return override


@transaction.atomic
def reject(*, override_id: int, by: User, at: datetime, reason: str) -> RuleOverride:
    """Reject an override; who asked for it takes it back so.

    Raises OverrideDecided, and four_eyes.FourEyes for who could not approve it either.
    """
    override = _waiting(override_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[override.asked_by_id],
        permission=APPROVES,
        agency_ids=[override.agreement.agency_id],
    )
    own = by.pk == override.asked_by_id
    kind = OverrideStepKind.TAKEN_BACK if own else OverrideStepKind.REJECTED
    _step(override, kind, by=by, at=at, reason=reason)
    return override


def _blocking(agreement: Agreement, rule: str, at: datetime) -> RuleCheck:
    """Return what a rule says that blocks, and that may be let pass."""
    blocking = [one for one in of(agreement, at=at) if one.code == rule and one.blocks]
    if not blocking:
        raise NothingToOverride(_("That rule does not block the agreement."))
    if not blocking[0].may_be_overridden:
        raise NeverOverridden(_("%s Nobody may let that pass: mend it.") % blocking[0].sentence)
    return blocking[0]


def _waiting(override_id: int) -> RuleOverride:
    """Lock an override that nobody has decided on."""
    rows = RuleOverride.objects.select_for_update(of=("self",)).select_related("agreement")
    override: RuleOverride = rows.get(pk=override_id)
    if override.state is not OverrideState.WAITING:
        raise OverrideDecided(_("It is decided: %s.") % override.state.label.lower())
    return override


def _step(
    override: RuleOverride, kind: OverrideStepKind, *, by: User, at: datetime, reason: str
) -> None:
    RuleOverrideStep.objects.create(override=override, kind=kind.value, by=by, at=at, reason=reason)
