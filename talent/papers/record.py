"""Documents of record: drawn with the same as data attached, and signed if the desk can."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from django.template.loader import render_to_string

from talent.words import SealLevel

from . import certificate

SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as a PDF, and how it is signed."""

    pdf: bytes
    level: SealLevel


@dataclass(frozen=True, slots=True)
class DataFile:
    """What a document says as JSON, and as what it is attached."""

    name: str
    about: str
    content: Mapping[str, Any]


def drawn(
    template: str,
    values: Mapping[str, Any],
    *,
    data: DataFile,
    signed_for: str,
    reason: str,
    at: datetime,
) -> Paper:
    """Return a document drawn from a template that extends papers/record.html.

    Raises NotDrawn, and CertificateEnded or NotSealable of the desk's certificate; a desk that has
    none signs nothing.
    """
    # Imported here: WeasyPrint and pyHanko take longer to import than all the rest together.
    from . import seal
    from .draw import AttachedFile, draw_for_everybody

    is_signed = certificate.is_there()
    html = render_to_string(
        template, {**values, "signature": SIGNATURE if is_signed else "", "signed_for": signed_for}
    )
    attached = AttachedFile(data.name, rfc8785.dumps(dict(data.content)), data.about, "Source")
    paper = draw_for_everybody(html, attachments=[attached], dated=at.date(), find=[SIGNATURE])
    if not is_signed:
        return Paper(paper.pdf, SealLevel.NONE)
    box = paper.boxes[SIGNATURE]
    sealed = seal.seal_whole(
        paper.pdf,
        place=seal.Place(
            SIGNATURE,
            f"Signature of {signed_for}",
            *(box.page, box.left, box.top, box.width, box.height),
        ),
        name=signed_for,
        reason=reason,
        certificate=certificate.of_the_desk(),
        at=at,
    )
    return Paper(sealed.pdf, sealed.level)
