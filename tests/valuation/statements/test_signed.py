"""Issued statements as files: signed once, for the archive and for everybody, and kept so."""

import errno
import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from functools import partial
from io import BytesIO
from unittest import mock

import page
import pikepdf
import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection

from talent.papers import certificate, seal
from talent.words import Role
from tests import judges, remembered
from tests.factories import make_member
from tests.valuation.statements import cases
from tests.valuation.world import TONIGHT, make_composite
from valuation import night
from valuation.models import Statement
from valuation.statements import documents, exports, pdf, snapshot, steps

AS_OF = date(2026, 11, 22)


@pytest.fixture
def cast(agency):
    emails = [f"{name}@harbour.example" for name in ("ria", "ben")]
    return [make_member(agency, Role.ACCOUNTING, email=email) for email in emails]


@pytest.fixture
def approved(world, cast, settings, tmp_path):
    """Two statements of one agency that wait for their issue."""
    settings.MEDIA_ROOT = tmp_path
    twin = make_composite(world, Ann="2", Bea="1")
    world.line(unit_price=D(1))
    world.use("90", twin=twin)
    with remembered.papers_drawn_shortly():
        night.run_night(as_of=AS_OF, now=TONIGHT)
    return [approve(one, cast) for one in own()]


def own():
    return Statement.objects.filter(kind="beneficiary").order_by("beneficiary__name")


def approve(statement, cast):
    reviewer, approver = cast
    steps.review(statement_id=statement.pk, by=reviewer, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=approver, at=TONIGHT)
    return statement


def issue(statement, cast, at=TONIGHT):
    return steps.issue(statement_id=statement.pk, by=cast[1], at=at)


def bytes_of(statement):
    return documents.read(statement).read()


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


@pytest.fixture(scope="module")
def of_that_time(tmp_path_factory):
    return certificate.make_trial(tmp_path_factory.mktemp("seal"), at=TONIGHT - timedelta(days=2))


@pytest.fixture
def sealing(settings, of_that_time):
    settings.SEAL_CERTIFICATE, settings.SEAL_KEY = map(str, of_that_time)


# Before the judges


@pytest.fixture(scope="module")
def seal_of_tests(of_that_time):
    chain, key = of_that_time
    return certificate.SealingCertificate(chain=chain.read_bytes(), key=key.read_bytes())


def signed(content, by):
    drawn = pdf.draw_to_sign(content, verify_url="https://desk.example/verify/X/", signed_by="Test")
    box = drawn.boxes[pdf.SIGNATURE]
    place = seal.Place("signature", "Signature", *(
        box.page, box.left, box.top, box.width, box.height,
    ))  # fmt: skip
    return seal.seal_whole(
        drawn.pdf, place=place, name="Northlight", reason="Issued.", certificate=by, at=TONIGHT
    ).pdf


@pytest.fixture(scope="module", params=["FIVE_LINES", "ROLL_UP", "SELF_BILLED", "EMPTY"])
def file(request, seal_of_tests, tmp_path_factory):
    found = tmp_path_factory.mktemp("signed") / f"{request.param}.pdf"
    found.write_bytes(signed(getattr(cases, request.param), seal_of_tests))
    return found


@pytest.mark.parametrize("profile", ["PDF_A_3A", "PDF_UA_1"])
def test_the_signed_file_is_for_the_archive_and_for_everybody(file, profile):
    assert not page.validate_pdf_bytes(
        file.read_bytes(), profile=page.ValidationProfile[profile]
    ).failures


def test_its_signature_covers_all_of_it_and_allows_no_change(file):
    [found] = seal.signatures_of(file.read_bytes())
    assert (found.intact, found.valid, found.lawfully_changed) == (True, True, True)

    with pikepdf.open(file) as paper:
        [field] = paper.Root.AcroForm.Fields
        [reference] = paper.Root.Perms.DocMDP.Reference
        start, length, after, rest = map(int, field.V.ByteRange)
        # It is named for a reader of screens, has its place in the structure, and shows itself.
        assert (str(field.TU), "/StructParent" in field, "/N" in field.AP) == (
            "Signature", True, True,
        )  # fmt: skip
        assert reference.TransformParams.P == 1
        assert str(paper.pdf_version) == "1.7"
    assert (start, after + rest) == (0, file.stat().st_size)
    assert after - length < 32_000


def test_its_metadata_are_signed_with_it_and_can_be_read_without_a_filter(file):
    with pikepdf.open(file) as paper:
        assert "/Filter" not in paper.Root.Metadata
        metadata = paper.open_metadata()
        assert (metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("A", "1")
    assert file.read_bytes().count(b"<?xpacket begin") == 1


@pytest.mark.judge("poppler-utils")
def test_pdfsig_finds_the_whole_document_signed(file):
    said = told(judges.JUDGES["poppler-utils"].path(), "-nocert", str(file))

    assert said.count("Signature is Valid.") == 1
    assert "Total document signed" in said
    assert "Not total" not in said


@pytest.mark.judge("qpdf")
def test_qpdf_finds_no_error(file):
    assert "No syntax or stream encoding errors" in told(
        judges.JUDGES["qpdf"].path(), "--check", str(file)
    )


def test_pyhanko_trusts_it_by_the_roots_certificate(file, seal_of_tests, tmp_path):
    root = tmp_path / "root.pem"
    root.write_bytes(seal_of_tests.chain)

    said = told(sys.executable, "-m", "pyhanko", "sign", "validate", "--pretty-print",
                "--trust", str(root), str(file))  # fmt: skip

    assert said.count("The signature is judged VALID.") == 1


def test_a_changed_figure_is_found(seal_of_tests):
    broken = bytearray(signed(cases.FIVE_LINES, seal_of_tests))
    broken[broken.index(b"pdfuaid:part>1") + 13] ^= 1

    assert not any(one.intact for one in seal.signatures_of(bytes(broken)))


# At the issue


@pytest.mark.usefixtures("sealing")
def test_the_digest_is_of_the_signed_file_and_the_attachment_is_the_content(approved, cast):
    issued = issue(approved[0], cast)

    file = bytes_of(issued)
    [found] = seal.signatures_of(file)
    assert (found.name, found.intact, issued.seal_level) == ("Northlight Example", True, "b_b")
    with pikepdf.open(BytesIO(file)) as paper:
        told = paper.attachments["statement.json"].get_file().read_bytes()
    assert json.loads(told) == issued.content
    assert told == exports.content_json(snapshot.from_json(issued.content))
    assert issued.number in documents.verify_url_of(issued.number)


def test_a_desk_without_a_certificate_issues_without_a_signature(approved, cast, settings):
    settings.SEAL_CERTIFICATE = ""

    issued = issue(approved[0], cast)

    assert issued.seal_level == "none"
    assert seal.signatures_of(bytes_of(issued)) == []
    assert b"Signed electronically" not in bytes_of(issued)


@pytest.mark.usefixtures("sealing")
def test_an_ended_certificate_is_refused_and_the_number_waits_for_the_next_try(
    approved, cast, settings
):
    ended = TONIGHT + certificate.TRIAL_LASTS + timedelta(days=2)

    with pytest.raises(certificate.CertificateEnded, match=r"lays in a new one.*try again"):
        issue(approved[0], cast, at=ended)

    kept = own().with_status().get(pk=approved[0].pk)
    assert (kept.number, kept.status, kept.reserved) == (
        None, "approved", "NORTHLIGHT-2026-Q3-0001",
    )  # fmt: skip
    # Another one takes the next number, and none is left out.
    assert issue(approved[1], cast).number == "NORTHLIGHT-2026-Q3-0002"
    assert issue(approved[0], cast).number == "NORTHLIGHT-2026-Q3-0001"


@pytest.mark.parametrize("missing", ["SEAL_CERTIFICATE", "SEAL_KEY"])
@pytest.mark.usefixtures("sealing")
def test_a_certificate_that_is_gone_is_refused_in_words(approved, cast, settings, missing):
    setattr(settings, missing, "/nowhere/at/all.pem")

    with pytest.raises(certificate.NoSeal, match="SEAL_CERTIFICATE and SEAL_KEY"):
        issue(approved[0], cast)

    assert own().get(pk=approved[0].pk).number is None


def test_the_certificates_time_ends_with_its_last_instant(seal_of_tests):
    named = certificate.certificate_of(seal_of_tests)

    named.refuse_outside_its_time(named.since)
    named.refuse_outside_its_time(named.until - timedelta(microseconds=1))
    for at in (named.until, named.since - timedelta(microseconds=1)):
        with pytest.raises(certificate.CertificateEnded):
            named.refuse_outside_its_time(at)
    with pytest.raises(certificate.NoSeal):
        certificate.certificate_of(replace(seal_of_tests, chain=b"none"))


@pytest.mark.usefixtures("sealing")
def test_a_full_disk_leaves_it_approved_with_its_number_kept(approved, cast, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(FileSystemStorage, "_save", full)
        with pytest.raises(documents.PaperNotStored, match="free some space"):
            issue(approved[0], cast)

    assert own().get(pk=approved[0].pk).reserved == "NORTHLIGHT-2026-Q3-0001"
    assert issue(approved[0], cast).number == "NORTHLIGHT-2026-Q3-0001"


@pytest.mark.usefixtures("sealing")
def test_a_silent_time_server_hinders_no_issue_and_is_left_alone_for_a_while(
    approved, cast, settings, monkeypatch
):
    settings.TIMESTAMP_URL = "http://127.0.0.1:9/"
    monkeypatch.setattr(seal, "_rests_until", {})
    asked = []
    monkeypatch.setattr(
        seal, "HTTPTimeStamper", lambda url, **rest: asked.append(url) or SERVER(url, **rest)
    )

    levels = [issue(one, cast).seal_level for one in approved]

    assert (levels, len(asked)) == (["b_b", "b_b"], 1)


SERVER = seal.HTTPTimeStamper


@pytest.mark.usefixtures("sealing", "short_papers")
def test_what_was_issued_stays_byte_for_byte(approved, cast):
    before = bytes_of(issue(approved[0], cast))

    issue(approved[1], cast)
    night.run_night(as_of=date(2027, 1, 2), now=datetime(2027, 1, 2, 3, tzinfo=UTC))

    assert bytes_of(own().get(pk=approved[0].pk)) == before


def draw_at_once(*steps):
    """Take steps in threads, each of which waits for all others before it draws."""
    all_of_them = threading.Barrier(len(steps), timeout=30)
    draw = pdf.draw

    def together(*given, **named):
        all_of_them.wait()
        return draw(*given, **named)

    # Within the test: whoever patches after `short_papers` must have undone it before that ends.
    with mock.patch.object(pdf, "draw", together):
        threads = [threading.Thread(target=step) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def issue_in_a_thread(statement, cast):
    try:
        issue(statement, cast)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_who_issue_the_same_at_once_issue_it_once(world, cast, approved, short_papers):
    """Both draw outside the lock; who comes second is told, and its file goes."""
    outcomes = []

    def issue_it():
        try:
            outcomes.append(issue(approved[0], cast).number)
        except steps.NotItsTurn as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    draw_at_once(issue_it, issue_it)

    assert sorted(outcomes) == ["NORTHLIGHT-2026-Q3-0001", "not_its_turn"]
    assert documents.read(own().get(pk=approved[0].pk))


@pytest.mark.django_db(transaction=True)
def test_statements_of_one_agency_are_drawn_at_the_same_time(world, cast, approved, short_papers):
    """Each waits for the other while it draws: under one lock neither would end."""

    draw_at_once(*(partial(issue_in_a_thread, one, cast) for one in approved))

    assert sorted(own().values_list("number", flat=True)) == [
        "NORTHLIGHT-2026-Q3-0001", "NORTHLIGHT-2026-Q3-0002",
    ]  # fmt: skip
