"""Letters about what is late: three levels, each written by a person, never about a dispute."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from licensing.models import Licensee
from licensing.money import rounded
from talent import locales
from talent.models import Agency, User
from talent.periods import local_day
from valuation.models import DunningLetter, Invoice
from valuation.models.dunning import HIGHEST_LEVEL
from valuation.words import InvoiceKind

from . import links, settled
from .content import ZERO, PayToTold, from_json
from .interest import disputed_of
from .page_values import LETTER
from .refusals import NothingToClaim, NotItsTurn

WRITES = "valuation.write_dunningletter"
TITLES = {1: "Reminder", 2: "Second reminder", 3: "Last reminder"}


def overdue(
    *, agency: Agency, licensee: Licensee, currency: str, on: date
) -> list[tuple[Invoice, Decimal, Decimal]]:
    """Return invoices that are late on a day: each with what is left, and what of it is disputed.

    What is disputed as a whole stands there, too: nobody is dunned for it.
    """
    issued = Invoice.objects.issued().filter(
        kind=InvoiceKind.INVOICE.value, agency=agency, licensee=licensee, currency=currency,
        due_on__lt=on,
    )  # fmt: skip
    found = []
    rows: Any = settled.with_paid(issued, on).order_by("due_on", "pk")
    for row in rows:
        left = rounded(row.left, currency)
        if left > 0:
            found.append((row, left, min(disputed_of(row, on=on), left)))
    return found


def next_level(*, agency: Agency, licensee: Licensee, currency: str, on: date) -> int:
    """Return the level of the next letter: one more than what is late was dunned for, to three."""
    late = [row.pk for row, _left, _off in overdue(
        agency=agency, licensee=licensee, currency=currency, on=on)]  # fmt: skip
    last = (
        DunningLetter.objects.filter(invoices__in=late).order_by("-level").values_list("level")
    ).first()
    return min((last[0] if last else 0) + 1, HIGHEST_LEVEL)


def digest_of_late(*, agency: Agency, licensee: Licensee, currency: str, on: date) -> str:
    """Return the digest of what somebody looks at before a letter: what is late, and the letters.

    A letter about any of it that is written since changes it, so that none is written twice.
    """
    rows = overdue(agency=agency, licensee=licensee, currency=currency, on=on)
    letters = DunningLetter.objects.filter(agency=agency, licensee=licensee, currency=currency)
    told = [
        str(on), licensee.billing_email, letters.count(),
        [[row.pk, f"{left:f}", f"{off:f}"] for row, left, off in rows],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def write(
    *,
    agency: Agency,
    licensee: Licensee,
    currency: str,
    level: int,
    by: User,
    at: datetime,
    seen: str,
    pay_to: PayToTold | None = None,
) -> DunningLetter:
    """Write a letter of a level about what is late and not disputed, and mail a link to it.

    `seen` is the digest of what its writer looked at, `pay_to` the agency's own account of today:
    that of an invoice may be closed by now. It is drawn outside the transaction. A licensee without
    an address gets none by mail. Raises NothingToClaim, NotItsTurn, NotDrawn.
    """
    from talent.papers import draw as papers

    on = local_day(at, agency.time_zone)
    rows = overdue(agency=agency, licensee=licensee, currency=currency, on=on)
    asked = [(row, left - off) for row, left, off in rows if left > off]
    if not asked:
        raise NothingToClaim(_("Nothing is late that they do not dispute."))
    if level > next_level(agency=agency, licensee=licensee, currency=currency, on=on):
        raise NotItsTurn(_("The letter before that one was not written."))
    digest_now = partial(digest_of_late, agency=agency, licensee=licensee, currency=currency, on=on)
    if seen != digest_now():
        raise NotItsTurn(_("It has changed since you looked. Look again."))
    content = _content(agency, licensee, currency, level, on, asked) | {
        "pay_to": pay_to and {"holder": pay_to.holder, "account": pay_to.account}
    }
    drawn = papers.draw(render_to_string("invoices/dunning.html", content), dated=on)
    digest = hashlib.sha256(drawn).hexdigest()
    field = DunningLetter._meta.get_field("pdf")
    wanted = field.generate_filename(DunningLetter(), f"letter-{licensee.pk}-{digest[:16]}.pdf")
    name = field.storage.save(wanted, ContentFile(drawn))
    with transaction.atomic():
        # Locked, so that who sends the page twice writes one letter.
        Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
        if seen != digest_now():
            field.storage.delete(name)
            raise NotItsTurn(_("It has changed since you looked. Look again."))
        letter = DunningLetter.objects.create(
            agency=agency, licensee=licensee, currency=currency, level=level, on=on, by=by, at=at,
            total=sum((amount for _row, amount in asked), ZERO), content=content, pdf=name,
            pdf_sha256=digest, mailed_to=licensee.billing_email,
        )  # fmt: skip
        letter.invoices.set([row for row, _amount in asked])
        if licensee.billing_email:
            title = content["title"]
            links.mail_letter(
                letter,
                subject=f"{agency}: {title}",
                text=_("%(title)s of %(agency)s: %(total)s is late.")
                % {"title": title, "agency": agency, "total": content["total"]},
            )
    return letter


def _content(
    agency: Agency,
    licensee: Licensee,
    currency: str,
    level: int,
    on: date,
    asked: Iterable[tuple[Invoice, Decimal]],
) -> dict[str, Any]:
    """Return what a letter shows, written out for its reader."""
    asked = list(asked)
    # The newest says who they are and where they are by now.
    told = from_json(max((row for row, _amount in asked), key=lambda row: row.pk).content)
    locale = told.locale
    total = sum((amount for _row, amount in asked), ZERO)
    interest = sum((_claimed(row) for row, _amount in asked), ZERO)
    return {
        "title": TITLES[level],
        "level": level,
        "language": locales.known(locale).language,
        "paper": "letter" if told.seller.country in LETTER else "A4",
        "agency": told.seller.name,
        "address": list(told.seller.address),
        "licensee": told.buyer.name,
        "their_address": list(told.buyer.address),
        "on": locales.day(on, locale),
        "rows": list(_rows(asked, currency, locale, on)),
        "total": locales.money(total, currency, locale),
        "interest": locales.money(interest, currency, locale) if interest else "",
    }


def _rows(
    asked: Iterable[tuple[Invoice, Decimal]], currency: str, locale: str, on: date
) -> Iterator[dict[str, Any]]:
    for row, amount in asked:
        assert row.issued_on is not None  # noqa: S101 (only what is issued is asked for)
        assert row.due_on is not None  # noqa: S101 (… and late)
        yield {
            "number": row.number,
            "issued_on": locales.day(row.issued_on, locale),
            "due_on": locales.day(row.due_on, locale),
            "days": (on - row.due_on).days,
            "amount": locales.money(amount, currency, locale),
        }


def _claimed(invoice: Invoice) -> Decimal:
    rows = invoice.interest.standing()
    return sum((row.amount + row.fixed for row in rows), ZERO)
