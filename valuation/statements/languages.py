"""The languages that statements are written in, and in which locale one is for a reader."""

from talent import locales

# A language is added once its catalogue is complete: a test finds what is missing.
WRITTEN = ("en", "de", "fr", "es")


def written(locale: str) -> str:
    """Return the locale that a statement is written in for a reader of some locale.

    Where there are no labels in their language, all is English: days, figures and labels are of one
    language. Names stand as they are.
    """
    return locale if locales.known(locale).language in WRITTEN else "en-US"
