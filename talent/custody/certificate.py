"""The certificate of a destruction, as a PDF that the desk signs where it has a certificate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from django.template.loader import render_to_string

from talent.papers import certificate
from talent.words import SealLevel

SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate as a PDF, and how it is signed."""

    pdf: bytes
    level: SealLevel


def drawn(content: Mapping[str, Any], *, at: datetime) -> Paper:
    """Return the document that says `content`, which it has attached as JSON.

    Raises NotDrawn, and CertificateEnded or NotSealable of the desk's certificate; a desk that has
    none signs nothing.
    """
    # Imported here: WeasyPrint and pyHanko take longer to import than all the rest together.
    from talent.papers import seal
    from talent.papers.draw import AttachedFile, draw_for_everybody

    is_signed = certificate.is_there()
    values = {"told": content, "signature": SIGNATURE if is_signed else ""}
    data = rfc8785.dumps(dict(content))
    paper = draw_for_everybody(
        render_to_string("custody/certificate.html", values),
        attachments=[AttachedFile("destruction.json", data, "What is certified", "Source")],
        dated=at.date(),
        find=[SIGNATURE],
    )
    if not is_signed:
        return Paper(paper.pdf, SealLevel.NONE)
    box = paper.boxes[SIGNATURE]
    agency = str(content["agency"])
    sealed = seal.seal_whole(
        paper.pdf,
        place=seal.Place(
            SIGNATURE,
            f"Signature of {agency}",
            *(box.page, box.left, box.top, box.width, box.height),
        ),
        name=agency,
        reason="Destruction certified",
        certificate=certificate.of_the_desk(),
        at=at,
    )
    return Paper(sealed.pdf, sealed.level)
