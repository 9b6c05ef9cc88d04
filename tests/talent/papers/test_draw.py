"""Drawing a document: what a machine that is full says, and that nothing is fetched."""

import errno
import gc
import threading
import zlib
from datetime import date
from io import BytesIO
from xml.etree import ElementTree

import page
import pikepdf
import pytest

from talent import faces
from talent.errors import Refused
from talent.papers import draw as papers

PAGE = """<html lang="en"><head><title>A page</title><style>
html { font-family: "Source Sans 3"; }
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
    monkeypatch.setattr(papers, "_configuration", fails_with(full))

    with pytest.raises(papers.NotDrawn, match="No space left on device") as refusal:
        drawn()
    assert isinstance(refusal.value, Refused)
    assert gc.isenabled()


def test_full_memory_is_refused_in_plain_words(monkeypatch):
    monkeypatch.setattr(papers, "_configuration", fails_with(MemoryError()))

    with pytest.raises(papers.NotDrawn, match="no memory is left"):
        drawn()


def test_a_missing_font_stops_the_drawing(monkeypatch, tmp_path):
    monkeypatch.setattr(faces, "FACES", tmp_path)
    monkeypatch.setattr(papers, "_own", threading.local())

    with pytest.raises(papers.NotDrawn) as refusal:
        drawn()
    assert isinstance(refusal.value.__cause__, faces.FaceMissing)


def test_nothing_outside_the_page_is_fetched():
    fetcher = papers.NothingFetched()

    for url in ("https://desk.example/x.png", "file:///etc/passwd", "font:../../settings.py"):
        with pytest.raises(ValueError, match=url[:4]):
            fetcher.fetch(url)


# As families of the machine would be asked for: by name, by kind, and by what the desk lacks.
NAMES = {
    "ja": "佐藤 美咲 さくら",
    "th": "ก้อง เกียรติศักดิ์",
    "ko": "김민준",
    "zh-Hans": "王小明",
    "ar": "محمد الأمين",
    "he": "דוד כהן",
    "hi": "अमिताभ शर्मा",
    "vi": "Đặng Thị Hồng",
    "ru": "Жуков",
    "ta": "தமிழ்",
}


def test_names_in_any_script_print_from_our_faces_alone():
    """Whatever family is asked for and whatever the machine has: the same bytes everywhere."""
    lines = "".join(
        f"<p lang='{tag}'>{name} <b>{name}</b> <i style='font-family: DejaVu Sans'>{name}</i>"
        for tag, name in NAMES.items()
    )
    pdf = papers.draw(PAGE.replace("Words.", lines), dated=date(2026, 10, 1))

    with pikepdf.open(BytesIO(pdf)) as paper:
        used = {
            str(one.FontName).partition("+")[2]
            for one in paper.objects
            if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"
        }
        unmapped = [
            one
            for one in paper.objects
            if isinstance(one, pikepdf.Dictionary)
            and one.get("/Subtype") == "/Type0"
            and b"<0000>" in one.ToUnicode.read_bytes().split(b"beginbfchar", 1)[-1]
        ]
    assert not unmapped
    assert all(face.startswith(("Source-Sans-3", "Noto-Sans")) for face in used), used
    assert {face.removeprefix("Noto-Sans-").split("-")[0] for face in used} >= {
        *("CJK", "Thai", "Arabic", "Hebrew", "Devanagari", "Tamil")
    }
    assert not page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_A_3A).failures


def test_no_stream_ends_as_a_line_does():
    """Its length would be read as one less: one file of six had such a stream, by chance."""
    texts = (bytes([n % 256, n // 256]) for n in range(65_536))
    ends_so = next(
        text for text in texts if zlib.compress(text, papers.LEVEL).endswith(papers.BREAKS)
    )
    attached = papers.AttachedFile("n.csv", ends_so, "A number", "Data")

    pdf = papers.draw(PAGE, attachments=[attached], dated=date(2026, 10, 1))

    with pikepdf.open(BytesIO(pdf)) as paper:
        assert paper.attachments["n.csv"].get_file().read_bytes() == ends_so
    assert b"/ASCIIHexDecode" in pdf
    assert not papers.ENDS_AS_A_LINE.search(pdf)


def test_what_no_face_has_is_not_borrowed_from_the_machine():
    """A snowman, which many machines have: a box in our face is seen, a foreign face is not."""
    pdf = papers.draw(PAGE.replace("Words.", "Words \N{SNOWMAN}"), dated=date(2026, 10, 1))

    with pikepdf.open(BytesIO(pdf)) as paper:
        used = {
            str(one.FontName)
            for one in paper.objects
            if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"
        }
    assert used
    assert all("Source-Sans" in face or "Noto-Sans" in face for face in used), used


def test_an_ideograph_has_the_form_of_its_language():
    of = {
        tag: papers.draw(PAGE.replace("Words.", f"<p lang='{tag}'>直骨"), dated=date(2026, 10, 1))
        for tag in ("ja", "zh-Hans", "zh-Hant")
    }

    assert len({len(pdf) for pdf in of.values()}) == len(of)


@pytest.mark.parametrize(
    ("text", "reader", "language"),
    [
        ("佐藤 さくら", "zh-CN", "ja"),
        ("김민준", "en-US", "ko"),
        ("ㄅㄆ", "en-US", "zh-Hant"),
        ("王小明", "zh-TW", "zh-TW"),
        ("佐藤 美咲", "en-US", "ja"),
        ("Ada Sample", "ja-JP", ""),
    ],
)
def test_a_name_tells_whose_ideographs_it_has(text, reader, language):
    assert faces.language_of(text, reader) == language


def test_what_no_face_has_is_named_and_a_mark_that_is_not_printed_is_not():
    assert faces.lacking("Ada \N{GRINNING FACE} \N{GRINNING FACE}") == [
        "“\N{GRINNING FACE}” (grinning face)"
    ]
    assert faces.lacking("".join(NAMES.values())) == []
    assert faces.lacking("葛\U000e0100 a\u200db \u200f\nc") == []


def test_the_same_page_gives_the_same_bytes():
    assert drawn() == drawn()
