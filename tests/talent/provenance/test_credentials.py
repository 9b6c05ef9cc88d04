"""C2PA files made by the official library: four answers, each of which can fail alone."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from datetime import UTC, datetime, timedelta

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils import timezone

from likenessdesk.checks import trust_list_is_recent
from talent.provenance.credentials import reading
from talent.provenance.credentials.reading import TrustList

PNG = "image/png"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture():
    rows = b"".join(b"\0" + b"\x55\x66\x77" * 32 for _row in range(32))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def certificate(name, key, issuer, issuer_key, *, is_root):
    def named(text):
        organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Forge")
        return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    usage = [not is_root, False, False, False, False, is_root, is_root, False, False]
    made = (
        x509.CertificateBuilder(named(issuer), named(name), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=300))
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(x509.KeyUsage(*usage), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not is_root:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(purpose, critical=False)
    signed = made.sign(issuer_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def sign():
    """Sign a picture that says it may not be trained on; return it and the root of its signer."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _one in range(2))
    root = certificate("Example Root", root_key, "Example Root", root_key, is_root=True)
    leaf = certificate("Example Signer", key, "Example Root", root_key, is_root=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=leaf + root, private_key=secret, ta_url=None)
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    told = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "format": PNG,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]},
            },
            {
                "label": "cawg.training-mining",
                "data": {"entries": {"cawg.ai_generative_training": {"use": "notAllowed"}}},
            },
        ],
    }

    def sign(ingredient=None):
        builder, out = c2pa.Builder(json.dumps(told)), io.BytesIO()
        if ingredient is not None:
            about = json.dumps({"title": "Source", "relationship": "componentOf"})
            builder.add_ingredient(about, PNG, io.BytesIO(ingredient))
        builder.sign(c2pa.Signer.from_info(info), PNG, io.BytesIO(picture()), out)
        return out.getvalue(), root.decode()

    return sign


@pytest.fixture(scope="module")
def signed(sign):
    return sign()


def test_intact_by_whom_and_trusted_are_three_answers(signed):
    content, root = signed
    told = reading.read(content, media_type=PNG)
    assert (told.intact, told.failures, told.trusted) == (True, (), None)
    assert (told.signer, told.issuer) == ("Example Signer", "Example Forge")
    assert told.actions == ("c2pa.created digitalCapture",)
    assert told.training == (("cawg.ai_generative_training", "notAllowed"),)

    listed = TrustList("Our list", "2026-11-25", root)
    told = reading.read(content, media_type=PNG, trust=listed)
    assert (told.intact, told.trusted, told.trust_list) == (True, True, "Our list, 2026-11-25")

    key = ec.generate_private_key(ec.SECP256R1())
    other = certificate("Other", key, "Other", key, is_root=True).decode()
    told = reading.read(content, media_type=PNG, trust=TrustList("Other list", "2026-01-01", other))
    assert (told.intact, told.trusted) == (True, False)


def test_a_tampered_file_is_not_intact_whoever_is_trusted(signed):
    content, root = signed
    tampered = bytearray(content)
    tampered[-30] ^= 1

    told = reading.read(
        bytes(tampered), media_type=PNG, trust=TrustList("Our list", "2026-11-25", root)
    )

    assert (told.intact, told.trusted) == (False, True)
    assert "assertion.dataHash.mismatch" in told.failures


def test_a_broken_ingredient_is_told_beside_a_file_that_is_intact(sign, signed):
    content, root = signed
    trust = TrustList("Our list", "2026-11-25", root)
    whole, _root = sign(content)
    assert not reading.read(whole, media_type=PNG, trust=trust).ingredient_failures
    broken = bytearray(content)
    broken[-30] ^= 1

    told = reading.read(sign(bytes(broken))[0], media_type=PNG, trust=trust)

    assert (told.intact, told.failures, told.trusted) == (True, (), True)
    assert "assertion.dataHash.mismatch" in told.ingredient_failures


def test_a_trust_list_is_there_and_of_a_day_that_still_counts(settings, tmp_path):
    listed, today = tmp_path / "list.pem", timezone.localdate()
    listed.write_text("")

    def found(place, dated):
        settings.C2PA_TRUST_LIST, settings.C2PA_TRUST_LIST_DATED = str(place), str(dated)
        return [one.id for one in trust_list_is_recent()]

    assert found("", "") == found(listed, today) == found(listed, today - timedelta(days=90)) == []
    assert found(tmp_path / "gone.pem", today) == ["likenessdesk.E005"]
    assert found(listed, "no day told") == ["likenessdesk.W005"]
    for day in (today - timedelta(days=91), today + timedelta(days=1)):
        assert found(listed, day) == ["likenessdesk.W006"]


# Its own process: it keeps settings in the home of who runs it.
SECOND = """
import json, sys, encypher_c2pa
told = encypher_c2pa.verify(sys.stdin.buffer.read(), "image/png", no_default_trust=True)
print(json.dumps([told["integrity"], told["signature"]]))
"""


def second_opinion(content):
    answer = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-c", SECOND], input=content, capture_output=True, check=True,
        env={"ENCYPHER_C2PA_TELEMETRY": "off", "ENCYPHER_C2PA_ONLINE": "off"},
    )  # fmt: skip
    return json.loads(answer.stdout)


def test_a_second_verifier_finds_the_same_of_whole_and_tampered_files(signed):
    content, _root = signed
    assert second_opinion(content) == ["valid", "valid"]
    for at in (-30, content.index(b"notAllowed"), content.index(b"Example Signer")):
        tampered = bytearray(content)
        tampered[at] ^= 1
        assert not is_intact(bytes(tampered))
        assert second_opinion(bytes(tampered))[0] != "valid"


def is_intact(content):
    try:
        return reading.read(content, media_type=PNG).intact
    except reading.CannotRead:
        return False


def test_what_has_no_credentials_says_so_and_what_is_none_is_refused(signed):
    assert reading.read(picture(), media_type=PNG).intact is None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as inside:
        inside.writestr("a.png", signed[0])
    for content in (packed.getvalue(), b"", signed[0][:400]):
        assert not is_intact(content)
    with pytest.raises(reading.CannotRead):
        reading.read(signed[0], media_type="text/x-made-up")
    with pytest.raises(reading.CannotRead, match="64 MiB"):
        reading.read(bytes(reading.LARGEST + 1), media_type=PNG)


def test_a_reader_that_never_ends_or_dies_is_ended(signed, monkeypatch, tmp_path):
    sleeping, dying = tmp_path / "sleeping.py", tmp_path / "dying.py"
    sleeping.write_text("while True: pass")
    dying.write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(reading, "SECONDS", 0.5)
    for child, said in ((sleeping, "too long"), (dying, "within bounds")):
        monkeypatch.setattr(reading, "CHILD", child)
        with pytest.raises(reading.CannotRead, match=said):
            reading.read(signed[0], media_type=PNG)
