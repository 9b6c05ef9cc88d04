"""The desk's side of a webhook: an endpoint added, news announced, a sweep."""

from datetime import UTC, datetime

from licensing import news
from licensing.webhooks import deliveries, endpoints
from licensing.words import Announcement

EVERY = list(Announcement)
NOW = datetime.now(UTC).replace(microsecond=0)


def add(agency, url, *, terms=None, kinds=EVERY):
    return endpoints.add(agency_id=agency.pk, terms=terms, url=url, kinds=kinds, at=NOW, by=None)


def announce(agency, kind=Announcement.CAP_ALERT, licensee=None):
    return news.announce(
        kind=kind,
        agency_id=agency.pk,
        licensee_id=licensee and licensee.pk,
        data={"cap": 7},
        at=NOW,
    )


def sweep(at=NOW, chance=0.5):
    return deliveries.deliver_due(clock=lambda: at, chance=lambda: chance)
