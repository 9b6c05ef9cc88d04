"""Links that are mailed: to one person, for one thing, for some days, and only after they sign in.

No paper is ever attached to a mail, which anybody on its way may read.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from talent import four_eyes, locales, outbox
from talent.beneficiaries import reader_of
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import Days, label
from valuation.models import DeliveryLink, ScheduledReport, Statement

DOWNLOADS = "valuation.download_statement"
LASTS = timedelta(days=14)


class NotIssued(Refused):
    """A link was to be sent to a draft."""

    code = "not_issued"


class NobodyToWriteTo(Refused):
    """The payee has no address in the desk."""

    code = "nobody_to_write_to"


class NotTheirs(Refused):
    """Whoever the link was for may not see what it opens."""

    code = "not_theirs"


class NotGood(Refused):
    """The link was revoked before, or its time is over."""

    code = "link_not_good"


@transaction.atomic
def send_statement(*, statement: Statement, by: User, at: datetime) -> DeliveryLink:
    """Mail a payee a link to an issued statement. Raises NotIssued, NobodyToWriteTo, NotTheirs."""
    if not statement.number:
        raise NotIssued(_("%s is not issued. Its payee gets it once it is.") % statement)
    reader = reader_of(statement.beneficiary)
    if reader is None or not reader.is_active:
        raise NobodyToWriteTo(
            _("%s has no address in the desk. Invite them, or print the statement.")
            % (statement.beneficiary or statement.agency)
        )
    if not Statement.objects.downloadable_by(reader).filter(pk=statement.pk).exists():
        raise NotTheirs(_("%s may not see this statement.") % reader)
    period = label(Days(statement.period_on, statement.period_ends_on))
    return _send(
        reader,
        subject=_("Your statement for %s") % period,
        text=_("Your statement %(number)s for %(period)s:")
        % {"number": statement.number, "period": period},
        by=by,
        at=at,
        agency=statement.agency,
        statement=statement,
    )


@transaction.atomic
def send_period(
    *, agency: Agency, currency: str, days: Days, to: User, by: User, at: datetime
) -> DeliveryLink:
    """Mail somebody in the agency's accounting a link to all papers of a period.

    Raises NotTheirs.
    """
    if not four_eyes.could_approve(DOWNLOADS, agency.pk).filter(pk=to.pk).exists():
        raise NotTheirs(_("%s may not have the papers of this agency.") % to)
    return _send(
        to,
        subject=_("Statements of %(agency)s for %(period)s")
        % {"agency": agency, "period": label(days)},
        text=_("All statements of %(agency)s for %(period)s in %(currency)s, as one ZIP:")
        % {"agency": agency, "period": label(days), "currency": currency},
        by=by,
        at=at,
        agency=agency,
        currency=currency,
        period_on=days.starts_on,
    )


def send_report(*, report: ScheduledReport, rows: int, at: datetime) -> DeliveryLink:
    """Mail the owner of a report a link to it; `rows` is how many it has for them now."""
    return _send(
        report.owner,
        subject=str(report),
        text=_("%(report)s: %(rows)d rows as of now.") % {"report": report, "rows": rows},
        by=None,
        at=at,
        agency=report.agency,
        report=report,
    )


def find(secret: str, *, user: User, at: datetime) -> DeliveryLink | None:
    """Return the link that was mailed to a user, while it is good; None for any other."""
    links = DeliveryLink.objects.good(at).filter(user=user, secret_sha256=_digest(secret))
    related = ("agency", "statement__agency", "report__agency", "report__owner")
    return links.select_related(*related).first()


@transaction.atomic
def revoke(*, link_id: int, by: User, at: datetime) -> None:
    """Have a link open nothing any more. Raises NotGood."""
    link = DeliveryLink.objects.select_for_update(of=["self"]).get(pk=link_id)
    if not DeliveryLink.objects.good(at).filter(pk=link.pk).exists():
        raise NotGood(_("This link opens nothing any more."))
    link.revoked_at, link.revoked_by = at, by
    link.save(update_fields=["revoked_at", "revoked_by"])


def _send(
    user: User, *, subject: str, text: str, by: User | None, at: datetime, **opens: Any
) -> DeliveryLink:
    secret = secrets.token_urlsafe(32)
    link = DeliveryLink.objects.create(
        user=user, secret_sha256=_digest(secret), sent_at=at, sent_by=by, expires_at=at + LASTS,
        **opens,
    )  # fmt: skip
    address = settings.DESK_URL + reverse("portal:delivered", args=[secret])
    until = locales.minute(link.expires_at, user.time_zone, user.locale or settings.LANGUAGE_CODE)
    outbox.post(
        recipient=user.email,
        subject=subject,
        body="\n".join([
            text,
            address,
            "",
            _("The link is for you alone: you sign in first. It works until %s.") % until,
            _("If you did not expect it, tell the agency."),
            "",
        ]),
        at=at,
    )  # fmt: skip
    return link


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
