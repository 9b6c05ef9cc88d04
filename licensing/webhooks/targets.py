"""Where a webhook may go: to public addresses over HTTPS, never into the desk's own network.

A name is looked up, and every address it leads to judged, when an endpoint is saved, and again
whenever a connection is made, to the very address that was judged.
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from talent.errors import Refused

LONGEST_URL = 500
PORTS = {"https": 443, "http": 80}
FIRST_FREE_PORT = 1024

Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]

# Never allowed, whatever the operator sets: link-local addresses, where clouds serve credentials,
# multicast and reserved ones, and those that embed another address.
NEVER: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",
        "2001::/32", "2002::/16", "fd00:ec2::/32", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
LOOPBACK_6 = IPv6Address("::1")

_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}\.?"
)
# What an old resolver reads as a number: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMBER_AT_THE_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")


class TargetRefused(Refused):
    """A webhook may not go to this address."""

    code = "target_refused"


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was judged by its form: scheme, host, port and the rest."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def target_in(url: str, *, private: bool = False) -> Target:
    """Return the parts of an address, judged by its form. `private` also allows plain HTTP.

    Raises TargetRefused.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as wrong:
        raise TargetRefused("This is no address of a web page.") from wrong
    _check_form(url, parts)
    if parts.scheme == "http" and not private:
        raise TargetRefused("A webhook goes to an https:// address.")
    port = PORTS[parts.scheme] if port is None else port
    if port < FIRST_FREE_PORT and port not in PORTS.values():
        raise TargetRefused("Use port 443, or one from 1024 on.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, _host(parts.hostname or ""), port, path)


def _check_form(url: str, parts: SplitResult) -> None:
    if len(url) > LONGEST_URL:
        raise TargetRefused(f"An address has at most {LONGEST_URL} characters.")
    if parts.scheme not in PORTS:
        raise TargetRefused("A webhook goes to an https:// address.")
    if "@" in parts.netloc:
        raise TargetRefused(
            "Leave user and password out of the address; check the signature instead."
        )
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):
        raise TargetRefused("This is no IPv6 address.")
    if "#" in url or not url.isascii() or any(ord(sign) <= ord(" ") for sign in url.strip()):
        raise TargetRefused("Write the address in plain ASCII, without spaces and without #.")


def _host(host: str) -> str:
    if ":" in host:
        if "%" in host:
            raise TargetRefused("An address with a zone is of this machine alone.")
        try:
            return str(IPv6Address(host))
        except ValueError as wrong:
            raise TargetRefused("This is no IPv6 address.") from wrong
    if _NUMBER_AT_THE_END.fullmatch(host):
        try:
            return str(IPv4Address(host))
        except ValueError as wrong:
            raise TargetRefused("Write an IP address as four decimal numbers.") from wrong
    if not _NAME.fullmatch(host):
        raise TargetRefused("The address names no host; write names as in xn--….")
    return host


# Addresses


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses a name leads to now, in the order to try them."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def allowed_addresses(
    host: str, port: int, *, private: bool = False, resolve: Resolver | None = None
) -> list[str]:
    """Return the addresses of a host, every one of which a webhook may go to.

    One bad address refuses all: who controls a name also chooses which of them is tried.
    Raises TargetRefused.
    """
    try:
        addresses = (resolve or look_up)(host, port)
    except (OSError, UnicodeError) as failure:
        raise TargetRefused("This name leads nowhere; check it for a typing error.") from failure
    if not addresses or not all(may_go_to(address, private=private) for address in addresses):
        raise TargetRefused("This name leads to an address that webhooks do not go to.")
    return list(addresses)


def may_go_to(address: str, *, private: bool = False) -> bool:
    """Tell whether an IP address is public; with `private`, any but link-local and special ones."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.scope_id:
        return False
    if private and ip == LOOPBACK_6:
        return True
    if any(ip in network for network in NEVER if network.version == ip.version):
        return False
    return private or (ip.is_global and not ip.is_multicast and not ip.is_reserved)
