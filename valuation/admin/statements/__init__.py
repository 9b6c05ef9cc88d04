"""Statements: drawn, approved, issued, delivered; and the tax year."""

from . import delivery, issue_runs, statements

__all__ = ["delivery", "issue_runs", "statements"]
