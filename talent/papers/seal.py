"""Signatures on documents: PAdES, each a revision of its own. Nothing else knows pyHanko.

A document is prepared once: its signature page is added, with an empty field for each signature.
The desk certifies it, so that from then on only these fields may be filled. Each signature fills
one, and the last locks the document. What was there stays byte for byte: each step only appends.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from functools import cached_property, lru_cache, partial
from io import BytesIO
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_private_key
from cryptography.x509 import load_der_x509_certificate
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils import embed, generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import (
    PdfSigner,
    PdfTimeStamper,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore, collect_validation_info
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from talent.errors import Refused
from talent.words import SealLevel

from .certificate import SealingCertificate, certificate_of
from .draw import AttachedFile

Found = TypeVar("Found")
log = logging.getLogger(__name__)

POINTS_PER_MM = 72 / 25.4
TIMESTAMP_SECONDS = 10
_NO_PAIR = (
    "The desk's certificate or its key could not be read: set SEAL_CERTIFICATE and SEAL_KEY to PEM "
    "files that belong together (docs/running.md)."
)


class NotSealable(Refused):
    """A certificate, a key or a document from outside cannot be used for a signature."""

    code = "not_sealable"


class TimeServerAway(Refused):
    """The time server does not answer, or is not one that the desk trusts."""

    code = "time_server_away"


class NotAPdf(Refused):
    """A file that was handed in is no PDF that the desk can keep as one."""

    code = "not_a_pdf"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signature stands: on which page of the signature pages, in mm from its top left.

    `label` is what a screen reader says of the field. The signature that `locks` is the last one.
    """

    name: str
    label: str
    page: int
    left: float
    top: float
    width: float
    height: float
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature to be written: into which field, who signs it, why, and how it looks."""

    field: str
    name: str
    reason: str
    # A page as large as the field, drawn without tags.
    appearance: bytes


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """A signature of a document: whether what it covers is as it was, and whether it is whole."""

    field: str
    name: str
    intact: bool
    valid: bool
    # Nothing came after it but what it allows.
    lawfully_changed: bool


# Preparing


def prepare(
    pdf: bytes,
    *,
    signature_pages: bytes,
    places: Sequence[Place],
    attachments: Sequence[AttachedFile],
    dated: date,
) -> bytes:
    """Return a document with its signature pages, an empty field at each place, and files attached.

    Its own bytes stay as they are; what is added stands after them. Both are tagged PDF/A-3 and
    stay it: each field has its place in the structure. Raises NotSealable.
    """
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        pages = _append_pages(writer, signature_pages)
        for place in places:
            _add_field(writer, pages[place.page], place)
        for file in attachments:
            _attach(writer, file, dated)
        return _written(writer)
    except (PdfError, KeyError) as failure:
        raise NotSealable(f"The document could not be prepared for signing: {failure}") from failure


def _append_pages(writer: IncrementalPdfFileWriter, drawn: bytes) -> list[int]:
    """Append pages with their part of the structure; return their indexes."""
    catalog: Any = PdfFileReader(BytesIO(drawn)).root
    for name in catalog.keys() - {"/Pages", "/StructTreeRoot"}:
        del catalog[name]
    imported: Any = writer.import_object(catalog)
    _adopt_structure(writer, imported)
    pages = writer.root["/Pages"]
    before = int(pages["/Count"])
    new = _references(imported["/Pages"]["/Kids"])
    for page in new:
        page.get_object()["/Parent"] = _reference(pages)
        page.get_object()["/Tabs"] = pdf_name("/S")
        pages["/Kids"].append(page)
    pages["/Count"] = generic.NumberObject(before + len(new))
    writer.update_container(pages["/Kids"])
    writer.update_container(pages)
    return list(range(before, before + len(new)))


def _references(array: Any) -> list[Any]:
    return [array.raw_get(index) for index in range(len(array))]


def _adopt_structure(writer: IncrementalPdfFileWriter, imported: Any) -> None:
    """Hang the imported pages' structure under the document's own."""
    tree = imported["/StructTreeRoot"]
    first = _next_key(writer)
    adopted = _numbers(tree["/ParentTree"])
    for key, parents in adopted.items():
        _add_parents(writer, first + key, parents)
    for reference in _references(imported["/Pages"]["/Kids"]):
        page = reference.get_object()
        page["/StructParents"] = generic.NumberObject(first + int(page["/StructParents"]))
    for element in _kids(_document_element(tree)):
        _hang(writer, element)


def _document_element(tree: Any) -> Any:
    kids = _kids(tree)
    return kids[0].get_object() if isinstance(kids[0], generic.IndirectObject) else kids[0]


def _kids(element: Any) -> list[Any]:
    """Return the kids of an element of the structure, as references where they are."""
    raw = element.raw_get("/K")
    kids = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
    return _references(kids) if isinstance(kids, list) else [raw]


def _hang(writer: IncrementalPdfFileWriter, element: Any) -> None:
    """Make an element the last one of the document's own structure."""
    tree = writer.root["/StructTreeRoot"]
    document = _document_element(tree)
    kids = _kids(document)
    element.get_object()["/P"] = _reference(document)
    document["/K"] = generic.ArrayObject([*kids, element])
    writer.update_container(document)


def _reference(found: Any) -> Any:
    reference = found.container_ref
    return generic.IndirectObject(reference.idnum, reference.generation, reference.pdf)


def _numbers(tree: Any) -> dict[int, Any]:
    """Return a number tree's entries, whichever way it is split."""
    found: dict[int, Any] = {}
    for kid in tree.get("/Kids", ()):
        found |= _numbers(kid.get_object())
    pairs = tree.get("/Nums", ())
    for i in range(0, len(pairs), 2):
        found[int(pairs[i])] = pairs.raw_get(i + 1)
    return found


def _next_key(writer: IncrementalPdfFileWriter) -> int:
    return max(_numbers(writer.root["/StructTreeRoot"]["/ParentTree"]), default=-1) + 1


def _add_parents(writer: IncrementalPdfFileWriter, key: int, parents: Any) -> None:
    tree = writer.root["/StructTreeRoot"]["/ParentTree"]
    if "/Nums" not in tree:
        raise PdfError("its parent tree is split")
    pairs = tree["/Nums"]
    pairs.append(generic.NumberObject(key))
    pairs.append(parents)
    writer.update_container(pairs)


def _add_field(writer: IncrementalPdfFileWriter, page: int, place: Place) -> None:
    height = float(writer.find_page_for_modification(page)[0].get_object()["/MediaBox"][3])
    left, top = place.left * POINTS_PER_MM, height - place.top * POINTS_PER_MM
    lock = fields.FieldMDPSpec(fields.FieldMDPAction.ALL) if place.locks else None
    specification = fields.SigFieldSpec(
        place.name,
        on_page=page,
        box=(
            round(left),
            round(top - place.height * POINTS_PER_MM),
            round(left + place.width * POINTS_PER_MM),
            round(top),
        ),
        field_mdp_spec=lock,
        doc_mdp_update_value=MDPPerm.NO_CHANGES if place.locks else None,
        readable_field_name=place.label,
    )
    fields.append_signature_field(writer, specification)
    _tag_field(writer, place)


def _tag_field(writer: IncrementalPdfFileWriter, place: Place) -> None:
    """Give a field its place in the structure, as PDF/UA asks."""
    [(_name, _value, field)] = fields.enumerate_sig_fields(writer, with_name=place.name)
    widget = field.get_object()
    key = _next_key(writer)
    element = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/StructElem"),
            pdf_name("/S"): pdf_name("/Form"),
            pdf_name("/Alt"): generic.pdf_string(place.label),
            pdf_name("/Pg"): widget.raw_get("/P"),
            pdf_name("/K"): generic.DictionaryObject(
                {
                    pdf_name("/Type"): pdf_name("/OBJR"),
                    pdf_name("/Obj"): field,
                    pdf_name("/Pg"): widget.raw_get("/P"),
                }
            ),
        }
    )
    reference = writer.add_object(element)
    widget["/StructParent"] = generic.NumberObject(key)
    writer.update_container(widget)
    _add_parents(writer, key, reference)
    _hang(writer, reference)


def _attach(writer: IncrementalPdfFileWriter, file: AttachedFile, dated: date) -> None:
    at = datetime.combine(dated, time_of_day(), tzinfo=UTC)
    content = embed.EmbeddedFileObject.from_file_data(
        writer,
        file.content,
        mime_type="application/json" if file.name.endswith(".json") else "application/octet-stream",
        params=embed.EmbeddedFileParams(creation_date=at, modification_date=at),
    )
    embed.embed_file(
        writer,
        embed.FileSpec(
            file.name, file_name=file.name, embedded_data=content, description=file.description
        ),
    )
    # By hand: pyHanko would make it a PDF 2.0, which PDF/A-3 is not.
    names = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
    specification = names.raw_get(len(names) - 1)
    specification.get_object()["/AFRelationship"] = pdf_name(f"/{file.relationship}")
    writer.root.setdefault("/AF", generic.ArrayObject())
    writer.root["/AF"].append(specification)
    writer.update_container(writer.root["/AF"])
    writer.update_root()


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


# Signing


def certify(pdf: bytes, signature: Signature, *, certificate: SealingCertificate) -> bytes:
    """Return a document with the desk's seal: from now on only its fields may be signed."""
    return _signed(pdf, signature, certificate, certify=True)


def sign(pdf: bytes, signature: Signature, *, certificate: SealingCertificate) -> bytes:
    """Return a document with one more signature, in a revision of its own.

    A signature into the place that locks allows no other after it.
    """
    return _signed(pdf, signature, certificate, certify=False)


def close(pdf: bytes, signature: Signature, *, certificate: SealingCertificate) -> bytes:
    """Return a document that the desk has sealed and that nothing may be added to."""
    return _signed(pdf, signature, certificate, certify=True, allowed=MDPPerm.NO_CHANGES)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A document that the desk has signed once and for all; `level` is how well (of PAdES)."""

    pdf: bytes
    level: SealLevel


def seal_whole(
    pdf: bytes,
    *,
    place: Place,
    name: str,
    reason: str,
    certificate: SealingCertificate,
    at: datetime,
) -> Sealed:
    """Return a tagged document with one signature that covers all of it, and allows no change.

    The field gets its place in the structure; it shows what is drawn beneath it. The metadata stay
    as they are. With a time server the signature carries its time (B-T). One that does not answer
    hinders nothing: then the signature is a B-B, and the server is left alone for a while. Raises
    NotSealable, and CertificateEnded outside the certificate's time.
    """
    certificate_of(certificate).refuse_outside_its_time(at)
    signer, timestamper = _signer(certificate), _timestamper_that_answers(certificate)
    try:
        if timestamper:
            with suppress(timestamps.TimestampRequestError, OSError):
                stamped = _sealed_whole(pdf, place, name, reason, signer, timestamper)
                return Sealed(stamped, SealLevel.B_T)
            _let_rest(certificate.timestamp_url)
        return Sealed(_sealed_whole(pdf, place, name, reason, signer, None), SealLevel.B_B)
    except (PdfError, SigningError, KeyError) as failure:
        raise NotSealable(f"The document could not be signed: {failure}") from failure


def _sealed_whole(
    pdf: bytes,
    place: Place,
    name: str,
    reason: str,
    signer: signers.SimpleSigner,
    timestamper: timestamps.TimeStamper | None,
) -> bytes:
    about = signers.PdfSignatureMetadata(
        field_name=place.name,
        name=name,
        reason=reason,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
    )
    nothing: Any = _Nothing()
    pdf_signer = PdfSigner(about, signer=signer, timestamper=timestamper, stamp_style=nothing)

    def signed_with(more: int) -> bytes:
        writer = _WithItsMetadata(BytesIO(pdf))
        for _one in range(more):
            writer.add_object(generic.DictionaryObject())
        _add_field(writer, place.page, place)
        out = _apart(lambda: pdf_signer.sign_pdf(writer, existing_fields_only=True))
        return bytes(out.getvalue())

    return next(filter(partial(_is_sound, len(pdf)), map(signed_with, range(TRIES))))


# A table of places that happens to end as a line does breaks a rule of PDF/A (6.1.7.1); with one
# more object it ends otherwise. One of a hundred does.
TRIES = 8
ENDS_AS_A_LINE = re.compile(rb"(?<!\nstream)[\r\n]\nendstream")  # but for one that is empty


def _is_sound(before: int, pdf: bytes) -> bool:
    """Tell whether no stream that was added to the first `before` bytes ends as a line does."""
    return not ENDS_AS_A_LINE.search(pdf, before)


@dataclass(frozen=True, slots=True)
class Lasting:
    """A signed document with proof for the long term; it can be renewed until `ends_at`."""

    pdf: bytes
    ends_at: datetime


def for_the_long_term(pdf: bytes, *, certificate: SealingCertificate) -> Lasting:
    """Return a signed document with what proves its signature once certificates have ended.

    Certificates and what says whether they were revoked are added, and the time server's stamp over
    all of it (B-LTA). Called on its own result, it adds another stamp, before the last one ends.
    Each time it only appends: what was there stays byte for byte, and is no change by the rules
    of PDF. Raises TimeServerAway where the server does not answer or its certificate is not one of
    `timestamp_roots`; then try again later.
    """
    timestamper = _timestamper(certificate)
    if timestamper is None:
        raise TimeServerAway("No time server is set: TIMESTAMP_URL (docs/running.md).")
    own = list(load_certs_from_pemder_data(certificate.chain))
    try:
        roots = list(load_certs_from_pemder_data(certificate.timestamp_roots))
    except ValueError as failure:
        raise TimeServerAway("TIMESTAMP_ROOTS is no PEM file (docs/running.md).") from failure
    # A revocation that cannot be asked for is left out: what there is, is kept.
    known: dict[str, Any] = {"allow_fetching": True, "revocation_mode": "soft-fail"}
    of_signer = ValidationContext(trust_roots=own[-1:], other_certs=own[:-1], **known)
    of_server = ValidationContext(trust_roots=roots, **known)

    async def stamped() -> bytes:
        writer = _WithItsMetadata(BytesIO(pdf))
        [signature] = writer.prev.embedded_regular_signatures
        paths = await collect_validation_info(signature, of_signer, skip_timestamp=True)
        DocumentSecurityStore.supply_dss_in_writer(
            writer, signature.pkcs7_content, paths=paths, validation_context=of_signer
        )
        out = await PdfTimeStamper(timestamper).async_timestamp_pdf(
            writer,
            "sha256",
            validation_context=of_server,
            dss_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True),
        )
        return bytes(out.getvalue())

    try:
        content = _apart(lambda: asyncio.run(stamped()))
        last = PdfFileReader(BytesIO(content)).embedded_timestamp_signatures[-1]
    except (timestamps.TimestampRequestError, OSError) as failure:
        raise TimeServerAway(f"The time server could not be asked: {failure}") from failure
    except (PdfError, SigningError, ValidationError, PathError, ValueError) as failure:
        raise TimeServerAway(
            f"The time server's certificate is not one that TIMESTAMP_ROOTS trusts: {failure}"
        ) from failure
    return Lasting(content, last.signer_cert.not_valid_after)


class _WithItsMetadata(IncrementalPdfFileWriter):
    """Appends to a document and leaves its metadata alone: they say what it is, and it is signed.

    PyHanko would write them anew, and when.
    """

    def _update_meta(self) -> None:
        pass


# A time server that does not answer is asked again after so many seconds: each time that it is
# waited for, whoever issues two hundred documents waits.
RESTS = 60.0
_rests_until: dict[str, float] = {}


def _timestamper_that_answers(certificate: SealingCertificate) -> timestamps.TimeStamper | None:
    is_at_rest = _rests_until.get(certificate.timestamp_url, 0.0) > time.monotonic()
    return None if is_at_rest else _timestamper(certificate)


def _let_rest(url: str) -> None:
    log.warning("The time server %s did not answer: signed without its time", url)
    _rests_until[url] = time.monotonic() + RESTS


def _signed(
    pdf: bytes,
    signature: Signature,
    certificate: SealingCertificate,
    *,
    certify: bool,
    allowed: MDPPerm = MDPPerm.FILL_FORMS,
) -> bytes:
    signer = _signer(certificate)
    try:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
    except PdfError as failure:
        raise NotSealable(f"The document could not be read: {failure}") from failure
    _refuse_locked(writer)
    if not certify and _locks(writer, signature.field):
        allowed = MDPPerm.NO_CHANGES
    about = signers.PdfSignatureMetadata(
        field_name=signature.field,
        name=signature.name,
        reason=signature.reason,
        certify=certify,
        docmdp_permissions=allowed,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
    )
    appearance: Any = _Appearance(signature.appearance)
    pdf_signer = PdfSigner(
        about,
        signer=signer,
        timestamper=_timestamper(certificate),
        stamp_style=appearance,
    )
    try:
        out = _apart(lambda: pdf_signer.sign_pdf(writer, existing_fields_only=True))
    except (PdfError, SigningError, OSError, timestamps.TimestampRequestError) as failure:
        raise NotSealable(f"The document could not be signed: {failure}") from failure
    return bytes(out.getvalue())


def _apart(work: Callable[[], Found]) -> Found:
    """Do what pyHanko runs an event loop for in a thread that has none: the caller's may have."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(work).result()


def _refuse_locked(writer: IncrementalPdfFileWriter) -> None:
    """Refuse to sign after the signature that locks: pyHanko would only find it invalid later."""
    signed = fields.enumerate_sig_fields(writer, filled_status=True)
    if any("/Lock" in field.get_object() for _name, _value, field in signed):
        raise NotSealable("The last signature has locked this document.")


def _locks(writer: IncrementalPdfFileWriter, name: str) -> bool:
    found = fields.enumerate_sig_fields(writer, with_name=name)
    return any("/Lock" in field.get_object() for _name, _value, field in found)


class _Signer(signers.SimpleSigner):
    """Signs by a key that was read and checked once: to check an RSA key takes a fifth of a second.

    PyHanko reads it anew for each signature, twice.
    """

    @cached_property
    def _key(self) -> Any:
        return load_der_private_key(
            self.signing_key.dump(), None, unsafe_skip_rsa_key_validation=True
        )

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm)
        if mechanism["algorithm"].native != f"{digest_algorithm}_rsa":
            return super().sign_raw(data, digest_algorithm)
        hashed = getattr(hashes, digest_algorithm.upper())()
        return bytes(self._key.sign(data, padding.PKCS1v15(), hashed))


@lru_cache(maxsize=2)
def _signer(certificate: SealingCertificate) -> signers.SimpleSigner:
    try:
        chain = list(load_certs_from_pemder_data(certificate.chain))
        key = load_private_key_from_pemder_data(certificate.key, certificate.password)
        of_the_key = load_der_private_key(
            key.dump(), None, unsafe_skip_rsa_key_validation=True
        ).public_key()
        belong = load_der_x509_certificate(chain[0].dump()).public_key() == of_the_key
    except (ValueError, TypeError, OSError, IndexError) as failure:
        raise NotSealable(_NO_PAIR) from failure
    if not belong:
        raise NotSealable(_NO_PAIR)
    store = SimpleCertificateStore()
    store.register_multiple(chain)
    return _Signer(signing_cert=chain[0], signing_key=key, cert_registry=store)


def _timestamper(certificate: SealingCertificate) -> timestamps.TimeStamper | None:
    url = certificate.timestamp_url
    return HTTPTimeStamper(url, timeout=TIMESTAMP_SECONDS) if url else None


class _Nothing:
    """Lets what is drawn beneath a signature be seen."""

    def create_stamp(self, writer: Any, box: Any, _words: object) -> "_Nothing":
        self._form = writer.add_object(
            generic.StreamObject(
                {
                    pdf_name("/Type"): pdf_name("/XObject"),
                    pdf_name("/Subtype"): pdf_name("/Form"),
                    pdf_name("/BBox"): generic.ArrayObject(
                        generic.FloatObject(at) for at in (0, 0, box.width, box.height)
                    ),
                    pdf_name("/Resources"): generic.DictionaryObject(),
                },
                stream_data=b"",
            )
        )
        return self

    def apply_appearance(self, annotation: Any) -> None:
        annotation["/AP"] = generic.DictionaryObject({pdf_name("/N"): self._form})


class _Appearance:
    """Shows a drawn page where the signature stands, as pyHanko's stamps show theirs."""

    def __init__(self, page: bytes) -> None:
        self._page = page

    def create_stamp(self, writer: Any, _box: object, _words: object) -> "_Appearance":
        reader = PdfFileReader(BytesIO(self._page))
        self._form = writer.import_page_as_xobject(reader)
        return self

    def apply_appearance(self, annotation: Any) -> None:
        annotation["/AP"] = generic.DictionaryObject({pdf_name("/N"): self._form})


# Checking


def refuse_other_than_pdf(content: bytes) -> None:
    """Refuse what somebody hands in as a PDF and is none, is encrypted, damaged or empty.

    Nothing in it is run or drawn. Raises NotAPdf.
    """
    if not content.startswith(b"%PDF-"):
        raise NotAPdf("This file is no PDF. Scan or print the document into one.")
    try:
        reader = PdfFileReader(BytesIO(content))
        if reader.encrypted:
            raise NotAPdf("This PDF is encrypted. Hand it in without a password.")
        if not int(reader.root["/Pages"]["/Count"]):
            raise NotAPdf("This PDF has no page.")
    # A file from outside may be broken in any way, down to the depth of its nesting.
    except (PdfError, ValueError, KeyError, TypeError, RecursionError, IndexError) as failure:
        raise NotAPdf(
            "This PDF is damaged and cannot be read. Save or scan it once more."
        ) from failure


def signatures_of(pdf: bytes) -> list[FoundSignature]:
    """Return the signatures of a document in the order of signing, and how each of them stands.

    Whether their certificate is one to be trusted is not asked. Raises NotSealable for a file that
    cannot be read.
    """
    try:
        reader = PdfFileReader(BytesIO(pdf))
        return [_found(one) for one in reader.embedded_regular_signatures]
    except (PdfError, ValueError, KeyError) as failure:
        raise NotSealable(f"The signatures could not be read: {failure}") from failure


def _found(signature: Any) -> FoundSignature:
    own = signature.signer_cert
    trusted = ValidationContext(trust_roots=[own])
    status = _apart(lambda: validate_pdf_signature(signature, trusted))
    return FoundSignature(
        field=signature.field_name,
        name=str(signature.sig_object.get("/Name", "")),
        intact=status.intact,
        valid=status.valid,
        lawfully_changed=bool(status.docmdp_ok),
    )
