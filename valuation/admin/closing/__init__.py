"""The month's close, and where all money stands."""

from . import closing

__all__ = ["closing"]
