"""A change of law is a diff: which agreements read otherwise under other rules, from which day.

Both rulebooks are asked the same facts, on today and on each day on which a changed rule begins or
ends, and the verdicts are compared. Nothing is written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from licensing.agreements.checks.check import check
from licensing.agreements.checks.deal_facts import DealFacts
from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.rules.rulebook import Rule
from licensing.models import Agreement
from licensing.words import AgreementStatus, CheckResult
from talent.models import ConsentMatrix

from .deals import facts_of
from .findings import WORST

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class StandsOtherwise:
    """What one rule says of an agreement now, what it would say, and from which day.

    None: the rule does not count. `matrices` are the consents that the agreement rests on.
    """

    agreement: Agreement
    code: str
    title: str
    since: date
    before: CheckResult | None
    after: CheckResult | None
    says: str
    mend: str
    matrices: tuple[ConsentMatrix, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Tell whether more stands against the agreement; a new rule that it passes is nothing."""
        before, after = self.before or CheckResult.PASS, self.after or CheckResult.PASS
        return WORST.index(after) > max(WORST.index(before), WORST.index(CheckResult.PASS))


def changed(before: Sequence[Rule], after: Sequence[Rule]) -> list[Rule]:
    """Return the rules that are not in both rulebooks as they are: new, gone, or worded anew."""
    return [
        *(rule for rule in after if rule not in before),
        *(rule for rule in before if rule not in after),
    ]


def before_it_came(rules: Sequence[Rule], version: Rule) -> list[Rule]:
    """Return rules without one version: the version that it replaced goes on in its place."""
    replaced_on = version.effective_from - timedelta(days=1)
    return [
        replace(rule, effective_to=version.effective_to)
        if rule.code == version.code and rule.effective_to == replaced_on
        else rule
        for rule in rules
        if (rule.code, rule.effective_from) != (version.code, version.effective_from)
    ]


def stand_otherwise(
    before: Sequence[Rule],
    after: Sequence[Rule],
    *,
    at: datetime,
    since: date | None = None,
    among: QuerySet[Agreement] | None = None,
) -> list[StandsOtherwise]:
    """Return what reads otherwise of each agreement that is in force or still a draft.

    By agreement and rule, with the first day on which it does: of today and later, or of `since`.
    What neither rulebook applies to, before or after, is left out, and so is what is not `among`
    the agreements that are asked about.
    """
    rules = changed(before, after)
    if not rules:
        return []
    codes = {rule.code for rule in rules}
    # A check reads one rule: the others say what they said.
    before, after = (
        [rule for rule in version if rule.code in codes] for version in (before, after)
    )
    waiting = Q(status=AgreementStatus.DRAFT.value)
    asked = Agreement.objects.all() if among is None else among
    numbers = list(
        asked.filter(waiting | Q(pk__in=Agreement.objects.in_force(at).values("pk")))
        .order_by("pk").values_list("pk", flat=True)
    )  # fmt: skip
    found: list[StandsOtherwise] = []
    for start in range(0, len(numbers), AT_ONCE):
        found += _of_some(numbers[start : start + AT_ONCE], before, after, rules, at, since)
    return found


def _of_some(
    numbers: Sequence[int],
    before: Sequence[Rule],
    after: Sequence[Rule],
    rules: Sequence[Rule],
    at: datetime,
    since: date | None,
) -> Iterator[StandsOtherwise]:
    agreements = list(Agreement.objects.filter(pk__in=numbers).order_by("pk"))
    facts = facts_of(agreements, at=at)
    differing = {
        one.pk: list(differences(facts[one.pk], before, after, rules, since=since))
        for one in agreements
    }
    touched = [one for one in agreements if differing[one.pk]]
    matrices = _matrices_of(touched)
    titles = {rule.code: rule.title for rule in (*before, *after)}
    for agreement in touched:
        for code, since, was, now in differing[agreement.pk]:
            yield StandsOtherwise(
                agreement=agreement,
                code=code,
                title=titles[code],
                since=since,
                before=was.result if was else None,
                after=now.result if now else None,
                says=now.sentence if now else "The rule counts no longer.",
                mend=now.mend.says if now and now.mend else "",
                matrices=matrices[agreement.pk],
            )


def differences(
    facts: DealFacts,
    before: Sequence[Rule],
    after: Sequence[Rule],
    rules: Iterable[Rule],
    *,
    since: date | None = None,
) -> Iterator[tuple[str, date, RuleCheck | None, RuleCheck | None]]:
    """Yield the first day of each rule whose verdict differs, with both verdicts.

    Days before today are asked from `since` on, and not before the agreement begins.
    """
    told = set()
    first = facts.today if since is None else min(facts.today, max(since, facts.starts_on))
    for on in _days(first, rules):
        then = replace(facts, today=on)
        was, now = _by_code(then, before), _by_code(then, after)
        for code in sorted(was.keys() | now.keys()):
            old, new = was.get(code), now.get(code)
            if code not in told and _read(old) != _read(new):
                told.add(code)
                yield code, on, old, new


def _days(first: date, rules: Iterable[Rule]) -> list[date]:
    """Return a day and those after it on which one of the rules begins, or counts no more."""
    begins = {rule.effective_from for rule in rules}
    ends = {rule.effective_to + timedelta(days=1) for rule in rules if rule.effective_to}
    return sorted({first} | {day for day in begins | ends if day > first})


def _by_code(facts: DealFacts, rules: Sequence[Rule]) -> Mapping[str, RuleCheck]:
    """Return the gravest verdict of each rule, of the versions that count by today or the start."""
    by_code: dict[str, RuleCheck] = {}
    for one in check(facts, rules):
        if one.day is not None and one.day > max(facts.today, facts.starts_on):
            continue
        known = by_code.get(one.code)
        if known is None or WORST.index(one.result) > WORST.index(known.result):
            by_code[one.code] = one
    return by_code


def _read(one: RuleCheck | None) -> CheckResult:
    """Return a verdict as it is compared: a rule that does not count has nothing to say."""
    return CheckResult.NOT_APPLICABLE if one is None else one.result


def _matrices_of(agreements: Sequence[Agreement]) -> dict[int, tuple[ConsentMatrix, ...]]:
    """Return the consents of the twins and of the performers that agreements rest on."""
    twins = {one.twin_id for one in agreements}
    performers = {one.twin.performer_id for one in agreements if one.twin.performer_id}
    rows = list(
        ConsentMatrix.objects.filter(Q(twin__in=twins) | Q(performer__in=performers)).order_by("pk")
    )
    return {
        one.pk: tuple(
            row
            for row in rows
            if row.twin_id == one.twin_id
            or (row.performer_id and row.performer_id == one.twin.performer_id)
        )
        for one in agreements
    }
