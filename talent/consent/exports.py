"""Exports of a consent: an ODRL policy, CAWG training entries, a receipt. Derived, never stored.

A policy states the combined consent to a twin: all layers of everybody whose consent counts.
What no permission covers is prohibited explicitly, so that no reader has to guess.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from talent.territories import territories_in
from talent.words import ConsentMethod, Guild, Meter, RepresentedBy, Right, Stance, Use, Word

from .diff import bounds_in_words, field_in_words
from .matrix import Cell, CombinedCell, cell_name, label, strictness
from .scope import CATEGORY, EVERYWHERE, Limit, Scope, allows_nothing, common_scope

Json = dict[str, Any]
Cells = Mapping[tuple[str, str], CombinedCell]

TERMS = "urn:likenessdesk:consent:"
PROFILE = f"{TERMS}profile"
WORLD = "001"  # UN M49: any territory, as long as one is stated

# The terms used below, copied from the standard's context (http://www.w3.org/ns/odrl.jsonld), so
# that a policy can be read without fetching anything.
CONTEXT: Json = {
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "desk": TERMS,
    "@vocab": "http://www.w3.org/ns/odrl/2/",
    "uid": "@id",
    "type": "@type",
    "title": "dct:title",
    "valid": {"@id": "dct:valid", "@type": "xsd:dateTime"},
    **{
        term: {"@id": f"odrl:{term}", "@type": "@id"}
        for term in ("profile", "target", "consentingParty")
    },
    **{
        term: {"@id": f"odrl:{term}", "@type": "@vocab"}
        for term in ("conflict", "action", "leftOperand", "operator")
    },
    "or": {"@id": "odrl:or", "@container": "@list"},
    "rightOperand": {"@id": "odrl:rightOperand"},
}


@dataclass(frozen=True, slots=True)
class ConsentingParty:
    """Somebody whose consent counts for a twin, with what all layers together say for them."""

    party: str
    cells: Cells


def consent_of_all(people: Sequence[ConsentingParty], right: str, use: str) -> CombinedCell:
    """Combine what several people consent to: the strictest stance, the narrowest scope."""
    cells = [_cell(person, right, use) for person in people]
    if not cells:
        return CombinedCell(right, use, Stance.DENY, EVERYWHERE, None)
    decisive = max(cells, key=lambda cell: strictness(cell.stance))
    scope = EVERYWHERE
    for cell in cells:
        # Real time unset is no permission, and another person's permission does not replace it.
        own = replace(cell.scope, real_time=bool(cell.scope.real_time))
        scope = common_scope(scope, own)
    return replace(decisive, scope=scope)


def _cell(person: ConsentingParty, right: str, use: str) -> CombinedCell:
    unset = CombinedCell(right, use, Stance.DENY, EVERYWHERE, None)
    return person.cells.get((right, use), unset)


# ODRL 2.2


def policy(*, twin: str, title: str, people: Sequence[ConsentingParty], at: datetime) -> Json:
    """Return a twin's consent at an instant as an ODRL Set in JSON-LD.

    Each right of the twin is an asset, each use a purpose of the action `use`. Ask is a permission
    whose duty is to obtain the consent of those who are to be asked. What a consent leaves out of
    what it permits is a prohibition of its own, which outranks the permission. Groups of
    territories stand as their members.
    """
    rules = [_rule(twin, people, right, use) for right in Right.codes() for use in Use.codes()]
    return {
        "@context": CONTEXT,
        "uid": f"{twin}:policy:{instant(at)}",
        "type": "Set",
        "profile": PROFILE,
        "title": title,
        "valid": instant(at),
        "conflict": "prohibit",
        "permission": [rule.permission for rule in rules if rule.permission],
        "prohibition": [prohibition for rule in rules for prohibition in rule.prohibitions],
    }


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a policy says of one right in one use."""

    permission: Json | None
    prohibitions: Sequence[Json]


def _rule(twin: str, people: Sequence[ConsentingParty], right: str, use: str) -> _Rule:
    cell = consent_of_all(people, right, use)
    purpose = {
        "leftOperand": "purpose",
        "operator": "eq",
        "rightOperand": {"uid": f"{TERMS}use:{use}"},
    }
    rule: Json = {"target": f"{twin}:{right}", "action": "use"}
    if cell.stance is Stance.DENY or allows_nothing(cell.scope):
        return _Rule(None, [rule | {"constraint": [purpose]}])
    duties = [*_consents(people, right, use), *_notice(cell.scope)]
    permission = rule | {"constraint": [purpose, *constraints_of(cell.scope)]}
    left_out = [
        rule | {"constraint": [purpose, *constraints]} for constraints in left_out_of(cell.scope)
    ]
    return _Rule(permission | ({"duty": duties} if duties else {}), left_out)


def left_out_of(scope: Scope) -> Iterator[list[Json]]:
    """Yield the constraints of each prohibition: places left out, languages that are not a place's.

    A use of a whole country has part in what is left out of it, so both directions count.
    """
    for code in sorted(territories_in(scope.territories_excluded)):
        yield [_touching(code)]
    for there in scope.languages_in:
        tags = [literal(tag, "language") for tag in sorted(there.languages)]
        other = [constraint("language", "desk:isPartOfNone", tags)] if tags else []
        for code in sorted(territories_in([there.territory])):
            yield [_touching(code), *other]


def _touching(code: str) -> Json:
    place = literal(code, "string")
    return {
        "or": [constraint("spatial", "isPartOf", place), constraint("spatial", "hasPart", place)]
    }


def _consents(people: Sequence[ConsentingParty], right: str, use: str) -> Iterator[Json]:
    for person in people:
        if _cell(person, right, use).stance is Stance.ASK:
            yield {"action": "obtainConsent", "consentingParty": person.party}


def _notice(scope: Scope) -> Iterator[Json]:
    if scope.notice_hours:
        hours = literal(str(scope.notice_hours), "integer")
        yield {
            "action": "inform",
            "constraint": [constraint("desk:hoursBefore", "gteq", hours)],
        }


def constraints_of(scope: Scope) -> Iterator[Json]:
    """Yield the constraints of a permission within a scope, whatever is left out of it."""
    yield from _places(scope)
    yield from _within("language", scope.languages, "language")
    for operand, noun, allowed, excluded in (
        ("deliveryChannel", "channel", scope.channels_allowed, scope.channels_excluded),
        ("desk:production", "production", scope.productions_allowed, scope.productions_excluded),
        ("recipient", "licensee", scope.licensees_allowed, scope.licensees_excluded),
        ("desk:brand", "brand", scope.brands_allowed, scope.brands_excluded),
    ):
        if allowed:
            yield constraint(operand, "isAnyOf", named(noun, allowed))
        if excluded:
            yield constraint(operand, "isNoneOf", named(noun, excluded))
    yield from _term(scope)
    if scope.exclusions:
        yield constraint("desk:content", "isNoneOf", named("content", scope.exclusions))
    if not scope.real_time:
        yield constraint("desk:realTime", "eq", literal("false", "boolean"))
    yield from map(_metered, scope.limits)


def _places(scope: Scope) -> Iterator[Json]:
    if scope.territories is not None:
        yield from _within("spatial", territories_in(scope.territories), "string")
    elif scope.territories_excluded or scope.languages_in:
        yield constraint("spatial", "isPartOf", literal(WORLD, "string"))


def _term(scope: Scope) -> Iterator[Json]:
    if scope.valid_from:
        yield constraint("dateTime", "gteq", literal(instant(scope.valid_from), "dateTime"))
    if scope.valid_to:
        yield constraint("dateTime", "lt", literal(instant(scope.valid_to), "dateTime"))


def _metered(limit: Limit) -> Json:
    """Return a limit: seconds in all as ODRL's metered time, all else by a term of the profile."""
    if limit.counts == (Meter.SECONDS.value, False, False):
        duration = literal(f"PT{limit.maximum.normalize():f}S", "duration")
        return constraint("meteredTime", "lteq", duration)
    counts = "".join(
        [
            f"desk:metered:{limit.meter}",
            ":perYear" if limit.per_year else "",
            ":perLicensee" if limit.per_licensee else "",
        ]
    )
    return constraint(counts, "lteq", literal(f"{limit.maximum.normalize():f}", "decimal"))


def _within(operand: str, codes: frozenset[str] | None, datatype: str) -> Iterator[Json]:
    """Yield the constraint to places or languages within `codes`, none without codes."""
    parts = [
        constraint(operand, "isPartOf", literal(code, datatype)) for code in sorted(codes or ())
    ]
    if parts:
        yield parts[0] if len(parts) == 1 else {"or": parts}


def constraint(operand: str, operator: str, value: object) -> Json:
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


def named(noun: str, codes: frozenset[str]) -> list[Json]:
    """Return codes as IRIs; a category of brands is a term of the profile."""
    base = TERMS if noun in ("channel", "content") else "urn:likenessdesk:"
    return [
        {"uid": f"{TERMS}brand-{code}" if code.startswith(CATEGORY) else f"{base}{noun}:{code}"}
        for code in sorted(codes)
    ]


def literal(value: str, datatype: str) -> Json:
    return {"@value": value, "@type": f"xsd:{datatype}"}


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# CAWG training and data mining


def training_mining(people: Sequence[ConsentingParty]) -> Json:
    """Return the CAWG 1.1 training-mining assertion that a consent comes to.

    Training on the asset, and mining it, follow the strictest of what is said about training;
    without a word about training data itself they are not allowed. Inference is the asset as what a
    trained model is given, for instance a recording to be re-voiced: what is said about the
    material (training data) in uses other than training. What the twin may be run for is no
    statement about that.
    """
    training = _training(people)
    return {
        "label": "cawg.training-mining",
        "data": {
            "entries": {
                "cawg.ai_generative_training": training,
                "cawg.ai_inference": _inference(people),
                "cawg.ai_training": training,
                "cawg.data_mining": training,
            }
        },
    }


def _training(people: Sequence[ConsentingParty]) -> Json:
    cells = [consent_of_all(people, right, Use.TRAINING.value) for right in Right.codes()]
    # A right whose training is unset is left out; training data unset counts as denied.
    training_data = Right.TRAINING_DATA.value
    relevant = [cell for cell in cells if cell.decided_by or cell.right == training_data]
    decisive = max(relevant, key=lambda cell: strictness(cell.stance))
    if decisive.stance is Stance.DENY or any(allows_nothing(cell.scope) for cell in relevant):
        return {"use": "notAllowed"}
    bounded = [cell for cell in relevant if _is_bounded(cell)]
    if not bounded:
        return {"use": "allowed"}
    return _constrained(_in_short(cell) for cell in bounded)


def _is_bounded(cell: CombinedCell) -> bool:
    return cell.stance is Stance.ASK or replace(cell.scope, real_time=None) != EVERYWHERE


def _inference(people: Sequence[ConsentingParty]) -> Json:
    """Return what is said about the material as input: constrained to the uses that are permitted.

    An asset does not say what it will be used for, so it is allowed only where every use is.
    """
    uses = [use for use in Use.codes() if use != Use.TRAINING.value]
    cells = [consent_of_all(people, Right.TRAINING_DATA.value, use) for use in uses]
    permitted = [c for c in cells if c.stance is not Stance.DENY and not allows_nothing(c.scope)]
    if len(permitted) == len(uses) and not any(map(_is_bounded, permitted)):
        return {"use": "allowed"}
    return _constrained(_in_short(cell) for cell in permitted)


def _in_short(cell: CombinedCell) -> str:
    ask = ["only after an approval"] if cell.stance is Stance.ASK else []
    bounds = [f"{name}: {value}" for name, value in bounds_in_words(cell.scope).items()]
    return f"{cell_name(cell.right, cell.use)} ({'; '.join([*ask, *bounds]) or 'allowed'})."


def _constrained(reasons: Iterable[str]) -> Json:
    """Return a CAWG entry “constrained”; without reasons, “notAllowed”, as CAWG reads it."""
    text = " ".join(reasons)
    return {"use": "constrained", "constraint_info": text} if text else {"use": "notAllowed"}


# ISO/IEC TS 27560
#
# Fields, and which of them are mandatory, as the guide to it of W3C's Data Privacy Vocabulary lists
# them: w3id.org/dpv/guides/consent-27560, the table of terms in ISO 27560, GDPR and DPV (draft of
# version 2.3, read in November 2026).


UNDETERMINED = "und"  # BCP 47: a language that nobody stated
OPEN_END = ".."  # ISO 8601-2: an interval without an end
NOT_STATED = "Not stated by the operator of the desk."
NOT_KNOWN = "Not stated."
KEPT = (
    "Not stated in this consent. Its end ends the uses; it does not say how long recordings, scans "
    "and models are kept."
)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody a receipt names: by what, where they are, and how they are reached."""

    id: str
    name: str
    address: str = ""
    country: str = ""
    isni: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class RecordedConsent:
    """One recorded version of a consent, with how it was given.

    `storage` are the countries in which the desk keeps its records.
    """

    id: str
    principal: Party
    controller: Party
    cells: tuple[Cell, ...]
    in_force_from: datetime
    recorded_at: datetime
    text_shown: str
    text_sha256: str
    method: str
    represented_by: str
    representative: str = ""
    signed_on: date | None = None
    guild: str = ""
    ended_at: datetime | None = None
    text_language: str = ""
    storage: tuple[str, ...] = ()


def receipt(consent: RecordedConsent) -> Json:
    """Return a consent receipt with the fields of ISO/IEC TS 27560, with what was refused.

    Its id is of what it says: the same receipt has the same id whenever it is taken.
    """
    record = _record(consent)
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    return {"receipt_id": f"urn:likenessdesk:consent-receipt:{consent.id}:{digest[:32]}", **record}


def _record(consent: RecordedConsent) -> Json:
    permitted = [cell for cell in consent.cells if cell.stance != Stance.DENY]
    return {
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": f"urn:likenessdesk:consent-version:{consent.id}",
        "pii_principal_id": consent.principal.id,
        "pii_processing": {
            "privacy_notice": {
                "language": consent.text_language or UNDETERMINED,
                "text": consent.text_shown,
                "sha256": consent.text_sha256,
            },
            "purposes": [_purpose(consent, cell) for cell in permitted],
            "withheld": _withheld(consent.cells),
        },
        "party_identification": list(_parties(consent)),
        "event": list(_events(consent)),
    }


def _purpose(consent: RecordedConsent, cell: Cell) -> Json:
    scope = cell.scope
    return {
        "purpose": cell_name(cell.right, cell.use),
        "purpose_type": cell.use,
        "lawful_basis": "consent",
        "consent_per_use": cell.stance == Stance.ASK,
        "pii_information": [
            {
                "pii_type": label(Right, cell.right),
                "pii_attribute_id": cell.right,
                "pii_optional": True,
                "sensitive_pii_category": True,
            }
        ],
        "pii_controllers": [consent.controller.id],
        "jurisdiction": _jurisdictions(consent),
        "storage_locations": list(consent.storage) or [NOT_STATED],
        "storage_duration": "For ever: a record of consent is proof, and is never deleted.",
        "collection_method": label_of(ConsentMethod, consent.method),
        "recipient_third_parties": field_in_words("licensees_allowed", scope.licensees_allowed),
        "geographic_restrictions": field_in_words("territories", scope.territories),
        "retention_period": KEPT,
        "validity": _validity(consent, scope),
        "withdrawal_method": _way_back(consent, scope),
        "conditions": bounds_in_words(scope),
    }


def _jurisdictions(consent: RecordedConsent) -> list[str]:
    """Return the countries (ISO 3166) whose law is near: the controller's and the person's."""
    found = dict.fromkeys([consent.controller.country, consent.principal.country])
    return [code for code in found if code] or [NOT_STATED]


def _validity(consent: RecordedConsent, scope: Scope) -> str:
    """Return when uses are consented to, as an interval of ISO 8601."""
    starts = max(consent.in_force_from, scope.valid_from or consent.in_force_from)
    ends = min((at for at in (consent.ended_at, scope.valid_to) if at), default=None)
    return _interval(starts, ends)


def _interval(starts: datetime, ends: datetime | None) -> str:
    return f"{instant(starts)}/{instant(ends) if ends else OPEN_END}"


def _way_back(consent: RecordedConsent, scope: Scope) -> str:
    notice = scope.withdrawal_notice_hours
    counts = f"{notice} hours after it is recorded" if notice else "as soon as it is recorded"
    return (
        f"At any time: in the portal ({consent.principal.url}) or through "
        f"{consent.controller.name}. By this consent it counts {counts}; a rule of the guild or "
        "agency may ask for more notice."
    )


def _withheld(cells: Iterable[Cell]) -> list[Json]:
    """List every right and use not consented to: those refused, and those left unset."""
    stances = {(cell.right, cell.use): cell.stance for cell in cells}
    return [
        {
            "purpose": cell_name(right, use),
            "pii_attribute_id": right,
            "purpose_type": use,
            "state": "refused" if (right, use) in stances else "not given",
        }
        for right in Right.codes()
        for use in Use.codes()
        if stances.get((right, use), Stance.DENY) == Stance.DENY
    ]


def _parties(consent: RecordedConsent) -> Iterator[Json]:
    yield _party(consent.principal, "PII principal")
    yield _party(consent.controller, "PII controller")
    if consent.represented_by != RepresentedBy.NONE:
        representative = Party(f"{consent.principal.id}:representative", consent.representative)
        yield _party(representative, label_of(RepresentedBy, consent.represented_by))
    if consent.guild not in ("", Guild.NONE.value):
        guild = Party(f"urn:likenessdesk:guild:{consent.guild}", label_of(Guild, consent.guild))
        yield _party(guild, "Guild whose floor also counts")


def _party(party: Party, role: str) -> Json:
    """Return a party with all that every party needs; what else is known of it follows."""
    more = {
        "party_country": party.country,
        "party_isni": party.isni,
        "party_url": party.url,
    }
    known = {name: value for name, value in more.items() if value}
    return {
        "party_id": party.id,
        "party_type": role,
        "party_role": role,
        "party_name": party.name or NOT_KNOWN,
        "party_address": party.address or NOT_KNOWN,
        "party_contact": party.url or party.address or NOT_KNOWN,
        **known,
    }


def _events(consent: RecordedConsent) -> Iterator[Json]:
    if consent.signed_on:
        yield _event("signed", consent.signed_on.isoformat(), consent)
    yield _event("given", instant(consent.in_force_from), consent)
    yield _event("recorded", instant(consent.recorded_at), consent)
    if consent.ended_at:
        yield _event("replaced", instant(consent.ended_at), consent)


def _end(consent: RecordedConsent) -> datetime | None:
    """Return when the consent ends by itself or was replaced; None while a use of it has no end."""
    ends = [cell.scope.valid_to for cell in consent.cells if cell.stance != Stance.DENY]
    latest = None if None in ends else max((end for end in ends if end), default=None)
    return min((at for at in (latest, consent.ended_at) if at), default=None)


def _event(state: str, at: str, consent: RecordedConsent) -> Json:
    party = consent.principal if state in ("signed", "given") else consent.controller
    return {
        "event_type": "explicit consent",
        "event_state": state,
        "event_time": at,
        "validity_duration": _interval(consent.in_force_from, _end(consent)),
        "entity_id": party.id,
    }


def label_of(words: type[Word], code: str) -> str:
    """Return the label of a stored code, or the code itself if it is no word of ours."""
    return dict(words.choices()).get(code, code)
