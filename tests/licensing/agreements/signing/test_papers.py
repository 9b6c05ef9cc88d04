"""The signed document and its record, as they are drawn and sealed."""

import json
import subprocess
from io import BytesIO

import page
import pikepdf
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from licensing.agreements.signing import kept, papers, rounds
from licensing.agreements.signing.signatories import Proposed
from licensing.models import SigningRound
from licensing.words import SignatoryRole
from talent.papers import seal
from tests import judges
from tests.licensing.agreements.papers import text_of
from tests.licensing.agreements.signing import rounds_of_tests as flow

OF_ONE_SIGNATURE_ONLY = "SIGNATURE-BYTERANGE"  # as tests/talent/papers/test_seal.py says


@pytest.fixture
def ended(out, star, lawyer):
    flow.do_all(out, "performer", flow.signed_in(star))
    flow.do_all(out, "agency", flow.signed_in(lawyer))
    flow.do_all(out, "licensee", flow.BY_LINK)
    return SigningRound.objects.defer(None).get(pk=out.pk)


def attached(pdf, name):
    with pikepdf.open(BytesIO(pdf)) as paper:
        return json.loads(paper.attachments[name].get_file().read_bytes())


def test_the_signed_document_and_its_record_stand_before_every_judge(ended, tmp_path):
    pdf, record = bytes(ended.pdf), bytes(ended.record)

    # Each signature is there with its name, and whole.
    found = seal.signatures_of(pdf)
    assert [one.name for one in found] == [
        "Northlight Example", "Ada Example", "Northlight Example", "Sam Studio",
    ]  # fmt: skip
    assert all(one.intact and one.valid and one.lawfully_changed for one in found)
    [closing] = seal.signatures_of(record)
    assert closing.intact
    assert closing.valid

    # The evidence stands in the document, prepared before the seal.
    evidence = attached(pdf, "signing-evidence.json")
    assert evidence["document_sha256"] == ended.document.digest
    assert evidence["findings_sha256"] == ended.findings.digest
    assert evidence["represented"]["by"] == "union"
    assert [one["signs"] for one in evidence["signatories"]] == [
        "signed in", "signed in, as staff of the agency who may sign for it",
        "by a link and a code, both mailed",
    ]  # fmt: skip

    # The record says who did what before which bytes, and it holds against the document.
    told = attached(record, "signature-record.json")
    assert told["signed_document_sha256"] == ended.digest
    assert len(told["events"]) == 11
    for event in told["events"]:
        assert rounds.digest_of(pdf[: event["shown_bytes"]]) == event["shown_sha256"]

    # People read it.
    words = text_of(pdf)
    for name in ("Signed: Ada Example", "Signed: Sam Studio", "By a link and a code",
                 "Signed in with a second factor", "Sealed by the desk"):  # fmt: skip
        assert name in words
    assert "Initialled" in text_of(record)
    assert [one["words"] for one in told["events"] if one["what"] == "initialled"] == ["A. E."]

    # Nothing that signing adds is a fault of an archive file for everybody.
    for profile in (page.ValidationProfile.PDF_A_3A, page.ValidationProfile.PDF_UA_1):
        before = _rules(bytes(ended.document.pdf), profile)
        assert {
            one for one in _rules(pdf, profile) - before if OF_ONE_SIGNATURE_ONLY not in one
        } == set()
    assert list(kept.faults()) == []
    _judge(pdf, tmp_path)


def _rules(pdf, profile):
    return {one.rule_id for one in page.validate_pdf_bytes(pdf, profile=profile).failures}


def _judge(pdf, folder):
    """Ask the programs that are here; test_seal.py is left out by name where they are not."""
    file = folder / "signed.pdf"
    file.write_bytes(pdf)
    for name, arguments, says in (
        ("poppler-utils", ["-nocert"], "Signature is Valid."),
        ("qpdf", ["--check"], "No syntax or stream encoding errors found"),
    ):
        if program := judges.JUDGES[name].path():
            told = subprocess.run(  # noqa: S603 (our own file)
                [program, *arguments, str(file)], capture_output=True, text=True, check=True
            ).stdout
            assert says in told


def test_a_file_that_was_changed_behind_the_desk_is_found(out, star):
    flow.do_all(out, "performer", flow.signed_in(star))
    call_command("check_documents")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger sees it
        cursor.execute(
            "UPDATE licensing_signinground SET pdf = set_byte(pdf, 400, get_byte(pdf, 400) # 1)"
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    with pytest.raises(CommandError, match="not as it was kept"):
        call_command("check_documents")

    assert any("not the file whose digest was kept" in fault for fault in kept.faults())
    assert any("is not the beginning" in fault for fault in kept.faults())


def test_there_is_room_for_more_signatories_than_a_page_holds():
    many = [Proposed(SignatoryRole.PERFORMER, f"Ada {number}") for number in range(13)]

    places = [(one.page, one.top) for one in papers._blocks(many)]

    assert len(set(places)) == 13
    assert max(page for page, _top in places) == 2
    assert all(top + papers.PITCH <= 262 for _page, top in places)
