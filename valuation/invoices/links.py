"""Papers by mail to licensees, who have no account: a link to one paper, for some days."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from talent import locales, outbox
from talent.models import User
from valuation.models import DunningLetter, Invoice, PaperLink

from .refusals import NobodyToWriteTo, NotItsTurn

LASTS = timedelta(days=30)


@transaction.atomic
def mail_invoice(*, invoice_id: int, by: User, at: datetime) -> PaperLink:
    """Mail a licensee a link to an issued invoice. Raises NotItsTurn, NobodyToWriteTo."""
    invoice = Invoice.objects.select_related("licensee", "agency").get(pk=invoice_id)
    if not invoice.number or not invoice.pdf or invoice.licensee is None:
        raise NotItsTurn(_("%s has no document to send yet.") % invoice)
    return _send(
        invoice.licensee.billing_email,
        subject=f"{invoice.agency}: {invoice.get_kind_display()} {invoice.number}",
        text=_("%(kind)s %(number)s of %(agency)s:")
        % {"kind": invoice.get_kind_display(), "number": invoice.number, "agency": invoice.agency},
        by=by,
        at=at,
        agency_id=invoice.agency_id,
        invoice=invoice,
    )


def mail_letter(letter: DunningLetter, *, subject: str, text: str) -> PaperLink:
    """Mail a licensee a link to a letter about what is late. Raises NobodyToWriteTo."""
    return _send(
        letter.licensee.billing_email,
        subject=subject,
        text=text,
        by=letter.by,
        at=letter.at,
        agency_id=letter.agency_id,
        letter=letter,
    )


def find(secret: str, *, at: datetime) -> PaperLink | None:
    """Return the link of a secret while it is good; None for any other."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    links = PaperLink.objects.good(at).filter(secret_sha256=digest)
    return links.select_related("invoice", "letter").first()


def _send(
    recipient: str,
    *,
    subject: str,
    text: str,
    by: User,
    at: datetime,
    agency_id: int,
    invoice: Invoice | None = None,
    letter: DunningLetter | None = None,
) -> PaperLink:
    if not recipient:
        raise NobodyToWriteTo(_("Enter the licensee’s billing address for mails first."))
    secret = secrets.token_urlsafe(32)
    link = PaperLink.objects.create(
        agency_id=agency_id, invoice=invoice, letter=letter, sent_to=recipient,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(), sent_at=at, sent_by=by,
        expires_at=at + LASTS,
    )  # fmt: skip
    address = settings.DESK_URL + reverse("portal:paper", args=[secret])
    until = locales.minute(link.expires_at, "UTC", "en-GB")
    outbox.post(
        recipient=recipient,
        subject=subject,
        body=f"{text}\n\n{address}\n\n" + _("The link works until %s (UTC).") % until + "\n",
        at=at,
    )
    return link
