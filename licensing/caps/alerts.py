"""Alerts: the agency's staff are told once that a cap's year reached 80 % or 100 % of its limit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from licensing.models import CapAlert, CapYear
from licensing.news import announce
from licensing.quantities import measured
from licensing.recipients import staff_of
from licensing.words import Announcement
from talent import outbox
from talent.models import Representation
from talent.models.people import current
from talent.words import Role

PERCENTS = (80, 100)


@dataclass(frozen=True, slots=True)
class Rise:
    """What a cap's year had used and reserved together before and after a move, in its meter."""

    year_id: int
    limit: Decimal
    before: Decimal
    after: Decimal

    def crosses(self, percent: int) -> bool:
        """Tell whether the move reached a percentage of the limit from below it."""
        return self.before * 100 < self.limit * percent <= self.after * 100


def raise_alerts(rises: Iterable[Rise], *, at: datetime) -> None:
    """Raise an alert for each percentage that a year has crossed, once for each year.

    Takes no query while nothing is crossed. The caller has locked the years, which keeps two
    transactions from raising the same alert.
    """
    crossed = sorted(
        (rise.year_id, percent) for rise in rises for percent in PERCENTS if rise.crosses(percent)
    )
    if not crossed:
        return
    years = {year for year, _percent in crossed}
    known = set(CapAlert.objects.filter(year__in=years).values_list("year", "percent"))
    alerts = [
        CapAlert(year_id=year, percent=percent, raised_at=at)
        for year, percent in crossed
        if (year, percent) not in known
    ]
    CapAlert.objects.bulk_create(alerts)
    _notify(alerts, at)


def _notify(alerts: Iterable[CapAlert], at: datetime) -> None:
    """Write to the agencies' staff, and announce to their webhooks, the highest of each year."""
    percents = {alert.year_id: alert.percent for alert in alerts}
    years = CapYear.objects.filter(pk__in=percents).select_related(
        "cap__agreement", "cap__twin", "cap__performer"
    )
    for year in years.order_by("pk"):
        subject, body = _message(year, percents[year.pk])
        agencies = _agencies_of(year)
        for user in staff_of(agencies, Role.AGENT, Role.BUSINESS_AFFAIRS):
            outbox.post(recipient=user.email, subject=subject, body=body, at=at)
        for agency_id in agencies:
            _announce(year, percents[year.pk], agency_id, at)


def _message(year: CapYear, percent: int) -> tuple[str, str]:
    cap = year.cap
    values = {
        "percent": percent,
        "what": cap.agreement or cap.twin or cap.performer,
        "limit": measured(cap.limit, cap.meter),
        "used": f"{year.used.normalize():f}",
        "reserved": f"{year.reserved.normalize():f}",
        "since": year.starts_on,
    }
    subject = _("%(percent)d %% of the cap on %(what)s are gone") % values
    body = _(
        "The cap on %(what)s allows %(limit)s in the year from %(since)s.\n"
        "%(used)s are used and %(reserved)s are reserved.\n\n"
        "The desk's page of the cap shows when it will be full at the present pace."
    )
    return subject, body % values


def _agencies_of(year: CapYear) -> list[int]:
    """Return its agreement's agency, else the agency that owns the twin and those of its performer.

    A performer's cap is of the agencies that represent the performer at present.
    """
    cap = year.cap
    if cap.agreement is not None:
        return [cap.agreement.agency_id]
    performer = cap.twin.performer_id if cap.twin else cap.performer_id
    represented = Representation.objects.filter(current(), performer=performer)
    agencies = set(represented.values_list("agency", flat=True))
    if cap.twin is not None and cap.twin.agency_id:
        agencies.add(cap.twin.agency_id)
    return sorted(agencies)


def _announce(year: CapYear, percent: int, agency_id: int, at: datetime) -> None:
    cap = year.cap
    announce(
        kind=Announcement.CAP_ALERT,
        agency_id=agency_id,
        licensee_id=cap.agreement.licensee_id if cap.agreement else None,
        data={
            "cap": cap.pk,
            "meter": cap.meter,
            "percent": percent,
            "since": year.starts_on.isoformat(),
            "agreement": cap.agreement and cap.agreement.reference,
        },
        at=at,
    )
