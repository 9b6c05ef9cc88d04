"""How often one may try: counts kept in the database, by account, by network, by known browser.

Nobody can lock another person out. A browser in which somebody signed in before has a count of its
own for that account; what strangers try, from wherever, is counted apart from it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from talent.database.sql import sql_file
from talent.errors import Refused
from talent.models import TryCount

COUNT_TRIES = sql_file(__file__, "count_tries.sql")


class TooManyTries(Refused):
    """Something was tried too often: a password, a code, a mail with a link."""

    code = "too_many_tries"


@dataclass(frozen=True)
class Limit:
    """So many tries in so long; the next are refused until that time is over."""

    name: str
    tries: int
    within: timedelta


@dataclass(frozen=True)
class Count:
    """One count of tries: its limit, and whose tries it counts."""

    limit: Limit
    whose: str

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.limit.name}\n{self.whose}".encode()).hexdigest()


QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
# Passwords. From one place against one account, and against any; from its whole neighbourhood;
# from anywhere against one account; and from a browser that this account knows.
ACCOUNT_FROM_ADDRESS = Limit("sign-in account+address", 8, QUARTER)
ADDRESS = Limit("sign-in address", 30, QUARTER)
NEIGHBOURHOOD = Limit("sign-in neighbourhood", 150, QUARTER)
ACCOUNT = Limit("sign-in account", 40, QUARTER)
KNOWN_BROWSER = Limit("sign-in browser", 8, QUARTER)
# Codes and passwords asked for once more: whoever gets there has proved who they are before.
CODE = Limit("second factor", 8, QUARTER)
# Mails with a link that sets a password.
RESET_OF_ACCOUNT = Limit("reset account", 3, HOUR)
RESET_FROM_ADDRESS = Limit("reset address", 10, HOUR)


def sign_in_counts(*, email: str, address: str, browser: str = "") -> list[Count]:
    """Return what a try at an account's password counts for; `browser` if the account knows it."""
    account = _normal(email)
    if browser:
        return [Count(KNOWN_BROWSER, f"{account}\n{browser}")]
    near, wide = networks_of(address)
    return [
        Count(ACCOUNT_FROM_ADDRESS, f"{account}\n{near}"),
        Count(ADDRESS, near),
        Count(NEIGHBOURHOOD, wide),
        Count(ACCOUNT, account),
    ]


def reset_counts(*, email: str, address: str) -> list[Count]:
    """Return what asking for a mail with a link counts for."""
    near, _wide = networks_of(address)
    return [Count(RESET_OF_ACCOUNT, _normal(email)), Count(RESET_FROM_ADDRESS, near)]


def code_counts(*, user_id: int) -> list[Count]:
    """Return what a try at a code or at one's own password once more counts for."""
    return [Count(CODE, str(user_id))]


def count(counts: Sequence[Count], *, at: datetime) -> None:
    """Count one try, before it is known whether it is right, so that none slips in between.

    Raises TooManyTries if any of the limits was reached before.
    """
    limits = {one.key: one.limit for one in counts}
    keys = sorted(limits)  # in one order, so that two tries never wait for each other
    values: dict[str, Any] = {
        "keys": keys,
        "ends": [at + limits[key].within for key in keys],
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_TRIES, values)
        counted = dict(cursor.fetchall())
    if any(counted[key] > limits[key].tries for key in keys):
        raise TooManyTries(
            _("Too many tries. Wait a quarter of an hour, or use a passkey or a new password.")
        )


@transaction.atomic
def take_back(counts: Iterable[Count]) -> None:
    """Take back a try that was right: only what goes wrong counts."""
    keys = sorted(one.key for one in counts)
    rows = TryCount.objects.filter(key__in=keys, tries__gt=0)
    list(rows.select_for_update().order_by("key").values_list("key"))
    rows.update(tries=F("tries") - 1)


def forget_old(*, at: datetime) -> int:
    """Delete the counts whose time is over; return how many."""
    deleted, _models = TryCount.objects.filter(ends_at__lte=at).delete()
    return deleted


def networks_of(address: str) -> tuple[str, str]:
    """Return the network that one subscriber has, and the wider one around it.

    A subscriber of IPv6 has a /64 at least, so single addresses of it say nothing.
    """
    try:
        given = ip_address(address)
    except ValueError:
        return "unknown", "unknown"
    near, wide = (32, 24) if given.version == 4 else (64, 48)
    return tuple(str(ip_network(f"{given}/{bits}", strict=False)) for bits in (near, wide))  # type: ignore[return-value]


def _normal(email: str) -> str:
    return email.strip().lower()
