"""The wizard in the admin: an agreement by seven steps, each a page that is sent by itself."""

from .pages import WithWizard

__all__ = ["WithWizard"]
