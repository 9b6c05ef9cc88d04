"""What would change if: a rate, a rule, a share, a dataset; and what plans are told."""

from . import share_changes

__all__ = ["share_changes"]
