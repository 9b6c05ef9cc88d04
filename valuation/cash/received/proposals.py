"""Which licensee a line of a bank is from: proposed with its reasons, decided by a person.

Pure: from what a line says and what the desk knows of each licensee, to proposals in order.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher

from valuation.words import ProposalReason

# What each reason weighs. One that names a debt or an account outweighs a name that is alike, and
# two weak ones together outweigh one; nothing is posted by weight alone.
WEIGHTS = {
    ProposalReason.REFERENCE: 5,
    ProposalReason.ACCOUNT: 4,
    ProposalReason.NAME: 3,
    ProposalReason.AMOUNT: 2,
    ProposalReason.LIKE_NAME: 1,
}
# Less proposes nobody: an equal amount alone, or a name a little alike, is chance.
ENOUGH = 3
# Shorter words and numbers stand in texts, dates and telephone numbers by chance.
SHORTEST_REFERENCE, SHORTEST_WORD, SHORTEST_NUMBER = 3, 4, 6
ALIKE = 0.86

COMPANY_FORMS = {
    "ab", "ag", "aps", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc",
    "incorporated", "kg", "limited", "llc", "llp", "lp", "ltd", "nv", "oy", "plc", "sa", "sarl",
    "sas", "sl", "spa", "srl", "the",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What a line of a bank says that tells whose it is."""

    amount: Decimal
    currency: str
    counterparty: str = ""
    counterparty_account: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Debt:
    """What a licensee owes under one agreement, or in one amount it was asked for."""

    reference: str
    amount: Decimal
    currency: str
    agreement: int | None = None
    invoice: int | None = None


@dataclass(frozen=True, slots=True)
class Debtor:
    """A licensee as the desk knows it. `accounts` are those that it paid from before."""

    licensee: int
    names: tuple[str, ...]
    accounts: frozenset[str] = frozenset()
    debts: tuple[Debt, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A licensee that a line may be from, why, and which of its debts it names."""

    licensee: int
    name: str
    reasons: tuple[ProposalReason, ...]
    named: tuple[Debt, ...] = ()

    @property
    def weight(self) -> int:
        return sum(WEIGHTS[reason] for reason in self.reasons)


def proposals_for(said: Said, debtors: Iterable[Debtor]) -> list[Proposal]:
    """Return who a line may be from, the likeliest first; none where nothing speaks for any."""
    found = [_proposal(said, debtor) for debtor in debtors]
    likely = [one for one in found if one.weight >= ENOUGH]
    return sorted(likely, key=lambda one: (-one.weight, one.licensee))


def only_one(proposals: Sequence[Proposal]) -> Proposal | None:
    """Return the proposal that no other equals, which one click may record; else None."""
    if not proposals or (len(proposals) > 1 and proposals[1].weight == proposals[0].weight):
        return None
    return proposals[0]


def _proposal(said: Said, debtor: Debtor) -> Proposal:
    named = tuple(
        debt for debt in debtor.debts if any(stands_in(debt.reference, text) for text in said.texts)
    )
    reasons = [ProposalReason.REFERENCE] if named else []
    if _account(said.counterparty_account) in {_account(one) for one in debtor.accounts} - {""}:
        reasons.append(ProposalReason.ACCOUNT)
    name = _name_reason(said.counterparty, debtor.names)
    if name:
        reasons.append(name)
    if _owes(said, debtor, named):
        reasons.append(ProposalReason.AMOUNT)
    return Proposal(debtor.licensee, debtor.names[0], tuple(reasons), named)


def stands_in(reference: str, text: str) -> bool:
    """Tell whether a reference stands in a text as a whole, whatever breaks it into parts.

    MER-1 does not stand in MER-12, nor 2026-001 in 12026-001.
    """
    parts = re.findall(r"[a-z]+|\d+", _plain(reference))
    kinds = {part.isdigit() for part in parts}
    shortest = {(True,): SHORTEST_NUMBER, (False,): SHORTEST_WORD}.get(tuple(kinds))
    if sum(map(len, parts)) < (shortest or SHORTEST_REFERENCE):
        return False
    pattern = r"[^a-z0-9]*".join(map(re.escape, parts))
    return bool(re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", _plain(text)))


def _name_reason(counterparty: str, names: Sequence[str]) -> ProposalReason | None:
    written = _words(counterparty)
    if not written:
        return None
    known = [words for words in map(_words, names) if words]
    if any(written == words for words in known):
        return ProposalReason.NAME
    # Banks cut names short: what is left begins the whole, and is more than a word's start.
    joined = "".join(written)
    for words in map("".join, known):
        if len(joined) >= 8 and (words.startswith(joined) or joined.startswith(words)):
            return ProposalReason.NAME
    if any(SequenceMatcher(None, joined, "".join(words)).ratio() >= ALIKE for words in known):
        return ProposalReason.LIKE_NAME
    return None


def _owes(said: Said, debtor: Debtor, named: Sequence[Debt]) -> bool:
    """Tell whether the amount is one debt, all that are named, or all that the licensee owes."""
    own = [debt for debt in debtor.debts if debt.currency == said.currency and debt.amount > 0]
    sums = {debt.amount for debt in own}
    # What is owed stands once under its agreement, and again on the invoice that asks for it.
    for invoiced in (True, False):
        alike = [debt for debt in own if (debt.invoice is not None) is invoiced]
        sums.add(sum((debt.amount for debt in alike), Decimal(0)))
        sums.add(sum((debt.amount for debt in alike if debt in named), Decimal(0)))
    return said.amount in sums - {Decimal(0)}


def _words(name: str) -> list[str]:
    words = re.findall(r"\w+", _plain(name).replace(".", ""))
    return [word for word in words if word not in COMPANY_FORMS]


def _account(number: str) -> str:
    return re.sub(r"\W", "", number).upper()


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
