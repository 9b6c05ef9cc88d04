"""An agreement's terms as data: JSON with a published schema, and an ODRL policy."""
