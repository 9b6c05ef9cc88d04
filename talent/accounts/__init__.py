"""Accounts: who is let in, how often one may try to come in, and what a sign-in must prove."""
