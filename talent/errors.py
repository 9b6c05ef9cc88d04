"""Refusals: the base of every error whose text is shown to users."""


class Refused(Exception):
    """A rule of the desk forbids an operation. `code` never changes; users read the text."""

    code = "refused"
