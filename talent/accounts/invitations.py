"""Who is let in: invitations by mail, the only way to an account, and their activation."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _

from talent import outbox
from talent.errors import Refused
from talent.models import OutboxMessage, Performer, User


class AlreadyActive(Refused):
    """The person has an account and can sign in."""

    code = "account_already_active"


class InvitationNotValid(Refused):
    """An invitation link does not work: it was used, has expired, or is incomplete."""

    code = "invitation_not_valid"


class InvitationTokens(PasswordResetTokenGenerator):
    """Makes the tokens of activation links: valid once, for PASSWORD_RESET_TIMEOUT seconds."""

    key_salt = "talent.accounts.InvitationTokens"


tokens = InvitationTokens()
LinkTo = Callable[[str, str], str]


@transaction.atomic
def invite(
    *,
    email: str,
    by: User | None,
    at: datetime,
    link: LinkTo,
    first_name: str = "",
    locale: str = "",
    time_zone: str = "UTC",
    performer: Performer | None = None,
    agency: str = "",
) -> User:
    """Invite somebody by mail: staff, a performer, an heir or a delegate. Return their user.

    `link(code, token)` returns the URL of the activation page. A `performer` is linked to the user.
    Inviting somebody again before they activate sends a new link. What they may see is decided by
    seats and delegations, not here.

    Raises AlreadyActive if they can already sign in, or the performer has another account.
    """
    email = User.objects.normalize_email(email).strip().lower()
    user = User.objects.select_for_update().filter(email=email).first()
    if user is None:
        fields = {"first_name": first_name, "locale": locale, "time_zone": time_zone}
        user = User.objects.create_user(email, **fields)
    elif user.has_usable_password():
        raise AlreadyActive(_("%(email)s already has an account.") % {"email": email})
    if performer is not None:
        _link_performer(performer, user)
    _send_invitation(user, by=by, at=at, link=link, agency=agency)
    return user


@transaction.atomic
def let_in(
    *,
    email: str,
    by: User | None,
    at: datetime,
    link: LinkTo,
    agency: str = "",
    staff: bool = False,
) -> User:
    """Return the user of a mail address, invited if they have not signed in yet.

    Somebody who can already sign in gets a mail saying that there is more to see. `staff` lets
    them into the admin. Raises nothing where `invite` would raise AlreadyActive.
    """
    try:
        user = invite(email=email, by=by, at=at, link=link, agency=agency)
    except AlreadyActive:
        user = User.objects.get(email=email.strip().lower())
        values = {"user": user, "by": _name_of(by), "agency": agency}
        outbox.post(
            recipient=user.email,
            subject=_("Your account at Likeness Desk"),
            body=render_to_string("emails/let_in.txt", values),
            at=at,
        )
    if staff and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user


def _link_performer(performer: Performer, user: User) -> None:
    if performer.user_id not in (None, user.pk):
        raise AlreadyActive(_("%(name)s has another account.") % {"name": performer.name})
    performer.user = user
    performer.save(update_fields=["user"])


def _send_invitation(
    user: User, *, by: User | None, at: datetime, link: LinkTo, agency: str
) -> OutboxMessage:
    values = {
        "user": user,
        "by": _name_of(by),
        "agency": agency,
        "link": link(code_of(user), tokens.make_token(user)),
    }
    return outbox.post(
        recipient=user.email,
        subject=_("Your account at Likeness Desk"),
        body=render_to_string("emails/invitation.txt", values),
        at=at,
    )


def _name_of(user: User | None) -> str:
    return (user.get_full_name() or user.email) if user else ""


def code_of(user: User) -> str:
    """Return the part of an activation link that names the user: their id in URL-safe base64."""
    return urlsafe_base64_encode(force_bytes(user.pk))


def invited_user(code: str, token: str) -> User:
    """Return the user whom a mailed link invites.

    Raises InvitationNotValid.
    """
    try:
        key = int(urlsafe_base64_decode(code).decode())
        user = User.objects.filter(pk=key).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or user.has_usable_password() or not tokens.check_token(user, token):
        raise InvitationNotValid(
            _("This link is not valid any more. Ask your agency for a new invitation.")
        )
    return user
