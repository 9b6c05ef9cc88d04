"""Plain text: what people type is what others read, without characters that nobody sees.

Control characters break documents and logs; direction overrides make a name read as another.
Marks that languages need are left: joiners, and marks of direction between words.
"""

import re

# Control characters and halves of characters; what turns the direction of the text around it
# (embeddings, overrides, isolates); anchors of annotations, and the mark that begins a file.
_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff\ud800-\udfff"
)
_BREAKS = "\t\n\r\u2028\u2029"
_IN_TEXT = re.compile(f"[{_UNSEEN}]")
_IN_LINE = re.compile(f"[{_UNSEEN}{_BREAKS}]")

UNSEEN_CHARACTERS = "This holds a character that nobody sees, or that turns the text around."
# The same in PostgreSQL, whose text holds neither NUL nor halves of characters.
MORE_THAN_A_LINE_IN_SQL = (
    r"[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff]"
)

MORE_THAN_A_LINE = "This is one line, without breaks or characters that nobody sees."


def has_unseen(text: str) -> bool:
    """Tell whether a text of one or more lines holds characters that nobody sees."""
    return _IN_TEXT.search(text) is not None


def is_line(text: str) -> bool:
    """Tell whether a text is one line of what can be seen, as names are."""
    # What is printable holds none of these; the pattern lets through joiners and marks besides.
    return text.isprintable() or _IN_LINE.search(text) is None


def as_line(text: str) -> str:
    """Return a text as one line, with a sign in place of each break and unseen character."""
    return _IN_LINE.sub("\N{REPLACEMENT CHARACTER}", text)


def with_unseen_shown(text: str) -> str:
    """Return a text with a sign in place of each character that nobody sees."""
    return _IN_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)
