"""Who must prove themselves twice: by role, at every agency or at one's own."""

from collections.abc import Collection

from talent.models import Membership, User

OPERATOR = "operator"


def is_required_of(user: User, *, roles: Collection[str]) -> bool:
    """Tell whether somebody's sign-in needs a second factor today.

    `roles` are those that need one at any agency; each agency may add more of its own seats.
    """
    if user.is_superuser and OPERATOR in roles:
        return True
    seats = Membership.objects.current().filter(user=user)
    return any(
        role in roles or role in (added or ())
        for role, added in seats.values_list("role", "agency__second_factor_roles")
    )
