"""A deal that is out for signature, and what its signatories do, in a line each."""

from datetime import timedelta

from licensing.agreements.signing import acts, rounds, signatories
from licensing.agreements.signing.acts import Actor
from licensing.models import Signatory, SigningRound
from licensing.words import Identified
from tests.factories import NOW

STUDIO = {"licensee_name": "Sam Studio", "licensee_email": "sam@paper-moon.example"}
BY_LINK = Actor(None, Identified.MAILED_CODE, "192.0.2.7")


def send(agreement, by, *, at=NOW, days=30, **who):
    proposed = signatories.proposed(agreement, **(STUDIO | who), at=at)
    return rounds.send(
        agreement=agreement, signatories=proposed, expires_at=at + timedelta(days=days), at=at,
        by=by,
    )  # fmt: skip


def signed_in(user):
    return Actor(user, Identified.SECOND_FACTOR, "192.0.2.4")


def signatory(found, role):
    return Signatory.objects.get(round=found, role=role)


def digest_now(found):
    return SigningRound.objects.get(pk=found.pk).digest


def read(found, role, actor, *, at=NOW):
    acts.read(signatory_id=signatory(found, role).pk, shown=digest_now(found), actor=actor, at=at)


def prepare(found, role, actor, *, at=NOW):
    """Read, agree, and initial where that is asked."""
    one = signatory(found, role)
    about = {"signatory_id": one.pk, "shown": digest_now(found), "actor": actor, "at": at}
    acts.read(**about)
    acts.agree(**about)
    if one.initials:
        acts.initial(initials="A. E.", **about)


def sign(found, role, actor, *, at=NOW, shown=None):
    one = signatory(found, role)
    return acts.sign(
        signatory_id=one.pk, shown=shown or digest_now(found), name=one.name, actor=actor, at=at
    )


def do_all(found, role, actor, *, at=NOW):
    prepare(found, role, actor, at=at)
    return sign(found, role, actor, at=at)
