"""The vault's doors: uploads as tus says, reads by a button, and nothing for strangers."""

import base64
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from talent.custody import destruction, grants, reading, sweep, uploads
from talent.custody.age import CHUNK
from talent.models import (
    CustodyItem,
    CustodyRead,
    CustodyUpload,
    Destruction,
    DestructionCertificate,
    Membership,
)
from talent.words import CustodyPurpose, CustodyStepKind, DestructionCause, Role, SealLevel
from tests import factories

from .conftest import NOON

UPLOADS = "/admin/talent/custodyitem/uploads/"


@pytest.fixture
def signed_in(client):
    def signed_in(user):
        client.force_login(user)
        return client

    return signed_in


def metadata(**fields):
    return ",".join(
        f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in fields.items()
    )


def create(client, agency, performer, size, **fields):
    told = {
        "agency": agency.pk, "performer": performer.pk, "kind": "scan", "name": "Face",
        "purposes": "build,legal",
    }  # fmt: skip
    headers = {"Upload-Length": str(size), "Upload-Metadata": metadata(**(told | fields))}
    return client.post(UPLOADS, headers=headers)


def patch(client, url, content, offset):
    return client.generic(
        "PATCH", url, content, content_type="application/offset+octet-stream",
        headers={"Upload-Offset": str(offset)},
    )  # fmt: skip


def test_a_file_comes_in_parts_and_goes_on_where_it_was_cut(signed_in, agent, agency, performer):
    client, content = signed_in(agent), b"f" * (CHUNK + 100)
    url = create(client, agency, performer, len(content))["Location"]

    first = patch(client, url, content[:CHUNK], 0)
    assert (first.status_code, first["Upload-Offset"]) == (204, str(CHUNK))
    assert patch(client, url, content, 0).status_code == 409
    told = client.head(url)
    assert (told["Upload-Offset"], told["Upload-Length"]) == (str(CHUNK), str(len(content)))
    assert told["Tus-Resumable"] == "1.0.0"
    last = patch(client, url, content[CHUNK:], CHUNK)

    assert last["Upload-Offset"] == str(len(content))
    item = CustodyItem.objects.with_state().get()
    assert item.state == CustodyStepKind.PROVEN
    assert item.purposes == ["build", "legal"]
    assert b"".join(reading.content_of(item)) == content
    assert client.head(url).status_code == 404


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"kind": "soul"}, "kind"),
        ({"purposes": ""}, "purposes"),
        ({"purposes": "fun"}, "purposes"),
        ({"sha256": "abc"}, "sha256"),
        ({"captured_on": "yesterday"}, "captured_on"),
    ],
)
def test_what_is_wrong_with_an_item_is_said_by_field(
    signed_in, agent, agency, performer, fields, wrong
):
    refused = create(signed_in(agent), agency, performer, 10, **fields)

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == [wrong]
    assert not CustodyItem.objects.exists()


def test_another_agencys_performer_is_no_choice(signed_in, agent, agency, elsewhere):
    theirs = factories.make_performer("Bea Example", elsewhere)

    assert create(signed_in(agent), agency, theirs, 10).status_code == 422
    assert create(signed_in(agent), elsewhere, theirs, 10).status_code == 422


@pytest.mark.parametrize("size", ["", "0", "-1", "1.5", "٣", "9" * 20])
def test_an_upload_says_how_large_it_is(signed_in, agent, size):
    refused = signed_in(agent).post(UPLOADS, headers={"Upload-Length": size})

    assert refused.status_code in (400, 413)


def test_too_large_a_file_is_refused_before_a_byte_is_sent(signed_in, agent, agency, performer):
    assert create(signed_in(agent), agency, performer, uploads.LARGEST + 1).status_code == 413


def test_nobody_goes_on_with_somebody_elses_upload(signed_in, begin, affairs, elsewhere):
    item = begin(10)
    url = reverse("admin:custody_upload", args=[item.pk])
    stranger = factories.make_member(elsewhere, Role.AGENT)

    for user in (affairs, stranger):
        assert patch(signed_in(user), url, b"x" * 10, 0).status_code == 404
    assert CustodyUpload.objects.get().arrived == 0


def test_an_auditor_stores_nothing(signed_in, agency, performer):
    auditor = factories.make_member(agency, Role.AUDITOR)

    assert create(signed_in(auditor), agency, performer, 10).status_code == 403
    assert signed_in(auditor).get(reverse("admin:store_item")).status_code == 403


def test_an_upload_is_abandoned_by_whoever_began_it(signed_in, begin, agent):
    item = begin(10)
    url = reverse("admin:custody_upload", args=[item.pk])

    assert signed_in(agent).delete(url).status_code == 204
    assert CustodyItem.objects.with_state().get().state == CustodyStepKind.ABANDONED


def test_a_grant_is_read_by_its_button_once_and_a_look_at_the_page_reads_nothing(
    signed_in, stored, agent, approvers
):
    item = stored(b"voice" * 30_000, name="Lines, “A” take")
    now = timezone.now()
    grant = grants.ask(
        item_id=item.pk, purpose=CustodyPurpose.BUILD, reason="A rebuild.", starts_at=now,
        ends_at=now + grants.LONGEST_WINDOW, by=agent, at=now,
    )  # fmt: skip
    url = reverse("admin:custody_read_by_grant", args=[grant.pk])
    client = signed_in(agent)
    assert client.post(url).status_code == 409
    for approver in approvers:
        grants.approve(grant_id=grant.pk, by=approver, at=now)

    assert client.get(url).status_code == 200
    assert not CustodyRead.objects.exists()
    assert signed_in(approvers[0]).post(url).status_code == 403
    seats = Membership.objects.filter(user=agent)
    seats.update(role=Role.AUDITOR)
    assert signed_in(agent).post(url).status_code == 403
    seats.update(role=Role.AGENT)
    sent = signed_in(agent).post(url)
    assert b"".join(sent) == b"voice" * 30_000
    assert "attachment" in sent["Content-Disposition"]
    assert CustodyRead.objects.get().address == "127.0.0.1"
    assert client.post(url).status_code == 409


def test_a_read_names_the_reader_and_not_the_proxy_before_the_desk(
    signed_in, stored, affairs, settings
):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    url = reverse("admin:custody_glass", args=[stored(b"face").pk])

    sent = signed_in(affairs).post(
        url, {"reason": "A court asks."}, headers={"X-Forwarded-For": "198.51.100.7"}
    )

    assert b"".join(sent) == b"face"
    assert CustodyRead.objects.get().address == "198.51.100.7"


def test_strangers_find_neither_item_nor_grant_nor_glass(signed_in, stored, elsewhere):
    item = stored()
    stranger = signed_in(factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS))

    for url in (
        reverse("admin:talent_custodyitem_change", args=[item.pk]),
        reverse("admin:custody_glass", args=[item.pk]),
    ):
        assert stranger.get(url).status_code == 404
        assert stranger.post(url, {"reason": "Mine."}).status_code in (403, 404)
    assert not CustodyRead.objects.exists()


def test_only_business_affairs_breaks_the_glass_and_says_why(signed_in, stored, agent, affairs):
    item = stored(b"face")
    url = reverse("admin:custody_glass", args=[item.pk])

    assert signed_in(agent).post(url, {"reason": "Now."}).status_code == 403
    client = signed_in(affairs)
    assert client.post(url, {"reason": ""}).status_code == 200
    assert not CustodyRead.objects.exists()
    assert b"".join(client.post(url, {"reason": "A court asks."})) == b"face"


def test_a_performer_finds_what_is_held_and_who_read_it(signed_in, stored, begin, ada, affairs):
    item = stored(b"face")
    begin(10, name="Never arrived")
    for _part in grants.break_glass(
        item_id=item.pk, reason="A court asks.", by=affairs, clock=lambda: NOON, address=None
    ).content:
        pass

    page = signed_in(ada).get("/held/").content.decode()

    assert "Face, 180 cameras" in page
    assert "A court asks." in page
    assert "Without a grant" in page
    assert "Never arrived" not in page


def test_a_performer_without_items_is_told_where_else_they_may_lie(signed_in, ada):
    assert "studio that captured you" in signed_in(ada).get("/held/").content.decode()


def test_a_destruction_is_asked_approved_by_another_carried_out_and_certified_to_the_performer(
    signed_in, stored, agent, affairs, ada, monkeypatch
):
    monkeypatch.setattr(
        destruction.certificate,
        "drawn",
        lambda content, at: destruction.certificate.Paper(b"%PDF-1.7", SealLevel.NONE),
    )
    item = stored()
    asked = signed_in(agent).post(
        action_url(item, "ask_to_destroy"),
        {"seen": seen(signed_in(agent), action_url(item, "ask_to_destroy")), "cause": "asked",
         "reason": "She asked."},
    )  # fmt: skip
    assert asked.status_code == 302
    row = Destruction.objects.get()
    approve = action_url(row, "approve_destruction")
    client = signed_in(affairs)
    client.post(approve, {"seen": seen(client, approve), "reason": ""})
    assert sweep.see_to_items(clock=timezone.now)["destroyed"] == 1

    paper = client.get(reverse("admin:custody_certificate", args=[row.pk]))
    assert paper.content == b"%PDF-1.7"
    performer = signed_in(ada)
    page = performer.get("/held/").content.decode()
    assert f"/held/destruction-{row.pk}.pdf" in page
    assert performer.get(f"/held/destruction-{row.pk}.pdf").content == b"%PDF-1.7"


def test_nobody_has_the_certificate_of_somebody_elses_item(
    signed_in, stored, agent, affairs, agency, elsewhere
):
    asked = destruction.ask(
        item_id=stored().pk, cause=DestructionCause.ASKED, reason="x", by=agent, at=NOON
    )
    destruction.approve(destruction_id=asked.pk, by=affairs, at=NOON)
    DestructionCertificate.objects.create(
        destruction=asked, issued_at=NOON, content={}, pdf=b"%PDF", sha256="0" * 64, level="none"
    )
    other = factories.make_user(
        "bea@example.com", performer=factories.make_performer("Bea Example", elsewhere)
    )
    stranger = factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS)

    assert signed_in(other).get(f"/held/destruction-{asked.pk}.pdf").status_code == 404
    url = reverse("admin:custody_certificate", args=[asked.pk])
    assert signed_in(stranger).get(url).status_code == 404


def action_url(row, name):
    return reverse(f"admin:talent_{row._meta.model_name}_{name}", args=[row.pk])


def seen(client, url):
    found = re.search(r'name="seen" value="([^"]+)"', client.get(url).content.decode())
    assert found
    return found[1]
