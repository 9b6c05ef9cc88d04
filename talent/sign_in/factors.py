"""The second factors of somebody else: what the operator sees of them, and takes away."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext as _

from talent.models import FactorRemoval, User

from .adapters import tell


def names_of(user: User) -> list[str]:
    """Return what somebody signs in with beside a password."""
    names = [
        _("Authenticator app") if factor.type == Authenticator.Type.TOTP else str(factor)
        for factor in Authenticator.objects.filter(user=user).order_by("pk")
    ]
    linked = SocialAccount.objects.filter(user=user).order_by("pk")
    return names + list(linked.values_list("provider", flat=True))


@transaction.atomic
def take_away(user: User, *, at: datetime, by: User, reason: str) -> FactorRemoval:
    """Take away all that somebody signs in with beside the password, end their sessions, tell them.

    For who has lost it all. What was taken away stays on record, by whom and why.
    """
    names = ", ".join(names_of(user))
    Authenticator.objects.filter(user=user).delete()
    SocialAccount.objects.filter(user=user).delete()
    get_adapter().end_sessions(list(UserSession.objects.filter(user=user)))
    tell(user, _("Your second factor was taken away: %(reason)s") % {"reason": reason})
    return FactorRemoval.objects.create(user=user, names=names, reason=reason, by=by, at=at)
