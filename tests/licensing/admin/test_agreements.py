"""Licensing in the admin: what staff enter, the steps they take, and where their seat ends."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.contrib.messages import get_messages
from django.forms import MultiWidget
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from licensing import api_keys
from licensing.admin.usage.long_lists import COUNTED_EXACTLY, EstimatedPaginator
from licensing.models import (
    Agreement,
    AgreementStep,
    ApiKey,
    Cap,
    CapAlert,
    CapYear,
    DeadLetter,
    Hold,
    Licensee,
    LicenseeTerms,
    Production,
    RateCard,
    RateLine,
    UsageEvent,
    UsageImport,
    UsageSheet,
)
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.recording.arrivals import Arrival
from licensing.usage.recording.metering import meter
from licensing.usage.sheets import uploads
from licensing.words import Door
from talent.models import Agency, Membership, User
from talent.words import Role

TODAY = timezone.localdate()


def seat(agency, role, email="staff@desk.example"):
    user, _ = User.objects.get_or_create(email=email, defaults={"is_staff": True})
    Membership.objects.create(agency=agency, user=user, role=role.value, starts_on="2020-01-01")
    return user


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def said(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def act(client, model, action, *rows):
    url = reverse(f"admin:licensing_{model}_changelist")
    return client.post(url, {"action": action, "_selected_action": [row.pk for row in rows]})


def page(model, *args):
    return reverse(f"admin:licensing_{model}_{'change' if args else 'add'}", args=args)


@pytest.fixture
def affairs(agency):
    return seat(agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def elsewhere(agency, licensee):
    """Another agency, where whoever has business affairs at the first is only an auditor."""
    other = Agency.objects.create(name="Elsewhere Example", slug="elsewhere", country="US")
    LicenseeTerms.objects.create(agency=other, licensee=licensee)
    return other


@pytest.fixture
def both(affairs, elsewhere):
    return seat(elsewhere, Role.AUDITOR)


@pytest.fixture
def draft(agreement):
    Agreement.objects.filter(pk=agreement.pk).update(status="draft", signed_at=None)
    agreement.refresh_from_db()
    return agreement


# Agreements


def written(agency, licensee, twin, **fields):
    parts = ("grants", "rate_cards", "caps", "steps")
    return {
        "reference": "NA-2",
        "agency": agency.pk,
        "licensee": licensee.pk,
        "twin": twin.pk,
        "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00",
        "currency": "USD",
        "time_zone": "UTC",
        "rating_period": "quarter",
        "fiscal_year_start_month": "1",
        "engagement": "not_covered",
        "guild": "none",
        **{f"{part}-{count}_FORMS": "0" for part in parts for count in ("TOTAL", "INITIAL")},
        **fields,
    }


def test_an_agreement_is_drafted_and_its_first_step_says_by_whom(affairs, terms, twin):
    given = written(terms.agency, terms.licensee, twin)
    sent = signed_in(affairs).post(page("agreement"), given)

    assert sent.status_code == 302, sent.context["adminform"].form.errors
    step = AgreementStep.objects.get(agreement__reference="NA-2")
    assert (step.kind, step.by) == ("drafted", affairs)


def test_a_grant_whose_lists_are_left_empty_holds_anywhere(affairs, terms, twin):
    grant = {"grants-0-right": "face", "grants-0-use": "feature", "grants-TOTAL_FORMS": "1"}
    given = written(terms.agency, terms.licensee, twin, **grant)
    signed_in(affairs).post(page("agreement"), given)

    made = Agreement.objects.get(reference="NA-2").grants.get()
    assert (made.territories, made.languages, made.channels) == (None, None, None)


def test_nobody_drafts_at_an_agency_where_the_seat_only_reads(both, elsewhere, licensee, twin):
    sent = signed_in(both).post(page("agreement"), written(elsewhere, licensee, twin))

    assert "agency" in sent.context["adminform"].form.errors
    assert not Agreement.objects.filter(agency=elsewhere).exists()


def test_signing_says_what_forbids_it(affairs, draft):
    client = signed_in(affairs)
    response = client.get(reverse("admin:licensing_agreement_sign_this", args=[draft.pk]))

    draft.refresh_from_db()
    assert draft.status == "draft"
    assert "NA-1: " in said(response)


def test_a_seat_that_only_reads_signs_nothing_in_bulk(both, elsewhere, draft):
    Agreement.objects.filter(pk=draft.pk).update(agency=elsewhere)
    response = act(signed_in(both), "agreement", "sign", draft)

    assert "your seat at its agency does not allow this" in said(response)


def test_a_signed_agreement_ends_but_is_not_rewritten(affairs, agreement, agency, licensee, twin):
    client = signed_in(affairs)
    client.post(page("agreement", agreement.pk), written(agency, licensee, twin, reference="ELSE"))
    client.get(reverse("admin:licensing_agreement_end_today", args=[agreement.pk]))

    agreement.refresh_from_db()
    assert (agreement.reference, agreement.status) == ("NA-1", "ended")
    assert agreement.steps.get().by == affairs


def test_agreements_are_listed_by_the_days_they_have_left(affairs, agreement):
    Agreement.objects.filter(pk=agreement.pk).update(ends_at=timezone.now() + timedelta(days=45))
    client, url = signed_in(affairs), reverse("admin:licensing_agreement_changelist")

    assert "NA-1" not in client.get(url, {"ends_within": "30"}).text
    assert "NA-1" in client.get(url, {"ends_within": "60"}).text


@pytest.mark.parametrize(("starts_on", "changes"), [(date(2026, 1, 1), False), (None, True)])
def test_prices_in_force_are_fixed_and_those_to_come_are_not(
    affairs, agreement, starts_on, changes
):
    starts_on = starts_on or (TODAY + timedelta(days=40)).replace(day=1)
    card = RateCard.objects.create(agreement=agreement, effective_from=starts_on)
    line = RateLine.objects.create(
        card=card, code="l", label="L", meter="lines", pricing="per_unit"
    )
    client = signed_in(affairs)

    for url in (page("ratecard", card.pk), page("rateline", line.pk)):
        assert client.get(url).context["has_change_permission"] is changes
    deleted = client.get(reverse("admin:licensing_ratecard_delete", args=[card.pk]))
    assert deleted.status_code == (200 if changes else 403)


# Clearance


def test_a_cap_over_a_performer_is_the_agencys_to_change(affairs, performer):
    cap = Cap.objects.create(performer=performer, meter="lines", limit=5, starts_on="2026-01-01")

    assert signed_in(affairs).get(page("cap", cap.pk)).context["has_change_permission"]


def test_only_the_operator_declares_a_hold_over_a_guild(affairs):
    operator = User.objects.create_superuser("operator@desk.example")
    fields = signed_in(affairs).get(page("hold")).context["adminform"].form.fields

    assert "guild" not in fields
    assert "guild" in signed_in(operator).get(page("hold")).context["adminform"].form.fields


def test_a_hold_over_a_twin_is_the_agencys_to_lift(affairs, twin):
    hold = Hold.objects.create(
        kind="dispute", twin=twin, starts_at=timezone.now(), reason="Under review"
    )

    assert signed_in(affairs).get(page("hold", hold.pk)).context["has_change_permission"]


# Parties


def test_a_key_is_shown_once(affairs, terms):
    client = signed_in(affairs)
    response = client.get(reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk]))
    secret = said(response).rpartition(" ")[2]

    assert api_keys.key_with(secret, at=timezone.now()).terms == terms
    later = signed_in(affairs).get(page("licenseeterms", terms.pk)).text
    assert secret not in later
    assert secret.partition(".")[0] in later


def test_keys_are_rotated_and_revoked(affairs, terms):
    old = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    client = signed_in(affairs)

    new = said(act(client, "apikey", "rotate", old.key)).rpartition(" ")[2]
    assert api_keys.key_with(new, at=timezone.now())
    act(client, "apikey", "revoke", ApiKey.objects.get(replaces=old.key))
    assert api_keys.key_with(new, at=timezone.now()) is None


def test_a_seat_that_only_reads_turns_no_key(both, elsewhere):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    issued = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    client = signed_in(both)

    for action in ("rotate", "revoke"):
        assert "does not allow this" in said(act(client, "apikey", action, issued.key))
    client.get(reverse("admin:licensing_licenseeterms_issue_key", args=[terms.pk]))
    assert list(ApiKey.objects.filter(revoked_at=None, expires_at=None)) == [issued.key]


def test_a_wrong_check_character_is_told_in_the_form(db, licensee):
    operator = User.objects.create_superuser("operator@desk.example")
    given = {"licensee": licensee.pk, "title": "Paper Harbour", "kind": "feature"}
    client = signed_in(operator)

    wrong = client.post(page("production"), {**given, "eidr": "10.5240/7791-8534-2C23-9030-8610-4"})
    assert "eidr" in wrong.context["adminform"].form.errors
    client.post(page("production"), {**given, "eidr": "10.5240/7791-8534-2C23-9030-8610-5"})
    assert Production.objects.get().eidr == "10.5240/7791-8534-2C23-9030-8610-5"


def test_filters_name_no_agency_that_one_may_not_see(affairs, terms, elsewhere):
    listed = signed_in(affairs).get(reverse("admin:licensing_licenseeterms_changelist")).text

    assert "Elsewhere Example" not in listed


# Usage


def test_a_long_list_is_estimated_and_a_short_one_counted(db, licensee):
    short = EstimatedPaginator(Licensee.objects.order_by("pk"), 50)
    numbers = "SELECT 1 AS id FROM generate_series(1, 60000)"
    assert short.count == 1

    class Long(EstimatedPaginator):
        """A list whose plan expects many rows, and which must not be counted."""

    long = Long(_Planned(numbers), 50)
    assert long.count > COUNTED_EXACTLY


class _Planned:
    """What the paginator asks of a queryset, for a statement written by hand."""

    def __init__(self, sql):
        self.sql = sql
        self.query = self

    def order_by(self):
        return self

    def values(self, _name):
        return self

    def sql_with_params(self):
        return self.sql, ()

    def count(self):
        raise AssertionError("A long list was counted.")


def test_events_open_within_few_queries_however_many(
    affairs, arrival, use, django_assert_max_num_queries
):
    meter([use(f"take-{number}") for number in range(30)], arrival)
    client = signed_in(affairs)

    with django_assert_max_num_queries(14):
        listed = client.get(
            reverse("admin:licensing_usageevent_changelist"), {"standing__in": "uncleared,on_hold"}
        )
    assert listed.context["cl"].result_count == 30
    event = UsageEvent.objects.first()
    assert "1 line, 7 words" in client.get(page("usageevent", event.pk)).text


def test_events_are_found_by_whose_they_are(affairs, arrival, use, agreement):
    meter([use("take-1")], arrival)
    url = reverse("admin:licensing_usageevent_changelist")
    listed = signed_in(affairs).get(url, {"agreement__id__exact": agreement.pk})
    other = signed_in(affairs).get(url, {"agreement__id__exact": agreement.pk + 1})

    assert listed.context["cl"].result_count == 1
    assert other.context["cl"].result_count == 0


def test_a_letter_is_read_again_once_what_it_names_exists(affairs, arrival, use, twin):
    meter([use("take-1", data={"twin": "10.23/later"})], arrival)
    letter = DeadLetter.objects.get()
    client = signed_in(affairs)
    assert "0 understood now, 1 still not" in said(act(client, "deadletter", "replay", letter))

    type(twin).objects.filter(pk=twin.pk).update(hand_id="10.23/later")
    assert "1 understood now, 0 still not" in said(act(client, "deadletter", "replay", letter))


SHEET = "id,time,twin,agreement,right,use,territory,language,channel,lines\n"
ROW = "{id},2026-05-04T10:11:12Z,T{twin},NA-1,voice,dubbing,FR,fr,cinema,{lines}\n"


def sheet(twin, **lines):
    text = SHEET + "".join(
        ROW.format(id=key, twin=twin.pk, lines=count) for key, count in lines.items()
    )
    file = BytesIO(text.encode())
    file.name = "may.csv"
    return file


def send(client, terms, file, then="preview"):
    """Send a sheet in, say what the upload learnt of its columns, and look or import."""
    given = {"terms": terms.pk, "sheet": file}
    sent = client.post(reverse("admin:licensing_usageimport_import_sheet"), given)
    if sent.status_code != 302:
        return sent
    form = client.get(sent.url).context["form"]
    said = {name: form[name].value() or "" for name in form.fields}
    button = {"preview": "1"} if then == "preview" else {"import": then}
    return client.post(sent.url, said | button)


def test_a_preview_keeps_nothing_and_an_import_all(affairs, terms, agreement, twin):
    client = signed_in(affairs)

    previewed = send(client, terms, sheet(twin, a="3", b="4"))
    assert previewed.context["tally"].accepted == 2
    assert not UsageEvent.objects.exists()
    assert "2 rows: 2 new" in said(send(client, terms, sheet(twin, a="3", b="4"), "all_or_none"))
    assert UsageEvent.objects.count() == 2
    assert UsageImport.objects.get().imported_by == affairs
    assert UsageSheet.objects.exclude(content=None).count() == 1


def test_a_wrong_row_is_named_with_its_column(affairs, terms, agreement, twin):
    shown = send(signed_in(affairs), terms, sheet(twin, a="3", b="-4"))

    (fault,) = shown.context["shown"]["faults"]
    assert (fault.row, fault.column, fault.code) == (3, "lines", "negative_quantity")
    assert fault.detail in shown.text


def test_a_sheet_is_imported_only_where_the_seat_allows_it(both, elsewhere, twin):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    response = send(signed_in(both), terms, sheet(twin, a="3"))

    assert "terms" in response.context["form"].errors
    assert not UsageSheet.objects.exists()


def test_no_page_of_a_sheet_opens_at_another_agency(affairs, elsewhere, licensee, twin):
    """The seat that imports is at another agency than the sheet."""
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    operator = User.objects.create_superuser("operator@desk.example")
    mine = uploads.receive(
        sheet(twin, a="3"), file_name="may.csv", terms=terms, at=timezone.now(), by=operator
    )
    seat(elsewhere, Role.AUDITOR, affairs.email)
    client = signed_in(affairs)

    for name in ("sheet", "cancel"):
        url = reverse(f"admin:licensing_usageimport_{name}", args=[mine.pk])
        assert client.get(url).status_code == 404
        assert client.post(url, {"preview": "1"}).status_code == 404


def test_wrong_rows_wait_to_be_put_right(affairs, terms, agreement, twin):
    client = signed_in(affairs)
    send(client, terms, sheet(twin, a="3", b="-4"), "row_by_row")
    letter = DeadLetter.objects.get()
    url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])
    assert "Put it right, or close it" in client.get(page("deadletter", letter.pk)).text
    form = client.get(url).context["form"]
    given = {name: form[name].value() or "" for name in form.fields}

    unchanged = client.post(url, given | {"reason": "As told on the phone", "correct": "1"})
    assert "lines" in unchanged.context["form"].errors
    right = given | {"lines": "4", "reason": "As told on the phone", "correct": "1"}
    assert "is now event" in said(client.post(url, right))

    letter.refresh_from_db()
    event = UsageEvent.objects.get(pk=letter.resolved_event_id)
    assert (event.lines, letter.steps.get().by) == (4, affairs)
    assert "was dealt with" in client.get(url).text


def test_a_letter_is_closed_with_its_reason(affairs, terms, agreement, twin):
    client = signed_in(affairs)
    send(client, terms, sheet(twin, b="-4"), "row_by_row")
    letter = DeadLetter.objects.get()
    url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])

    assert client.post(url, {"close": "1"}).context["closing"].errors
    client.post(url, {"close": "1", "closing-reason": "A test row of the studio's"})

    letter.refresh_from_db()
    assert letter.resolved_at
    assert letter.steps.get().reason == "A test row of the studio's"
    assert not UsageEvent.objects.exists()


def test_a_seat_that_only_reads_puts_no_letter_right(both, elsewhere, agency, twin):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    arrival = Arrival(terms, Door.API, timezone.now(), actor="key test")
    meter([Envelope(id="a", source="x", type="else")], arrival)
    url = reverse("admin:licensing_deadletter_correct", args=[DeadLetter.objects.get().pk])

    assert signed_in(both).get(url).status_code == 403


def test_errors_are_taken_along_as_csv(affairs, terms, agreement, twin):
    client = signed_in(affairs)
    send(client, terms, sheet(twin, a="3", b="-4"), "all_or_none")
    report = UsageImport.objects.get()
    url = reverse("admin:licensing_usageimport_errors_csv", args=[report.pk])

    answer = b"".join(client.get(url).streaming_content).decode()

    assert "3,lines,negative_quantity," in answer


@pytest.mark.parametrize("edited", ["cap", "agreement"])
def test_lowering_a_caps_limit_below_its_use_tells_staff(affairs, agreement, edited):
    cap = Cap.objects.create(agreement=agreement, meter="lines", limit=9, starts_on="2026-01-01")
    today = timezone.now().date()
    CapYear.objects.create(cap=cap, starts_on=cap.year_of(today).starts_on, used=6)
    client = signed_in(affairs)
    row = cap if edited == "cap" else agreement
    url = reverse(f"admin:licensing_{edited}_change", args=[row.pk])
    limit = "limit" if edited == "cap" else "caps-0-limit"
    sent = filled_in(client.get(url))
    assert sent[limit] == "9"
    assert client.post(url, {**sent, limit: "5"}).status_code == 302
    assert sorted(CapAlert.objects.values_list("percent", flat=True)) == [80, 100]


def filled_in(page):
    """Return what a browser would send back of an admin's form."""
    formsets = [each.formset for each in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.initial_forms]
    sent = {}
    for field in (field for form in forms for field in form):
        widget = field.field.widget
        if isinstance(widget, MultiWidget):
            parts = widget.decompress(field.value())
            sent |= {f"{field.html_name}_{i}": part for i, part in enumerate(parts) if part}
        elif field.value() is not None and field.value() is not False:
            sent[field.html_name] = widget.format_value(field.value()) or "on"
    return sent
