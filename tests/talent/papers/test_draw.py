"""Drawing a document: what a machine that is full says, and that nothing is fetched."""

import errno
import gc
from datetime import date
from io import BytesIO
from xml.etree import ElementTree

import pikepdf
import pytest

from talent.errors import Refused
from talent.papers import draw as papers
from talent.papers import fonts

PAGE = """<html lang="en"><head><title>A page</title><style>
@font-face { font-family: "S"; src: url("font:SourceSans3-Regular.ttf"); }
html { font-family: "S"; }
</style></head><body>Words.</body></html>"""


def drawn():
    return papers.draw(PAGE, dated=date(2026, 10, 1))


def fails_with(failure):
    def fail(*_args, **_options):
        raise failure

    return fail


def test_characters_that_xml_does_not_hold_break_no_metadata():
    """A name brought them in before the doors refused them; the paper shows that they are there."""
    page = PAGE.replace("A page", "Ada\x0b\u202eSample")

    pdf = papers.draw(page, dated=date(2026, 10, 1))

    with pikepdf.open(BytesIO(pdf)) as paper:
        metadata = ElementTree.fromstring(paper.Root.Metadata.read_bytes())  # noqa: S314 (ours)
    assert "Ada\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}Sample" in "".join(
        metadata.itertext()
    )


def test_a_full_disk_is_refused_in_plain_words(monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(papers, "FontConfiguration", fails_with(full))

    with pytest.raises(papers.NotDrawn, match="No space left on device") as refusal:
        drawn()
    assert isinstance(refusal.value, Refused)
    assert gc.isenabled()


def test_full_memory_is_refused_in_plain_words(monkeypatch):
    monkeypatch.setattr(papers, "FontConfiguration", fails_with(MemoryError()))

    with pytest.raises(papers.NotDrawn, match="no memory is left"):
        drawn()


def test_a_missing_font_stops_the_drawing(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "folder", lambda: tmp_path)

    with pytest.raises(papers.FontMissing):
        drawn()


def test_nothing_outside_the_page_is_fetched():
    fetcher = papers.OurFontsOnly()

    for url in ("https://desk.example/x.png", "file:///etc/passwd", "font:../../settings.py"):
        with pytest.raises((ValueError, papers.FontMissing)):
            fetcher.fetch(url)


def test_the_same_page_gives_the_same_bytes():
    assert drawn() == drawn()
