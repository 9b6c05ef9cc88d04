"""How rows are called wherever the desk names them: by whom and what, never by their number."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from talent.admin.base import DeskAdmin
from talent.consent.consents import matrix_of
from talent.models import ConsentMatrix, Delegation, Membership, Representation
from talent.models.names import day
from tests.factories import make_delegate, make_performer, make_persona, make_twin, sign_in


def test_a_matrix_is_called_by_its_owner_and_what_it_says(agency, performer, twin):
    persona = make_persona(agency)
    guild = ConsentMatrix.objects.create(guild="equity_uk")

    assert str(matrix_of(performer=performer)) == "Ada Example: what they allow"
    assert str(matrix_of(twin=twin)) == f"Ada Example, {twin.name}: what they allow"
    twin.name = "Ada Example, voice"
    twin.save()
    assert str(matrix_of(twin=twin)) == "Ada Example, voice: what they allow"
    assert str(matrix_of(twin=persona)) == f"{persona.name}: what it allows"
    assert str(matrix_of(agency=agency)) == f"{agency.name}: its default"
    assert str(guild) == f"{guild.get_guild_display()}: its floor"


def test_a_version_is_called_by_its_matrix(twin, consent):
    version = consent(twin=twin)

    assert str(version) == f"{version.matrix}, version 1"


def test_who_acts_for_whom_is_said_in_words(agency, performer, affairs, terms):
    delegate = make_delegate(performer)
    seat, term = Membership.objects.get(), Representation.objects.get()

    assert str(seat) == f"{affairs}, {seat.get_role_display()}"
    assert str(Delegation.objects.get()).endswith(f" of {performer.name}"), delegate
    assert str(term) == f"{performer.name} at {agency.name} from {day(term.starts_on)}"
    assert str(terms) == f"{terms.agency.name} – {terms.licensee.name}"


@pytest.mark.parametrize("page", ["consentmatrix", "consentversion"])
def test_a_list_of_consents_reads_its_names_with_its_rows(page, operator, agency, consent):
    client, url = sign_in(operator), reverse(f"admin:talent_{page}_changelist")
    counts = []
    for name in ("Bo Example", "Cy Example", "Di Example"):
        consent(twin=make_twin(make_performer(name, agency)))
        with CaptureQueriesContext(connection) as taken:
            text = client.get(url).content.decode()
        assert f"{name}, " in text
        counts.append(len(taken))

    assert counts[1] == counts[2]


def test_digests_stand_folded_away_on_every_page(operator, rf):
    request = rf.get("/")
    request.user = operator
    folded, open_ = set(), set()
    for model, its in admin.site._registry.items():
        if isinstance(its, DeskAdmin):
            for title, options in its.get_fieldsets(request):
                place = folded if "collapse" in options.get("classes", ()) else open_
                names = [name for name in options["fields"] if isinstance(name, str)]
                place |= {f"{model.__name__}.{name}" for name in names}
                assert names or title, model

    assert {"Statement.pdf_sha256", "ConsentVersion.text_sha256", "UsageEvent.entry_hex"} <= folded
    assert not [name for name in open_ if "sha256" in name or name.endswith("_hex")]
    assert {"Statement.number", "ConsentVersion.text_shown"} <= open_
