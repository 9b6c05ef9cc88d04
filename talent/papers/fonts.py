"""The fonts of every document: vendored, and read from nowhere else."""

from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

SCHEME = "font:"  # how a style sheet names a vendored font: font:SourceSans3-Regular.ttf


@cache
def folder() -> Path:
    """Return where the vendored fonts lie. Raises FileNotFoundError where they are missing."""
    found = finders.find("fonts/SourceSans3-Regular.ttf")
    if not found:
        raise FileNotFoundError("fonts/SourceSans3-Regular.ttf is not among the static files")
    return Path(found).parent


def read(url: str) -> bytes:
    """Return the font that a `font:` address names. Raises OSError where there is none."""
    return (folder() / Path(url.removeprefix(SCHEME)).name).read_bytes()
