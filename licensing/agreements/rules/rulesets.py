"""Rule sets: the rulebook as rows that staff can read and agreements can be checked against."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from licensing.agreements.rules.rulebook import RULES_DIRECTORY, Rule, RuleSource, read_rulebook
from licensing.models import RuleSet
from licensing.words import Confidence, RuleStatus, Trigger


@dataclass(frozen=True)
class RulesLoaded:
    """What a load did: rules read, and how many of them are new rows."""

    rules: int
    new: int


@transaction.atomic
def load_rules(directory: Path = RULES_DIRECTORY) -> RulesLoaded:
    """Write every rule of the files to the database, by code and first day.

    A row whose file changed takes the file's content; rows that no file knows stay, because
    staff may have entered them. Raises RulebookIsBroken before anything is written.
    """
    rules = read_rulebook(directory)
    before = RuleSet.objects.count()
    rows = [row_of(rule) for rule in rules]
    content = [
        column.name for column in RuleSet._meta.local_concrete_fields if column.name not in KEY
    ]
    RuleSet.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code", "effective_from"],
        update_fields=content,
    )
    return RulesLoaded(rules=len(rules), new=RuleSet.objects.count() - before)


KEY = ("id", "code", "effective_from")


def row_of(rule: Rule) -> RuleSet:
    """Return a rule that was read from a file as an unsaved row."""
    return RuleSet(
        code=rule.code,
        instrument=rule.instrument,
        jurisdiction=rule.jurisdiction,
        clause=rule.clause,
        title=rule.title,
        summary=rule.summary,
        effective_from=rule.effective_from,
        effective_to=rule.effective_to,
        trigger=rule.trigger.value,
        source=rule.source.name,
        source_url=rule.source.url,
        confidence=rule.confidence.value,
        status=rule.status.value,
        second_source=rule.second_source.name if rule.second_source else "",
        second_source_url=rule.second_source.url if rule.second_source else "",
        blocks=rule.blocks,
        absolute=rule.absolute,
        in_plain_words=rule.in_plain_words,
        values=dict(rule.values),
    )


def rule_of(row: RuleSet) -> Rule:
    """Return a stored row as the rule that arithmetic applies."""
    return Rule(
        code=row.code,
        instrument=row.instrument,
        title=row.title,
        summary=row.summary,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        trigger=Trigger(row.trigger),
        source=RuleSource(row.source, row.source_url),
        confidence=Confidence(row.confidence),
        status=RuleStatus(row.status),
        jurisdiction=row.jurisdiction,
        clause=row.clause,
        second_source=(
            RuleSource(row.second_source, row.second_source_url) if row.second_source else None
        ),
        blocks=row.blocks,
        absolute=row.absolute,
        in_plain_words=row.in_plain_words,
        values=row.values,
    )
