"""Links: how somebody without an account reaches what they sign. Secrets are kept as digests."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from licensing.models import Signatory, SigningLink
from licensing.words import RoundState
from talent import outbox
from talent.accounts.tries import HOUR, QUARTER, Count, Limit, count, networks_of
from talent.errors import Refused

CODE_LASTS = timedelta(minutes=15)
LINK_FROM_ADDRESS = Limit("signing link address", 60, QUARTER)
CODES_MAILED = Limit("signing code mailed", 5, HOUR)
CODES_TRIED = Limit("signing code tried", 8, QUARTER)


class WrongCode(Refused):
    """A code is not the one that was mailed, or came too late."""

    code = "wrong_code"


def new_link(signatory: Signatory, *, at: datetime) -> str:
    """Make a link for a signatory and return its secret, which nothing keeps."""
    secret = secrets.token_urlsafe(32)
    SigningLink.objects.create(signatory=signatory, secret_sha256=_digest(secret), sent_at=at)
    return secret


def find(secret: str, *, address: str, at: datetime) -> Signatory | None:
    """Return whose link it is, while their round is open or was signed; None for any other.

    Only links that nobody was sent are counted. Raises TooManyTries for a network that tries many.
    """
    link = (
        SigningLink.objects.filter(secret_sha256=_digest(secret))
        .select_related("signatory__round__agreement__agency", "signatory__round__document")
        .first()
    )
    if link is None:
        near, _wide = networks_of(address)
        count([Count(LINK_FROM_ADDRESS, near)], at=at)
        return None
    found = link.signatory.round
    is_open = found.state == RoundState.OPEN and found.expires_at > at
    return link.signatory if is_open or found.state == RoundState.SIGNED else None


def mail_code(signatory: Signatory, *, at: datetime) -> dict[str, str]:
    """Mail a code to a signatory; return what their session keeps of it. Raises TooManyTries."""
    count([Count(CODES_MAILED, str(signatory.pk))], at=at)
    code = f"{secrets.randbelow(10**8):08d}"
    outbox.post(
        recipient=signatory.email,
        subject=f"Your code: {code}",
        body=(
            f"Enter {code} on the page that asked for it. It is good for a quarter of an hour, and "
            "only for the document that you were asked to sign. If you asked for no code, somebody "
            "else has your link: tell the agency.\n"
        ),
        at=at,
    )
    return {
        "signatory": str(signatory.pk),
        "code": _digest(code),
        "until": (at + CODE_LASTS).isoformat(),
    }


def check_code(signatory: Signatory, kept: dict[str, str], code: str, *, at: datetime) -> None:
    """Check a code against what the session kept. Raises WrongCode and TooManyTries."""
    count([Count(CODES_TRIED, str(signatory.pk))], at=at)
    right = (
        kept.get("signatory") == str(signatory.pk)
        and datetime.fromisoformat(kept["until"]) > at
        and hmac.compare_digest(kept["code"], _digest(code.strip()))
    )
    if not right:
        raise WrongCode("This is not the code, or its time is over. Have another one mailed.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
