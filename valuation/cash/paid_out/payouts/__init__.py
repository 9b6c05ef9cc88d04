"""Payout runs: drawn up by one person, approved by another, filed, and booked by the bank.

What is approved leaves what is payable at once and is in transit, so that no money is drawn twice.
It is paid when the bank's statement says so, and payable again when the bank sends it back.
"""

from .booked import booked_by, confirm, explained, fee_of, give_back, sent_back_by
from .deciding import approve, cancel, digest_of
from .drawing_up import change, draw_up
from .files import changed_since, fetch, file_name
from .refusals import (
    ChangedSince,
    FileChanged,
    NoAccountOfItsOwn,
    NobodyToPay,
    NoReason,
    NotItsTurn,
    NotOfAPayout,
    NotPayableAmount,
    NotThatDay,
)
from .runs import APPROVES, CONFIRMS, DRAWS

__all__ = [
    "APPROVES",
    "CONFIRMS",
    "DRAWS",
    "ChangedSince",
    "FileChanged",
    "NoAccountOfItsOwn",
    "NoReason",
    "NobodyToPay",
    "NotItsTurn",
    "NotOfAPayout",
    "NotPayableAmount",
    "NotThatDay",
    "approve",
    "booked_by",
    "cancel",
    "change",
    "changed_since",
    "confirm",
    "digest_of",
    "draw_up",
    "explained",
    "fee_of",
    "fetch",
    "file_name",
    "give_back",
    "sent_back_by",
]
