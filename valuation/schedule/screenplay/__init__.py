"""Screenplays read: Fountain and Final Draft XML in, scenes out. Nothing is run or fetched."""
