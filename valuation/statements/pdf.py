"""Statements as PDF/A-3a. Nothing else in the desk's money knows WeasyPrint or the chart engine."""

import gc
import logging
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
import vl_convert
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation
from weasyprint import HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from talent import locales
from talent.errors import Refused
from valuation.statements import exports, sheet
from valuation.statements.snapshot import RollUp, Snapshot, Statement

VARIANT = "pdf/a-3a"
VEGA_LITE = "6.4"
FONT_SCHEME = "font:"
log = logging.getLogger(__name__)


class StatementNotDrawn(Refused):
    """The machine could not draw; the statement is as it was and can be drawn again."""

    code = "statement_not_drawn"


def draw(snapshot: Snapshot, *, verify_url: str = "") -> bytes:
    """Return the statement, or the agency's roll-up, as a PDF with its lines attached.

    The same snapshot and address give the same bytes. Nothing is fetched and nothing is kept on
    disk; storing the bytes is the caller's. `verify_url` goes into the QR code; empty leaves it
    out.

    Raises StatementNotDrawn when the disk or the memory of the machine is full.
    """
    try:
        with translation.override(locales.known(snapshot.locale).language), _no_collector():
            return _written(snapshot, _html(snapshot, verify_url))
    except (OSError, MemoryError) as failure:
        log.exception("statement not drawn", extra={"number": snapshot.number})
        raise StatementNotDrawn(
            f"The statement could not be drawn: {failure.strerror or 'no memory is left'}. "
            "Nothing was changed; free some space and draw it again."
            if isinstance(failure, OSError)
            else "The statement could not be drawn: no memory is left. Nothing was changed."
        ) from failure


def chart_svg(snapshot: Statement) -> str:
    """Return the usage chart as SVG text, empty where there is nothing to chart."""
    spec = sheet.chart_spec(snapshot)
    if spec is None:
        return ""
    _register_fonts()
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])


def _html(snapshot: Snapshot, verify_url: str) -> str:
    values: dict[str, Any] = {"qr": _qr(verify_url), "verify_url": verify_url}
    if isinstance(snapshot, RollUp):
        values |= sheet.roll_up_values(snapshot)
        return render_to_string("statements/roll_up.html", values)
    values |= sheet.statement_values(snapshot)
    values["chart"] = _data_uri(chart_svg(snapshot).encode())
    return render_to_string("statements/statement.html", values)


def _written(snapshot: Snapshot, html: str) -> bytes:
    fonts = FontConfiguration()
    document = HTML(string=html, url_fetcher=OurFontsOnly()).render(font_config=fonts)
    document.metadata.attachments = _attachments(snapshot)
    with warnings.catch_warnings():
        # WeasyPrint leaves the colour profile it read to the interpreter to close.
        warnings.simplefilter("ignore", ResourceWarning)
        return document.write_pdf(pdf_variant=VARIANT, finisher=_list_attachments_once)


def _attachments(snapshot: Snapshot) -> list[Attachment]:
    at = datetime.combine(_dated(snapshot), time(), tzinfo=UTC)
    parts = (
        ("statement.json", "The statement's content", "Source", exports.content_json(snapshot)),
        ("lines.csv", "The statement's lines", "Data", exports.lines_csv(snapshot)),
    )
    return [
        Attachment(
            file_obj=BytesIO(content),
            name=name,
            description=description,
            relationship=relationship,
            created=at,
            modified=at,
        )
        for name, description, relationship, content in parts
    ]


def _dated(snapshot: Snapshot) -> date:
    """A day that belongs to the content: the clock would change the bytes."""
    return snapshot.issued_on or snapshot.period_ends_on


def _list_attachments_once(_document: object, pdf: Any) -> None:
    """WeasyPrint 70.0 names each attachment twice in /AF (its issue 2917)."""
    files = pdf.catalog.get("AF", [])
    files[:] = dict.fromkeys(files)


def _qr(url: str) -> str:
    if not url:
        return ""
    svg = BytesIO()
    segno.make(url, error="m", micro=False).save(svg, kind="svg", border=0, dark="#1c2530")
    return _data_uri(svg.getvalue())


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg).decode() if svg else ""


class OurFontsOnly(URLFetcher):
    """Gives the vendored fonts and what stands in the page itself; refuses every other address."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if not url.startswith(FONT_SCHEME):
            return super().fetch(url, headers)
        try:
            body = (_font_folder() / Path(url.removeprefix(FONT_SCHEME)).name).read_bytes()
        except OSError as missing:
            # Any other exception is swallowed, and another face would take the font's place.
            raise FontMissing(url) from missing
        return URLFetcherResponse(url, body, {"Content-Type": "font/ttf"})


class FontMissing(FatalURLFetchingError):
    """A vendored font is not where it belongs."""


@cache
def _font_folder() -> Path:
    found = finders.find("fonts/SourceSans3-Regular.ttf")
    if not found:
        raise FileNotFoundError("fonts/SourceSans3-Regular.ttf is not among the static files")
    return Path(found).parent


@cache
def _register_fonts() -> None:
    vl_convert.register_font_directory(str(_font_folder()))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Laying out makes millions of objects that all stay: collecting among them wins nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
