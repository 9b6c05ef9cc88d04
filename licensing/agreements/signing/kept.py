"""What is kept: whether each signed document is still the one that was signed."""

from collections.abc import Iterator

from licensing.models import AgreementDocument, SignedScan, SigningEvent, SigningRound
from licensing.words import RoundState

from .rounds import digest_of


def faults() -> Iterator[str]:
    """Yield a sentence for each document, round, record or scan that is not as it was kept.

    Every file is read once; that takes a while, and changes nothing.
    """
    yield from _of_files(AgreementDocument, "document")
    yield from _of_files(SignedScan, "scan")
    for pk in list(SigningRound.objects.order_by("pk").values_list("pk", flat=True)):
        yield from _of_round(SigningRound.objects.defer(None).get(pk=pk))


def _of_files(model: type[AgreementDocument] | type[SignedScan], name: str) -> Iterator[str]:
    for pk in list(model.objects.order_by("pk").values_list("pk", flat=True)):
        row = model.objects.defer(None).get(pk=pk)
        if digest_of(bytes(row.pdf)) != row.digest:
            yield f"{row.agreement}: {name} {pk} is not the file whose digest was kept."


def _of_round(found: SigningRound) -> Iterator[str]:
    pdf = bytes(found.pdf)
    if digest_of(pdf) != found.digest:
        yield f"{found}: its document is not the file whose digest was kept."
    if found.record is not None and digest_of(bytes(found.record)) != found.record_digest:
        yield f"{found}: its signature record is not the file whose digest was kept."
    shown = SigningEvent.objects.filter(round=found).exclude(digest="")
    for size, digest in set(shown.values_list("size", "digest")):
        if digest_of(pdf[:size]) != digest:
            yield f"{found}: what was shown to somebody is not the beginning of the document."
    if found.state == RoundState.SIGNED:
        yield from _of_signatures(found, pdf)


def _of_signatures(found: SigningRound, pdf: bytes) -> Iterator[str]:
    from talent.papers.seal import NotSealable, signatures_of  # It takes a second to import.

    try:
        signatures = signatures_of(pdf)
    except NotSealable as failure:
        yield f"{found}: {failure}"
        return
    if len(signatures) != found.signatories.count() + 1:
        yield f"{found}: it does not hold a signature of each who signed."
    for one in signatures:
        if not (one.intact and one.valid and one.lawfully_changed):
            yield f"{found}: the signature of {one.name} does not fit the document."
