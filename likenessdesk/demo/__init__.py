"""The demo: two agencies and what their twins did in a summer."""
