"""The fonts of every document: vendored, and read from nowhere else."""

from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

SCHEME = "font:"  # how a style sheet names a vendored font: font:SourceSans3-Regular.ttf


@cache
def folder() -> Path:
    """Return the folder of the vendored fonts. Raises FileNotFoundError if it is missing."""
    found = finders.find("fonts/SourceSans3-Regular.ttf")
    if not found:
        raise FileNotFoundError("fonts/SourceSans3-Regular.ttf is not among the static files")
    return Path(found).parent


def read(url: str) -> bytes:
    """Return the bytes of the font that a `font:` address names. Raises OSError if missing."""
    return (folder() / Path(url.removeprefix(SCHEME)).name).read_bytes()
