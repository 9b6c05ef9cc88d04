"""What a twin is worth: V by its five terms, what exposure takes off, and what follows."""
