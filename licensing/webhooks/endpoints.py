"""Endpoints: entered with a secret that is shown once, rotated, switched off and on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from licensing.models import LicenseeTerms, WebhookEndpoint
from licensing.words import Announcement
from talent.envelope import key_for, opened, seal
from talent.errors import Refused
from talent.models import User

from . import signing, targets
from .targets import Target

OVERLAP = timedelta(hours=24)
PURPOSE = "webhooks"


class EndpointKnown(Refused):
    """The same party is told at this address already."""

    code = "endpoint_known"


class NothingToHear(Refused):
    """An endpoint hears at least one kind of news, and a licensee only what is its own."""

    code = "nothing_to_hear"


@dataclass(frozen=True, slots=True)
class Entered:
    """An endpoint with its secret, which nobody will see again."""

    endpoint: WebhookEndpoint
    secret: str


def add(
    *,
    agency_id: int,
    terms: LicenseeTerms | None,
    url: str,
    kinds: Sequence[Announcement],
    at: datetime,
    by: User | None,
) -> Entered:
    """Enter an address that is told of news; `terms` are the licensee's, None the agency's own.

    Raises TargetRefused, NothingToHear and EndpointKnown.
    """
    address = checked_url(url)
    return enter(agency_id=agency_id, terms=terms, address=address, kinds=kinds, at=at, by=by)


@transaction.atomic
def enter(
    *,
    agency_id: int,
    terms: LicenseeTerms | None,
    address: str,
    kinds: Sequence[Announcement],
    at: datetime,
    by: User | None,
) -> Entered:
    """Enter an address in the form that `checked_url` returns; it is judged again when used."""
    chosen = heard(kinds, terms)
    if WebhookEndpoint.objects.filter(agency=agency_id, terms=terms, url=address).exists():
        raise EndpointKnown("This address is told already; change what it hears instead.")
    endpoint = WebhookEndpoint.objects.create(
        agency_id=agency_id,
        terms=terms,
        url=address,
        kinds=chosen,
        sealed_secret=b"",
        created_at=at,
        created_by=by,
    )
    return Entered(endpoint, _renewed(endpoint))


@transaction.atomic
def rotate(*, endpoint_id: int, at: datetime, overlap: timedelta = OVERLAP) -> Entered:
    """Make a new secret; for the overlap messages carry the signatures of both."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    endpoint.sealed_previous = endpoint.sealed_secret
    endpoint.previous_until = at + overlap
    endpoint.save(update_fields=["sealed_previous", "previous_until"])
    return Entered(endpoint, _renewed(endpoint))


@transaction.atomic
def change(*, endpoint_id: int, url: str, kinds: Sequence[Announcement]) -> WebhookEndpoint:
    """Change where and what an endpoint hears. Raises TargetRefused and NothingToHear."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    endpoint.url, endpoint.kinds = checked_url(url), heard(kinds, endpoint.terms)
    endpoint.save(update_fields=["url", "kinds"])
    return endpoint


def disable(*, endpoint_id: int, because: str, at: datetime) -> bool:
    """Switch an endpoint off; tell whether it was on. What waits for it waits on."""
    running = WebhookEndpoint.objects.active().filter(pk=endpoint_id)
    return bool(running.update(disabled_at=at, disabled_because=because[:200]))


def enable(*, endpoint_id: int) -> None:
    """Switch an endpoint on again; what waits for it leaves with the next sweep."""
    endpoints = WebhookEndpoint.objects.filter(pk=endpoint_id)
    endpoints.update(disabled_at=None, disabled_because="")


def secrets_of(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first."""
    sealed = [bytes(endpoint.sealed_secret)]
    if endpoint.sealed_previous and endpoint.previous_until and at < endpoint.previous_until:
        sealed.append(bytes(endpoint.sealed_previous))
    return [opened(each, key=_key(), about=_about(endpoint)).decode() for each in sealed]


def checked_url(url: str) -> str:
    """Return an address in its one form, judged with every address it leads to now."""
    found: Target = targets.target(url, private=settings.WEBHOOK_PRIVATE_TARGETS)
    targets.checked(found.host, found.port, private=settings.WEBHOOK_PRIVATE_TARGETS)
    return found.url


def heard(kinds: Sequence[Announcement], terms: LicenseeTerms | None) -> list[str]:
    """Return the codes of the kinds a receiver may hear, in one order. Raises NothingToHear."""
    chosen = [kind.value for kind in Announcement if kind in kinds and kind.is_chosen]
    if terms is not None:
        chosen = [code for code in chosen if Announcement(code).is_for_licensees]
    if not chosen:
        raise NothingToHear("Choose at least one kind of news that concerns the receiver.")
    return chosen


def _renewed(endpoint: WebhookEndpoint) -> str:
    secret = signing.new_secret()
    endpoint.sealed_secret = seal(secret.encode(), key=_key(), about=_about(endpoint))
    endpoint.save(update_fields=["sealed_secret"])
    return secret


def _key() -> bytes:
    return key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _about(endpoint: WebhookEndpoint) -> str:
    return f"secret of endpoint {endpoint.pk}"
