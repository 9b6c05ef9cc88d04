"""What would change if: a rate, a rule, a share; what plans and other agencies are told."""

from . import agency_changes, share_changes

__all__ = ["agency_changes", "share_changes"]
