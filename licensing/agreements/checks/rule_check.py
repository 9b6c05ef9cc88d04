"""What a rule says of a deal: its result, why, on which day, and what would mend it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from licensing.words import CheckResult, Confidence, DealStep, RuleStatus, Trigger


@dataclass(frozen=True, slots=True)
class Mend:
    """The change that would mend a finding, and where it is made.

    `field` is the name of a field of that step; empty: of none.
    """

    says: str
    step: DealStep
    field: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one check found, before the rule's day and its confidence are looked at."""

    result: CheckResult
    says: str
    mend: Mend | None = None


def passes(says: str) -> Answer:
    return Answer(CheckResult.PASS, says)


def fails(says: str, mend: Mend) -> Answer:
    return Answer(CheckResult.FAIL, says, mend)


def is_at_risk(says: str, mend: Mend | None = None) -> Answer:
    return Answer(CheckResult.AT_RISK, says, mend)


def is_unknown(says: str, mend: Mend | None = None) -> Answer:
    return Answer(CheckResult.UNKNOWN, says, mend)


def is_not_for(says: str) -> Answer:
    return Answer(CheckResult.NOT_APPLICABLE, says)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """A rule's verdict on a deal, with all that a reader needs to weigh it.

    `day` is the day that selected the rule, that of `trigger`; `assumed` means that nobody entered
    it. `blocks` forbids a signature; `may_be_overridden` tells whether two people may let it pass.
    """

    code: str
    title: str
    effective_from: date
    result: CheckResult
    blocks: bool
    may_be_overridden: bool
    instrument: str
    clause: str
    jurisdiction: str
    source: str
    confidence: Confidence
    status: RuleStatus
    trigger: Trigger
    day: date | None
    assumed: bool
    sentence: str
    mend: Mend | None
    in_plain_words: str

    @property
    def digest(self) -> str:
        """What two people let pass: another verdict, day or reason of the rule is another one."""
        told = [
            self.code, self.effective_from.isoformat(), self.result.value, self.sentence,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()

    @property
    def where(self) -> str:
        """Return the instrument with its clause."""
        return f"{self.instrument}, {self.clause}" if self.clause else self.instrument
