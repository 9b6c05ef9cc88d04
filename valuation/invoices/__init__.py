"""Invoices: what an agency asks its licensees to pay, drawn from what the nights posted.

Drawn up (`drawing_up`), approved by somebody else and issued with a number (`deciding`), drawn as
a document (`papers`) and as data (`exports`). What is paid of each is told by the money that was
matched (`settled`); what is late by when it was due (`ageing`).
"""
