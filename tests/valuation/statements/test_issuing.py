"""Many statements issued at once: claimed one by one, each on its own, with its number."""

import errno
import threading
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.urls import reverse

from talent.database.locks import hold_lock
from talent.papers import certificate
from talent.words import Role
from tests.factories import make_member, sign_in
from tests.valuation.world import TONIGHT, make_composite
from valuation import night, tasks
from valuation.models import IssueRun, Statement
from valuation.statements import documents, draw, issuing, steps
from valuation.statements.draw import issuing as lock_of

AS_OF = date(2026, 11, 22)
pytestmark = pytest.mark.usefixtures("short_papers")
PAYEES = {"Ann": "1", "Bea": "1", "Cid": "1", "Dot": "1", "Eve": "1", "Fay": "1"}


@pytest.fixture
def cast(agency):
    emails = [f"{name}@harbour.example" for name in ("ria", "ben")]
    return [make_member(agency, Role.ACCOUNTING, email=email) for email in emails]


@pytest.fixture
def approved(world, cast):
    """Six statements and the roll-up that adds them up, all approved."""
    twin = make_composite(world, **PAYEES)
    world.line(unit_price=D(1))
    world.use("60", twin=twin)
    night.run_night(as_of=AS_OF, now=TONIGHT)
    for one in statements():
        steps.review(statement_id=one.pk, by=cast[0], at=TONIGHT)
        steps.approve(statement_id=one.pk, by=cast[1], at=TONIGHT)
    return statements()


def statements():
    return list(Statement.objects.order_by("-kind", "beneficiary__name"))


def ask(rows, cast):
    [run] = issuing.ask(statements=rows, by=cast[1], at=TONIGHT, note="")
    return run


def issue_all(run, now=TONIGHT):
    turns = 0
    while issuing.issue_next(run.pk, now=now):
        turns += 1
    return turns


def numbers():
    return sorted(filter(None, Statement.objects.values_list("number", flat=True)))


def count_to(last):
    return [f"NORTHLIGHT-2026-Q3-{count:04}" for count in range(1, last + 1)]


def states(run):
    return list(run.items.order_by("pk").values_list("state", flat=True))


def test_all_are_issued_and_the_roll_up_after_what_it_adds_up(approved, cast):
    run = ask(approved, cast)
    assert approved[0].kind == "roll_up"

    assert issue_all(run) == 7

    assert numbers() == count_to(7)
    assert Statement.objects.get(kind="roll_up").number == count_to(7)[-1]
    far = issuing.progress_of(run, TONIGHT + timedelta(minutes=1))
    assert (far.issued, far.failed, far.left, far.percent, far.rest) == (7, 0, 0, 100, None)
    assert issuing.open_runs() == []


def test_one_that_fails_to_draw_stops_only_itself_and_keeps_its_number(approved, cast, monkeypatch):
    run, [_roll_up, ann, bea, *_others] = ask(approved[1:], cast), approved
    store = documents.store_issued

    def full_for_bea(statement, content, **given):
        if statement.pk == bea.pk:
            raise documents.PaperNotStored("No space left; free some space.")
        return store(statement, content, **given)

    with monkeypatch.context() as disk:
        disk.setattr(documents, "store_issued", full_for_bea)
        issue_all(run)

    assert numbers() == [n for n in count_to(6) if n != count_to(6)[1]]
    failed = run.items.get(state="failed")
    assert (failed.statement, failed.detail) == (bea, "No space left; free some space.")
    assert Statement.objects.with_status().get(pk=bea.pk).status == "approved"

    assert issuing.try_again(run) == 1
    issue_all(run)
    assert Statement.objects.get(pk=bea.pk).number == count_to(6)[1]
    assert Statement.objects.get(pk=ann.pk).number == count_to(6)[0]
    assert numbers() == count_to(6)


def test_a_certificate_that_ends_in_the_middle_of_a_run_stops_the_rest_with_their_numbers(
    approved, cast, settings, tmp_path
):
    def lay_in(folder, *, at):
        chain, key = certificate.make_trial(tmp_path / folder, at=at)
        settings.SEAL_CERTIFICATE, settings.SEAL_KEY = str(chain), str(key)
        return certificate.certificate_of(certificate.of_the_desk()).until

    ends_at = lay_in("old", at=TONIGHT)
    run, before = ask(approved[1:], cast), ends_at - timedelta(minutes=1)
    for _ in range(2):
        assert issuing.issue_next(run.pk, now=before)
    issue_all(run, now=ends_at)

    assert states(run) == ["issued"] * 2 + ["failed"] * 4
    assert {item.detail for item in run.items.filter(state="failed")} == {
        item.detail for item in run.items.filter(state="failed", detail__contains="ended on")
    }  # fmt: skip
    assert numbers() == count_to(2)

    lay_in("new", at=ends_at)
    assert issuing.try_again(run) == 4
    issue_all(run, now=ends_at + timedelta(minutes=5))
    assert numbers() == count_to(6)
    assert states(run) == ["issued"] * 6


@pytest.mark.deep
def test_of_fifty_payees_one_that_cannot_be_drawn_stops_no_other(world, cast, monkeypatch):
    names = [f"Payee {number:02}" for number in range(50)]
    twin = make_composite(world, **dict.fromkeys(names, "1"))
    world.line(unit_price=D(1))
    world.use("5000", twin=twin)
    gathered = draw.gather

    def fails_for_one(series, *given, **told):
        if series.beneficiary.name == names[17]:
            raise ZeroDivisionError
        return gathered(series, *given, **told)

    with monkeypatch.context() as broken:
        broken.setattr(draw, "gather", fails_for_one)
        failed: list[str] = []
        night.run_night(as_of=AS_OF, now=TONIGHT)
        draw.draw_due(as_of=AS_OF, now=TONIGHT, failed=failed)
    drawn = Statement.objects.filter(kind="beneficiary")
    assert drawn.count() == 49
    assert len(failed) == 1
    assert names[17] in failed[0]

    assert [one.beneficiary.name for one in draw.draw_due(as_of=AS_OF, now=TONIGHT)
            if one.beneficiary] == [names[17]]  # fmt: skip
    assert {one.earned for one in drawn} == {D(100)}


def test_a_fault_of_the_desk_is_told_without_its_insides(approved, cast, monkeypatch):
    run = ask(approved[1:2], cast)

    def broken(*_, **__):
        raise OSError(errno.EIO, "/secret/place")

    monkeypatch.setattr(documents, "store_issued", broken)
    issue_all(run)

    [item] = run.items.all()
    assert item.state == "failed"
    assert "secret" not in item.detail


def test_what_a_gone_worker_had_claimed_is_claimed_anew_after_a_while(approved, cast):
    run = ask(approved[1:3], cast)
    first = issuing._claim(run.pk, TONIGHT)

    assert issue_all(run, TONIGHT + issuing.SILENCE) == 1
    assert states(run) == ["at_work", "issued"]
    assert issue_all(run, TONIGHT + issuing.SILENCE + timedelta(seconds=1)) == 1
    assert states(run) == ["issued", "issued"]
    assert first == run.items.order_by("pk")[0].pk


def test_a_worker_that_went_after_it_had_issued_leaves_it_issued(approved, cast):
    run = ask(approved[1:2], cast)
    issuing._claim(run.pk, TONIGHT)
    steps.issue(statement_id=approved[1].pk, by=cast[1], at=TONIGHT)

    issue_all(run, TONIGHT + timedelta(minutes=6))

    assert states(run) == ["issued"]
    assert numbers() == count_to(1)


def test_a_draft_that_got_news_meanwhile_is_not_issued(approved, cast, world):
    run = ask(approved[1:2], cast)
    world.use("6", twin=world.agreement.__class__.objects.get().twin)
    night.run_night(as_of=AS_OF, now=TONIGHT)

    issue_all(run)

    [item] = run.items.all()
    assert item.state == "failed"
    assert "is draft" in item.detail


@pytest.mark.django_db(transaction=True)
def test_while_the_night_draws_nothing_fails_and_all_wait(approved, cast, monkeypatch):
    monkeypatch.setattr("talent.database.locks.WAITS", timedelta(seconds=0.2))
    run = ask(approved[1:3], cast)
    done = threading.Event()

    def issue():
        issuing.issue_next(run.pk, now=TONIGHT)
        connection.close()
        done.set()

    with hold_lock(lock_of(run.agency_id)):
        threading.Thread(target=issue).start()
        assert done.wait(20)

    assert states(run) == ["waiting", "waiting"]
    assert issue_all(run) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_a_run_and_issue_each_once(approved, cast):
    run = ask(approved, cast)
    turns = []

    def work():
        turns.append(issue_all(run))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # One of them may end while the other is at what the roll-up waits for.
    issue_all(run)
    assert all(turns)
    assert numbers() == count_to(7)
    assert set(states(run)) == {"issued"}


# Through the doors


def test_many_are_left_to_the_workers_and_their_page_says_how_far_they_are(
    approved, cast, monkeypatch, django_capture_on_commit_callbacks
):
    queued = []
    monkeypatch.setattr(tasks, "issue_soon", queued.append)
    client = sign_in(cast[1])
    address = reverse("admin:valuation_statement_changelist")
    chosen = {"action": "issue", "_selected_action": [one.pk for one in approved[1:]]}
    seen = client.post(address, chosen).context["seen"]

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, {**chosen, "seen": seen, "reason": "Q3"}, follow=True)

    run = IssueRun.objects.get()
    assert queued == [[run.pk]]
    assert (run.note, run.items.count(), numbers()) == ("Q3", 6, [])
    page = reverse("admin:valuation_issuerun_change", args=[run.pk])
    assert page in answer.content.decode()
    at_work = client.get(page)
    assert "hx-get" in at_work.content.decode()
    issue_all(run)
    progress = client.get(reverse("admin:valuation_issuerun_progress", args=[run.pk]))
    assert progress["HX-Refresh"] == "true"
    assert client.get(page).context["far"].issued == 6


def test_a_few_are_issued_at_once(approved, cast):
    client = sign_in(cast[1])
    address = reverse("admin:valuation_statement_changelist")
    chosen = {"action": "issue", "_selected_action": [one.pk for one in approved[1:4]]}
    seen = client.post(address, chosen).context["seen"]

    client.post(address, {**chosen, "seen": seen, "reason": ""})

    assert numbers() == count_to(3)
    assert not IssueRun.objects.exists()


def test_a_worker_goes_on_for_a_while_and_asks_again(approved, cast, monkeypatch):
    run = ask(approved[1:3], cast)
    monkeypatch.setattr(tasks, "ISSUES_FOR", -1)
    monkeypatch.setattr(issuing, "SILENCE", timedelta(days=400))
    asked = []
    monkeypatch.setattr(
        tasks.issue_statements, "apply_async", lambda kwargs, **_: asked.append(kwargs)
    )

    assert tasks.issue_statements(run_id=run.pk) == 1
    assert asked == [{"run_id": run.pk}]
    monkeypatch.setattr(tasks, "issue_soon", lambda runs: asked.append(list(runs)))
    assert tasks.issue_what_waits() == 1
    assert asked[1:] == [[run.pk]]


# Whether a file is the one


@pytest.fixture
def issued(approved, cast):
    return steps.issue(statement_id=approved[1].pk, by=cast[1], at=TONIGHT)


@pytest.mark.django_db
def test_anybody_is_told_whether_a_file_is_the_one_that_was_issued(issued, client):
    address = reverse("portal:verify-number", args=[issued.number])
    assert documents.verify_url_of(issued.number).endswith(address)
    asked = client.get(address)
    assert (asked.status_code, issued.number in asked.content.decode()) == (200, True)

    with issued.pdf.open("rb") as file:
        told = client.post(reverse("portal:verify"), {"number": issued.number, "file": file})
    assert told.context["is_it"]
    by_digest = {"number": f" {issued.number} ", "sha256": issued.pdf_sha256.upper()}
    assert client.post(reverse("portal:verify"), by_digest).context["is_it"]


@pytest.mark.django_db
def test_an_unknown_number_is_answered_as_a_changed_file_is(issued, client, approved):
    """So that nobody finds out which numbers there are; a draft's digest tells as little."""
    digest, draft = "0" * 64, Statement.objects.get(pk=approved[2].pk)
    of_none = client.post(reverse("portal:verify"), {"number": "NONE-1", "sha256": digest})
    changed = client.post(reverse("portal:verify"), {"number": issued.number, "sha256": digest})
    another = client.post(
        reverse("portal:verify"), {"number": "", "sha256": draft.pdf_sha256 or digest}
    )

    def without_number(answer, number):
        return answer.content.decode().replace(number, "…")

    assert not any(answer.context["is_it"] for answer in (of_none, changed, another))
    one, other = without_number(of_none, "NONE-1"), without_number(changed, issued.number)
    assert strip_tokens(one) == strip_tokens(other)
    assert "Ann" not in changed.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("sent", [{}, {"sha256": "z" * 64}, {"sha256": "0" * 63}])
def test_without_a_file_or_a_digest_it_says_what_is_missing(issued, client, sent):
    answer = client.post(reverse("portal:verify"), {"number": issued.number, **sent})

    assert answer.context["wanting"]
    assert "One thing is missing" in answer.content.decode()


def strip_tokens(page):
    return "\n".join(line for line in page.splitlines() if "csrfmiddlewaretoken" not in line)
