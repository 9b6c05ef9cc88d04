"""The rulebook: dated, sourced rules and figures of the field, read from the files beside this one.

A figure whose confidence is unverified or conflicting may be shown with its caveat; it is never
applied as if it were known (`Rule.may_be_relied_on`). A rule whose breach forbids a signature says
`blocks`, and one that nobody may override says `absolute` too; `in_plain_words` is what it does for
a performer, said to them.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import TypeVar

from licensing.words import Confidence, RuleStatus, Trigger
from talent.words import Word

RULES_DIRECTORY = Path(__file__).parent

# The first day of a rule whose source names none: before any fact the desk will meet.
SINCE_BEFORE_OUR_RECORDS = date(1900, 1, 1)

# What one value may be: decimals are strings, so that none passes through a float.
Value = str | int | bool | list[str]

AnyWord = TypeVar("AnyWord", bound=Word)


class RulebookIsBroken(Exception):
    """A rule file does not say what a rule must say. Names the file and the rule."""


@dataclass(frozen=True)
class RuleSource:
    """Where a rule was read."""

    name: str
    url: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule or figure and the days on which it counts, both included."""

    code: str
    instrument: str
    title: str
    summary: str
    effective_from: date
    effective_to: date | None
    trigger: Trigger
    source: RuleSource
    confidence: Confidence
    status: RuleStatus
    jurisdiction: str = ""
    clause: str = ""
    second_source: RuleSource | None = None
    blocks: bool = False
    absolute: bool = False
    in_plain_words: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def counts_on(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    @property
    def may_be_relied_on(self) -> bool:
        """Whether the desk may apply it: it is in force, and neither unverified nor conflicting."""
        return self.status is RuleStatus.IN_FORCE and self.confidence not in (
            Confidence.UNVERIFIED,
            Confidence.CONFLICTING,
        )

    @property
    def may_block(self) -> bool:
        """Whether breaking it forbids a signature: it says so, and was read well enough.

        Well enough is in the primary text, or in two sources.
        """
        read_well = self.confidence is Confidence.PRIMARY or self.second_source is not None
        return self.blocks and self.may_be_relied_on and read_well


def read_rulebook(directory: Path = RULES_DIRECTORY) -> list[Rule]:
    """Read every rule file of a directory, ordered by code and first day.

    Raises RulebookIsBroken, naming the file and the rule.
    """
    rules = [rule for path in sorted(directory.glob("*.toml")) for rule in read_rules(path)]
    rules.sort(key=lambda rule: (rule.code, rule.effective_from))
    refuse_overlaps(rules)
    return rules


def read_rules(path: Path) -> list[Rule]:
    """Read one file: `[shared]` defaults, `[[rule]]` entries, `[[rule.version]]` where dated."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookIsBroken(f"{path.name}: {error}") from error
    shared = content.get("shared", {})
    return [
        as_rule(path.name, table)
        for entry in content.get("rule", [])
        for table in versions(shared | entry)
    ]


def versions(entry: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield one table per version; one without a last day ends where the next begins."""
    common = {key: value for key, value in entry.items() if key != "version"}
    dated = entry.get("version", [{}])
    if not isinstance(dated, list):
        raise RulebookIsBroken(f"{entry.get('code')}: versions are [[rule.version]] tables.")
    nothing: dict[str, object] = {}
    for version, following in zip_longest(dated, dated[1:], fillvalue=nothing):
        starts = following.get("effective_from")
        ends = {"effective_to": starts - timedelta(days=1)} if isinstance(starts, date) else {}
        yield common | ends | version


def as_rule(file: str, table: Mapping[str, object]) -> Rule:
    """Check one version's table and make it a rule. Raises RulebookIsBroken."""
    where = f"{file}: {table.get('code', 'a rule without a code')}"
    unknown = sorted(set(table) - {column.name for column in fields(Rule)})
    if unknown:
        raise RulebookIsBroken(f"{where}: unknown {', '.join(unknown)}.")
    return Rule(
        code=text(where, table, "code"),
        instrument=text(where, table, "instrument"),
        title=text(where, table, "title"),
        summary=text(where, table, "summary"),
        effective_from=as_day(where, table, "effective_from") or SINCE_BEFORE_OUR_RECORDS,
        effective_to=last_day(where, table),
        trigger=word(where, table, "trigger", Trigger),
        source=as_source(where, table.get("source")),
        confidence=word(where, table, "confidence", Confidence),
        status=word(where, table, "status", RuleStatus),
        jurisdiction=text(where, table, "jurisdiction", required=False),
        clause=text(where, table, "clause", required=False),
        second_source=(
            as_source(where, table["second_source"]) if "second_source" in table else None
        ),
        blocks=yes_or_no(where, table, "blocks"),
        absolute=yes_or_no(where, table, "absolute"),
        in_plain_words=text(where, table, "in_plain_words", required=False),
        values=as_values(where, table.get("values", {})),
    )


def text(where: str, table: Mapping[str, object], key: str, *, required: bool = True) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or (required and not value.strip()):
        raise RulebookIsBroken(f"{where}: {key} must be a text.")
    return value.strip()


def yes_or_no(where: str, table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise RulebookIsBroken(f"{where}: {key} must be true or false.")
    return value


def as_day(where: str, table: Mapping[str, object], key: str) -> date | None:
    value = table.get(key)
    # A TOML date and time is a date too, and would say more than a day.
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise RulebookIsBroken(f"{where}: {key} must be a day, such as 2026-07-01.")


def last_day(where: str, table: Mapping[str, object]) -> date | None:
    first, last = as_day(where, table, "effective_from"), as_day(where, table, "effective_to")
    if first and last and last < first:
        raise RulebookIsBroken(f"{where}: ends before it starts.")
    return last


def word(where: str, table: Mapping[str, object], key: str, words: type[AnyWord]) -> AnyWord:
    code = text(where, table, key)
    if code not in words.codes():
        raise RulebookIsBroken(f"{where}: {key} must be one of {', '.join(words.codes())}.")
    return next(known for known in words if known.value == code)


def as_source(where: str, table: object) -> RuleSource:
    if not isinstance(table, dict) or not table.get("name") or set(table) - {"name", "url"}:
        raise RulebookIsBroken(f"{where}: source must have a name, and at most a url beside it.")
    source = RuleSource(**table)
    if source.url and not source.url.startswith("https://"):
        raise RulebookIsBroken(f"{where}: the source's url must start with https://.")
    return source


def as_values(where: str, table: object) -> dict[str, Value]:
    if not isinstance(table, dict):
        raise RulebookIsBroken(f"{where}: values must be a table.")
    for key, value in table.items():
        listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not listed and not isinstance(value, str | int | bool):
            raise RulebookIsBroken(
                f"{where}: value {key} must be a text, a whole number, yes or no, or texts;"
                " write a decimal as a text."
            )
    return table


def refuse_overlaps(rules: Sequence[Rule]) -> None:
    """Raise RulebookIsBroken where two rules of one code count on the same day.

    `rules` are ordered by code and first day.
    """
    for earlier, later in pairwise(rules):
        if earlier.code == later.code and earlier.counts_on(later.effective_from):
            raise RulebookIsBroken(
                f"{later.code}: two versions count on {later.effective_from}; end the first."
            )
