"""What a plan rests on in law, and what could be claimed for it. Beside V, never in it."""
