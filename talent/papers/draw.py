"""Documents as PDF/A-3a, drawn from HTML. Nothing else of the desk knows WeasyPrint.

Nothing is fetched from the network or stored on disk; the caller stores the bytes.
"""

import gc
import logging
import os
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from io import BytesIO
from typing import Any

from weasyprint import HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from talent import faces
from talent.errors import Refused
from talent.plain_text import with_unseen_shown

VARIANT = "pdf/a-3a"
CONFIGURED = "FONTCONFIG_FILE"
MM_PER_PX = 25.4 / 96
BETWEEN_LIST_AND_ITEM = {"/L", "/Div", "/NonStruct"}
END_OF_XMP = b"</rdf:RDF>"
# What a file says that keeps to PDF/UA-1 (ISO 14289-1, 5) and, since PDF/A knows only its own
# properties, what that property is (ISO 19005-3, 6.6.2.3.3).
UA_IDENTIFIER = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
    b"<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
)
UA_SCHEMA = (
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name>"
    b"<pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Part of ISO 14289 that is kept</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>"
    b"</rdf:Description>"
)
END_OF_SCHEMAS = b"</rdf:Bag></pdfaExtension:schemas>"
log = logging.getLogger(__name__)
_own = threading.local()
_reading = threading.Lock()


class NotDrawn(Refused):
    """The disk or the memory is full. Nothing was changed, and drawing can be tried again."""

    code = "not_drawn"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file inside a document; `relationship` is a word of PDF/A-3, such as Source or Data."""

    name: str
    content: bytes
    description: str
    relationship: str


@dataclass(frozen=True, slots=True)
class Box:
    """Where an element stands: on which page from 0 on, in mm from the page's top left."""

    page: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document, and where the elements stand that were asked for by their ids."""

    pdf: bytes
    boxes: Mapping[str, Box]


def draw(html: str, *, attachments: Sequence[AttachedFile] = (), dated: date) -> bytes:
    """Return a page of HTML as a PDF/A-3a with files attached.

    The same arguments give the same bytes: `dated` is the day the attachments carry, since the
    clock would change them. Raises NotDrawn when the disk or the memory of the machine is full.
    """
    return _within_the_machine(lambda: _render(html, attachments, dated))


def draw_for_everybody(
    html: str,
    *,
    attachments: Sequence[AttachedFile] = (),
    dated: date,
    find: Collection[str] = (),
    metadata: Sequence[bytes] = (),
    schemas: Sequence[bytes] = (),
) -> Drawn:
    """Return a page of HTML as a PDF/A-3a that is PDF/UA-1, too, and says so.

    `find` names the ids of elements whose place is wanted; one that is not there has none.
    `metadata` are further `rdf:Description`s of its XMP, and `schemas` what they are, each as an
    item of `pdfaExtension:schemas`, which stands once in a file. The same arguments give the same
    bytes. Raises NotDrawn.
    """
    told = UA_SCHEMA.replace(END_OF_SCHEMAS, b"".join(schemas) + END_OF_SCHEMAS)
    xmp = [told, UA_IDENTIFIER, *metadata]
    boxes: dict[str, Box] = {}

    def render() -> bytes:
        document = _laid_out(html)
        boxes.update(_boxes(document, find))
        return _with_attachments(document, attachments, dated, xmp)

    return Drawn(_within_the_machine(render), boxes)


def draw_piece(html: str) -> bytes:
    """Return a page of HTML that is set into another document: without tags and metadata.

    Raises NotDrawn.
    """
    return _within_the_machine(lambda: _written(_laid_out(html), finisher=_keep_to_the_standard))


def _within_the_machine(render: Callable[[], bytes]) -> bytes:
    try:
        with _no_collector():
            return render()
    except (OSError, MemoryError) as failure:
        log.exception("document not drawn")
        raise NotDrawn(_reason(failure)) from failure


def _reason(failure: OSError | MemoryError) -> str:
    if isinstance(failure, OSError) and failure.strerror:
        reason = f"{failure.strerror}. Nothing was changed; free some space and draw it again."
    else:
        reason = "no memory is left. Nothing was changed; draw it again."
    return f"The document could not be drawn: {reason}"


def _render(html: str, attachments: Sequence[AttachedFile], dated: date) -> bytes:
    return _with_attachments(_laid_out(html), attachments, dated, ())


def _with_attachments(
    document: Any, attachments: Sequence[AttachedFile], dated: date, xmp: Sequence[bytes]
) -> bytes:
    document.metadata.attachments = [_attachment(file, dated) for file in attachments]
    return _written(document, pdf_variant=VARIANT, finisher=partial(_keep_to_the_standard, xmp=xmp))


def _boxes(document: Any, ids: Collection[str]) -> dict[str, Box]:
    """Return where elements stand, each on the first page that it is on."""
    found: dict[str, Box] = {}
    for number, page in enumerate(document.pages):
        for name in set(ids) & page.anchors.keys() - found.keys():
            left, top, right, bottom = (at * MM_PER_PX for at in page.anchors[name])
            found[name] = Box(number, left, top, right - left, bottom - top)
    return found


def _laid_out(html: str) -> Any:
    # XML holds no control characters, and so neither do a PDF/A's metadata.
    html = with_unseen_shown(html)
    return HTML(string=html, url_fetcher=NothingFetched()).render(font_config=_configuration())


def _configuration() -> Any:
    """Return what text is laid out with: the desk's faces and no other. Raises FaceMissing.

    Read once in a thread, since Pango shares nothing between threads.
    """
    found = getattr(_own, "configuration", None)
    if found is None:
        found = _own.configuration = _read_configuration()
    # What a document laid out is of no use to another one, and would add up.
    found.strut_layouts.clear()
    return found


def _read_configuration() -> Any:
    with _reading:
        before = os.environ.get(CONFIGURED)
        os.environ[CONFIGURED] = str(faces.folder() / "fonts.conf")
        try:
            return FontConfiguration()
        finally:
            if before is None:
                del os.environ[CONFIGURED]
            else:
                os.environ[CONFIGURED] = before


def _written(document: Any, **options: Any) -> bytes:
    with warnings.catch_warnings():
        # WeasyPrint never closes the colour profile it reads, so Python warns about it.
        warnings.simplefilter("ignore", ResourceWarning)
        pdf: bytes = document.write_pdf(**options)
    return pdf


def _attachment(file: AttachedFile, dated: date) -> Attachment:
    at = datetime.combine(dated, time(), tzinfo=UTC)
    return Attachment(
        file_obj=BytesIO(file.content),
        name=file.name,
        description=file.description,
        relationship=file.relationship,
        created=at,
        modified=at,
    )


def _keep_to_the_standard(document: object, pdf: Any, xmp: Sequence[bytes] = ()) -> None:
    """Mend what WeasyPrint 70.0 writes and PDF/A-3a or PDF/UA-1 forbids; add to the metadata."""
    _list_attachments_once(document, pdf)
    _keep_items_in_lists(pdf)
    for one in pdf.objects:
        lines = getattr(one, "stream", None)
        if not lines:
            continue
        if one.extra.get("Subtype") == "/XML":
            one.compress = False  # Metadata are read without a filter.
            lines[:] = [line.replace(END_OF_XMP, b"".join(xmp) + END_OF_XMP) for line in lines]
        elif b"begincmap" in lines:
            lines[:] = [NOTHING.sub(rb"\1 <200b>", line) for line in lines]
        if one.compress:
            _compress(one)
    pdf.write = partial(_write_soundly, pdf, pdf.write)


def _compress(stream: Any) -> None:
    """Compress a stream now, in digits where it would end as a line does: readers count that out.

    PDF/A-3 (6.1.7.1) has the length of a stream end before the break that follows it.
    """
    stream.compress = False
    content = stream.data.split(b"\nstream\n", 1)[1].removesuffix(b"\nendstream")
    content = zlib.compress(content, LEVEL)
    filters = "/FlateDecode"
    if content.endswith(BREAKS):
        content, filters = content.hex().encode() + b">", "[/ASCIIHexDecode /FlateDecode]"
    stream.extra["Filter"] = filters
    stream.stream = [content]


def _write_soundly(pdf: Any, write: Callable[..., None], target: Any, *options: Any) -> None:
    """Write a file; again with one more empty object, where a stream of the file itself ends so."""
    objects = list(pdf.objects)
    while True:
        out = BytesIO()
        write(out, *options)
        if not ENDS_AS_A_LINE.search(out.getvalue()):
            target.write(out.getvalue())
            return
        objects.append(type(pdf.catalog)())
        pdf.objects[:], pdf.current_position = [], 0
        for one in objects:
            pdf.add_object(one)


# Of zlib: the highest takes three times as long, for hardly fewer bytes.
LEVEL = 6
BREAKS = (b"\n", b"\r")
ENDS_AS_A_LINE = re.compile(rb"[\r\n]\nendstream")


# A glyph that prints a part of a letter, as the dots of an Arabic one, has no text of its own; it
# still needs some: a space of no width.
NOTHING = re.compile(rb"^(<[0-9a-f]{4}>) <>$")


def _keep_items_in_lists(pdf: Any) -> None:
    """Hang what a list holds under the list itself, for a list may hold nothing else.

    WeasyPrint 70.0 gives each box of a list a place of its own in the structure: those of a list
    that is laid out as a table, and a `div` around a term and what is said of it.
    """
    # The inner ones first: they stand after those that hold them.
    for one in reversed([one for one in pdf.objects if _kind_of(one) == "/L"]):
        one["K"][:] = _items(pdf, one)


def _items(pdf: Any, element: Any) -> list[Any]:
    """Return the kids of an element without what stands between them and it; theirs it becomes."""
    items: list[Any] = []
    for kid in element["K"]:
        one = _object(pdf, kid)
        if _kind_of(one) in BETWEEN_LIST_AND_ITEM:
            items += _items(pdf, one)
            one["K"][:] = []
        else:
            items.append(kid)
    for kid in items:
        one = _object(pdf, kid)
        if _kind_of(one):
            one["P"] = element.reference
    return items


def _object(pdf: Any, reference: Any) -> Any:
    is_reference = isinstance(reference, bytes) and reference.endswith(b" R")
    return pdf.objects[int(reference.split()[0])] if is_reference else None


def _kind_of(one: Any) -> str:
    """Return what an element of the structure is; empty for anything else."""
    is_element = isinstance(one, dict) and one.get("Type") == "/StructElem"
    return str(one["S"]) if is_element else ""


def _list_attachments_once(_document: object, pdf: Any) -> None:
    """Drop duplicates from /AF: WeasyPrint 70.0 lists each attachment twice (its issue 2917)."""
    files = pdf.catalog.get("AF", [])
    files[:] = dict.fromkeys(files)


class NothingFetched(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    """Reads data: addresses, which fetch nothing, and refuses every other one."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Pause the garbage collector: layout creates millions of objects that all stay in use."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
