"""What agreements oblige whom to do by which day: derived on each reading, never stored."""
