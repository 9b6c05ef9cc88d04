"""Calendars of obligations at secret addresses: what they show, and RFC 5545 of it.

Whoever has an address reads it without signing in, so it says what is due and under which
reference, and names no person. What its owner may see is asked anew each time.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from licensing.models import Agreement, CalendarAddress, LicenseeTerms
from licensing.words import ObligationState
from talent import locales
from talent.accounts.tries import Count, Limit
from talent.models import Agency, DigitalTwin, Membership, Performer, User
from talent.words import Power

from .derived import Obligation, obligations_of, oblige

SECRET_BYTES = 24
LONGEST_SECRET = 64
HOUR = timedelta(hours=1)
# A calendar program asks every few minutes at most; whoever guesses asks much more often.
READ = Limit("calendar address", 60, HOUR)
FROM_ADDRESS = Limit("calendar network", 600, HOUR)
DAY = timedelta(days=1)


class Owner(TypedDict, total=False):
    """Whose an address is: a user's seat at an agency, a user for a performer, or a licensee's."""

    user: User
    agency: Agency
    performer: Performer
    terms: LicenseeTerms


@transaction.atomic
def renew_address(*, at: datetime, **owner: Unpack[Owner]) -> str:
    """Make the secret of a new address, which takes the place of the owner's last; shown once."""
    revoke_address(at=at, **owner)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    CalendarAddress.objects.create(**owner, digest=_digest(secret), created_at=at)
    return secret


def revoke_address(*, at: datetime, **owner: Unpack[Owner]) -> bool:
    """Have an owner's address answer no more; tell whether there was one."""
    return addresses_of(**owner).update(revoked_at=at) > 0


def addresses_of(**owner: Unpack[Owner]) -> QuerySet[CalendarAddress]:
    """Return the open address of an owner: one at most."""
    whole = dict.fromkeys(("user", "agency", "performer", "terms")) | owner
    return CalendarAddress.objects.open().filter(**whole)


def address_of(secret: str) -> CalendarAddress | None:
    """Return the open address of a secret; None for any other text."""
    if not 0 < len(secret) <= LONGEST_SECRET:
        return None
    rows = CalendarAddress.objects.open().select_related("user", "agency", "performer", "terms")
    return rows.filter(digest=_digest(secret)).first()


def counts_of(address: str, secret: str) -> list[Count]:
    """Return what one reading counts for: its secret, and the network that it comes from."""
    return [Count(READ, hashlib.sha256(secret.encode()).hexdigest()), Count(FROM_ADDRESS, address)]


def obligations_shown(address: CalendarAddress, *, at: datetime) -> list[Obligation]:
    """Return what an address shows now: never more than its owner may see at this moment."""
    agreements = _visible(address).filter(oblige(at)).values_list("pk", flat=True)
    found = obligations_of(list(agreements), at=at)
    return [one for one in found if one.duty.due_on is not None]


def _visible(address: CalendarAddress) -> QuerySet[Agreement]:
    rows = Agreement.objects.all()
    if address.terms is not None:
        return rows.filter(agency=address.terms.agency_id, licensee=address.terms.licensee_id)
    user = address.user
    if user is None or not user.is_active:
        return rows.none()
    if address.agency is not None:
        seats = Membership.objects.current().filter(user=user, agency=address.agency)
        return rows.filter(agency__in=seats.values("agency"))
    spoken_for = Performer.objects.spoken_for_by(user, Power.SEE_USAGE)
    performers = spoken_for.filter(pk__in=[address.performer_id or 0])
    twins = DigitalTwin.objects.of_performers(performers)
    return rows.filter(twin__in=twins)


def calendar_of(obligations: Iterable[Obligation], *, title: str, host: str, at: datetime) -> bytes:
    """Return obligations as an iCalendar (RFC 5545) of days, each by the same UID for good."""
    # Imported here: only who asks for a calendar needs it.
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//Likeness Desk//Obligations//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", title)
    for obligation in obligations:
        due_on = obligation.duty.due_on
        if due_on is None or due_on >= due_on.max - DAY:
            continue
        event = Event()
        event.add("uid", f"A{obligation.agreement.pk}-{obligation.duty.key}@{host}")
        event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", due_on)
        event.add("dtend", due_on + DAY)
        event.add("summary", _summary(obligation))
        event.add("description", _description(obligation))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    calendar_bytes: bytes = calendar.to_ical()
    return calendar_bytes


def _summary(obligation: Obligation) -> str:
    return f"{_mark(obligation)}{obligation.what} ({obligation.agreement.reference})"


def _mark(obligation: Obligation) -> str:
    if obligation.state is ObligationState.DONE:
        return f"✓ {_('Done')}: "
    return f"{_('Late')}: " if obligation.state is ObligationState.LATE else ""


def _description(obligation: Obligation) -> str:
    whose = _("Whose: %s") % obligation.duty.whose.label
    due_on = obligation.duty.due_on
    zone = _("The day ends by the clock of %s.") % obligation.agreement.time_zone
    day = f"{locales.day(due_on, 'en')}. {zone}" if due_on else zone
    return "\n".join([whose, day, obligation.source])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
