"""The writing of a consent: whether it describes its uses, and who stood beside who signed it."""

from dataclasses import dataclass

from licensing.agreements.rules.rulebook import Rule
from licensing.approvals.specificity import has_substance, is_readable, open_ended_phrase
from licensing.words import DealStep, StatedFact
from talent.words import Guild, RepresentedBy

from .deal_facts import DealFacts
from .rule_check import Mend

DESCRIBE = Mend(
    "Describe the uses: which part or purpose, in which work, how often, and what is left out.",
    DealStep.GRANTS,
    "description",
)
NAME_COUNSEL = Mend(
    "Name the counsel who negotiated the replica rights, or the union agreement that covers them.",
    DealStep.PARTIES,
    "counsel_name",
)
INITIAL = Mend(
    "Have the replica clause signed or initialled on its own.",
    DealStep.DOCUMENT,
    StatedFact.INITIALLED.value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Whether a description is specific (None: the desk cannot tell), and the words for it."""

    is_specific: bool | None
    says: str


def described(facts: DealFacts) -> Description:
    """Judge the description of the uses, as the desk judges those of requests for approval."""
    text = facts.description.strip()
    if not text:
        return Description(is_specific=False, says="No use is described.")
    phrase = open_ended_phrase(text)
    if phrase is not None:
        return Description(
            is_specific=False, says=f"The description leaves its uses open: “{phrase[0]}”."
        )
    if not has_substance(text, sentence=True):
        return Description(
            is_specific=False, says="The description is too short to say what is meant."
        )
    if not is_readable(text):
        return Description(
            is_specific=None, says="The description is in a language that the desk cannot judge."
        )
    return Description(is_specific=True, says="The intended uses are described.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Represented:
    """Whether a performer was represented as a statute asks; None: not known."""

    holds: bool | None
    says: str


def represented(facts: DealFacts, rule: Rule) -> Represented:
    """Tell whether counsel, or a union whose agreement deals with replicas, represented them.

    `union_agreements` of the rule names the guilds with such an agreement.
    """
    if facts.represented_by is None:
        return Represented(holds=None, says="Nobody entered who represented the performer.")
    if facts.represented_by is RepresentedBy.COUNSEL:
        return _by_counsel(facts)
    unions = rule.values.get("union_agreements", [])
    if facts.represented_by is RepresentedBy.UNION:
        if isinstance(unions, list) and facts.guild.value in unions:
            return Represented(
                holds=True, says=f"{facts.guild.label}’s agreement deals with replicas."
            )
        whose = "No guild" if facts.guild is Guild.NONE else facts.guild.label
        return Represented(
            holds=False, says=f"{whose} is not known to have an agreement that deals with replicas."
        )
    return Represented(holds=False, says="Neither counsel nor a union represented the performer.")


def initialled(facts: DealFacts) -> bool | None:
    """Tell whether the replica clause is signed on its own; that of a draft will be."""
    stated = facts.says(StatedFact.INITIALLED)
    return True if stated is None and not facts.signed else stated


def _by_counsel(facts: DealFacts) -> Represented:
    if not facts.counsel.strip():
        return Represented(
            holds=False, says="The counsel who represented the performer is not named."
        )
    signed_apart = initialled(facts)
    if signed_apart is None:
        return Represented(
            holds=None,
            says=f"{facts.counsel} negotiated it; whether its clause was initialled is not known.",
        )
    if not signed_apart:
        return Represented(
            holds=False,
            says=f"{facts.counsel} negotiated it, but the replica clause was not initialled.",
        )
    return Represented(holds=True, says=f"{facts.counsel} negotiated the replica rights.")
