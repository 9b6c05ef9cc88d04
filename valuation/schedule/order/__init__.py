"""The order of shooting: who waits paid between their scenes, and what the best order costs."""
