"""Refusals: what the desk says no to, in words fit for its users."""


class Refused(Exception):
    """A rule of the desk forbids what was asked. `code` is stable; the text is shown."""

    code = "refused"
