"""Files in the age v1 format (C2SP, age-encryption.org/v1), so that anybody's `age` opens them.

A file is a header, which wraps the file's key for each recipient, and a payload, which is a random
nonce and the content in chunks. Both are apart here: whoever destroys the header has destroyed the
content, and whoever adds a recipient does not touch the payload.

Of recipients only X25519 ones are written and read. Others, such as passphrases, are skipped; a
file that has only such ones cannot be opened here.
"""

from .header import open_header, seal_header, split_header
from .keys import Identity, Recipient
from .payload import CHUNK, NONCE, OVERHEAD, PayloadCipher, chunks_of, new_nonce, payload_size
from .refusals import AgeBroken, HeaderBroken, KeyUnreadable, NoMatch, PayloadBroken
from .whole import sealed_file

__all__ = [
    "CHUNK",
    "NONCE",
    "OVERHEAD",
    "AgeBroken",
    "HeaderBroken",
    "Identity",
    "KeyUnreadable",
    "NoMatch",
    "PayloadBroken",
    "PayloadCipher",
    "Recipient",
    "chunks_of",
    "new_nonce",
    "open_header",
    "payload_size",
    "seal_header",
    "sealed_file",
    "split_header",
]
