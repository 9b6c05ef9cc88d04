"""In a real browser: a scan is stored, read by a grant of two, seen by its performer, destroyed."""

import os
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from talent.custody import sweep
from talent.models import CustodyGrant, CustodyItem, CustodyRead, Destruction
from talent.words import Role
from tests.factories import make_agency, make_member, make_performer, make_user

pytestmark = pytest.mark.judge("chromium")
PATIENCE = 60_000
SIZE = 200_000


@pytest.fixture
def desk(transactional_db, live_server, sealing, tmp_path, settings):
    """A desk with nothing on it but what this story needs."""
    settings.MEDIA_ROOT = settings.VAULT_ROOT = tmp_path / "vault"
    settings.VAULT_KEYS = tmp_path / "keys"
    agency = make_agency("northlight")
    performer = make_performer("Ada Example", agency)
    make_user("ada@performers.example", performer=performer, first_name="Ada")
    make_member(agency, Role.AGENT, email="agent@northlight.example")
    for number in (1, 2):
        make_member(agency, Role.BUSINESS_AFFAIRS, email=f"affairs{number}@northlight.example")
    return live_server.url


def change(row):
    return reverse(f"admin:talent_{row._meta.model_name}_change", args=[row.pk])


def step(row, name):
    return reverse(f"admin:talent_{row._meta.model_name}_{name}", args=[row.pk])


def test_a_scan_is_stored_refused_granted_read_seen_and_destroyed(
    sign_in, desk, barriers, tmp_path
):
    scan = tmp_path / "scan.bin"
    scan.write_bytes(os.urandom(SIZE))
    agent = sign_in("agent@northlight.example", at=reverse("admin:store_item"))
    agent.get_by_label("Whose it is").select_option(label="Ada Example")
    agent.get_by_label("Name", exact=True).fill("Face, 180 cameras")
    agent.get_by_label("To build or repair the twin").check()
    agent.get_by_label("File", exact=True).set_input_files(scan)
    assert barriers(agent) == []
    agent.get_by_role("button", name="Store it").click()
    expect(agent).to_have_url(re.compile("/custodyitem/$"), timeout=PATIENCE)
    item = CustodyItem.objects.get()

    agent.goto(change(item))
    expect(agent.get_by_text("Held: read back and whole").first).to_be_visible()
    assert barriers(agent) == []
    agent.goto(step(item, "ask_to_read"))
    agent.get_by_label("Why").fill("The provider rebuilds the face.")
    agent.get_by_role("button", name="Ask to read it").click()
    expect(agent.get_by_text("Asked for: two others approve it")).to_be_visible()
    grant = CustodyGrant.objects.get()
    read = reverse("admin:custody_read_by_grant", args=[grant.pk])
    agent.goto(read)
    agent.get_by_role("button", name="Read it now").click()
    expect(agent.get_by_text("Waits for two approvals", exact=False)).to_be_visible()
    assert not CustodyRead.objects.exists()

    for number in (1, 2):
        affairs = sign_in(f"affairs{number}@northlight.example", at=step(grant, "approve_grants"))
        affairs.get_by_role("button", name="Approve").click()
        expect(affairs.get_by_text("approved by you")).to_be_visible()
    agent.goto(read)
    assert barriers(agent) == []
    with agent.expect_download() as download:
        agent.get_by_role("button", name="Read it now").click()
    assert download.value.path().read_bytes() == scan.read_bytes()

    ada = sign_in("ada@performers.example", at="/held/")
    expect(ada.get_by_text("The provider rebuilds the face.")).to_be_visible()
    assert barriers(ada) == []
    ada.get_by_label("Why it shall be destroyed").fill("The film is out.")
    ada.get_by_role("button", name="Ask for its destruction").click()
    expect(ada.get_by_text("Its destruction was asked for.")).to_be_visible()
    asked = Destruction.objects.get()
    affairs.goto(step(asked, "approve_destruction"))
    affairs.get_by_role("button", name="Approve").click()
    expect(affairs.get_by_text("the desk destroys it now")).to_be_visible()
    assert sweep.see_to_items(clock=timezone.now)["destroyed"] == 1

    ada.goto("/held/")
    with ada.expect_download() as download:
        ada.get_by_role("link", name="Certificate of its destruction").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    assert barriers(ada) == []
    affairs.goto(change(asked))
    expect(affairs.get_by_role("link", name="Open (PDF)")).to_be_visible()
