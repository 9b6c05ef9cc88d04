"""What Lanternfish set up: an endpoint for webhooks, and a first try in the sandbox."""

from dataclasses import replace
from datetime import datetime

from licensing import api_keys
from licensing.models import LicenseeTerms, WebhookEndpoint
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.sandbox import rehearse
from licensing.webhooks import endpoints
from licensing.words import Announcement, Door
from likenessdesk.demo.summer import envelopes

# A name that leads nowhere, as all of the demo's do.
ADDRESS = "https://hooks.lanternfish.example/likeness-desk"


def listen(at: datetime) -> None:
    """Enter the endpoint, before there is any news."""
    terms = _terms()
    endpoints.store(
        agency_id=terms.agency_id,
        terms=terms,
        address=ADDRESS,
        kinds=list(Announcement),
        at=at,
        by=None,
    )


def stop_listening(at: datetime) -> None:
    """Switch the endpoint off, so that a demo never sends anything to anybody."""
    for endpoint in WebhookEndpoint.objects.filter(url=ADDRESS):
        endpoints.disable(endpoint_id=endpoint.pk, because="The demo sends nothing.", at=at)


def try_out(at: datetime) -> tuple[str, str, str]:
    """Send one event that is right and one that names a twin nobody knows; return the key."""
    issued = api_keys.issue(terms=_terms(), label="First tries", at=at, by=None, sandbox=True)
    key = issued.key
    origin = BatchOrigin(
        terms=key.terms, door=Door.API, received_at=at, actor=f"key {key.prefix}", api_key=key
    )
    right = envelopes("MER-2026-001")[0]
    wrong = replace(right, id="typing-error", data={**right.data, "twin": "Vespr"})
    rehearse([right, wrong], origin)
    return key.terms.agency.name, f"{key.terms.licensee.name} (sandbox)", issued.secret


def _terms() -> LicenseeTerms:
    terms = LicenseeTerms.objects.select_related("agency", "licensee")
    return terms.get(agency__slug="meridian", licensee__slug="lanternfish")
