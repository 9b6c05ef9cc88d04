"""Files in the age format: the format's public vectors, other programs, and whatever is changed."""

import base64
import hashlib
import json
import shutil
import subprocess
import zlib
from io import BytesIO
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.custody.age import (
    CHUNK,
    OVERHEAD,
    AgeBroken,
    HeaderBroken,
    Identity,
    KeyUnreadable,
    NoMatch,
    PayloadBroken,
    PayloadCipher,
    Recipient,
    chunks_of,
    new_nonce,
    open_header,
    payload_size,
    seal_header,
    split_header,
)

# From the Community Cryptography Test Vectors of C2SP (age/testdata; 0BSD, CC0 or Unlicense): all
# that are about X25519. Left out are those that are armored, have passphrases or hybrid keys: the
# desk writes none of these, and reads none.
VECTORS = json.loads((Path(__file__).parent / "age_vectors.json").read_text())
AGE = shutil.which("age")
ALICE, BOB = Identity.generate(), Identity.generate()


def sealed(content: bytes, *identities: Identity) -> bytes:
    """Return content as a file in the age format."""
    file_key, nonce = bytes(range(16)), new_nonce()
    cipher = PayloadCipher(file_key, nonce)
    places = range(chunks_of(len(content)))
    chunks = [
        cipher.encrypt(
            place, content[place * CHUNK : (place + 1) * CHUNK], is_last=place == places[-1]
        )
        for place in places
    ]
    header = seal_header(file_key, [one.recipient for one in identities or (ALICE,)])
    return header + nonce + b"".join(chunks)


def opened(file: bytes, *identities: Identity, released: bytearray | None = None) -> bytes:
    """Return the content of a file; what of it was released stands in `released` meanwhile."""
    header, payload = split_header(file)
    file_key = open_header(header, identities or (ALICE,))
    nonce, chunks = payload[:16], BytesIO(payload[16:])
    content = bytearray() if released is None else released
    cipher = PayloadCipher(file_key, nonce)
    for part in cipher.decrypt_all(iter(lambda: chunks.read(CHUNK + OVERHEAD), b"")):
        content += part
    return bytes(content)


@pytest.mark.parametrize("name", VECTORS)
def test_a_public_vector_ends_as_it_says(name):
    vector = VECTORS[name]
    file = base64.b64decode(vector["file"])
    if vector.get("compressed"):
        file = zlib.decompress(file)
    released = bytearray()
    try:
        opened(file, *map(Identity.parse, vector["identities"]), released=released)
        ended = "success"
    except HeaderBroken as broken:
        ended = "HMAC failure" if "after it was written" in str(broken) else "header failure"
    except PayloadBroken:
        ended = "payload failure"
    except NoMatch:
        ended = "no match"

    assert ended == vector["expect"]
    if "payload" in vector:
        assert hashlib.sha256(released).hexdigest() == vector["payload"]


@given(st.integers(0, 3 * CHUNK + 1), st.sampled_from([(ALICE,), (ALICE, BOB)]))
def test_what_is_sealed_opens_again(size, readers):
    content = (b"Paper Moon " * (size // 11 + 1))[:size]
    file = sealed(content, *readers)

    assert opened(file, readers[-1]) == content
    assert len(split_header(file)[1]) == payload_size(size)


@pytest.mark.judge("age")
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_the_ordinary_tool_opens_what_the_desk_seals(size, tmp_path):
    key, file = tmp_path / "key", tmp_path / "scan.age"
    key.write_text(BOB.in_text())
    file.write_bytes(sealed(b"x" * size, ALICE, BOB))

    told = subprocess.run(  # noqa: S603 - our own
        [AGE, "-d", "-i", key, file], capture_output=True, check=True
    )

    assert told.stdout == b"x" * size


@pytest.mark.judge("age")
def test_the_desk_opens_what_the_ordinary_tool_seals(tmp_path):
    file = tmp_path / "scan.age"
    command = [AGE, "-r", str(ALICE.recipient), "-r", str(BOB.recipient), "-o", file]
    subprocess.run(command, input=b"y" * (CHUNK + 5), check=True)  # noqa: S603 - our own

    assert opened(file.read_bytes(), BOB) == b"y" * (CHUNK + 5)


def test_a_second_program_agrees_on_both_ways():
    content = b"z" * (2 * CHUNK + 7)
    reader = pyrage.x25519.Identity.from_str(ALICE.in_text())

    assert pyrage.decrypt(sealed(content), [reader]) == content
    assert opened(pyrage.encrypt(content, [reader.to_public()])) == content


THREE_CHUNKS = sealed(b"a" * CHUNK + b"b" * CHUNK + b"c" * 10)
HEADER = split_header(THREE_CHUNKS)[0]
BODY = len(HEADER) + 16
FULL = CHUNK + OVERHEAD


@given(st.integers(0, len(THREE_CHUNKS) - 1), st.integers(0, 7))
def test_a_bit_that_flips_anywhere_is_noticed_and_nothing_after_it_is_released(place, bit):
    changed = bytearray(THREE_CHUNKS)
    changed[place] ^= 1 << bit
    released = bytearray()

    with pytest.raises((AgeBroken, NoMatch)):
        opened(bytes(changed), released=released)

    whole_chunks_before = max(0, place - BODY) // FULL
    assert released == (b"a" * CHUNK + b"b" * CHUNK)[: whole_chunks_before * CHUNK]


FIRST, SECOND, LAST = (
    THREE_CHUNKS[BODY : BODY + FULL],
    THREE_CHUNKS[BODY + FULL : BODY + 2 * FULL],
    THREE_CHUNKS[BODY + 2 * FULL :],
)


@pytest.mark.parametrize(
    "chunks",
    [
        [FIRST, SECOND],
        [FIRST, LAST],
        [SECOND, FIRST, LAST],
        [FIRST, SECOND, LAST[:-1]],
        [FIRST, SECOND, LAST, LAST],
        [FIRST, FIRST, LAST],
        [],
    ],
    ids=["cut", "gap", "swapped", "shortened", "repeated at the end", "repeated", "nothing"],
)
def test_chunks_are_all_there_and_in_order(chunks):
    with pytest.raises(PayloadBroken):
        opened(THREE_CHUNKS[:BODY] + b"".join(chunks))


def test_two_files_in_a_row_are_no_file():
    with pytest.raises(PayloadBroken):
        opened(THREE_CHUNKS + THREE_CHUNKS)


def test_a_chunk_is_read_without_those_before_it():
    file_key = open_header(HEADER, [ALICE])
    cipher = PayloadCipher(file_key, THREE_CHUNKS[len(HEADER) : BODY])

    assert cipher.decrypt(1, SECOND, is_last=False) == b"b" * CHUNK


def test_a_recipient_can_be_added_without_touching_the_payload():
    file_key = open_header(HEADER, [ALICE])
    header = seal_header(file_key, [ALICE.recipient, BOB.recipient])

    assert opened(header + THREE_CHUNKS[len(HEADER) :], BOB).endswith(b"c" * 10)
    with pytest.raises(NoMatch):
        opened(THREE_CHUNKS, BOB)


def test_keys_come_back_from_text_and_a_wrong_sign_is_refused_without_repeating_it():
    secret = ALICE.in_text()

    assert Identity.parse(f" {secret}\n") == ALICE
    assert Recipient.parse(str(ALICE.recipient).upper()) == ALICE.recipient
    wrong = secret[:-1] + ("Q" if secret[-1] != "Q" else "P")
    for text in (wrong, secret[:-7], str(ALICE.recipient), "", "1", secret.capitalize()):
        with pytest.raises(KeyUnreadable) as refused:
            Identity.parse(text)
        assert len(text) < 8 or text not in str(refused.value)
    assert secret not in repr(ALICE)


def test_a_file_for_nobody_is_not_written():
    with pytest.raises(ValueError, match="recipient"):
        seal_header(bytes(16), [])
