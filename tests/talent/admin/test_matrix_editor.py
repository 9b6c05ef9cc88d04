"""The matrix editor as a plain form: what it shows, refuses and records, without any script."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from talent.admin.matrix_editor import PREFIX, ScopeForm, form_data
from talent.consent.consents import Evidence, cells_of, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from talent.models import Agency, ConsentVersion
from talent.words import Exclusion, Right, Role, Use
from tests.factories import JANUARY, make_agency, make_member, represent, sign_in

QUERIES = 12
GIVEN = {"text_shown": "Dub my voice.", "method": "electronic"}


@pytest.fixture
def matrix(performer):
    return matrix_of(performer=performer)


def address(matrix):
    return reverse("admin:talent_consentmatrix_edit", args=[matrix.pk])


class Fields(HTMLParser):
    """What a browser without scripts would send for a page's form."""

    def __init__(self, page):
        super().__init__()
        self.sent, self._select, self._text = {}, None, None
        self.feed(page.content.decode())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name = given.get("name")
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given and "disabled" not in given:
            self.sent[self._select] = given["value"]
        elif tag == "textarea":
            self._text, self.sent[name] = name, ""
        elif tag == "input" and name and given.get("type") not in ("checkbox", "submit"):
            self.sent[name] = given.get("value", "")
        elif tag == "input" and "checked" in given:
            self.sent.setdefault(name, []).append(given["value"])

    def handle_data(self, data):
        if self._text:
            self.sent[self._text] += data.removeprefix("\n")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._text = None


def sent_by(client, matrix, button=("save", "1"), **changed):
    """Open the page, change some fields, press a button."""
    fields = Fields(client.get(address(matrix))).sent
    fields |= {name.replace("__", "."): value for name, value in changed.items()}
    fields |= {"method": "electronic", "text_shown": fields["text_shown"] or "Dub my voice."}
    return client.post(address(matrix), fields | {button[0]: button[1]})


@pytest.mark.django_db
class TestTheGrid:
    def test_a_stance_is_chosen_and_recorded_as_a_new_version(self, matrix, agent):
        answer = sent_by(sign_in(agent), matrix, stance__voice__dubbing="ask")

        version = ConsentVersion.objects.get(matrix=matrix)
        assert answer.status_code == 302
        assert cells_of(version) == (Cell("voice", "dubbing", "ask"),)
        assert (version.recorded_by, version.text_shown) == (agent, "Dub my voice.")

    def test_it_starts_with_the_version_in_force_scopes_and_all(self, matrix, agent, performer):
        scope = Scope(
            territories=frozenset(),
            languages=frozenset({"fr", "de"}),
            valid_to=datetime(2027, 7, 1, tzinfo=UTC),
            exclusions=frozenset({"hate", "political"}),
            real_time=True,
        )
        kept = (Cell("voice", "dubbing", "allow", scope), Cell("voice", "game", "deny"))
        record(
            matrix=matrix, cells=kept, in_force_from=JANUARY, recorded_at=JANUARY, by=None,
            evidence=Evidence("Dub my voice."),
        )  # fmt: skip

        answer = sent_by(sign_in(agent), matrix, stance__face__feature="ask")

        assert answer.status_code == 302
        version = ConsentVersion.objects.get(matrix=matrix, number=2)
        assert set(cells_of(version)) == {*kept, Cell("face", "feature", "ask")}

    def test_the_texts_language_is_chosen_by_name_and_must_exist(self, matrix, agent):
        client = sign_in(agent)
        wrong = sent_by(client, matrix, stance__voice__dubbing="ask", text_language="Elvenish")
        sent_by(client, matrix, stance__voice__dubbing="ask", text_language="French")

        assert "No such language." in wrong.content.decode()
        assert ConsentVersion.objects.get(matrix=matrix).text_language == "fr"
        assert 'value="French"' in client.get(address(matrix)).content.decode()

    def test_saving_what_is_there_says_that_nothing_changed(
        self, matrix, agent, consent, performer
    ):
        consent("ask", performer=performer)

        page = sent_by(sign_in(agent), matrix)

        assert "Nothing changed: version 1 says the same" in page.content.decode()
        assert matrix.versions.count() == 1

    def test_the_scope_of_a_cell_opens_by_a_button_and_keeps_what_was_chosen(self, matrix, agent):
        client = sign_in(agent)
        fields = Fields(client.get(address(matrix))).sent | {"stance.voice.dubbing": "ask"}

        page = client.post(address(matrix), fields | {"open": "voice.dubbing"})
        opened = Fields(page).sent
        opened |= {"scope-territories_say": "none", **GIVEN}
        client.post(address(matrix), opened | {"save": "1"})

        (cell,) = cells_of(ConsentVersion.objects.get(matrix=matrix))
        assert cell == Cell("voice", "dubbing", "ask", Scope(territories=frozenset()))

    def test_an_empty_list_is_never_taken_for_all(self, matrix, agent):
        fields = {"stance.voice.dubbing": "ask", "panel": "voice.dubbing"}

        page = sent_by(sign_in(agent), matrix, **fields, **{"scope-territories_say": "only"})

        assert "choose “none at all”" in page.content.decode()
        assert not matrix.versions.exists()
        assert "an empty list allows nothing" in page.content.decode()

    def test_codes_beside_none_at_all_are_asked_about(self, matrix, agent):
        fields = {"stance.voice.dubbing": "ask", "panel": "voice.dubbing"}
        fields |= {"scope-territories_say": "none", "scope-territories": "FR"}

        page = sent_by(sign_in(agent), matrix, **fields)

        assert "yet “none at all” is chosen" in page.content.decode()
        assert not matrix.versions.exists()

    def test_an_agencys_default_can_be_overruled_and_a_guilds_floor_not(
        self, matrix, agent, consent
    ):
        consent("deny", agency=Agency.objects.get(slug="northlight"))
        client = sign_in(agent)

        assert '<option value="allow" disabled>' not in client.get(address(matrix)).text
        consent("deny", guild="equity_uk")
        assert '<option value="allow" disabled>' in client.get(address(matrix)).text

    def test_only_a_performer_or_a_twin_overrules_an_agency(self, matrix, agent, agency):
        client = sign_in(agent)
        default = matrix_of(agency=agency)

        assert "scope-overrules_agency" in client.get(address(matrix)).text
        assert "scope-overrules_agency" not in client.get(address(default)).text

    def test_a_refusal_stands_beside_its_cell_and_keeps_the_form(self, matrix, agent, consent):
        consent("deny", guild="equity_uk")

        page = sent_by(sign_in(agent), matrix, stance__voice__dubbing="allow")

        text = page.content.decode()
        assert 'id="why-voice-dubbing">Voice in Dubbing is denied by Guild Equity UK' in text
        assert Fields(page).sent["stance.voice.dubbing"] == "allow"
        assert not matrix.versions.exists()

    def test_what_is_inherited_stands_in_the_cell_with_whose_it_is(self, matrix, agent, consent):
        consent("deny", guild="equity_uk")

        text = sign_in(agent).get(address(matrix)).content.decode()

        assert 'data-above="Guild Equity UK, version 1: deny"' in text
        assert '<option value="allow" disabled>' in text

    def test_somebody_elses_version_is_shown_before_it_is_saved_over(
        self, matrix, agent, consent, performer
    ):
        client = sign_in(agent)
        fields = Fields(client.get(address(matrix))).sent
        fields |= {"stance.face.feature": "ask", **GIVEN}
        consent("deny", performer=performer)

        page = client.post(address(matrix), fields | {"save": "1"})

        assert page.status_code == 409
        assert "Voice in Dubbing: stance inherits → deny" in page.content.decode()
        again = Fields(page).sent
        assert again["stance.face.feature"] == "ask"
        assert client.post(address(matrix), again | {"save": "1"}).status_code == 302

    def test_opening_a_scope_hides_no_version_in_between(self, matrix, agent, consent, performer):
        client = sign_in(agent)
        fields = Fields(client.get(address(matrix))).sent | {"stance.face.feature": "ask"}
        consent("deny", performer=performer)

        opened = Fields(client.post(address(matrix), fields | {"open": "voice.adr"})).sent
        opened |= GIVEN

        assert client.post(address(matrix), opened | {"save": "1"}).status_code == 409

    @pytest.mark.parametrize(
        "junk",
        [
            {"stance.voice.dubbing": "perhaps"},
            {"stance.voice.dubbing": "ask", "held.voice.dubbing": "scope-notice_hours=soon"},
            {"stance.voice.dubbing": "ask", "held.voice.dubbing": "scope-real_time=maybe"},
            {"based_on": "x", "stance.voice.dubbing": "ask", "in_force_from": "yesterday"},
        ],
    )
    def test_what_no_browser_would_send_records_nothing(self, matrix, agent, junk):
        page = sent_by(sign_in(agent), matrix, **{"panel": "", **junk})

        assert page.status_code == 200
        assert not matrix.versions.exists()

    def test_it_opens_in_twelve_queries_whatever_its_size(
        self, matrix, agent, consent, performer, agency
    ):
        consent("ask", guild="equity_uk")
        consent("ask", agency=agency)
        client = sign_in(agent)
        small = count(client, address(matrix))
        whole = [
            Cell(right.value, use.value, "ask", Scope(territories=frozenset({"FR"})))
            for right in Right
            for use in Use
        ]
        for _version in range(5):
            record(
                matrix=matrix, cells=whole, in_force_from=JANUARY, recorded_at=JANUARY, by=agent,
                evidence=Evidence("All of it."),
            )  # fmt: skip

        large = count(client, address(matrix))

        assert large <= QUERIES
        assert large - small <= 1, "the version in force, which the small one doesn't have"


def count(client, url):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.django_db
class TestWhoMay:
    def test_an_auditor_reads_the_grid_and_records_nothing(self, matrix, agency):
        auditor = sign_in(make_member(agency, Role.AUDITOR))

        assert "Record a new version" not in auditor.get(address(matrix)).content.decode()
        assert auditor.post(address(matrix), {"save": "1"}).status_code == 403

    def test_a_guilds_floor_is_read_by_all_and_changed_by_the_operator(self, agent, consent):
        consent("ask", guild="equity_uk")
        floor = matrix_of(guild="equity_uk")

        assert sign_in(agent).get(address(floor)).status_code == 200
        assert sign_in(agent).post(address(floor), {"save": "1"}).status_code == 403

    def test_a_strangers_performer_is_not_there(self, matrix, db):
        stranger = make_agency("stranger")

        assert sign_in(make_member(stranger, Role.AGENT)).get(address(matrix)).status_code == 404

    def test_another_agencys_default_is_not_shown_above(
        self, matrix, agent, consent, elsewhere, performer
    ):
        represent(elsewhere, performer)
        consent("deny", agency=elsewhere)

        assert "Elsewhere" not in sign_in(agent).get(address(matrix)).content.decode()


@pytest.mark.django_db
class TestPapers:
    def get(self, client, page, version):
        return client.get(reverse(f"admin:talent_consentversion_{page}", args=[version.pk]))

    def test_a_version_is_compared_with_the_one_before(self, agent, consent, performer):
        consent("ask", performer=performer)
        version = consent("deny", performer=performer)

        text = self.get(sign_in(agent), "compare", version).content.decode()

        assert "Voice in Dubbing" in text
        assert "ask → deny" in text

    def test_a_receipt_a_policy_and_an_assertion_are_downloaded(self, agent, consent, performer):
        consent("deny", guild="equity_uk", use="game")
        version = consent("ask", performer=performer)
        client = sign_in(agent)

        receipt = self.get(client, "receipt", version)
        policy = self.get(client, "policy", version)
        training = self.get(client, "training", version)

        assert json.loads(receipt.content)["record_id"].endswith(f":{version.pk}")
        assert policy["Content-Type"] == "application/ld+json"
        (permission,) = json.loads(policy.content)["permission"]
        assert (
            permission["duty"][0]["consentingParty"] == f"urn:likenessdesk:performer:{performer.pk}"
        )
        assert json.loads(training.content)["label"] == "cawg.training-mining"

    def test_a_rule_is_nobodys_consent(self, agent, consent):
        version = consent("ask", guild="equity_uk")

        for page in ("receipt", "policy", "training"):
            assert self.get(sign_in(agent), page, version).status_code == 302

    def test_a_strangers_papers_are_not_there(self, consent, performer, db):
        version = consent("ask", performer=performer)
        client = sign_in(make_member(make_agency("stranger"), Role.AGENT))

        for page in ("compare", "receipt", "policy", "training"):
            assert self.get(client, page, version).status_code == 404


codes = st.none() | st.frozensets(st.sampled_from(["FR", "US-CA", "fr-CA"]))
moments = st.none() | st.datetimes(timezones=st.just(UTC)).map(
    lambda at: at.replace(year=2000 + at.year % 100, day=1, microsecond=0)
)
cells = st.builds(
    Cell,
    right=st.just("voice"),
    use=st.just("dubbing"),
    stance=st.just("ask"),
    scope=st.builds(
        Scope,
        territories=codes,
        languages=codes,
        licensees_allowed=codes,
        licensees_excluded=st.frozensets(st.sampled_from(["lantern", "saltmarsh"])),
        valid_from=moments,
        valid_to=moments,
        notice_hours=st.none() | st.integers(0, 999),
        exclusions=st.frozensets(st.sampled_from(Exclusion.codes())),
        real_time=st.sampled_from([None, True, False]),
        limits=st.just(())
        | st.builds(
            lambda most, year, each: (Limit("lines", most, year, each),),
            st.decimals(0, 999, places=2),
            st.booleans(),
            st.booleans(),
        ),
    ),
    overrules_agency=st.booleans(),
)


@given(cells)
def test_a_scope_that_travels_as_a_forms_text_comes_back_the_same(cell):
    form = ScopeForm(QueryDict(form_data(cell)), prefix=PREFIX)

    assert form.is_valid(), form.errors
    assert form.cell("voice", "dubbing", "ask") == cell
