"""A vault of its own for each test, and items in it."""

from datetime import UTC, datetime
from io import BytesIO

import pytest

from talent.custody import uploads
from talent.words import CustodyKind, CustodyPurpose, Role
from tests import factories

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def vault(settings, tmp_path):
    settings.VAULT_ROOT, settings.VAULT_KEYS = tmp_path / "vault", tmp_path / "keys"
    settings.VAULT_IDENTITY = settings.VAULT_ESCROW = settings.VAULT_BUCKET = ""
    return tmp_path


@pytest.fixture
def begin(agency, performer, agent):
    """Begin the upload of an item of so many bytes."""

    def begin(size, **about):
        told = {
            "kind": CustodyKind.SCAN,
            "name": "Face, 180 cameras",
            "purposes": [CustodyPurpose.BUILD, CustodyPurpose.LEGAL],
            "by": agent,
            "at": NOON,
        }
        return uploads.begin(agency=agency, performer=performer, size=size, **(told | about))

    return begin


@pytest.fixture
def send(agent):
    """Send a part of an upload; return where the next one begins."""

    def send(item, content, *, offset=0, by=None):
        source = BytesIO(content)
        return uploads.receive(
            item_id=item.pk, offset=offset, source=source, by=by or agent, at=NOON
        )

    return send


@pytest.fixture
def stored(begin, send):
    """Store an item with some content, read back and proven."""

    def stored(content=b"face" * 20_000, **about):
        item = begin(len(content), **about)
        send(item, content)
        return item

    return stored


@pytest.fixture
def approvers(agency):
    """Two people at the agency who may approve a grant, beside agent and affairs."""
    addresses = [f"approver{number}@northlight.example" for number in (1, 2)]
    return [factories.make_member(agency, Role.BUSINESS_AFFAIRS, email=one) for one in addresses]
