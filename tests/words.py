"""What people read in the admin: names that say what a row is, and no code, digest or JSON."""

import re
from html.parser import HTMLParser

from django.apps import apps

from tests.pages import OURS

MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
# What rows are, as a name with a number would say it: “Event 5”, “Dead letter 12”.
KINDS = {
    *(str(model._meta.verbose_name) for model in MODELS),
    *("entry", "event", "key", "match", "night", "part", "record", "released part", "shard"),
    *("source", "units", "line", "account", "decision", "answer", "run", "batch", "import"),
}
# Amendments and builds are counted by whoever makes them, scenes by whoever writes them.
KINDS -= {"amendment", "build", "scene"}
NUMBERED = re.compile(
    rf"\b({'|'.join(sorted(map(re.escape, KINDS), key=len, reverse=True))}) #?\d+\b"
    r"|\bobject \(\d+\)",
    re.IGNORECASE,
)
# What only programs read: UUIDs, digests and JSON.
FOR_PROGRAMS = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{32,}\b"
    r"|[{\[]\s*[\"'][\w. -]*[\"']\s*[:,\]]"
    r"|^\s*(\{\}|\[\])\s*$",
    re.MULTILINE,
)
# Codes of words, places, languages and currencies, where they are all that stands somewhere;
# words of people are as short, and a key to the API is told apart by how it begins.
SHORT = "UTC|PDF|CSV|API|ADR|INT$|EXT$|no$|desk_"
CODE = re.compile(rf"(?!{SHORT})([a-z0-9]+(_[a-z0-9]+)+|[A-Z]{{2,3}}|[a-z]{{2}}(-[A-Z]{{2}})?)")
# What no page shows as a text of its own; an option is the choice of a form.
UNREAD = {"script", "style", "template", "textarea", "option"}


class Read(HTMLParser):
    """The texts that a page shows to whoever reads it, without what is folded away."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in {"input", "br", "img", "link", "meta", "hr", "path", "source"}:
            return
        self.open.append((tag, tag in UNREAD or self.folded(attrs)))

    def folded(self, attrs):
        """Tell whether what begins here is folded away as technical details, or is an icon."""
        classes = set((dict(attrs).get("class") or "").split())
        if "highlight" in classes and not any(unread for _tag, unread in self.open):
            self.texts.append("{}")  # JSON in colours
        return bool(classes & {"desk-technical", "material-symbols-outlined"})

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not any(unread for _tag, unread in self.open):
            self.texts.append(" ".join(data.split()))


def unread_words(name, page):
    """Return what a page shows and no person reads, by the page's name."""
    return {
        f"{name}: {text[:100]}"
        for text in Read(page).texts
        if NUMBERED.search(text) or FOR_PROGRAMS.search(text) or CODE.fullmatch(text)
    }
