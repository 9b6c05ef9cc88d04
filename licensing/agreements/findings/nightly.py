"""Each night all agreements in force are asked anew; what reads otherwise is kept and told.

Rules begin and end by their own days, and facts change beside an agreement: a domicile, a
delegation, a twin's class. Where nothing reads otherwise, nothing is written.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.rules.rulebook import Rule
from licensing.models import Agreement, FindingSet
from licensing.recipients import staff_by_agency
from licensing.words import CheckOccasion, CheckResult
from talent import outbox
from talent.database.locks import lock_until_commit
from talent.words import Role

from .findings import digest_of, of_each, overrides_of, rules_in_use, worst_of, write

log = logging.getLogger(__name__)

AT_ONCE = 200
TOLD_IN_A_MAIL = 20


@dataclass(frozen=True, slots=True)
class Change:
    """An agreement that reads otherwise than when it was last asked, and its findings now."""

    agreement: Agreement
    found: Sequence[RuleCheck]
    is_first: bool

    @property
    def worst(self) -> CheckResult:
        return worst_of(self.found)


def check_in_force(*, at: datetime) -> int:
    """Ask the rules of every agreement in force; keep and tell what changed. Return how many.

    In parts, so that many take no more memory than some. Of a part that fails each agreement is
    asked by itself: one that cannot be asked is logged, and keeps no other back.
    """
    rules = rules_in_use()
    changes = 0
    for part in _parts(at):
        try:
            changes += _check(part, rules, at)
        except Exception:
            log.exception("rule checks of %d agreements failed; each is asked by itself", len(part))
            changes += sum(_check_alone(number, rules, at) for number in part)
    return changes


def _check_alone(number: int, rules: Sequence[Rule], at: datetime) -> int:
    try:
        return _check([number], rules, at)
    except Exception:
        log.exception("agreement %d could not be asked what the rules say", number)
        return 0


@transaction.atomic
def _check(part: Sequence[int], rules: Sequence[Rule], at: datetime) -> int:
    # A second run waits, and finds that nothing reads otherwise by then.
    lock_until_commit("rule checks")
    changed = list(_changed(part, rules, at))
    _keep(changed, at)
    _tell([one for one in changed if not one.is_first], at)
    return len(changed)


def _parts(at: datetime) -> Iterator[list[int]]:
    """Yield the ids of the agreements in force, some at a time."""
    numbers = Agreement.objects.in_force(at).order_by("pk").values_list("pk", flat=True)
    part = list(numbers[:AT_ONCE])
    while part:
        yield part
        part = list(numbers.filter(pk__gt=part[-1])[:AT_ONCE])


def _changed(numbers: Iterable[int], rules: Sequence[Rule], at: datetime) -> Iterator[Change]:
    agreements = list(Agreement.objects.filter(pk__in=numbers).order_by("pk"))
    known = FindingSet.objects.latest_of([one.pk for one in agreements])
    digests = dict(known.values_list("agreement", "digest"))
    found = of_each(agreements, at=at, rules=rules)
    for agreement in agreements:
        was = digests.get(agreement.pk)
        if was != digest_of(found[agreement.pk]):
            yield Change(agreement, found[agreement.pk], was is None)


def _keep(changes: Iterable[Change], at: datetime) -> None:
    for change in changes:
        write(
            change.agreement, change.found, overrides_of(change.agreement),
            occasion=CheckOccasion.NIGHT, at=at, by=None,
        )  # fmt: skip


def _tell(changes: Sequence[Change], at: datetime) -> None:
    """Write each agency's agents and business affairs one mail about all that changed."""
    agencies = {change.agreement.agency_id for change in changes}
    staff = staff_by_agency(sorted(agencies), Role.AGENT, Role.BUSINESS_AFFAIRS)
    for agency, users in staff.items():
        theirs = [change for change in changes if change.agreement.agency_id == agency]
        body = "\n".join(
            [
                _("What the rules say of these agreements has changed:"),
                "",
                *(_line(change) for change in theirs[:TOLD_IN_A_MAIL]),
                "",
                _("Each agreement's page shows the rule, the day that selected it and what "
                  "would mend it."),
            ]
        )  # fmt: skip
        subject = _("Rules: %d agreements read otherwise") % len(theirs)
        for user in {one.pk: one for one in users}.values():
            outbox.post(recipient=user.email, subject=subject, body=body, at=at)


def _line(change: Change) -> str:
    gravest = next((one for one in change.found if one.result is change.worst), None)
    told = f"{change.agreement}: {change.worst.label.lower()}"
    return told if gravest is None else f"{told}. {gravest.title}: {gravest.sentence}"
