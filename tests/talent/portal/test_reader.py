"""Who reads the portal finds the pages of those they act for, and no others."""

import pytest
from django.urls import reverse

from talent.models import Delegation, Performer, User
from tests.factories import make_delegate, make_twin


@pytest.mark.parametrize("page", ["twins", "consents", "usage", "earnings", "statements"])
def test_who_acts_for_nobody_finds_no_pages(client, db, page):
    client.force_login(User.objects.create_user("nobody@desk.example"))

    assert client.get(reverse(f"portal:{page}")).status_code == 404
    assert client.get(reverse("portal:home")).status_code == 200


def test_a_delegate_finds_only_what_the_delegation_names(client, performer, twin):
    client.force_login(make_delegate(performer, "counsel", "see_twins"))

    assert client.get(reverse("portal:twins")).status_code == 200
    assert client.get(reverse("portal:usage")).status_code == 404
    assert client.get(reverse("portal:earnings")).status_code == 404


def test_a_delegate_chooses_for_whom(client, performer, twin):
    ben = Performer.objects.create(name="Ben Sample")
    make_twin(ben)
    counsel = make_delegate(performer, "counsel", "see_twins")
    Delegation.objects.create(
        performer=ben, user=counsel, kind="counsel", powers=["see_twins"], starts_on="2026-01-01"
    )
    client.force_login(counsel)

    client.post(reverse("portal:act-for"), {"principal": f"p{ben.pk}"})

    page = client.get(reverse("portal:twins")).content.decode()
    assert "Ben&#x27;s voice" in page
    assert "Ada&#x27;s voice" not in page


def test_nobody_acts_for_a_principal_who_is_not_theirs(client, performer):
    client.force_login(User.objects.create_user("stranger@desk.example"))

    answer = client.post(reverse("portal:act-for"), {"principal": f"p{performer.pk}"})

    assert answer.status_code == 404


def test_the_portals_name_leads_home_and_keeps_nothing(client, db):
    answer = client.get("/portal/", {"next": "//elsewhere.example"})

    assert (answer.status_code, answer.url) == (302, reverse("portal:home"))
