"""The admin's front hall: its index with what waits, its sidebar, and its search."""
