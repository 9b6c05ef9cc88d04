"""Recipients: whom at an agency and at a studio the desk writes to."""

from collections import defaultdict
from collections.abc import Collection
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from talent.models import Membership, User
from talent.words import Role


def staff_of(agencies: Collection[int], *roles: Role) -> QuerySet[User]:
    """Return the active users who have one of the roles at one of the agencies, each user once."""
    seats = _seats(agencies, roles)
    return User.objects.filter(pk__in=seats.values("user")).order_by("pk")


def staff_by_agency(agencies: Collection[int], *roles: Role) -> dict[int, list[User]]:
    """Return the active users who have one of the roles, under the number of their agency.

    An agency where nobody has such a role is left out.
    """
    staff: dict[int, list[User]] = defaultdict(list)
    for seat in _seats(agencies, roles).select_related("user").order_by("pk"):
        staff[seat.agency_id].append(seat.user)
    return dict(staff)


def operators() -> QuerySet[User]:
    """Return the active users who run the desk itself."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("pk")


def address_in(contact: str) -> str:
    """Return the mail address in a studio's contact, as in “Dana Desk <dana@…>”; empty if none."""
    address = parseaddr(contact)[1]
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def _seats(agencies: Collection[int], roles: Collection[Role]) -> QuerySet[Membership]:
    return Membership.objects.current().filter(
        agency__in=agencies, role__in=[role.value for role in roles], user__is_active=True
    )
