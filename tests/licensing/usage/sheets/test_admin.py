"""Sheets in the admin: previewed, imported, their wrong rows put right, by those who may."""

from io import BytesIO

from django.contrib.admin import site
from django.urls import reverse
from django.utils import timezone

from licensing.admin.usage.sheets import UsageImportAdmin
from licensing.models import (
    DeadLetter,
    LicenseeTerms,
    UsageEvent,
    UsageImport,
    UsageSheet,
)
from licensing.usage.sheets import uploads
from tests.factories import admin_page, messages_of, sign_in

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
    client = sign_in(affairs)

    previewed = send(client, terms, sheet(twin, a="3", b="4"))
    assert previewed.context["tally"].accepted == 2
    assert not UsageEvent.objects.exists()
    assert "2 rows: 2 new" in messages_of(
        send(client, terms, sheet(twin, a="3", b="4"), "all_or_none")
    )
    assert UsageEvent.objects.count() == 2
    assert UsageImport.objects.get().imported_by == affairs
    assert UsageSheet.objects.exclude(content=None).count() == 1


def test_the_report_names_the_rows_that_were_held_for_known(affairs, terms, agreement, twin):
    client = sign_in(affairs)
    send(client, terms, sheet(twin, a="3", b="4"), "all_or_none")
    send(client, terms, sheet(twin, c="5", b="4", a="3"), "all_or_none")

    first, again = UsageImport.objects.order_by("pk")
    assert (again.known, again.known_rows) == (2, [3, 4])
    told = UsageImportAdmin(UsageImport, site).held_for_known
    assert (told(first), told(again)) == ("None.", "3, 4")
    page = client.get(admin_page(UsageImport, again.pk))
    assert "Rows held for known" in page.text
    assert "3, 4" in page.text


def test_what_a_sheet_shows_of_itself_is_proposed_and_shown_beside_each_column(
    affairs, terms, agreement, twin
):
    client = sign_in(affairs)
    file = BytesIO(b"Day;Words;Note\n14/07/2026;1.250;x\n03/08/2026;1,5;\n")
    file.name = "german.csv"
    given = {"terms": terms.pk, "sheet": file}
    page = client.post(reverse("admin:licensing_usageimport_import_sheet"), given, follow=True)

    form = page.context["form"]
    assert (form["decimal_sign"].value(), form["date_order"].value()) == (",", "day")
    assert form["time_zone"].value() == terms.agency.time_zone
    assert "For instance 1.250 · 1,5" in page.text
    assert "Blank in 1 of 2 rows" in page.text


def test_rows_held_for_known_and_totals_are_named_and_count_when_they_are_ticked(
    affairs, terms, agreement, twin
):
    client = sign_in(affairs)

    def sent(text):
        file = BytesIO(("time,lines,who\n" + text).encode())
        file.name = "takes.csv"
        given = {"terms": terms.pk, "sheet": file}
        address = client.post(reverse("admin:licensing_usageimport_import_sheet"), given).url
        form = client.get(address).context["form"]
        said = {name: form[name].value() or "" for name in form.fields}
        said |= {f"column_{i}": to for i, to in enumerate(["time", "lines", "-"])}
        said |= {
            "constant_twin": f"T{twin.pk}", "constant_agreement": "NA-1", "constant_right": "voice",
            "constant_use": "dubbing", "constant_territory": "FR", "constant_language": "fr",
            "constant_channel": "cinema",
        }  # fmt: skip
        return address, said

    address, said = sent("2026-05-04,10,a\n2026-05-05,4,b\n")
    client.post(address, said | {"import": "all_or_none"})

    address, said = sent("2026-05-04,10,c\n2026-05-06,1,d\nTotal,11,\n")
    page = client.post(address, said | {"preview": "1"})
    tally = page.context["tally"]
    assert (tally.accepted, tally.known, tally.left_out, tally.rejected) == (1, 1, 1, 0)
    assert "Row 2 is another use" in page.text
    assert "seems to add up those above it" in page.text

    ticked = {"other_uses": ["2"], "import": "all_or_none"}
    client.post(address, said | ticked)
    assert sorted(UsageEvent.objects.values_list("lines", flat=True)) == [1, 4, 10, 10]
    client.post(address, said | ticked)
    assert UsageEvent.objects.count() == 4


def test_a_wrong_row_is_named_with_its_column(affairs, terms, agreement, twin):
    shown = send(sign_in(affairs), terms, sheet(twin, a="3", b="-4"))

    (fault,) = shown.context["shown"]["faults"]
    assert (fault.row, fault.column, fault.code) == (3, "lines", "negative_quantity")
    assert fault.detail in shown.text


def test_a_sheet_is_imported_only_where_the_seat_allows_it(both, elsewhere, twin):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    response = send(sign_in(both), terms, sheet(twin, a="3"))

    assert "terms" in response.context["form"].errors
    assert not UsageSheet.objects.exists()


def test_no_page_of_a_sheet_opens_at_another_agency(both, elsewhere, operator, twin):
    """The seat that imports is at another agency than the sheet."""
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    mine = uploads.receive(
        sheet(twin, a="3"), file_name="may.csv", terms=terms, at=timezone.now(), by=operator
    )
    client = sign_in(both)

    for name in ("sheet", "cancel"):
        url = reverse(f"admin:licensing_usageimport_{name}", args=[mine.pk])
        assert client.get(url).status_code == 404
        assert client.post(url, {"preview": "1"}).status_code == 404


def test_wrong_rows_wait_to_be_put_right(affairs, terms, agreement, twin):
    client = sign_in(affairs)
    send(client, terms, sheet(twin, a="3", b="-4"), "row_by_row")
    letter = DeadLetter.objects.get()
    url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])
    assert "Put it right, or close it" in client.get(admin_page(DeadLetter, letter.pk)).text
    form = client.get(url).context["form"]
    given = {name: form[name].value() or "" for name in form.fields}

    unchanged = client.post(url, given | {"reason": "As told on the phone", "correct": "1"})
    assert "lines" in unchanged.context["form"].errors
    right = given | {"lines": "4", "reason": "As told on the phone", "correct": "1"}
    assert "is now event" in messages_of(client.post(url, right))

    letter.refresh_from_db()
    event = UsageEvent.objects.get(pk=letter.resolved_event_id)
    assert (event.lines, letter.steps.get().by) == (4, affairs)
    assert "was dealt with" in client.get(url).text


def test_staff_say_whether_a_row_that_says_what_is_known_is_another_use(
    affairs, terms, agreement, twin
):
    """The studio has sent the row put right meanwhile: only staff can tell one use from two."""
    client = sign_in(affairs)

    def without_ids(lines):
        text = SHEET.removeprefix("id,") + ROW.format(id="", twin=twin.pk, lines=lines)[1:]
        file = BytesIO(text.encode())
        file.name = "may.csv"
        return file

    send(client, terms, without_ids("-4"), "row_by_row")
    send(client, terms, without_ids("4"), "row_by_row")
    letter = DeadLetter.objects.get()
    url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])
    form = client.get(url).context["form"]
    given = {name: form[name].value() or "" for name in form.fields}
    right = given | {"lines": "4", "reason": "As told on the phone", "correct": "1"}

    asked = client.post(url, right)
    assert "says the same" in asked.text
    assert 'name="which_use"' in asked.text
    assert UsageEvent.objects.count() == 1
    assert "is now event" in messages_of(client.post(url, right | {"which_use": "another"}))
    assert UsageEvent.objects.count() == 2


def test_staff_say_which_use_a_row_tells_of_that_the_studio_put_right_after_them(
    affairs, terms, agreement, twin
):
    client = sign_in(affairs)

    def without_ids(*lines):
        rows = [ROW.format(id="", twin=twin.pk, lines=number)[1:] for number in lines]
        file = BytesIO((SHEET.removeprefix("id,") + "".join(rows)).encode())
        file.name = "may.csv"
        return file

    def page_of(letter):
        url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])
        shown = client.get(url)
        form = shown.context["form"]
        given = {name: form[name].value() or "" for name in form.fields}
        return shown.text, url, given | {"reason": "As told on the phone", "correct": "1"}

    send(client, terms, without_ids("7", "-4"), "row_by_row")
    _text, url, given = page_of(DeadLetter.objects.get())
    client.post(url, given | {"lines": "3"})
    first = UsageEvent.objects.latest("pk")
    send(client, terms, without_ids("7", "4"), "row_by_row")

    text, url, given = page_of(DeadLetter.objects.open().get())
    assert f"Look at event {first.pk}" in text
    assert "no such field" not in text
    assert "which_use" in client.post(url, given).context["form"].errors
    assert "is now event" in messages_of(client.post(url, given | {"which_use": first.pk}))
    amendment = UsageEvent.objects.latest("pk")
    assert (amendment.kind, amendment.about, amendment.lines) == ("amendment", first.pk, 4)


def test_a_letter_is_closed_with_its_reason(affairs, terms, agreement, twin):
    client = sign_in(affairs)
    send(client, terms, sheet(twin, b="-4"), "row_by_row")
    letter = DeadLetter.objects.get()
    url = reverse("admin:licensing_deadletter_correct", args=[letter.pk])

    assert client.post(url, {"close": "1"}).context["closing"].errors
    client.post(url, {"close": "1", "closing-reason": "A test row of the studio's"})

    letter.refresh_from_db()
    assert letter.resolved_at
    assert letter.steps.get().reason == "A test row of the studio's"
    assert not UsageEvent.objects.exists()


def test_errors_are_taken_along_as_csv(affairs, terms, agreement, twin):
    client = sign_in(affairs)
    send(client, terms, sheet(twin, a="3", b="-4"), "all_or_none")
    report = UsageImport.objects.get()
    url = reverse("admin:licensing_usageimport_errors_csv", args=[report.pk])

    answer = b"".join(client.get(url).streaming_content).decode()

    assert "3,lines,negative_quantity," in answer
