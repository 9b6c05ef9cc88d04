"""Which scenes are played in person and which by a twin, in what order they are shot, and why."""
