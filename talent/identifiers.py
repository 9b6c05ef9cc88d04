"""Identifiers of people and works: checked, and brought into their one written form."""

import re
from collections.abc import Callable

from stdnum.iso7064 import mod_11_2, mod_37_36

from talent.errors import Refused
from talent.words import Scheme

CheckCharacter = Callable[[str], str]

RESOLVERS = re.compile(
    r"^(https?://(dx\.)?(doi|isni|ui\.eidr)\.org/(isni/|view/content\?id=)?"
    r"|https?://hdl\.handle\.net/|doi:|isni:?|isan:?|eidr:?)",
    re.IGNORECASE,
)
SPACING = re.compile(r"[\s\u2010-\u2013-]")
# What an identifier of a scheme is, in words and as a pattern of its characters without spaces.
_SHAPES: dict[str, tuple[str, str]] = {
    Scheme.IPN: ("an IPN: that is a number of at most 11 digits", r"[0-9]{1,11}"),
    Scheme.IPI: ("an IPI name number: that has 11 digits", r"[0-9]{11}"),
    Scheme.IMDB: ("a person of IMDb: that is nm with 7 or 8 digits", r"NM[0-9]{7,8}"),
}
FOURS = re.compile(r".{4}(?=.)")


class NotAnIdentifier(Refused):
    code = "not_an_identifier"


def isni(text: str) -> str:
    """Return an ISNI (ISO 27729, MOD 11-2) as 16 characters: 000000012150090X.

    Raises NotAnIdentifier.
    """
    number = _compact(text)
    if not re.fullmatch(r"[0-9]{15}[0-9X]", number):
        raise NotAnIdentifier(f"“{text}” is not an ISNI: that has 16 digits, the last may be X.")
    _check(text, number, mod_11_2.calc_check_digit, "ISNI")
    return number


def isan(text: str) -> str:
    """Return an ISAN or V-ISAN (ISO 15706, MOD 37,36) with hyphens and check characters.

    Raises NotAnIdentifier.
    """
    parts = re.fullmatch(r"([0-9A-F]{16})([0-9A-Z])(?:([0-9A-F]{8})([0-9A-Z]))?", _compact(text))
    if not parts:
        raise NotAnIdentifier(
            f"“{text}” is not an ISAN: that has 16 hexadecimal digits and a check character, "
            "and for a version 8 more and another one."
        )
    work, work_check, version, version_check = parts.groups()
    _check(text, work + work_check, mod_37_36.calc_check_digit, "ISAN")
    if version is None:
        return f"{_in_fours(work)}-{work_check}"
    _check(text, work + version + version_check, mod_37_36.calc_check_digit, "ISAN")
    return f"{_in_fours(work)}-{work_check}-{_in_fours(version)}-{version_check}"


def eidr(text: str) -> str:
    """Return an EIDR content id (MOD 37,36) as 10.5240/XXXX-XXXX-XXXX-XXXX-XXXX-C.

    Raises NotAnIdentifier.
    """
    parts = re.fullmatch(r"10\.5240/([0-9A-F]{20})([0-9A-Z])", _compact(text))
    if not parts:
        raise NotAnIdentifier(
            f"“{text}” is not an EIDR: that is 10.5240/ with 20 hexadecimal digits in groups of "
            "four and a check character."
        )
    digits, check = parts.groups()
    _check(text, digits + check, mod_37_36.calc_check_digit, "EIDR")
    return f"10.5240/{_in_fours(digits)}-{check}"


def hand_id(text: str) -> str:
    """Return a HAND id as 10.23/XXXX-XXXX-XXXX-XXXX-XXXX. Its characters carry no check.

    Raises NotAnIdentifier.
    """
    parts = re.fullmatch(r"10\.23/([0-9A-Z]{20})", _compact(text))
    if not parts:
        raise NotAnIdentifier(
            f"“{text}” is not a HAND id: that is 10.23/ with 20 letters or digits in groups of "
            "four."
        )
    return f"10.23/{_in_fours(parts[1])}"


def external(scheme: str, text: str) -> str:
    """Return an identifier of another scheme in its form there. Raises NotAnIdentifier.

    Schemes that the desk does not know are kept as they were written.
    """
    said, shape = _SHAPES.get(scheme, ("", r".+"))
    number = _compact(text) if said else text.strip()
    if not re.fullmatch(shape, number):
        raise NotAnIdentifier(f"“{text}” is not {said}.")
    return number.lower() if scheme == Scheme.IMDB else number


def _compact(text: str) -> str:
    return SPACING.sub("", RESOLVERS.sub("", text.strip())).upper()


def _in_fours(digits: str) -> str:
    return FOURS.sub(r"\g<0>-", digits)


def _check(text: str, number: str, check_character: CheckCharacter, kind: str) -> None:
    expected = check_character(number[:-1])
    if number[-1] != expected:
        raise NotAnIdentifier(
            f"“{text}” is not an {kind}: its check character is {number[-1]} and would have to be "
            f"{expected}, so something in it is mistyped."
        )
