"""The leak drill: who could have read an item, who did, and what to tell whom by when."""
