"""Answers to “provably clean?”: as data, and as a document that stays."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from talent import locales
from talent.database.locks import lock_until_commit
from talent.errors import Refused
from talent.models import Agency, CleanAnswer, User
from talent.models.lineage import LINEAGE_LOCK
from talent.papers import record
from talent.papers.record import DataFile, Paper
from talent.words import Answer, LineageKind

from . import question
from .question import Asked

GIVES = "talent.record_lineage"
MOST_FINDINGS = 200


class LineageHasChanged(Refused):
    """What stands behind a build changed while its document was drawn."""

    code = "lineage_has_changed"


def as_data(asked: Asked) -> dict[str, Any]:
    """Return an answer as JSON values: what was asked, the answer, each finding with its path.

    Shares are decimal fractions as text. Of more than 200 findings the rest is counted.
    """
    found = asked.judgement.findings
    return {
        "build": {
            "number": f"B{asked.build.pk}",
            "version": asked.build.version,
            "twin": asked.build.twin.name,
            "provider": asked.build.provider.name,
            "sha256": asked.build.sha256,
            "built_on": asked.build.built_on.isoformat(),
        },
        "question": "Is this build provably clean?",
        "answer": asked.judgement.answer.value,
        "findings": [_finding(one, asked) for one in found[:MOST_FINDINGS]],
        "more_findings": max(0, len(found) - MOST_FINDINGS),
        "shares": {
            str(pk): None if share is None else f"{share:.6f}"
            for pk, share in sorted(asked.judgement.shares.items())
        },
        "share_lines": list(_share_lines(asked)),
        "behind_it": _behind(asked),
    }


def _share_lines(asked: Asked) -> Iterator[dict[str, str]]:
    """Yield how much of the build's data each contamination is, in words."""
    for node in asked.nodes.values():
        for taint in node.taints:
            share = asked.judgement.shares[taint.id]
            told = _("a share that is not known") if share is None else f"{share * 100:.2f} %"
            yield {"name": f"{node.name}: {taint.reason}", "share": told}


def _finding(finding: Any, asked: Asked) -> dict[str, Any]:
    return {
        "answer": finding.answer.value,
        "code": finding.code,
        "text": finding.text,
        "remedy": finding.remedy,
        "path": [f"N{node}" for node in finding.path if node],
        "path_in_words": path_in_words(finding.path, asked),
        "files": finding.files,
        "examples": list(finding.examples),
    }


def path_in_words(path: Iterable[int], asked: Asked) -> str:
    """Say a path by the kinds and names of its nodes."""
    nodes = (asked.nodes[pk] for pk in path)
    return " → ".join(f"{LineageKind(node.kind).label.lower()} “{node.name}”" for node in nodes)


def _behind(asked: Asked) -> dict[str, Any]:
    kinds = [node.kind for node in asked.nodes.values()]
    return {
        "captures": kinds.count(LineageKind.CAPTURE.value),
        "datasets": kinds.count(LineageKind.DATASET.value),
        "builds": kinds.count(LineageKind.BUILD.value) - 1,
        "files": sum(len(node.files) for node in asked.nodes.values()),
        "files_in_the_vault": sum(
            file.vault_sha256 is not None for node in asked.nodes.values() for file in node.files
        ),
    }


def give(*, build_id: int, agency: Agency, at: datetime, by: User | None) -> CleanAnswer:
    """Answer whether a build is provably clean, and keep the answer with its document.

    The document is drawn outside any transaction; what it says is checked again as it is stored.
    Raises LineageHasChanged, NotDrawn.
    """
    content = as_data(question.ask(build_id=build_id, agency_id=agency.pk, at=at))
    told = content | {
        "agency": agency.name,
        "time_zone": agency.time_zone,
        "paper": agency.paper_format,
        "asked_at": at.isoformat(),
    }
    paper = drawn(told, at=at)
    with transaction.atomic():
        lock_until_commit(LINEAGE_LOCK)
        again = question.ask(build_id=build_id, agency_id=agency.pk, at=at)
        if as_data(again) != content:
            raise LineageHasChanged(_("What stands behind it has changed meanwhile. Ask again."))
        return CleanAnswer.objects.create(
            build_id=build_id, agency=agency, answer=content["answer"], at=at, by=by,
            content=told, pdf=paper.pdf, sha256=hashlib.sha256(paper.pdf).hexdigest(),
            level=paper.level.value,
        )  # fmt: skip


def drawn(content: Mapping[str, Any], *, at: datetime) -> Paper:
    """Return an answer as a PDF, with the same as JSON attached.

    Raises NotDrawn, CertificateEnded, NotSealable.
    """
    values = {
        "told": content,
        "agency": content["agency"],
        "paper": content["paper"],
        "zone": content["time_zone"],
        "asked_at": locales.minute(at, content["time_zone"], "en"),
        "built_on": locales.short_day(date.fromisoformat(content["build"]["built_on"]), "en"),
        "against": sum(one["answer"] == Answer.NO for one in content["findings"]),
    }
    return record.drawn(
        "provenance/answer.html",
        values,
        data=DataFile("provably-clean.json", "What is answered", content),
        signed_for=str(content["agency"]),
        reason="Provenance answered",
        at=at,
    )
