"""Proof for the long term: added behind what was issued, renewed in time, never in the way."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.sign.timestamps import DummyTimeStamper, TimestampRequestError

from talent.papers import certificate, seal
from tests.valuation.statements import cases
from tests.valuation.world import issue_july_statement
from valuation.models import LastingCopy, Statement
from valuation.statements import documents, lasting, pdf

ENDS = timedelta(days=3650)


@pytest.fixture(scope="module")
def time_server(tmp_path_factory):
    """A time server's own certificate under a root of its own, in a folder."""
    now, folder = timezone.now(), tmp_path_factory.mktemp("time")
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    names = [certificate._name(name) for name in ("Time root", "Time server")]

    def built(subject, public):
        made = certificate._builder(subject, names[0], public, now)
        return made.add_extension(
            x509.BasicConstraints(ca=subject is names[0], path_length=None), critical=True
        )

    usage = certificate._usage
    root = (
        built(names[0], root_key.public_key())
        .add_extension(usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    stamper = (
        built(names[1], key.public_key())
        .add_extension(usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    (folder / "server.pem").write_bytes(stamper.public_bytes(pem) + root.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture
def server(settings, sealing, time_server, monkeypatch, tmp_path):
    """Have documents stamped by that server; a list of what it was asked."""
    settings.MEDIA_ROOT = tmp_path
    settings.TIMESTAMP_URL = "https://time.example"
    settings.TIMESTAMP_ROOTS = str(time_server / "root.pem")
    own, *rest = load_certs_from_pemder_data((time_server / "server.pem").read_bytes())
    key = load_private_key_from_pemder_data((time_server / "key.pem").read_bytes(), None)
    asked = []

    def answer(url, **_options):
        asked.append(url)
        return DummyTimeStamper(own, key, certs_to_embed=store(rest))

    monkeypatch.setattr(seal, "HTTPTimeStamper", answer)
    monkeypatch.setattr(seal, "_rests_until", {})
    return asked


def store(certificates):
    kept = seal.SimpleCertificateStore()
    kept.register_multiple(certificates)
    return kept


@pytest.fixture
def issued(world, server):
    """A signed statement, as its issue leaves it."""
    drawn = pdf.draw_to_sign(cases.FIVE_LINES, signed_by="Test")
    box = drawn.boxes[pdf.SIGNATURE]
    place = seal.Place("signature", "Signature", *(
        box.page, box.left, box.top, box.width, box.height,
    ))  # fmt: skip
    sealed = seal.seal_whole(
        drawn.pdf, place=place, name="Northlight", reason="Issued.",
        certificate=certificate.of_the_desk(), at=timezone.now(),
    )  # fmt: skip
    blank = Statement(pk=1, period_on=cases.FIVE_LINES.period_starts_on, reserved="X-1")
    kept = documents._stored(blank, sealed.pdf, sealed.level)
    # The row is written as it is once issued: a trigger refuses every change after that.
    create = Statement.objects.create
    with pytest.MonkeyPatch.context() as written:
        written.setattr(
            Statement.objects, "create",
            lambda **row: create(
                **row, pdf=kept.name, pdf_sha256=kept.sha256, seal_level=kept.level.value
            ),
        )  # fmt: skip
        return issue_july_statement(world)


def keep(at=None):
    return lasting.keep_due(now=at or timezone.now())


def test_the_copy_begins_with_what_was_issued_and_proves_it_by_the_servers_time(issued, client):
    before = documents.read(issued).read()
    assert issued.seal_level == "b_t"

    assert keep() == 1

    copy = LastingCopy.objects.get()
    content = documents.read_copy(copy).read()
    assert content.startswith(before)
    assert len(content) > len(before)
    assert documents.read(Statement.objects.get()).read() == before
    [found] = seal.signatures_of(content)
    assert (found.intact, found.valid, found.lawfully_changed) == (True, True, True)
    reader = seal.PdfFileReader(seal.BytesIO(content))
    [stamp] = reader.embedded_timestamp_signatures
    assert len(reader.root["/DSS"]["/Certs"]) >= 4
    assert copy.ends_at == stamp.signer_cert.not_valid_after
    # Both are what was issued, to anybody who asks.
    for digest in (issued.pdf_sha256, copy.sha256):
        told = client.post(reverse("portal:verify"), {"number": "X-1", "sha256": digest})
        assert told.context["is_it"]


def test_it_is_made_once_and_renewed_before_the_servers_certificate_ends(issued):
    keep()
    first = LastingCopy.objects.get()
    assert keep(first.ends_at - lasting.BEFORE_ITS_END) == 0

    assert keep(first.ends_at - lasting.BEFORE_ITS_END + timedelta(seconds=1)) == 1

    newest = LastingCopy.objects.latest("pk")
    content = documents.read_copy(newest).read()
    assert content.startswith(documents.read_copy(first).read())
    reader = seal.PdfFileReader(seal.BytesIO(content))
    assert len(reader.embedded_timestamp_signatures) == 2
    [found] = seal.signatures_of(content)
    assert (found.intact, found.lawfully_changed) == (True, True)


def test_a_server_that_does_not_answer_costs_nothing_and_is_asked_again(
    issued, server, monkeypatch
):
    before = documents.read(issued).read()
    answers = seal.HTTPTimeStamper

    def silent(*_args, **_rest):
        raise TimestampRequestError("no answer")

    with monkeypatch.context() as away:
        away.setattr(seal.PdfTimeStamper, "async_timestamp_pdf", silent)
        assert keep() == 0

    assert not LastingCopy.objects.exists()
    assert documents.read(issued).read() == before
    assert seal.HTTPTimeStamper is answers
    assert keep() == 1


def test_a_server_that_the_desk_does_not_trust_proves_nothing(issued, settings):
    settings.TIMESTAMP_ROOTS = settings.SEAL_CERTIFICATE

    assert keep() == 0
    assert not LastingCopy.objects.exists()


@pytest.mark.parametrize("missing", ["TIMESTAMP_URL", "TIMESTAMP_ROOTS", "SEAL_CERTIFICATE"])
def test_without_a_server_or_its_roots_none_is_made(issued, settings, server, missing):
    setattr(settings, missing, "")
    asked = len(server)

    assert keep() == 0
    assert len(server) == asked


def test_a_file_that_is_away_stops_no_other(issued):
    Path(issued.pdf.path).unlink()

    assert keep() == 0
    assert not LastingCopy.objects.exists()


def test_a_copy_whose_row_cannot_be_written_leaves_no_file(issued, monkeypatch, settings):
    def files():
        return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*.pdf"))

    def full(**_row):
        raise OperationalError("disk full")

    before = files()
    with monkeypatch.context() as disk:
        disk.setattr(LastingCopy.objects, "create", full)
        with pytest.raises(OperationalError):
            keep()

    assert files() == before
    assert keep() == 1
    assert len(files()) == len(before) + 1


def test_what_was_issued_without_a_signature_gets_no_proof_of_one(world, server):
    issue_july_statement(world)

    assert list(lasting.due(timezone.now())) == []
