"""Four eyes: what one person asks for, another one approves. The one place for it in the desk.

Nobody is exempt, neither the operator nor who acts for somebody else. Whoever applies what was
approved checks it again, against what holds by then.
"""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from talent.access import roles_with
from talent.errors import Refused
from talent.models import Membership, User


class FourEyes(Refused):
    """Somebody tries to decide what is not theirs to decide: what they asked for, or twice."""

    code = "four_eyes"


class NobodyToApprove(Refused):
    """Something was to be asked for that nobody else could approve."""

    code = "nobody_to_approve"


def refuse_same_person(*, by: User, before: Iterable[int | None]) -> None:
    """Refuse an approval by somebody who asked for it or approved it before. Raises FourEyes.

    `before` are the ids of the users who did.
    """
    if by.pk in set(before):
        raise FourEyes(
            _("Who asked for this or approved it before cannot approve it; ask somebody else.")
        )


def refuse_without_approver(*, asked_by: User, permission: str, agency_id: int) -> None:
    """Refuse to ask for what nobody but the asker could approve. Raises NobodyToApprove."""
    if not could_approve(permission, agency_id).exclude(pk=asked_by.pk).exists():
        raise NobodyToApprove(
            _("Nobody else at the agency may approve this. Give a colleague a seat that may.")
        )


def refuse_to_reject(
    *, by: User, asked_by: Iterable[int | None], permission: str, agency_ids: Iterable[int]
) -> None:
    """Refuse a rejection by whoever could not approve; who asked takes back. Raises FourEyes."""
    if by.pk in set(asked_by):
        return
    if not any(could_approve(permission, pk).filter(pk=by.pk).exists() for pk in agency_ids):
        raise FourEyes(_("Only who may approve this rejects it, and who asked takes it back."))


def could_approve(permission: str, agency_id: int) -> QuerySet[User]:
    """Return the users who have a permission at an agency today: its staff, and operators."""
    seats = Membership.objects.current().filter(agency=agency_id, role__in=roles_with(permission))
    return User.objects.filter(
        Q(is_superuser=True) | Q(pk__in=seats.values("user")), is_active=True
    )
