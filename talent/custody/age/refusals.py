"""Why a file in the age format is not opened."""

from talent.errors import Refused


class AgeBroken(Refused):
    """A file is not what its writer made."""

    code = "age_broken"


class HeaderBroken(AgeBroken):
    """A header cannot be read, or was changed after it was written."""

    code = "age_header_broken"


class PayloadBroken(AgeBroken):
    """A chunk was changed, moved, cut off or added."""

    code = "age_payload_broken"


class NoMatch(Refused):
    """None of the keys at hand opens a file."""

    code = "age_no_match"


class KeyUnreadable(Refused):
    """A text is no age key."""

    code = "age_key_unreadable"
