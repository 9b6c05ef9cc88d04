"""Messages as studios sent them and the desk told them: tables of words, and JSON for programs."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html

from licensing.words import Channel, Outcome, PromptClass, Standing, Treatment
from talent.admin import as_read
from talent.words import Exclusion, Right, Use, Word


def _label_of(word: type[Word]) -> as_read.Name:
    labels = dict(word.choices())
    return lambda code, _locale: labels.get(code, code)


FOR_PROGRAMS = {"specversion", "datacontenttype", "type"}
NAMES = {
    **as_read.CODES,
    "right": _label_of(Right),
    "use": _label_of(Use),
    "channel": _label_of(Channel),
    "content": _label_of(Exclusion),
    "prompt_class": _label_of(PromptClass),
    "standing": _label_of(Standing),
    "outcome": _label_of(Outcome),
    "treatment": _label_of(Treatment),
}


def in_words(message: Any) -> str:
    """Return a message as a table of what it says, without what only programs ask for."""
    if isinstance(message, Mapping):
        message = {key: value for key, value in message.items() if key not in FOR_PROGRAMS}
    return as_read.in_words(message, NAMES)


def value_in_words(key: str, value: Any) -> str:
    """Return one value of a message, by the name of what it is about."""
    return as_read.said(key, value, NAMES)


def as_json(message: Mapping[str, Any]) -> str:
    """Return a message as programs read it; it belongs among the technical details."""
    text = json.dumps(message, indent=2, ensure_ascii=False)
    return format_html('<pre class="desk-message">{}</pre>', text)
