"""A statement or a roll-up as a PDF: pages, QR code, and data files attached."""

from base64 import b64encode
from functools import cache
from io import BytesIO
from typing import Any

import segno
import vl_convert
from django.template.loader import render_to_string
from django.utils import translation

from talent import faces, locales
from talent.papers import draw as papers
from valuation.einvoices import factur_x
from valuation.invoices import exports as invoices
from valuation.invoices.content import Content

from . import exports, page_values
from .snapshot import RollUpSnapshot, Snapshot, StatementSnapshot

VEGA_LITE = "6.4"
# The id of the element that a signature's field covers.
SIGNATURE = "signature"


def draw(snapshot: Snapshot, *, verify_url: str = "") -> bytes:
    """Return the statement, or the agency's roll-up, as a PDF with JSON and CSV attached.

    The same arguments give the same bytes. `verify_url` goes into the QR code; empty leaves it out.
    Raises NotDrawn (of talent.papers.draw) when the machine's disk or memory is full.
    """
    return draw_to_sign(snapshot, verify_url=verify_url).pdf


def draw_to_sign(snapshot: Snapshot, *, verify_url: str = "", signed_by: str = "") -> papers.Drawn:
    """Return the same with room for a signature, and where that is: the box `SIGNATURE`.

    `signed_by` is whom the certificate names; empty leaves no room. Raises NotDrawn.
    """
    with translation.override(locales.known(snapshot.locale).language):
        return papers.draw_for_everybody(
            _html(snapshot, verify_url, signed_by),
            attachments=_attachments(snapshot),
            dated=snapshot.issued_on or snapshot.period_ends_on,
            find=[SIGNATURE],
            **_hybrid(snapshot),
        )


def svg_of(spec: dict[str, Any]) -> str:
    """Return a Vega-Lite chart as SVG text, in the fonts of every document."""
    _register_fonts()
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    return svg


def _html(snapshot: Snapshot, verify_url: str, signed_by: str) -> str:
    values: dict[str, Any] = {
        "qr": _qr(verify_url),
        "verify_url": verify_url,
        "signature": SIGNATURE,
        "signed_by": signed_by,
    }
    if isinstance(snapshot, RollUpSnapshot):
        values |= page_values.roll_up_values(snapshot)
        return render_to_string("statements/roll_up.html", values)
    values |= page_values.statement_values(snapshot)
    return render_to_string("statements/statement.html", values)


def _hybrid(snapshot: Snapshot) -> dict[str, list[bytes]]:
    """Return what the metadata of a file say that carries an invoice as data."""
    invoice = self_billed_of(snapshot)
    if invoice is None or not invoice.number:
        return {}
    return {"metadata": [factur_x.METADATA], "schemas": [factur_x.SCHEMA]}


def self_billed_of(snapshot: Snapshot) -> Content | None:
    """Return the invoice that a statement carries; a roll-up has none."""
    return snapshot.self_billed if isinstance(snapshot, StatementSnapshot) else None


def _invoice(snapshot: Snapshot) -> list[papers.AttachedFile]:
    """Return the self-billed invoice as data, once it has a number."""
    invoice = self_billed_of(snapshot)
    if invoice is None or not invoice.number:
        return []
    return [
        papers.AttachedFile(
            factur_x.FILE_NAME, invoices.xml(invoice), "The self-billed invoice", "Alternative"
        )
    ]


def _attachments(snapshot: Snapshot) -> list[papers.AttachedFile]:
    return [
        *_invoice(snapshot),
        papers.AttachedFile(
            "statement.json", exports.content_json(snapshot), "The statement's content", "Source"
        ),
        papers.AttachedFile(
            "lines.csv", exports.lines_csv(snapshot), "The statement's lines", "Data"
        ),
    ]


def _qr(url: str) -> str:
    if not url:
        return ""
    svg = BytesIO()
    segno.make(url, error="m", micro=False).save(svg, kind="svg", border=0, dark="#1c2530")
    return _data_uri(svg.getvalue())


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg).decode() if svg else ""


@cache
def _register_fonts() -> None:
    vl_convert.register_font_directory(str(faces.folder()))
