"""The document of an invoice: drawn from its frozen content, stored once, checked by its digest."""

import hashlib
import logging
from io import BytesIO
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from talent.errors import Refused
from valuation.models import DunningLetter, Invoice

from . import exports, page_values
from .content import Content, from_json
from .refusals import BreaksTheNorm, PaperNotDrawn

if TYPE_CHECKING:
    from talent.papers.draw import AttachedFile

logger = logging.getLogger(__name__)

# In the name of the lock under which documents are swept.
SWEEPS = "draw the documents that invoices lack"
SWEPT_AT_ONCE = 50


def complete(invoice_id: int) -> bool:
    """Draw and store the document of an issued invoice that has none; tell whether it has one now.

    Call it outside any transaction. What goes wrong is logged, and can be tried again.
    """
    invoice = Invoice.objects.issued().get(pk=invoice_id)
    if invoice.pdf:
        return True
    field = Invoice._meta.get_field("pdf")
    name = ""
    try:
        drawn = draw(from_json(invoice.content))
        digest = hashlib.sha256(drawn).hexdigest()
        wanted = field.generate_filename(invoice, f"{invoice.pk}-{digest[:16]}.pdf")
        name = field.storage.save(wanted, ContentFile(drawn))
    except (OSError, Refused):
        logger.exception("The document of %s was not drawn", invoice)
        return False
    own = Invoice.objects.filter(pk=invoice.pk, pdf="")
    if not own.update(pdf=name, pdf_sha256=digest):
        # Somebody else was faster.
        field.storage.delete(name)
    return True


def sweep() -> int:
    """Draw the documents that issued invoices lack: whoever issued them was stopped before.

    Return how many have one now. Call it outside any transaction.
    """
    own = Q(licensee=None) | Q(beneficiary=None)
    waiting = Invoice.objects.issued().filter(own, pdf="", statement=None).order_by("pk")
    return sum(complete(pk) for pk in waiting.values_list("pk", flat=True)[:SWEPT_AT_ONCE])


def draw(content: Content) -> bytes:
    """Return an invoice as a PDF/A-3 with its lines attached, and its data where they take it.

    The same content gives the same bytes. Raises NotDrawn.
    """
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from talent.papers import draw as papers

    return papers.draw(
        render_to_string("invoices/invoice.html", page_values.of(content)),
        attachments=list(_attachments(content)),
        dated=content.issued_on or content.through,
    )


def draw_uses(content: Content) -> bytes:
    """Return the usage report that an invoice rests on, as a PDF. Raises NotDrawn."""
    from talent.papers import draw as papers

    return papers.draw(
        render_to_string("invoices/uses.html", page_values.of(content)),
        attachments=[
            papers.AttachedFile(
                "uses.csv", "".join(exports.uses_csv(content)).encode(), "Uses", "Data"
            )
        ],
        dated=content.issued_on or content.through,
    )


def _attachments(content: Content) -> list["AttachedFile"]:
    from talent.papers.draw import AttachedFile

    files = [
        AttachedFile("lines.csv", "".join(exports.lines_csv(content)).encode(), "Lines", "Data")
    ]
    if content.number and content.format != "none":
        try:
            data = exports.xml(content)
        except BreaksTheNorm:
            # The page of the invoice says what is missing; the paper is an invoice without it.
            logger.warning("%s has no data by EN 16931", content.number)
        else:
            files.append(AttachedFile("invoice.xml", data, "By EN 16931", "Alternative"))
    return files


def read(invoice: Invoice | DunningLetter) -> BytesIO:
    """Return the stored document, checked against its digest. Raises PaperNotDrawn."""
    if not invoice.pdf:
        raise PaperNotDrawn(_("Its document is not drawn yet. Draw it by the button on its page."))
    try:
        with invoice.pdf.open("rb") as stored:
            content = stored.read()
    except OSError as failure:
        logger.error("The file %s cannot be reached: %s", invoice.pdf.name, failure.strerror)
        raise PaperNotDrawn(
            _("The file cannot be reached at the moment; ask who runs the desk to look after it.")
        ) from failure
    if hashlib.sha256(content).hexdigest() != invoice.pdf_sha256:
        raise PaperNotDrawn(_("The file is not the one that was issued."))
    return BytesIO(content)
