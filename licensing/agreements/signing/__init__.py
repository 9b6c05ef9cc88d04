"""Signing: a document goes out, is signed by each in order, and then the agreement holds."""
