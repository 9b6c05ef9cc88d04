"""The demo's script: a short film in its own words, after a story that is in the public domain."""

from pathlib import Path

SCRIPT = Path(__file__).parent / "glass_harbour.fountain"
