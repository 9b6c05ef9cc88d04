"""URIs and URI references as RFC 3986 spells them, nothing more lenient."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

_PLAIN = r"[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_SEGMENT = rf"(?:{_PLAIN}|[:@])"
_AUTHORITY = rf"(?:(?:{_PLAIN}|:)*@)?(?:\[(?P<literal>[^\[\]]*)\]|(?:{_PLAIN})*)(?::[0-9]*)?"
_AFTER_AUTHORITY = rf"(?:/{_SEGMENT}*)*"
_FROM_ROOT = rf"/(?:{_SEGMENT}+(?:/{_SEGMENT}*)*)?"
_ROOTLESS = rf"{_SEGMENT}+(?:/{_SEGMENT}*)*"
_NO_COLON_FIRST = rf"(?:{_PLAIN}|@)+(?:/{_SEGMENT}*)*"
_QUERY = rf"(?:\?(?:{_SEGMENT}|[/?])*)?"
_FRAGMENT = rf"(?:#(?:{_SEGMENT}|[/?])*)?"
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*:"

_ABSOLUTE = re.compile(
    rf"{_SCHEME}(?://{_AUTHORITY}{_AFTER_AUTHORITY}|{_FROM_ROOT}|{_ROOTLESS}|){_QUERY}"
)
_WITH_SCHEME = re.compile(_ABSOLUTE.pattern + _FRAGMENT)
_RELATIVE = re.compile(
    rf"(?://{_AUTHORITY}{_AFTER_AUTHORITY}|{_FROM_ROOT}|{_NO_COLON_FIRST}|){_QUERY}{_FRAGMENT}"
)
_LONGEST_REMEMBERED = 200
_FUTURE_ADDRESS = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+")


def is_absolute_uri(text: str) -> bool:
    """Whether the text is an absolute URI: a scheme, and no fragment (RFC 3986, 4.3)."""
    if len(text) <= _LONGEST_REMEMBERED:
        return _is_remembered_absolute(text)
    return _matches(_ABSOLUTE, text)


def is_uri_reference(text: str) -> bool:
    """Whether the text is a URI or a relative reference (RFC 3986, 4.1); empty text is one."""
    if len(text) <= _LONGEST_REMEMBERED:
        return _is_remembered_reference(text)
    return _is_reference(text)


def _is_reference(text: str) -> bool:
    return _matches(_WITH_SCHEME, text) or _matches(_RELATIVE, text)


# A studio's events name the same few sources a thousand times in a batch.
_is_remembered_reference = lru_cache(maxsize=1024)(_is_reference)
_is_remembered_absolute = lru_cache(maxsize=1024)(lambda text: _matches(_ABSOLUTE, text))


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    match = pattern.fullmatch(text)
    return match is not None and _is_address(match["literal"])


def _is_address(literal: str | None) -> bool:
    if literal is None or _FUTURE_ADDRESS.fullmatch(literal):
        return True
    if "%" in literal:  # A zone is no part of RFC 3986, though the parser knows it.
        return False
    try:
        IPv6Address(literal)
    except AddressValueError:
        return False
    return True
