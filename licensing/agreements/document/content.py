"""The content of a document: all that it says, as JSON that is frozen with it and compared."""

import hashlib
from collections.abc import Sequence
from typing import Any

from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.clauses import wording
from licensing.agreements.clauses.clause_library import templates
from licensing.agreements.clauses.placeholders import PLACEHOLDERS
from licensing.agreements.clauses.wording import Part, Slot
from licensing.agreements.exports.terms import terms_and_policy_of
from licensing.wire.canonical import canonical_bytes
from licensing.words import CheckResult
from talent import locales

from .clause_versions import Chosen
from .gathered import Gathered
from .schedules import schedules_of
from .summary import summary_of
from .values import Values, full_name, values_of

SCHEMA = "1"
Content = dict[str, Any]


def content_of(gathered: Gathered, clauses: list[Chosen]) -> Content:
    """Return the content of the document that the terms make, whoever draws it, and whenever."""
    values = values_of(gathered)
    schedules = schedules_of(gathered, values)
    agreement = gathered.agreement
    kind = gathered.deal.kind if gathered.deal else ""
    template = templates().get(kind)
    terms, policy = terms_and_policy_of(agreement)
    return {
        "schema": SCHEMA,
        "reference": agreement.reference,
        "title": template.title if template else "Licence of a digital twin",
        "about": template.about if template else "",
        "agency": agreement.agency.name,
        "licensee": agreement.licensee.name,
        "performer": values["performer"],
        "twin": agreement.twin.name,
        "locale": gathered.locale,
        "paper": gathered.paper,
        "summary": summary_of(gathered, values, schedules),
        "clauses": [_clause(number, one, values) for number, one in enumerate(clauses, start=1)],
        "schedules": schedules,
        "signatories": _signatories(gathered, values),
        "terms": terms,
        "policy": policy,
    }


def digest_of(content: Content) -> str:
    """Return the SHA-256, in hex, by which it is told whether the terms are still the same.

    What rules said on the day of drawing is no term, and neither is what amended it.
    """
    terms = {name: value for name, value in content.items() if name not in OF_ITS_DAY}
    return hashlib.sha256(canonical_bytes(terms)).hexdigest()


OF_ITS_DAY = frozenset(["rules", "amended_by", "signed_elsewhere", "taken"])
RULES_NOTE = "The desk checked these when the document was drawn. It is no legal advice."
RULE_COLUMNS = ["Rule", "Where it stands", "Day that counts", "How sure", "Found"]
# What binds the agency towards its performer is nothing that the licensee reads.
NOT_THE_LICENSEES = ("agents.", "managers.")


def rules_of(found: Sequence[RuleCheck], locale: str) -> Content:
    """Return what rules said of an agreement as a schedule, without those that do not apply."""
    rows = [
        [
            one.title,
            one.where,
            locales.day(one.day, locale) if one.day else "no day",
            one.confidence.label,
            one.result.label,
        ]
        for one in found
        if one.result != CheckResult.NOT_APPLICABLE and not one.code.startswith(NOT_THE_LICENSEES)
    ]
    return {
        "letter": "E",
        "title": "Rules applied",
        "columns": RULE_COLUMNS,
        "rows": rows,
        "notes": [RULES_NOTE] if rows else [],
    }


def _clause(number: int, one: Chosen, values: Values) -> Content:
    clause = one.clause
    return {
        "number": str(number),
        "code": clause.code,
        "version": str(clause.version),
        "section": clause.section,
        "title": clause.title,
        "gloss": clause.gloss,
        "mirrors": list(clause.mirrors),
        "paragraphs": [
            [_part(part, values) for part in paragraph]
            for paragraph in wording.paragraphs(clause.body, where=clause.title)
        ],
    }


def _part(part: Part, values: Values) -> Content:
    if isinstance(part, Slot):
        said = values.get(part.name, "")
        return {"term": part.name, "kind": PLACEHOLDERS[part.name].kind.value, "text": said}
    return {"text": part.text}


def _signatories(gathered: Gathered, values: Values) -> list[Content]:
    """Return who signs, and who initials the clause on the replica."""
    performer = gathered.performer
    if performer is not None:
        who = values["guardian"] or values["estate"] or full_name(performer)
        role = (
            "Guardian of the Performer"
            if values["guardian"]
            else "For the estate of the Performer"
            if values["estate"]
            else "Performer"
        )
        people = [{"role": role, "name": who, "initials": True}]
    else:
        people = [
            {"role": "Performer", "name": full_name(row.performer), "initials": True}
            for row in gathered.sources
        ]
    return [
        *people,
        {"role": "Agency", "name": gathered.agreement.agency.name, "initials": False},
        {"role": "Licensee", "name": gathered.agreement.licensee.name, "initials": False},
    ]
