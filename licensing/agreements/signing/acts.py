"""Acts: what a signatory does, one after the other: read, agree, initial, sign; or decline.

Each is bound to the exact bytes that were before their eyes, and each asks again whether the terms,
the consent and the rules are still what the document was drawn from.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from licensing.agreements import document
from licensing.agreements.findings import findings
from licensing.models import Signatory, SigningEvent, SigningRound
from licensing.words import Identified, RoundState, SigningEventKind
from talent.errors import Refused
from talent.models import User
from talent.papers import certificate

from . import notices
from .rounds import digest_of, end, locked_round, refuse_over, refuse_unlawful, waiting_for
from .signatories import refuse_left_out, refuse_other

LONGEST_WORDS = 200
AGREED = (
    "I agree to sign this document electronically, and that my electronic signature binds me as "
    "one on paper does. I may ask the agency for a copy on paper, and may decline."
)


class NotTheirTurn(Refused):
    """Others sign first."""

    code = "not_their_turn"


class ShownIsOld(Refused):
    """What somebody read is no longer what they would sign."""

    code = "shown_is_old"


class TermsChanged(Refused):
    """The terms are no longer those of the document."""

    code = "terms_changed"


class NotReady(Refused):
    """Something comes before signing: reading, agreeing, initials."""

    code = "not_ready_to_sign"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, how the desk knew them, and from where. `user` is None by a mailed link."""

    user: User | None
    identified: Identified
    address: str | None = None


@transaction.atomic
def read(*, signatory_id: int, shown: str, actor: Actor, at: datetime) -> None:
    """Note that a signatory opened and read the document whose digest is `shown`."""
    _note(_turn(signatory_id, shown, actor, at), SigningEventKind.READ, actor, at)


@transaction.atomic
def agree(*, signatory_id: int, shown: str, actor: Actor, at: datetime) -> None:
    """Note that a signatory agreed to sign electronically. Raises NotReady before they read."""
    signatory = _turn(signatory_id, shown, actor, at)
    _refuse_before(signatory, SigningEventKind.READ)
    _note(signatory, SigningEventKind.AGREED, actor, at)


@transaction.atomic
def initial(*, signatory_id: int, shown: str, initials: str, actor: Actor, at: datetime) -> None:
    """Note that a signatory initialled the replica clause apart. Raises NotReady."""
    signatory = _turn(signatory_id, shown, actor, at)
    _refuse_before(signatory, SigningEventKind.READ)
    if not initials.strip():
        raise NotReady("Write your initials, to show that you read the clause on the replica.")
    _note(signatory, SigningEventKind.INITIALLED, actor, at, words=initials.strip())


@transaction.atomic
def sign(*, signatory_id: int, shown: str, name: str, actor: Actor, at: datetime) -> SigningRound:
    """Sign: the signature is appended to the document. After the last one the agreement holds.

    Raises RoundIsOver, NotTheirTurn, NotTheirs, ShownIsOld, TermsChanged, NotReady, NobodyToSign,
    NoSeal, NotSealable, and what `rounds.refuse_unlawful` raises.
    """
    signatory = _turn(signatory_id, shown, actor, at)
    for kind in needed(signatory):
        _refuse_before(signatory, kind)
    if not name.strip():
        raise NotReady("Write your name: it stands beside the signature.")
    refuse_left_out(signatory.round, at=at)
    found = signatory.round
    event = _note(signatory, SigningEventKind.SIGNED, actor, at, words=name.strip())

    from . import papers  # It draws and seals, which takes a second to import.

    found.pdf = papers.signed(
        bytes(found.pdf), signatory, event=event, seal=certificate.of_the_desk()
    )
    found.digest = digest_of(found.pdf)
    found.save(update_fields=["pdf", "digest"])
    following = waiting_for(found)
    if following is None:
        _complete(found, actor, at)
    else:
        notices.tell_next(found, following, at=at)
    return found


@transaction.atomic
def decline(*, signatory_id: int, reason: str, actor: Actor, at: datetime) -> SigningRound:
    """Decline, with a reason that all read: it ends the round. Raises NotReady without one."""
    signatory = _locked(signatory_id)
    found = signatory.round
    refuse_over(found, at=at)
    refuse_other(signatory, actor.user, at=at)
    if has_done(signatory, SigningEventKind.SIGNED):
        raise NotTheirTurn("You have signed already. Ask the agency to take the round back.")
    if not reason.strip():
        raise NotReady("Say why: the agency and the others read it.")
    _note(signatory, SigningEventKind.DECLINED, actor, at, words=reason.strip())
    end(found, RoundState.DECLINED, at=at)
    notices.tell_all(found, SigningEventKind.DECLINED, at=at, words=reason, signatory=signatory)
    return found


def needed(signatory: Signatory) -> list[SigningEventKind]:
    """Return what comes before a signature, in order."""
    kinds = [SigningEventKind.READ, SigningEventKind.AGREED]
    return [*kinds, SigningEventKind.INITIALLED] if signatory.initials else kinds


def has_done(signatory: Signatory, kind: SigningEventKind) -> bool:
    """Tell whether a signatory did something with the document as it is now."""
    rows = SigningEvent.objects.filter(signatory=signatory, kind=kind.value)
    if kind is not SigningEventKind.SIGNED:
        rows = rows.filter(digest=signatory.round.digest)
    return rows.exists()


def _locked(signatory_id: int) -> Signatory:
    signatory: Signatory = Signatory.objects.select_related("user", "performer").get(
        pk=signatory_id
    )
    signatory.round = locked_round(signatory.round_id)
    return signatory


def _turn(signatory_id: int, shown: str, actor: Actor, at: datetime) -> Signatory:
    """Lock a round and return the signatory, if they may act in it now and saw what it is now."""
    signatory = _locked(signatory_id)
    found = signatory.round
    refuse_over(found, at=at)
    refuse_other(signatory, actor.user, at=at)
    turn = waiting_for(found)
    if turn is None or turn.pk != signatory.pk:
        who = f" It waits for {turn.name}." if turn else ""
        raise NotTheirTurn(f"It is not your turn to sign.{who} You get a mail when it is.")
    if shown != found.digest:
        raise ShownIsOld("The document has changed since you opened it. Read it once more.")
    if not document.is_current(found.document, at=at):
        raise TermsChanged(
            "The terms were changed after this document was drawn. The agency sends a new one; "
            "nothing was signed."
        )
    refuse_unlawful(found.agreement, at=at)
    return signatory


def _refuse_before(signatory: Signatory, kind: SigningEventKind) -> None:
    if not has_done(signatory, kind):
        first = {
            SigningEventKind.READ: "Open and read the document first.",
            SigningEventKind.AGREED: "Agree to sign electronically first.",
            SigningEventKind.INITIALLED: "Initial the clause on the replica first.",
        }
        raise NotReady(first[kind])


def _note(
    signatory: Signatory, kind: SigningEventKind, actor: Actor, at: datetime, *, words: str = ""
) -> SigningEvent:
    found = signatory.round
    return SigningEvent.objects.create(
        round=found, signatory=signatory, kind=kind.value, at=at, by=actor.user,
        identified=actor.identified.value, address=actor.address or None, digest=found.digest,
        size=len(found.pdf), words=words[:LONGEST_WORDS * 2],
    )  # fmt: skip


def _complete(found: SigningRound, actor: Actor, at: datetime) -> None:
    """Bind the parties: the agreement holds from now on, and the record of the round is drawn."""
    from . import papers

    findings.sign_checked(
        agreement=found.agreement, words=found, at=at, by=actor.user,
        reason="Signed by all, in the desk.",
    )  # fmt: skip
    found.record = papers.record(found, at=at, seal=certificate.of_the_desk())
    found.record_digest = digest_of(found.record)
    end(found, RoundState.SIGNED, at=at)
    notices.tell_all(found, SigningEventKind.SIGNED, at=at)
