"""Findings: what the rules say of an agreement, frozen before anybody signs, refused if it blocks.

`of` reads, `freeze` writes what was read, `refuse_blocked` stands before a signature. Rules are the
rows of the rule sets, so that staff may add one without a release.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.agreements import agreements
from licensing.agreements.checks.check import check, is_checked
from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.grounds import Grounds, Words
from licensing.agreements.grounds import digest_of as digest_of_words
from licensing.agreements.rules.rulebook import Rule
from licensing.agreements.rules.rulesets import rule_of
from licensing.models import Agreement, FindingSet, RuleFinding, RuleOverride, RuleSet
from licensing.words import CheckOccasion, CheckResult
from talent.errors import Refused
from talent.models import User

from .deals import facts_of

WORST = list(CheckResult)


class RulesForbidIt(Refused):
    """Rules that block say no to an agreement. `findings` are what they say."""

    code = "rules_forbid_it"

    def __init__(self, agreement: Agreement, findings: Sequence[RuleCheck]):
        self.findings = tuple(findings)
        told = " ".join(_in_words(finding) for finding in findings)
        super().__init__(
            _("%(agreement)s can't be signed: %(told)s") % {"agreement": agreement, "told": told}
        )


def _in_words(finding: RuleCheck) -> str:
    mend = f" {finding.mend.says}" if finding.mend else ""
    return f"{finding.title} ({finding.where}): {finding.sentence}{mend}"


def rules_in_use() -> list[Rule]:
    """Return all rules, in one query, by code and first day."""
    return [rule_of(row) for row in RuleSet.objects.order_by("code", "effective_from")]


def of(agreement: Agreement, *, at: datetime) -> list[RuleCheck]:
    """Return what each rule says of an agreement at an instant, the gravest first."""
    return of_each([agreement], at=at)[agreement.pk]


def of_each(
    agreements: Sequence[Agreement], *, at: datetime, rules: Sequence[Rule] | None = None
) -> dict[int, list[RuleCheck]]:
    """Return the findings of agreements by their ids, in a fixed number of queries."""
    rules = rules_in_use() if rules is None else rules
    facts = facts_of(agreements, at=at)
    return {pk: gravest_first(check(deal, rules)) for pk, deal in facts.items()}


def gravest_first(found: Sequence[RuleCheck]) -> list[RuleCheck]:
    return sorted(
        found,
        key=lambda one: (not one.blocks, -WORST.index(one.result), one.instrument, one.code),
    )


def worst_of(found: Sequence[RuleCheck]) -> CheckResult:
    """Return the gravest verdict of some findings."""
    return max((one.result for one in found), key=WORST.index, default=CheckResult.NOT_APPLICABLE)


def overrides_of(agreement: Agreement) -> Mapping[str, RuleOverride]:
    """Return the overrides that stand, by the digest of the finding they are bound to."""
    return {row.digest: row for row in RuleOverride.objects.approved().filter(agreement=agreement)}


def blocked_by(agreement: Agreement, *, at: datetime) -> list[RuleCheck]:
    """Return what forbids signing an agreement: what blocks, and nobody may or did let pass."""
    return _standing(of(agreement, at=at), overrides_of(agreement))


def refuse_blocked(agreement: Agreement, *, at: datetime) -> None:
    """Raise RulesForbidIt where a rule forbids signing an agreement, saying how to mend it."""
    blocked = blocked_by(agreement, at=at)
    if blocked:
        raise RulesForbidIt(agreement, blocked)


def _standing(found: Sequence[RuleCheck], overrides: Mapping[str, RuleOverride]) -> list[RuleCheck]:
    return [
        one
        for one in found
        if one.blocks and not (one.may_be_overridden and one.digest in overrides)
    ]


@transaction.atomic
def freeze(agreement: Agreement, document_digest: str, at: datetime, by: User | None) -> FindingSet:
    """Write down what the rules say at an instant, of a document or of words that are signed.

    Raises RulesForbidIt. `document_digest` is their SHA-256.
    """
    found = of(agreement, at=at)
    overrides = overrides_of(agreement)
    blocked = _standing(found, overrides)
    if blocked:
        raise RulesForbidIt(agreement, blocked)
    return write(
        agreement, found, overrides,
        occasion=CheckOccasion.SIGNING, document_digest=document_digest, at=at, by=by,
    )  # fmt: skip


def write(
    agreement: Agreement,
    found: Sequence[RuleCheck],
    overrides: Mapping[str, RuleOverride],
    *,
    occasion: CheckOccasion,
    at: datetime,
    by: User | None,
    document_digest: str = "",
) -> FindingSet:
    """Write findings down as one set; nothing of it is ever changed."""
    found_in = FindingSet.objects.create(
        agreement=agreement, occasion=occasion.value, at=at, by=by,
        document_digest=document_digest, digest=digest_of(found), worst=worst_of(found).value,
    )  # fmt: skip
    RuleFinding.objects.bulk_create(_row(one, found_in, overrides) for one in found)
    return found_in


def digest_of(found: Sequence[RuleCheck]) -> str:
    """Return one digest of all verdicts: it changes with any of them, and not with their order."""
    told = sorted(one.digest for one in found)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _row(
    one: RuleCheck, found_in: FindingSet, overrides: Mapping[str, RuleOverride]
) -> RuleFinding:
    return RuleFinding(
        found_in=found_in,
        code=one.code,
        effective_from=one.effective_from,
        title=one.title,
        result=one.result.value,
        blocks=one.blocks,
        instrument=one.instrument,
        clause=one.clause,
        jurisdiction=one.jurisdiction,
        source=one.source,
        confidence=one.confidence.value,
        trigger=one.trigger.value,
        day=one.day,
        assumed=one.assumed,
        sentence=one.sentence,
        mend=one.mend.says if one.mend else "",
        override=overrides.get(one.digest) if one.blocks and one.may_be_overridden else None,
    )


def codes_that_are_checked() -> frozenset[str]:
    """Return the codes of the loaded rules that have a check."""
    return frozenset(rule.code for rule in rules_in_use() if is_checked(rule))


@transaction.atomic
def sign_checked(
    *, agreement: Agreement, words: Words, at: datetime, by: User | None, reason: str = ""
) -> Agreement:
    """Freeze what the rules say of what was signed, then put the draft in force.

    Raises RulesForbidIt, and what `agreements.sign` raises.
    """
    agreement = agreements.lock(agreement)
    found = freeze(agreement, digest_of_words(words), at, by)
    return agreements.sign(
        agreement=agreement, grounds=Grounds(words, found), at=at, by=by, reason=reason
    )
