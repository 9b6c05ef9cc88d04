"""A plan for twins: filled, gathered, frozen, valued in the background and kept."""
