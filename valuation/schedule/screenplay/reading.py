"""A file becomes a script: its encoding is found out, its format told, and both are checked."""

import codecs
import re

from . import final_draft, fountain
from .script import MOST_BYTES, NotAScreenplay, Script

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# What scripts are written in; others, such as UTF-7, hide marks that a check looks for.
_READABLE = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}  # fmt: skip
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL_BYTES = bytes(code for code in range(0x80) if _CONTROLS.match(chr(code)))


def read(content: bytes) -> Script:
    """Return what a Fountain or .fdx file says. Raises NotAScreenplay."""
    text, _encoding, _skipped = decoded(content)
    if is_final_draft(text):
        return final_draft.read(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return fountain.read(text)


def is_final_draft(text: str) -> bool:
    return text.lstrip()[:1] == "<"


def decoded(content: bytes) -> tuple[str, str, int]:
    """Return a file's text, its encoding, and how many bytes its mark takes.

    Raises NotAScreenplay.
    """
    if len(content) > MOST_BYTES:
        raise NotAScreenplay(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "")
    )
    encoding = encoding or _declared(content)
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        byte = content[len(mark) :][fault.start]
        reason = f"byte 0x{byte:02X} is no {encoding.upper()}. Save the script as UTF-8."
        raise NotAScreenplay(reason, line) from fault
    if not text.strip():
        raise NotAScreenplay("The file is empty.")
    if _may_have_controls(content, encoding) and (found := _CONTROLS.search(text)):
        line = text.count("\n", 0, found.start()) + 1
        raise NotAScreenplay("a control character stands there; this is no text.", line)
    return text, encoding, len(mark)


def _may_have_controls(content: bytes, encoding: str) -> bool:
    """Tell whether a text is worth searching: where a byte is a sign, counting them is faster."""
    if encoding.startswith("utf-16"):
        return True
    return len(content.translate(None, _CONTROL_BYTES)) < len(content)


def _declared(content: bytes) -> str:
    found = _DECLARED.match(content[:400])
    if not found:
        return "utf-8"
    name = found[1].decode("ascii").lower()
    if name not in _READABLE:
        raise NotAScreenplay(f"scripts in “{name}” are not read. Save it as UTF-8.", 1)
    return _READABLE[name]
