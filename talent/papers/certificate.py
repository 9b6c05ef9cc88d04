"""The certificate with which the desk seals documents: from its settings, or a marked trial one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings

from talent.errors import Refused

TRIAL = "Trial certificate, binds nobody"
TRIAL_LASTS = timedelta(days=3650)
KEY_BITS = 3072
SAYS_WHAT_TO_DO = (
    "Documents are not sealed on this desk, so none can be sent for signature. Whoever runs it "
    "sets SEAL_CERTIFICATE and SEAL_KEY (docs/running.md)."
)


class NoSeal(Refused):
    """The desk has no certificate, so that it can seal nothing and nobody can sign."""

    code = "no_seal"


@dataclass(frozen=True, slots=True)
class SealingCertificate:
    """A certificate with its chain and its key, in PEM; `timestamp_url` is a server of RFC 3161.

    `timestamp_roots` are the roots, in PEM, of the server's own certificate.
    """

    chain: bytes
    key: bytes
    password: bytes | None = None
    timestamp_url: str = ""
    timestamp_roots: bytes = b""


class CertificateEnded(Refused):
    """The desk's certificate has ended, or its time has not begun."""

    code = "certificate_ended"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a certificate names, and its time: from `since` on until `until`, in UTC."""

    name: str
    since: datetime
    until: datetime

    def refuse_outside_its_time(self, at: datetime) -> None:
        """Raise CertificateEnded where nobody would take a signature of that instant."""
        if self.since <= at < self.until:
            return
        when = (
            f"ended on {self.until:%Y-%m-%d}"
            if at >= self.until
            else f"begins on {self.since:%Y-%m-%d}"
        )
        raise CertificateEnded(
            f"The desk's certificate, “{self.name}”, {when}, so nothing is signed with it and "
            "nothing was changed. Whoever runs the desk lays in a new one (SEAL_CERTIFICATE, "
            "SEAL_KEY in docs/running.md); then try again."
        )


def certificate_of(seal: SealingCertificate) -> Named:
    """Return whom a certificate names. Raises NoSeal where it cannot be read."""
    try:
        own = x509.load_pem_x509_certificates(seal.chain)[0]
    except (ValueError, IndexError) as failure:
        raise NoSeal(
            "The desk's certificate could not be read: set SEAL_CERTIFICATE to a PEM file with "
            "the certificate first and its chain after it (docs/running.md)."
        ) from failure
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else own.subject.rfc4514_string()
    return Named(name, own.not_valid_before_utc, own.not_valid_after_utc)


def is_there() -> bool:
    return bool(settings.SEAL_CERTIFICATE and settings.SEAL_KEY)


def of_the_desk() -> SealingCertificate:
    """Return the certificate that the settings name. Raises NoSeal."""
    if not is_there():
        raise NoSeal(SAYS_WHAT_TO_DO)
    try:
        return SealingCertificate(
            chain=Path(settings.SEAL_CERTIFICATE).read_bytes(),
            key=Path(settings.SEAL_KEY).read_bytes(),
            password=settings.SEAL_KEY_PASSWORD.encode() or None,
            timestamp_url=settings.TIMESTAMP_URL,
            timestamp_roots=(
                Path(settings.TIMESTAMP_ROOTS).read_bytes() if settings.TIMESTAMP_ROOTS else b""
            ),
        )
    except OSError as failure:
        raise NoSeal(
            f"The desk's certificate could not be read: {failure.strerror}. Whoever runs it sets "
            "SEAL_CERTIFICATE and SEAL_KEY to files that it may read."
        ) from failure


def make_trial(folder: Path, *, at: datetime) -> tuple[Path, Path]:
    """Return a certificate and its key that say of themselves that they bind nobody.

    They are made once and kept in `folder`, where only its owner reads the key.
    """
    chain, key = folder / "trial-seal.pem", folder / "trial-seal-key.pem"
    if not (chain.exists() and key.exists()):
        made = trial_certificate(at=at)
        folder.mkdir(parents=True, exist_ok=True)
        key.touch(mode=0o600)
        key.write_bytes(made.key)
        chain.write_bytes(made.chain)
    return chain, key


def trial_certificate(*, at: datetime) -> SealingCertificate:
    """Return a new certificate with an authority of its own, both named as what they are."""
    # RSA: with it, a signed document stays a PDF 1.7, which PDF/A-3 is.
    authority_key, key = (rsa.generate_private_key(65537, KEY_BITS) for _one in range(2))
    authority = _name(f"{TRIAL} (authority)")
    root = (
        _builder(authority, authority, authority_key.public_key(), at)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    seal = (
        _builder(_name(TRIAL), authority, key.public_key(), at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    return SealingCertificate(
        chain=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (seal, root)),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + TRIAL_LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
