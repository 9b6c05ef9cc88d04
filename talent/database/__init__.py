"""What PostgreSQL does for the desk beside Django's models: SQL in files, rows as JSON, locks."""
