"""The admin's front hall: tiles that keep their word, a search that keeps its counsel."""

import csv
from collections import Counter

import pytest
from django.contrib import admin
from django.template.response import SimpleTemplateResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from django_celery_results.models import TaskResult

from licensing.models import (
    ApprovalRequest,
    Replacement,
    UsageEvent,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)
from talent import outbox
from talent.models import Membership, OutboxMessage, Performer, User
from talent.words import Role
from tests.factories import admin_page, make_performer, sign_in, take_step


def staff_of(slug, role=Role.ACCOUNTING):
    return Membership.objects.filter(role=role.value, agency__slug=slug).first().user


def the_operator():
    return User.objects.filter(is_superuser=True).first()


def tiles(user):
    return sign_in(user).get(reverse("admin:index")).context["tiles"]


def titles(user, term):
    shown = sign_in(user).get(reverse("admin:search"), {"s": term, "extended": 1})
    return [str(result.title) for result in shown.context["results"]]


# The desk


def test_a_desk_where_nothing_waits_says_so(auditor):
    shown = sign_in(auditor).get(reverse("admin:index"))

    assert shown.context["tiles"] == []
    assert "Nothing waits for you" in shown.text


@pytest.fixture
def unrendered(monkeypatch):
    """Leave the templates out: that pages can be drawn is the page walk's to show."""

    def leave_out():
        monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")

    return leave_out


def test_a_tile_leads_to_as_many_rows_as_it_counts(demo, unrendered):
    shown = {
        user: tiles(user) for user in (the_operator(), staff_of("meridian"), staff_of("northlight"))
    }
    assert all(shown.values())
    unrendered()
    for user, their_tiles in shown.items():
        client = sign_in(user)
        for tile in their_tiles:
            listed = client.get(tile.url)
            assert listed.status_code == 200, tile.url
            assert rows_on(listed, tile) == tile.count, f"{user}: {tile.label}"


def rows_on(listed, tile):
    """Return how many rows a tile's page has; that of the queue counts uses, or agreements."""
    if not tile.page:
        return listed.context_data["cl"].result_count
    if tile.page == "obligations":
        return listed.context_data["page"].paginator.count
    return listed.context_data["uses" if "to rule on" in str(tile.label) else "agreements"]


def test_each_agency_counts_its_own_and_the_operator_counts_all(demo):
    counted = Counter()
    for slug in ("meridian", "northlight"):
        counted.update({str(tile.label): tile.count for tile in tiles(staff_of(slug))})
    of_all = {str(tile.label): tile.count for tile in tiles(the_operator())}

    assert counted == of_all


def count_of(user, label):
    return next((tile.count for tile in tiles(user) if str(tile.label) == label), 0)


def test_uses_outside_the_consent_wait_until_somebody_has_ruled_on_each(demo):
    label, affairs = (
        "Uses outside the consent to rule on",
        staff_of("meridian", Role.BUSINESS_AFFAIRS),
    )
    waiting = UsageEvent.objects.to_rule_on().visible_to(affairs)
    before = count_of(affairs, label)
    assert before == waiting.count() > 1

    given = {"treatment": "zero", "reason": "A free trial of the studio's."}
    take_step(sign_in(affairs), "rule", waiting.order_by("pk").first(), **given)
    assert count_of(affairs, label) == before - 1

    for event in waiting.order_by("pk"):
        take_step(sign_in(affairs), "rule", event, **given)
    assert count_of(affairs, label) == 0


def test_a_use_that_another_replaced_waits_for_no_ruling(demo):
    event = UsageEvent.objects.to_rule_on().order_by("pk").first()
    Replacement.objects.create(
        event_id=event.pk, amendment_id=event.pk + 10_000, replaced_at=timezone.now()
    )

    assert event not in UsageEvent.objects.to_rule_on()


def test_what_failed_waits_until_it_is_tried_again_or_let_be(operator, agency):
    now = timezone.now()
    mail = outbox.post(recipient="a@example.com", subject="Hello", body="Hello", at=now)
    OutboxMessage.objects.update(status="failed")
    endpoint = WebhookEndpoint.objects.create(
        agency=agency, url="https://example.com/", kinds=["cap.alert"], sealed_secret=b"",
        created_at=now, disabled_at=now, disabled_because="Nothing came through for five days.",
    )  # fmt: skip
    message = WebhookMessage.objects.create(
        kind="cap.alert", agency=agency, code="msg_1", data={}, announced_at=now
    )
    other = WebhookEndpoint.objects.create(
        agency=agency, url="https://example.org/", kinds=["cap.alert"], sealed_secret=b"",
        created_at=now,
    )  # fmt: skip
    delivery = WebhookDelivery.objects.create(
        endpoint=other, message=message, status="failed", created_at=now, next_attempt_at=now
    )
    job = TaskResult.objects.create(
        task_id="1", status="FAILURE", task_name="valuation.tasks.night"
    )
    client = sign_in(operator)

    assert [tile.count for tile in tiles(operator)] == [1, 1, 1, 1]
    for tile in tiles(operator):
        assert client.get(tile.url).context["cl"].result_count == 1, tile.label
    take_step(client, "let_be", mail)
    take_step(client, "leave_off", endpoint)
    take_step(client, "let_be", delivery)
    client.post(admin_page(TaskResult, job.pk, name="delete"), {"post": "yes"})
    assert tiles(operator) == []


def test_the_index_offers_only_pages_that_open(demo, unrendered):
    """Lists open for those who may see a model's rows, as the page walk shows for every role."""
    offered = {}
    for role in Role:
        user = staff_of("meridian", role)
        shown = sign_in(user).get(reverse("admin:index"))
        links = {place["url"] for place in shown.context["places"]}
        links |= {item["link"] for group in navigation(shown) for item in group["items"]}
        offered[user] = links
    unrendered()
    for user, links in offered.items():
        assert len(links) > 20
        assert [link for link in links if not opens(link, user)] == []


def test_each_list_about_worth_is_one_click_from_the_index(demo):
    """What a twin is worth was once to be reached by its address only."""
    shown = sign_in(staff_of("meridian", Role.AGENT)).get(reverse("admin:index"))
    links = {item["link"] for group in navigation(shown) for item in group["items"]}
    for name in (
        "scenario",
        "valuation",
        "twinvaluation",
        "legalassessment",
        "congruence",
        "worthparameter",
    ):
        assert reverse(f"admin:valuation_{name}_changelist") in links, name
    places = {place["url"] for place in shown.context["places"]}
    assert reverse("admin:valuation_twinvaluation_changelist") in places


def opens(link, user):
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"): model_admin
        for model, model_admin in admin.site._registry.items()
    }
    if link not in lists:
        return sign_in(user).get(link).status_code == 200
    request = RequestFactory().get(link)
    request.user = user
    return lists[link].has_view_permission(request)


def navigation(shown):
    return shown.context["sidebar_navigation"]


# Search


def test_a_number_finds_its_event_for_those_who_may_see_it(demo):
    event = UsageEvent.objects.filter(agreement__agency__slug="meridian").latest("pk")

    name = f"{event.twin}: {event.get_use_display()}"
    assert any(name in title for title in titles(staff_of("meridian"), str(event.pk)))
    assert not any(name in title for title in titles(staff_of("northlight"), str(event.pk)))


@pytest.mark.parametrize("term", ["9" * 40, "\x00", "%", "'; --", "💫", "²"])
def test_no_words_break_the_search(operator, term):
    assert titles(operator, term) == []


# Who comes in


def test_somebody_without_a_seat_in_the_staff_is_sent_away(db):
    performer = User.objects.create_user("ada@person.example", "a long secret 1")

    refused = sign_in(performer).get(reverse("admin:index"), follow=True)
    assert refused.status_code == 403


@pytest.mark.parametrize("key", ["0", "999999", "never", "_3D"])
def test_what_is_not_there_is_not_found(operator, key):
    for page in ("change", "history", "delete"):
        url = reverse(f"admin:licensing_agreement_{page}", args=[key])
        assert sign_in(operator).get(url).status_code == 404, url


# What is taken along


@pytest.mark.parametrize("name", ["=1+1", "+1 Example", "@SUM(A1)", "-Ada"])
def test_an_export_never_hands_a_formula_to_a_spreadsheet(operator, name):
    Performer.objects.create(name=name)
    sent = sign_in(operator).get(reverse("admin:talent_performer_export_list"))

    _header, row = csv.reader(b"".join(sent).decode().splitlines())
    assert f"'{name}" in row


def test_an_export_holds_what_its_reader_may_see(performer, auditor):
    make_performer("Bruno Elsewhere")
    sent = sign_in(auditor).get(reverse("admin:talent_performer_export_list"))

    text = b"".join(sent).decode()
    assert "Ada Example" in text
    assert "Bruno Elsewhere" not in text


def test_a_list_is_named_by_what_it_lists(client, operator):
    client.force_login(operator)
    page = client.get(reverse("admin:licensing_usageevent_changelist"))

    assert "<title> Usage events | Likeness Desk</title>" in page.text


def test_an_empty_list_says_what_will_stand_there(client, operator):
    client.force_login(operator)
    holds = reverse("admin:licensing_hold_changelist")

    assert "No hold lies on anybody." in client.get(holds).text
    assert "Nothing here fits" in client.get(holds, {"q": "Ada"}).text


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("availability", "Availability"),
        ("licensing_clearancedecision_changelist", "Clearance decisions"),
        ("licensing_hold_add", "Holds"),
        ("index", "Desk"),
    ],
)
def test_the_sidebar_marks_one_line(client, operator, name, here):
    client.force_login(operator)
    shown = client.get(reverse(f"admin:{name}")).context["sidebar_navigation"]

    assert [str(item["title"]) for group in shown for item in group["items"] if item["active"]] == [
        here
    ]


def test_places_and_languages_are_named(demo):
    client = sign_in(staff_of("meridian", Role.BUSINESS_AFFAIRS))
    event = UsageEvent.objects.filter(territory="DE", language="de").first()
    asked = ApprovalRequest.objects.filter(territories__contains=["CA"]).first()

    shown = client.get(reverse("admin:licensing_usageevent_change", args=[event.pk])).text
    assert ("Germany" in shown, "German" in shown) == (True, True)
    shown = client.get(reverse("admin:licensing_approvalrequest_change", args=[asked.pk])).text
    assert "Canada, United Kingdom, United States" in shown


def test_a_hold_that_is_not_placed_yet_has_no_steps(client, operator):
    client.force_login(operator)
    assert "Hold steps" not in client.get(reverse("admin:licensing_hold_add")).text
