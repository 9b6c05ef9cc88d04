"""Worked cases: facts and the verdict that a rule must give on them, worked by hand.

They stand in TOML beside the rules and say what differs from one plain deal (`PLAIN`). A case with
`days` is asked on each of them as the day of the rule's fact: the day before, the day, the day
after. `does_not_count` is the verdict of a rule that does not count then.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from licensing.agreements.rules.rulebook import RULES_DIRECTORY, Rule, RulebookIsBroken
from licensing.words import CheckResult, Trigger
from talent.words import Word

from .check import check
from .deal_facts import Days, DealFacts
from .rule_check import RuleCheck

CASES_DIRECTORY = RULES_DIRECTORY / "cases"
DOES_NOT_COUNT = "does_not_count"

DAY = date(2026, 12, 1)
PERSON = {
    "name": "Ada Example",
    "born_on": date(1980, 2, 29),
    "domicile": "US-CA",
    "commission_percent": "10",
}
GRANT = {"right": "voice", "use": "dubbing", "territories": ["US"], "languages": ["fr"]}
PRICE = {
    "label": "Day",
    "meter": "equivalent_days",
    "pricing": "per_unit",
    "unit": "1283",
    "unit_in_real_time": "1283",
    "production_kinds": ["feature"],
}
TERM = {"first": DAY, "last": date(2027, 11, 30)}
# A deal that no rule minds: an adult who dubs one feature into French for a year, without a guild.
PLAIN: Mapping[str, Any] = {
    "today": DAY,
    "signed": False,
    "starts_on": DAY,
    "ends_on": TERM["last"],
    "currency": "USD",
    "tier": "dynamic_behavioral_emulator",
    "legal_class": "employment_based",
    "guild": "none",
    "engagement": "not_covered",
    "days": {
        "agreement_date": DAY,
        "photography_start": DAY,
        "fixation": TERM,
        "payment": TERM,
        "distribution": TERM,
        "capture": TERM,
    },
    "kind": "dubbing_adr",
    "governing_law": "US-CA",
    "exclusivity": "none",
    "ai_label": True,
    "represented_by": "none",
    "court_approval": "",
    "captures": [],
    "capture_reason": "",
    "retention_ends": "with_the_agreement",
    "removal_right": True,
    "agency_country": "US",
    "licensee_country": "US",
    "description": "Dubbing of the feature Kite Weather into French, as it was recorded.",
    "productions": ["Kite Weather"],
    "production_kinds": ["feature"],
}


@dataclass(frozen=True, slots=True)
class Case:
    """Facts, and what one rule says of them. `rule` is its code."""

    rule: str
    says: str
    facts: DealFacts
    result: str
    blocks: bool | None
    version: date | None
    day: date | None

    def __str__(self) -> str:
        on = f" on {self.day.isoformat()}" if self.day else ""
        return f"{self.rule}: {self.says}{on}"


def read_cases(directory: Path = CASES_DIRECTORY) -> list[Case]:
    """Read the worked cases of every file. Raises RulebookIsBroken, naming the case."""
    return [
        case
        for path in sorted(directory.glob("*.toml"))
        for table in tomllib.loads(path.read_text("utf-8")).get("case", [])
        for case in _cases(path.name, table)
    ]


def failing(cases: Sequence[Case], rules: Sequence[Rule]) -> list[tuple[Case, str]]:
    """Return the cases whose rule says otherwise, each with what it says."""
    return [(case, said) for case in cases if (said := verdict(case, rules)) != _wanted(case)]


def verdict(case: Case, rules: Sequence[Rule]) -> str:
    """Return what a rule says of a case, as `fail, blocks`, or that it does not count."""
    found = [
        one
        for one in check(case.facts, rules)
        if one.code == case.rule and case.version in (None, one.effective_from)
    ]
    if not found:
        return DOES_NOT_COUNT
    return _said(found[0], with_blocks=case.blocks is not None)


def _said(found: RuleCheck, *, with_blocks: bool) -> str:
    if not with_blocks:
        return found.result.value
    return f"{found.result.value}, {'blocks' if found.blocks else 'does not block'}"


def _wanted(case: Case) -> str:
    if case.blocks is None or case.result == DOES_NOT_COUNT:
        return case.result
    return f"{case.result}, {'blocks' if case.blocks else 'does not block'}"


def _cases(file: str, table: Mapping[str, Any]) -> Iterator[Case]:
    where = f"{file}: {table.get('rule', 'a case without a rule')}: {table.get('says', '')}"
    known = {"rule", "says", "result", "blocks", "version", "facts", "days", "trigger"}
    if set(table) - known or not {"rule", "says"} <= set(table):
        raise RulebookIsBroken(f"{where}: a case has a rule, says, facts, and a result or days.")
    facts = facts_from(table.get("facts", {}), where)
    asked = table.get("days") or [[None, table.get("result")]]
    for day, result in asked:
        if result not in (*CheckResult.codes(), DOES_NOT_COUNT):
            raise RulebookIsBroken(f"{where}: {result} is no result.")
        yield Case(
            rule=table["rule"],
            says=table["says"],
            facts=facts if day is None else _on(facts, Trigger(table["trigger"]), day),
            result=result,
            blocks=table.get("blocks"),
            version=table.get("version"),
            day=day,
        )


def _on(facts: DealFacts, trigger: Trigger, day: date) -> DealFacts:
    """Return facts whose `trigger` happens on one day, which is the day of the question too."""
    return replace(facts, today=day, days={**facts.days, trigger: Days.of(day)})


def facts_from(different: Mapping[str, Any], where: str = "facts") -> DealFacts:
    """Return the plain deal with what is different. Raises RulebookIsBroken.

    `person`, `grant` and `price` change the plain one of their kind; `persons`, `grants` and
    `prices` replace all.
    """
    given = dict(different)
    told: dict[str, Any] = dict(PLAIN)
    told["persons"] = [_known(PERSON | given.pop("person", {}))]
    told["grants"] = [_known(GRANT | given.pop("grant", {}))]
    told["prices"] = [_known(PRICE | given.pop("price"))] if "price" in given else []
    told["days"] = told["days"] | given.pop("days", {})
    told |= given
    told["days"] = _known(told["days"])
    try:
        facts: DealFacts = _made(DealFacts, _known(told))
    except (TypeError, ValueError, KeyError) as error:
        raise RulebookIsBroken(f"{where}: {error}") from error
    return facts


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what nobody knows, or what is any: TOML has no null, so that it says “unknown”."""
    return {key: value for key, value in told.items() if value != "unknown"}


def _made(wanted: Any, value: Any) -> Any:
    """Make a value of a type: words, decimals, sets, tuples, and the fields of dataclasses."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        return None if value is None else _made(inner[0], value)
    if origin is frozenset:
        return frozenset(_made(inner[0], one) for one in value)
    if origin is tuple:
        return tuple(_made(inner[0], one) for one in value)
    if origin is not None:
        return {_made(inner[0], key): _made(inner[1], one) for key, one in value.items()}
    if is_dataclass(wanted):
        return _fields_of(wanted, value)
    if issubclass(wanted, Word | Decimal):
        return wanted(value)
    return value


def _fields_of(wanted: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        # A day stands for days that are that one, and yes or no for what was stated.
        return Days.of(value) if wanted is Days else wanted(value)
    value = _known(value)
    types = get_type_hints(wanted)
    unknown = set(value) - {column.name for column in fields(wanted)}
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    made = {key: _made(types[key], one) for key, one in value.items()}
    return wanted(**({"last": None} | made if wanted is Days else made))
