"""The document as a PDF: a summary in plain words, clauses, schedules, the terms attached."""

from datetime import date
from itertools import groupby
from typing import Any

from django.template.loader import render_to_string

from licensing.agreements.clauses.redline import redline
from licensing.wire.canonical import canonical_bytes
from licensing.words import DocumentKind
from talent import locales
from talent.papers import draw as papers

from .content import Content, digest_of


def draw(
    content: Content,
    *,
    number: int,
    kind: DocumentKind,
    dated: date,
    missing: list[str],
    before: Content | None = None,
) -> bytes:
    """Return a document as PDF/A-3a with its terms attached; the same arguments, the same bytes.

    `missing` stands on a draft's first page; `before` is the version it is compared with. Raises
    NotDrawn (of talent.papers.draw) when the machine's disk or memory is full.
    """
    changes = redline(before, content) if before is not None else None
    rules = content.get("rules")
    values: dict[str, Any] = {
        "content": content,
        "number": number,
        "is_draft": kind == DocumentKind.DRAFT,
        "is_amended": kind == DocumentKind.AMENDED,
        "drawn_on": locales.day(dated, content["locale"]),
        "language": content["locale"],
        "sections": [
            (section, list(clauses))
            for section, clauses in groupby(content["clauses"], lambda clause: clause["section"])
        ],
        "missing": missing,
        "changes": changes,
        "schedules": [*content["schedules"], *([rules] if rules and rules["rows"] else [])],
        "digest": digest_of(content),
    }
    return papers.draw(
        render_to_string("agreements/document.html", values),
        attachments=_attachments(content),
        dated=dated,
    )


def _attachments(content: Content) -> list[papers.AttachedFile]:
    """Return the terms as data, as the desk gives them elsewhere too, and the text as data."""
    text = {name: value for name, value in content.items() if name not in {"terms", "policy"}}
    return [
        papers.AttachedFile(
            "terms.json", canonical_bytes(content["terms"]), "The agreement's terms", "Source"
        ),
        papers.AttachedFile(
            "licence.jsonld", canonical_bytes(content["policy"]), "The licence in ODRL", "Data"
        ),
        papers.AttachedFile(
            "text.json", canonical_bytes(text), "The agreement's text and schedules", "Data"
        ),
    ]
