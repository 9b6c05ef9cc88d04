"""Sending: one request to one judged address, bounded in time and size, never redirected."""

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException
from time import monotonic

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from . import targets
from .targets import Target, TargetRefused

CONNECT_SECONDS = 5.0
DEADLINE_SECONDS = 10.0
MOST_READ = 500
ADDRESSES_TRIED = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status with the beginning of the body, or why nothing did."""

    status: int | None
    body: str = ""
    error: str = ""
    milliseconds: int = 0

    @property
    def is_delivered(self) -> bool:
        return (
            self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        )

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it wants no more, ever."""
        return self.status == HTTPStatus.GONE


class _GuardedConnection:
    """Connects only to an address judged in this very connection, and is cut at its deadline.

    Host and name of the certificate stay those of the address; a name that leads elsewhere by
    now is found here, since nothing is looked up a second time.
    """

    private = False

    def _new_conn(self) -> socket.socket:
        host, port = self.host, self.port  # type: ignore[attr-defined]
        addresses = targets.allowed_addresses(host, port, private=self.private)
        connection = _connect(addresses[:ADDRESSES_TRIED], port)
        # The timeout of a socket begins anew with each byte; this clock does not. The copy
        # reaches the connection whatever TLS has made of the socket.
        self.copy = connection.dup()
        self.clock = threading.Timer(DEADLINE_SECONDS, _cut, [self.copy])
        self.clock.daemon = True
        self.clock.start()
        return connection

    def stop_clock(self) -> None:
        if hasattr(self, "clock"):
            self.clock.cancel()
            self.copy.close()


class _Http(_GuardedConnection, HTTPConnection):
    pass


class _Https(_GuardedConnection, HTTPSConnection):
    pass


def send(
    target: Target,
    body: bytes,
    headers: dict[str, str],
    *,
    private: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Post a body and return what came back; whatever goes wrong is a reply that says so."""
    started = monotonic()
    connection = _connection(target, private, tls)
    try:
        status, text = _exchange(connection, target, body, headers)
        reply = Reply(status, text)
    except TargetRefused as refusal:
        reply = Reply(None, error=str(refusal))
    except (HTTPError, HTTPException, OSError, ValueError) as failure:
        too_late = monotonic() - started >= DEADLINE_SECONDS
        reply = Reply(None, error=_sentence_for(failure, too_late=too_late))
    finally:
        connection.stop_clock()
        connection.close()
    return replace(reply, milliseconds=round((monotonic() - started) * 1_000))


def _connection(
    target: Target,
    private: bool,  # noqa: FBT001 (the setting)
    tls: ssl.SSLContext | None,
) -> _Http | _Https:
    connection: _Http | _Https
    if target.scheme == "https":
        connection = _Https(target.host, target.port, timeout=CONNECT_SECONDS, ssl_context=tls)
    else:
        connection = _Http(target.host, target.port, timeout=CONNECT_SECONDS)
    connection.private = private
    return connection


def _exchange(
    connection: _Http | _Https, target: Target, body: bytes, headers: dict[str, str]
) -> tuple[int, str]:
    connection.request(
        "POST", target.path, body=body, headers=headers, preload_content=False, decode_content=False
    )
    response = connection.getresponse()
    # Even if it is compressed or endless, only the beginning is read.
    beginning = response.read(MOST_READ, decode_content=False).decode("utf-8", "replace")
    # PostgreSQL stores no NUL in a text.
    return response.status, beginning.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _connect(addresses: list[str], port: int) -> socket.socket:
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), CONNECT_SECONDS)
    return socket.create_connection((addresses[-1], port), CONNECT_SECONDS)


def _cut(copy: socket.socket) -> None:
    with contextlib.suppress(OSError):
        copy.shutdown(socket.SHUT_RDWR)


def _sentence_for(failure: Exception, *, too_late: bool) -> str:
    """Say what happened in words for the log of deliveries, without what was sent."""
    if too_late or isinstance(failure, TimeoutError):
        return f"No answer within {DEADLINE_SECONDS:.0f} seconds."
    if isinstance(failure, ssl.SSLError) or isinstance(failure.__cause__, ssl.SSLError):
        return "The certificate is not valid for this address."
    if isinstance(failure, ConnectionError):
        return "The connection was refused or broken off."
    return f"The answer could not be read ({type(failure).__name__})."
