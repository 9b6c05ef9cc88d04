"""Charts as images within a document."""

from base64 import b64encode
from typing import Any

from valuation.statements.pdf import svg_of

WIDTH = 560


def image_of(spec: dict[str, Any]) -> str:
    """Return a Vega-Lite chart as the address of an SVG, as wide as a memo has room for."""
    svg = svg_of({**spec, "width": WIDTH, "padding": 4})
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
