"""Papers by mail to licensees, who have no account: a link to one paper, for some days."""

import hashlib
import secrets
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from talent import locales, outbox
from talent.models import User
from valuation.models import DunningLetter, Invoice, InvoiceStep, PaperLink
from valuation.words import InvoiceStepKind

from .refusals import NobodyToWriteTo, NotItsTurn
from .terms import terms_on

LASTS = timedelta(days=30)
MAILED_AT_ONCE = 50


@transaction.atomic
def mail_invoice(*, invoice_id: int, by: User, at: datetime) -> PaperLink:
    """Mail a licensee a link to an issued invoice. Raises NotItsTurn, NobodyToWriteTo."""
    invoice = Invoice.objects.select_related("licensee", "agency").get(pk=invoice_id)
    if not invoice.number or not invoice.pdf or invoice.licensee is None:
        raise NotItsTurn(_("%s has no document to send yet.") % invoice)
    return _send_invoice(invoice, invoice.licensee.billing_email, by, at)


def is_mailed_by_terms(invoice: Invoice, *, on: date) -> bool:
    """Tell whether the terms that count on a day have an invoice mailed as it is issued."""
    if invoice.licensee_id is None:
        return False
    terms = terms_on(invoice.agency, on)
    own = terms.get((invoice.licensee_id, invoice.agreement_id))
    counting = own or terms.get((invoice.licensee_id, None))
    return counting is not None and counting.mails_invoices


def address_at_issue(invoice: Invoice, *, mails: bool | None, on: date) -> str:
    """Return where an invoice goes that is issued on a day; empty: nowhere.

    `mails` is what a person says; None: as the terms say. A licensee without an address gets
    nothing by terms. Raises NobodyToWriteTo, where a person says that it is mailed.
    """
    address = invoice.licensee.billing_email if invoice.licensee else ""
    if mails and not address:
        raise NobodyToWriteTo(
            _("%s has no billing address for mails. Enter one, or issue it without a mail.")
            % (invoice.licensee or invoice.beneficiary)
        )
    is_wanted = is_mailed_by_terms(invoice, on=on) if mails is None else mails
    return address if is_wanted else ""


@transaction.atomic
def mail_issued(invoice_id: int, *, at: datetime) -> PaperLink | None:
    """Mail an invoice that is drawn where its issue said, unless a link to it was mailed before."""
    # Locked, so that the issue and a sweep do not both mail it.
    Invoice.objects.select_for_update(of=("self",)).get(pk=invoice_id)
    step = _not_mailed().select_related("by").filter(invoice=invoice_id).first()
    if step is None:
        return None
    invoice = Invoice.objects.select_related("licensee", "agency").get(pk=invoice_id)
    assert step.by is not None  # noqa: S101 (a studio's key mails nothing)
    return _send_invoice(invoice, step.mail_to, step.by, at)


def sweep(*, at: datetime) -> int:
    """Mail what was to be mailed at its issue and was not; return how many were.

    Their documents were drawn later, or whoever issued them was stopped before.
    """
    waiting = _not_mailed().order_by("pk").values_list("invoice", flat=True)
    return sum(mail_issued(pk, at=at) is not None for pk in waiting[:MAILED_AT_ONCE])


def _not_mailed() -> QuerySet[InvoiceStep]:
    """Return the issues whose invoice is drawn, was to be mailed, and never was."""
    issued = InvoiceStep.objects.filter(kind=InvoiceStepKind.ISSUED.value).exclude(mail_to="")
    return issued.exclude(invoice__pdf="").filter(
        ~Exists(PaperLink.objects.filter(invoice=OuterRef("invoice")))
    )


def _send_invoice(invoice: Invoice, recipient: str, by: User, at: datetime) -> PaperLink:
    return _send(
        recipient,
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
