"""Content credentials (C2PA) of a file, as far as they can be believed."""
