"""P28: a screenplay read, beside the fastest public parsers of the same file."""

import io
from itertools import cycle

import fdx_parser
import fountain_parser
from screenplain.export.fdx import to_fdx
from screenplain.parsers import fountain as screenplain

from likenessdesk.demo.dialogue import PLAY, speeches
from tests.bench.harness import Row, at_most, in_turn, seconds
from valuation.schedule.screenplay import reading

SIZE = 1_000_000
SPEECHES_A_SCENE = 14


def screenplays() -> list[Row]:
    """P28: a megabyte of Fountain, and the same script as Final Draft's XML."""
    text = long_script(SIZE)
    twin = io.StringIO()
    to_fdx(screenplain.parse(io.StringIO(text)), twin)
    content, xml = text.encode(), twin.getvalue()
    xml_content = xml.encode()
    fountain, theirs = in_turn(
        lambda: seconds(lambda: reading.read(content)),
        lambda: seconds(lambda: fountain_parser.parse(text)),
    )
    draft, toolkit = in_turn(
        lambda: seconds(lambda: reading.read(xml_content)),
        lambda: seconds(lambda: fdx_parser.parse_fdx(xml)),
    )
    return [
        at_most("P28 Fountain read, beside fountain-parser", 2, fountain, theirs),
        at_most("P28 Final Draft read, beside open-fdx-toolkit", 2, draft, toolkit),
    ]


def long_script(size: int) -> str:
    """Return a script of the demo's play, over and over, with action between the speeches."""
    said = cycle(speeches(PLAY.read_text(encoding="utf-8")))
    blocks, written, scene = ["Title: Long"], 0, 0
    while written < size:
        scene += 1
        blocks.append(f"{'INT' if scene % 3 else 'EXT'}. PLACE {scene % 40} - DAY #{scene}#")
        for place in range(SPEECHES_A_SCENE):
            speech = next(said)
            if place % 5 == 0:
                blocks.append("*Cecily* crosses to the window. A bell rings far off in the house.")
            aside = "(quietly)\n" if place % 4 == 0 else ""
            blocks.append(f"{speech.character.upper()}\n{aside}{speech.text}")
        written = sum(map(len, blocks))
    return "\n\n".join(blocks) + "\n"
