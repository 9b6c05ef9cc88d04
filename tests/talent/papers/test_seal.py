"""Signatures on a document, as programs from outside judge them."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import page
import pikepdf
import pytest

from talent.papers import certificate as certificates
from talent.papers import seal
from talent.papers.draw import AttachedFile, draw, draw_piece
from tests import judges

STYLE = """<style>
@page { size: A4; margin: 20mm } html { font-family: "S"; }</style>"""
DAY = date(2026, 10, 1)
PLACES = [
    seal.Place("seal", "Seal of the desk", 0, 20, 40, 120, 20),
    seal.Place("first", "Signature of Ada Sample", 0, 20, 70, 120, 30),
    seal.Place("last", "Signature of Bob Sample", 0, 20, 110, 120, 30, locks=True),
]
# The judge asks each signature to cover the whole file, which in a document signed one after the
# other only the last one can (ISO 32000-1, 12.8.1; ISO 19005-3, 6.4.3).
OF_ONE_SIGNATURE_ONLY = "SIGNATURE-BYTERANGE"


def page_of(title, body="<p>Words.</p>"):
    return f'<html lang="en"><head><title>{title}</title>{STYLE}</head><body>{body}</body></html>'


def appearance(text):
    size = "<style>@page { size: 120mm 30mm; margin: 0 }</style>"
    return draw_piece(page_of("", f"{size}<p>{text}</p>"))


def signature(field, name):
    return seal.Signature(field, name, f"Signed by {name}.", appearance(f"Signed by {name}."))


@pytest.fixture(scope="module")
def certificate():
    return certificates.trial_certificate(at=datetime.now(UTC))


@pytest.fixture(scope="module")
def document():
    terms = AttachedFile("terms.json", b"{}", "The terms", "Data")
    return draw(page_of("An agreement", "<h1>An agreement</h1><p>Words.</p>"),
                attachments=[terms], dated=DAY)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(document):
    evidence = AttachedFile("evidence.json", b'{"signatories": 2}', "Evidence", "Supplement")
    return seal.prepare(
        document,
        signature_pages=draw(page_of("Signatures", "<h2>Signatures</h2>"), dated=DAY),
        places=PLACES,
        attachments=[evidence],
        dated=DAY,
    )


@pytest.fixture(scope="module")
def revisions(prepared, certificate):
    sealed = seal.certify(prepared, signature("seal", "The desk"), certificate=certificate)
    first = seal.sign(sealed, signature("first", "Ada Sample"), certificate=certificate)
    last = seal.sign(first, signature("last", "Bob Sample"), certificate=certificate)
    return [prepared, sealed, first, last]


def test_each_signature_only_appends_to_what_was_signed_before(document, revisions):
    for before, after in zip([document, *revisions], revisions, strict=False):
        assert after.startswith(before)


def test_each_signature_stands_with_its_name_and_is_whole(revisions):
    found = seal.signatures_of(revisions[-1])

    assert [(one.field, one.name) for one in found] == [
        ("seal", "The desk"), ("first", "Ada Sample"), ("last", "Bob Sample"),
    ]  # fmt: skip
    assert all(one.intact and one.valid and one.lawfully_changed for one in found)


def test_a_changed_byte_is_found(revisions):
    broken = bytearray(revisions[-1])
    broken[200] ^= 1

    assert not any(one.intact for one in seal.signatures_of(bytes(broken)))


def test_words_added_after_the_seal_are_found(revisions):
    writer = seal.IncrementalPdfFileWriter(BytesIO(revisions[1]))
    writer.root["/Pages"]["/Kids"][0]["/Rotate"] = seal.generic.NumberObject(90)
    writer.update_container(writer.root["/Pages"]["/Kids"][0])
    out = BytesIO()
    writer.write(out)

    [found] = seal.signatures_of(out.getvalue())

    assert found.intact
    assert not found.lawfully_changed


def test_nothing_is_signed_after_the_last_signature(revisions, certificate):
    """The place of somebody who left theirs empty does not open a locked document."""
    out_of_order = seal.sign(revisions[1], signature("last", "Bob Sample"), certificate=certificate)

    with pytest.raises(seal.NotSealable):
        seal.sign(out_of_order, signature("first", "Ada Sample"), certificate=certificate)


def test_a_place_is_signed_once(revisions, certificate):
    with pytest.raises(seal.NotSealable):
        seal.sign(revisions[2], signature("first", "Ada Sample"), certificate=certificate)


def test_a_place_that_was_not_prepared_is_not_signed(revisions, certificate):
    with pytest.raises(seal.NotSealable):
        seal.sign(revisions[1], signature("other", "Ada Sample"), certificate=certificate)


def test_a_seal_that_closes_allows_no_signature(prepared, certificate):
    closed = seal.close(prepared, signature("seal", "The desk"), certificate=certificate)

    with pytest.raises(seal.NotSealable):
        seal.sign(closed, signature("first", "Ada Sample"), certificate=certificate)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("profile", ["PDF_A_3A", "PDF_UA_1"])
def test_it_adds_no_fault_to_an_archive_file_for_everybody(document, revisions, place, profile):
    """Its own bytes have what faults they have; nothing that is added brings another."""
    profile = page.ValidationProfile[profile]
    before = page.validate_pdf_bytes(document, profile=profile).failures
    after = page.validate_pdf_bytes(revisions[place], profile=profile).failures

    new = {one.rule_id for one in after} - {one.rule_id for one in before}
    assert {rule for rule in new if OF_ONE_SIGNATURE_ONLY not in rule} == set()
    assert place > 1 or not new


def test_it_stays_a_pdf_of_the_version_that_pdf_a_3_is(revisions):
    with pikepdf.open(BytesIO(revisions[-1])) as paper:
        assert paper.pdf_version == "1.7"


def test_the_pages_are_there_in_order_with_all_that_was_attached(revisions):
    with pikepdf.open(BytesIO(revisions[-1])) as paper:
        assert len(paper.pages) == 2
        assert sorted(paper.attachments) == ["evidence.json", "terms.json"]
        assert paper.attachments["evidence.json"].get_file().read_bytes() == b'{"signatories": 2}'
        assert len(paper.Root.AF) == 2


@pytest.mark.judge("poppler-utils")
def test_pdfsig_finds_the_signatures_valid(revisions, tmp_path):
    file = tmp_path / "signed.pdf"
    file.write_bytes(revisions[-1])

    said = told([judges.JUDGES["poppler-utils"].path(), "-nocert", str(file)])

    assert said.count("Signature Validation: Signature is Valid.") == 3
    assert said.count("Signature Type: ETSI.CAdES.detached") == 3
    assert said.count("Not total document signed") == 2
    assert "Total document signed" in said


@pytest.mark.judge("qpdf")
def test_qpdf_finds_no_error(revisions, tmp_path):
    for number, revision in enumerate(revisions):
        file = tmp_path / f"{number}.pdf"
        file.write_bytes(revision)

        assert "No syntax or stream encoding errors found" in told(
            [judges.JUDGES["qpdf"].path(), "--check", str(file)]
        )


def test_pyhanko_at_a_terminal_judges_each_signature_valid(revisions, certificate, tmp_path):
    file, root = tmp_path / "signed.pdf", tmp_path / "root.pem"
    file.write_bytes(revisions[-1])
    root.write_bytes(certificate.chain)

    said = told([sys.executable, "-m", "pyhanko", "sign", "validate", "--pretty-print",
                 "--trust", str(root), str(file)])  # fmt: skip

    assert said.count("The signature is judged VALID.") == 3


def told(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


@pytest.mark.parametrize(
    "spoilt",
    [{"chain": b""}, {"chain": b"no certificate"}, {"key": b"no key"}, {"key": b""}],
)
def test_a_certificate_that_cannot_be_read_is_refused_in_words(prepared, certificate, spoilt):
    with pytest.raises(seal.NotSealable, match="SEAL_CERTIFICATE"):
        seal.certify(
            prepared, signature("seal", "The desk"), certificate=replace(certificate, **spoilt)
        )


def test_a_key_of_another_certificate_is_refused(prepared, certificate):
    other = certificates.trial_certificate(at=datetime.now(UTC))

    with pytest.raises(seal.NotSealable, match="belong together"):
        seal.certify(
            prepared, signature("seal", "The desk"), certificate=replace(certificate, key=other.key)
        )


def test_a_time_server_stamps_each_signature(prepared, certificate, monkeypatch):
    from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
    from pyhanko.sign.timestamps import DummyTimeStamper

    asked = []

    def server(url, **_options):
        asked.append(url)
        stamper, *_root = load_certs_from_pemder_data(certificate.chain)
        return DummyTimeStamper(stamper, load_private_key_from_pemder_data(certificate.key, None))

    monkeypatch.setattr(seal, "HTTPTimeStamper", server)
    stamped = seal.certify(
        prepared,
        signature("seal", "The desk"),
        certificate=replace(certificate, timestamp_url="https://time.example"),
    )

    assert asked == ["https://time.example"]
    [found] = seal.PdfFileReader(BytesIO(stamped)).embedded_regular_signatures
    stamped_by = {one["type"].native for one in found.signer_info["unsigned_attrs"]}
    assert stamped_by == {"signature_time_stamp_token"}


def test_a_time_server_that_does_not_answer_is_refused(prepared, certificate):
    with pytest.raises(seal.NotSealable, match="could not be signed"):
        seal.certify(
            prepared,
            signature("seal", "The desk"),
            certificate=replace(certificate, timestamp_url="http://127.0.0.1:9/"),
        )


def test_without_a_certificate_it_is_said_what_to_do(settings):
    settings.SEAL_CERTIFICATE = ""

    with pytest.raises(certificates.NoSeal, match="sets SEAL_CERTIFICATE and SEAL_KEY"):
        certificates.of_the_desk()


def test_the_trial_certificate_says_that_it_binds_nobody_and_is_kept(tmp_path, settings):
    at = datetime.now(UTC)
    chain, key = certificates.make_trial(tmp_path, at=at)
    first = chain.read_bytes()

    assert certificates.make_trial(tmp_path, at=at) == (chain, key)
    assert chain.read_bytes() == first
    assert key.stat().st_mode & 0o077 == 0
    certificate = certificates.x509.load_pem_x509_certificate(first)
    assert "binds nobody" in certificate.subject.rfc4514_string()
    settings.SEAL_CERTIFICATE, settings.SEAL_KEY = str(chain), str(key)
    assert certificates.of_the_desk().chain == first


# What is handed in


def encrypted(document):
    out = BytesIO()
    with pikepdf.open(BytesIO(document)) as paper:
        paper.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    return out.getvalue()


def test_a_pdf_may_be_handed_in(document, revisions):
    for content in (document, revisions[-1]):
        seal.refuse_other_than_pdf(content)


def test_what_is_no_pdf_is_refused(document):
    for content, why in (
        (b"", "no PDF"),
        (b"PK\x03\x04 a workbook", "no PDF"),
        (b"%PDF-1.7\nand nothing", "damaged"),
        (b"%PDF-1.7\n" + b"[" * 100_000, "damaged"),
        (document[: len(document) // 2], "damaged"),
        (encrypted(document), "encrypted"),
    ):
        with pytest.raises(seal.NotAPdf, match=why):
            seal.refuse_other_than_pdf(content)


def test_no_stream_of_a_signature_ends_as_a_line_does(document, certificate, monkeypatch):
    """One that would, of a hundred, is written once more with another table of places."""
    place = seal.Place("whole", "Signature", 0, 20, 40, 120, 20)
    sound, asked = seal._is_sound, []

    def not_at_first(before, pdf):
        asked.append(pdf)
        return len(asked) > 1 and sound(before, pdf)

    monkeypatch.setattr(seal, "_is_sound", not_at_first)
    sealed = seal.seal_whole(
        document, place=place, name="N", reason="R", certificate=certificate, at=datetime.now(UTC)
    )

    assert len(asked) > 1
    assert not sound(0, b"1 0 obj\n<<>>\nstream\nbits\n\nendstream")
    [found] = seal.signatures_of(sealed.pdf)
    assert (found.intact, found.lawfully_changed) == (True, True)
