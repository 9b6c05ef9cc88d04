"""A security module (PKCS#11) that holds the key under which the desk's own identity is sealed.

age's X25519 wants the private key itself, and few modules compute with it. So the module keeps an
AES key that cannot leave it; the identity lies sealed under that in the settings, and is opened by
the module when a process first needs it. Who has the settings and the disk, and not the module,
opens nothing.
"""

import base64
import binascii
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.conf import settings

from talent.errors import Refused

PREFIX = "pkcs11:"
LABEL = "likenessdesk-vault"
ABOUT = b"likenessdesk vault identity"
IV, TAG_BITS, KEY_BITS = 12, 128, 256


class TokenAway(Refused):
    """The security module is away, wants another PIN, or did not seal what is to be opened."""

    code = "custody_token_away"


def seal(identity: bytes) -> str:
    """Return an identity sealed by the module, as settings name it; its key is made where missing.

    Raises TokenAway.
    """
    import pkcs11

    iv = secrets.token_bytes(IV)
    with _session() as session:
        sealed = _key(session, makes=True).encrypt(
            identity,
            mechanism=pkcs11.Mechanism.AES_GCM,
            mechanism_param=pkcs11.GCMParams(iv, ABOUT, TAG_BITS),
        )
    return PREFIX + base64.b64encode(iv + sealed).decode()


@lru_cache(maxsize=4)
def opened(text: str) -> bytes:
    """Return the identity that is sealed in a setting; a process asks once. Raises TokenAway."""
    import pkcs11

    try:
        content = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as unreadable:
        raise TokenAway("What is sealed by the security module is cut off.") from unreadable
    with _session() as session:
        identity: bytes = _key(session, makes=False).decrypt(
            content[IV:],
            mechanism=pkcs11.Mechanism.AES_GCM,
            mechanism_param=pkcs11.GCMParams(content[:IV], ABOUT, TAG_BITS),
        )
    return identity


def _key(session: Any, *, makes: bool) -> Any:
    import pkcs11

    try:
        return session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=LABEL)
    except pkcs11.NoSuchKey:
        if not makes:
            raise
    kept = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
    return session.generate_key(
        pkcs11.KeyType.AES, KEY_BITS, label=LABEL, store=True, template=kept
    )


@contextmanager
def _session() -> Iterator[Any]:
    """Open a session of the module for as long as one key is used. Raises TokenAway."""
    # Imported here: a desk without a security module loads nothing of it.
    import pkcs11

    try:
        token = pkcs11.lib(settings.VAULT_PKCS11_MODULE).get_token(
            token_label=settings.VAULT_PKCS11_TOKEN
        )
        with token.open(user_pin=settings.VAULT_PKCS11_PIN, rw=True) as session:
            yield session
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise TokenAway(
            f"The security module does not open the vault's key ({type(error).__name__}). Check "
            "VAULT_PKCS11_MODULE, _TOKEN and _PIN."
        ) from error
