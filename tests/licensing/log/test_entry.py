"""The log's entries."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785

from licensing.log.entry import ENTRY_SIZE, commitment, entry, month_tag, sealed_bytes

AT = datetime(2026, 11, 30, 23, 30, 0, 5, UTC)
KEY, SALT = b"k" * 32, b"s" * 32


def sealed():
    return sealed_bytes(
        b'{"id":"1"}', kind="use", received_at=AT, actor='key "é"', standing="cleared"
    )


def test_a_leaf_is_canonical_itself():
    assert sealed() == rfc8785.dumps(
        {
            "actor": 'key "é"',
            "event": {"id": "1"},
            "kind": "use",
            "received_at": "2026-11-30T23:30:00.000005Z",
            "standing": "cleared",
        }
    )


def test_an_entry_can_be_worked_out_by_hand():
    tag = hmac.new(KEY, b"2026-11", hashlib.sha256).digest()
    committed = hashlib.sha256(SALT + sealed()).digest()

    made = entry(month_tag(KEY, AT), commitment(SALT, sealed()))

    assert made == b"\x01" + tag + committed
    assert len(made) == ENTRY_SIZE


def test_the_month_is_that_of_utc():
    tokyo = AT.astimezone(timezone(timedelta(hours=9)))

    assert month_tag(KEY, tokyo) == month_tag(KEY, AT)
    assert month_tag(KEY, AT + timedelta(hours=1)) != month_tag(KEY, AT)


def test_a_salt_of_another_size_is_a_mistake():
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"short", sealed())
