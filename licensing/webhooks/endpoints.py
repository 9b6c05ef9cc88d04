"""Endpoints: added with a secret that is shown once, tested, rotated, switched off and on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from licensing import news
from licensing.models import LicenseeTerms, WebhookEndpoint
from licensing.models.webhooks import STAFF
from licensing.words import Announcement
from talent.envelope import key_for, open_envelope, seal
from talent.errors import Refused
from talent.models import User

from . import signing, targets

OVERLAP = timedelta(hours=24)
PURPOSE = "webhooks"


class EndpointExists(Refused):
    """The same party has an endpoint at this address already."""

    code = "endpoint_known"


class NoKindChosen(Refused):
    """An endpoint listens to at least one kind of news, a licensee's only to what is its own."""

    code = "nothing_to_hear"


class EndpointOff(Refused):
    """Nothing is sent to an endpoint that is switched off."""

    code = "endpoint_off"


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint with its new secret, which nobody will see again."""

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
) -> EndpointWithSecret:
    """Judge an address and store it as an endpoint of the licensee's `terms`, or of the agency.

    Raises TargetRefused, NoKindChosen and EndpointExists.
    """
    # Outside the transaction: judging waits for the network to look the name up.
    address = allowed_url(url)
    return store(agency_id=agency_id, terms=terms, address=address, kinds=kinds, at=at, by=by)


@transaction.atomic
def store(
    *,
    agency_id: int,
    terms: LicenseeTerms | None,
    address: str,
    kinds: Sequence[Announcement],
    at: datetime,
    by: User | None,
) -> EndpointWithSecret:
    """Store an endpoint under an address as `allowed_url` writes it; sending judges it again.

    Raises NoKindChosen and EndpointExists.
    """
    chosen = allowed_kinds(kinds, terms)
    if WebhookEndpoint.objects.filter(agency=agency_id, terms=terms, url=address).exists():
        raise EndpointExists("This address is told already; change what it hears instead.")
    endpoint = WebhookEndpoint.objects.create(
        agency_id=agency_id,
        terms=terms,
        url=address,
        kinds=chosen,
        sealed_secret=b"",
        created_at=at,
        created_by=by,
    )
    return EndpointWithSecret(endpoint, _store_new_secret(endpoint))


@transaction.atomic
def rotate(*, endpoint_id: int, at: datetime, overlap: timedelta = OVERLAP) -> EndpointWithSecret:
    """Make a new secret; for the overlap messages carry the signatures of both."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    endpoint.sealed_previous = endpoint.sealed_secret
    endpoint.previous_until = at + overlap
    endpoint.save(update_fields=["sealed_previous", "previous_until"])
    return EndpointWithSecret(endpoint, _store_new_secret(endpoint))


@transaction.atomic
def change(*, endpoint_id: int, url: str, kinds: Sequence[Announcement]) -> WebhookEndpoint:
    """Change an endpoint's address and kinds of news. Raises TargetRefused and NoKindChosen."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    endpoint.url, endpoint.kinds = allowed_url(url), allowed_kinds(kinds, endpoint.terms)
    endpoint.save(update_fields=["url", "kinds"])
    return endpoint


def disable(*, endpoint_id: int, because: str, at: datetime) -> bool:
    """Switch an endpoint off; tell whether it was on. Its messages go on waiting."""
    endpoints = WebhookEndpoint.objects.active().filter(pk=endpoint_id)
    return bool(endpoints.update(disabled_at=at, disabled_because=because[:200]))


def leave_off(*, endpoint_id: int) -> None:
    """Have an endpoint that the desk switched off stay off."""
    endpoints = WebhookEndpoint.objects.given_up().filter(pk=endpoint_id)
    endpoints.update(disabled_because=STAFF)


def enable(*, endpoint_id: int) -> None:
    """Switch an endpoint on again; its waiting messages are sent by the next sweep."""
    endpoints = WebhookEndpoint.objects.filter(pk=endpoint_id)
    endpoints.update(disabled_at=None, disabled_because="")


@transaction.atomic
def send_test(*, endpoint_id: int, at: datetime) -> None:
    """Write a message that says only that it is a test. Raises EndpointOff."""
    endpoint = active_endpoint(endpoint_id)
    news.write_message(
        [endpoint],
        kind=Announcement.TEST,
        agency_id=endpoint.agency_id,
        data={"endpoint": endpoint.pk},
        at=at,
    )


def active_endpoint(endpoint_id: int) -> WebhookEndpoint:
    """Return an endpoint that is switched on. Raises EndpointOff."""
    endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    if endpoint.disabled_at:
        raise EndpointOff("This endpoint is switched off; switch it on first.")
    return endpoint


def secrets_of(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """Return the secrets that sign at an instant, the newest first."""
    sealed = [bytes(endpoint.sealed_secret)]
    if endpoint.sealed_previous and endpoint.previous_until and at < endpoint.previous_until:
        sealed.append(bytes(endpoint.sealed_previous))
    return [open_envelope(secret, key=_key(), about=_about(endpoint)).decode() for secret in sealed]


def allowed_url(url: str) -> str:
    """Return an address in its normal form, after judging every IP address it leads to now.

    Raises TargetRefused.
    """
    target = targets.target_in(url, private=settings.WEBHOOK_PRIVATE_TARGETS)
    targets.allowed_addresses(target.host, target.port, private=settings.WEBHOOK_PRIVATE_TARGETS)
    return target.url


def allowed_kinds(kinds: Sequence[Announcement], terms: LicenseeTerms | None) -> list[str]:
    """Return the codes of those kinds that the endpoint may listen to, in Announcement's order.

    `terms` are those of a licensee's endpoint, None for the agency's own. Raises NoKindChosen.
    """
    chosen = [kind.value for kind in Announcement if kind in kinds and kind.is_chosen]
    if terms is not None:
        chosen = [code for code in chosen if Announcement(code).is_for_licensees]
    if not chosen:
        raise NoKindChosen("Choose at least one kind of news that concerns the receiver.")
    return chosen


def _store_new_secret(endpoint: WebhookEndpoint) -> str:
    secret = signing.new_secret()
    endpoint.sealed_secret = seal(secret.encode(), key=_key(), about=_about(endpoint))
    endpoint.save(update_fields=["sealed_secret"])
    return secret


def _key() -> bytes:
    return key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _about(endpoint: WebhookEndpoint) -> str:
    """Return what a sealed secret is bound to, so that it opens for no other endpoint."""
    return f"secret of endpoint {endpoint.pk}"
