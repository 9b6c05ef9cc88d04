"""What banks send and take: statements of accounts read, payment orders written. Knows no database.

Statements come as ISO 20022 camt.053, SWIFT MT940 or a bank's own CSV; orders go as ISO 20022
pain.001.001.09 or as a NACHA file.
"""
