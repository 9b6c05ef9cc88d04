"""Histories: who changed what, in words; names of rows as far as the reader sees them."""

from licensing.models import Agreement
from talent.models import Performer
from tests.factories import admin_page, make_user, sign_in
from tests.pages import form_on


def history(reader, row):
    return sign_in(reader).get(admin_page(type(row), row.pk, name="history")).text


def test_a_history_names_persons_columns_and_codes_in_words(affairs, agent, performer):
    type(affairs).objects.filter(pk=affairs.pk).update(first_name="Basil", last_name="Brief")
    client, url = sign_in(affairs), admin_page(Performer, performer.pk)
    client.post(url, form_on(client, url) | {"guild": "sag_aftra", "domicile": "France"})

    text = history(agent, performer)

    assert "Basil Brief" in text
    assert affairs.email not in text
    assert "Equity UK → SAG-AFTRA" in text
    assert "Domicile" in text
    assert "– → France" in text
    assert "sag_aftra" not in text


def test_a_history_names_rows_and_not_those_that_the_reader_does_not_see(
    agreement, performer, agent, operator
):
    performer.user = make_user("ada@performers.example", first_name="Ada", last_name="Herself")
    performer.save()
    Agreement.objects.filter(pk=agreement.pk).update(currency="EUR")

    assert "Ada Herself" in history(operator, performer)
    assert "Ada Herself" not in history(agent, performer)
    assert "– → not shown to you" in history(agent, performer)
    assert "US dollars → euros" in history(agent, agreement)


def test_changes_of_one_instant_stand_newest_first(agent, performer):
    """A transaction has one instant, and a test is one."""
    for name in ("Ada Second", "Ada Third", "Ada Fourth"):
        Performer.objects.filter(pk=performer.pk).update(name=name)

    text = history(agent, performer)

    assert (
        text.index("Ada Third → Ada Fourth")
        < text.index("Ada Second → Ada Third")
        < text.index("Ada Example → Ada Second")
    )
