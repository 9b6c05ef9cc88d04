"""Manifests of datasets: the rows that a file of them has, read, checked and digested."""

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import rfc8785

from talent.errors import Refused
from talent.plain_text import is_line
from talent.words import DataPurpose, DataSplit, LicenceBasis, Remuneration, Word

LARGEST = 32 * 1024 * 1024  # characters of a manifest
MOST_FILES = 100_000
FAULTS_TOLD = 10
SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST = {"path": 500, "owner": 200, "reference": 200}
LARGEST_FILE = 2**53


class BadManifest(Refused):
    """A manifest cannot be read, or says something that the desk does not know."""

    code = "bad_manifest"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as a manifest tells it. Empty is what nobody said.

    `size` in bytes; `consent` is the number of a version of the performer's own consent;
    `performer` a name; `jurisdiction` an ISO 3166 code; `vault_item` the number of a vault item.
    """

    path: str
    sha256: str
    size: int
    split: str = DataSplit.TRAIN.value
    owner: str = ""
    basis: str = LicenceBasis.UNKNOWN.value
    performer: str = ""
    consent: str = ""
    reference: str = ""
    jurisdiction: str = ""
    purposes: tuple[str, ...] = ()
    remuneration: str = Remuneration.UNKNOWN.value
    vault_item: str = ""


COLUMNS = tuple(field.name for field in fields(FileRow))
CODES: Mapping[str, type[Word]] = {
    "split": DataSplit,
    "basis": LicenceBasis,
    "remuneration": Remuneration,
}


def digest(rows: Iterable[FileRow]) -> str:
    """Return the SHA-256 of a manifest's canonical form (RFC 8785), whatever its rows' order."""
    told = [asdict(row) | {"purposes": sorted(row.purposes)} for row in in_order(rows)]
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()


def in_order(rows: Iterable[FileRow]) -> list[FileRow]:
    """Return rows by path."""
    return sorted(rows, key=lambda row: row.path)


def read_csv(text: str) -> list[FileRow]:
    """Read a manifest as CSV; its first line names the columns. Raises BadManifest."""
    if len(text) > LARGEST:
        raise BadManifest(f"A manifest has at most {LARGEST} characters.")
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
        lacking = {"path", "sha256", "size"} - set(reader.fieldnames or ())
        if unknown or lacking:
            raise BadManifest(_about_columns(unknown, lacking))
        return checked([_row_of(row) for row in reader])
    except csv.Error as fault:
        raise BadManifest(f"This is no CSV: {fault}.") from fault


def _about_columns(unknown: set[str], lacking: set[str]) -> str:
    told = [f"lacks {', '.join(sorted(lacking))}"] if lacking else []
    told += [f"has columns that are not known: {', '.join(sorted(unknown))}"] if unknown else []
    return f"The manifest {' and '.join(told)}."


def _row_of(row: Mapping[str | None, str | list[str] | None]) -> FileRow:
    if None in row or any(value is None for value in row.values()):
        raise BadManifest("A line has more or fewer values than there are columns.")
    told = {str(name): str(value).strip() for name, value in row.items()}
    size = told.pop("size")
    purposes = tuple(filter(None, told.pop("purposes", "").replace(",", " ").split()))
    kept = {name: value for name, value in told.items() if value or name in ("path", "sha256")}
    number = int(size) if re.fullmatch(r"[0-9]{1,16}", size) else -1
    return FileRow(**kept, size=number, purposes=purposes)


def checked(rows: Sequence[FileRow]) -> list[FileRow]:
    """Return rows that can be recorded. Raises BadManifest that names what is wrong, by line."""
    if not rows:
        raise BadManifest("The manifest names no file.")
    if len(rows) > MOST_FILES:
        raise BadManifest(f"A version has at most {MOST_FILES} files.")
    paths = Counter(row.path for row in rows)
    faults = [
        f"file {number} ({row.path[:80] or 'without a path'}): {fault}"
        for number, row in enumerate(rows, 1)
        for fault in _faults_of(row, paths)
    ]
    if faults:
        more = f"; {len(faults) - FAULTS_TOLD} more" if len(faults) > FAULTS_TOLD else ""
        raise BadManifest(f"{'; '.join(faults[:FAULTS_TOLD])}{more}.")
    return list(rows)


def _faults_of(row: FileRow, paths: Counter[str]) -> Iterator[str]:
    yield from _faults_of_path(row.path, paths)
    if not SHA256.fullmatch(row.sha256):
        yield "its SHA-256 is not 64 hexadecimal digits in lower case"
    if not 0 <= row.size <= LARGEST_FILE:
        yield "its size is no number of bytes"
    for name, longest in LONGEST.items():
        if len(getattr(row, name)) > longest:
            yield f"its {name} is longer than {longest} characters"
    for name in ("owner", "performer", "reference", "jurisdiction"):
        if not is_line(getattr(row, name)):
            yield f"its {name} is no line of text"
    yield from _faults_of_codes(row)


def _faults_of_path(path: str, paths: Counter[str]) -> Iterator[str]:
    if not path or not path.isprintable():
        yield "its path is no line of text"
    elif path.startswith("/") or ".." in path.split("/"):
        yield "its path leads out of the dataset"
    if paths[path] > 1:
        yield "its path is there twice"


def _faults_of_codes(row: FileRow) -> Iterator[str]:
    for name, word in CODES.items():
        if getattr(row, name) not in word.codes():
            yield f"its {name} is none of {', '.join(word.codes())}"
    if set(row.purposes) - set(DataPurpose.codes()):
        yield f"its purposes are not among {', '.join(DataPurpose.codes())}"
    for name in ("consent", "vault_item"):
        if not re.fullmatch(r"[0-9]{0,12}", getattr(row, name)):
            yield f"its {name} is no number"
