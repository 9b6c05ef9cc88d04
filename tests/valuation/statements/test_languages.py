"""The languages of statements: nothing is left in English, and catalogues are compiled."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.extract import extract
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from licensing.words import Confidence, Factor, PricePart
from talent.words import Right, TaxForm, Use
from tests.valuation.statements import cases
from valuation.statements import languages, pdf, standing
from valuation.statements.page_values import BESIDE_USE
from valuation.words import AccountKind

ROOT = Path(settings.BASE_DIR)
OTHERS = [language for language in languages.WRITTEN if language != "en"]
SAYS = ("page_values.py", "self_billed.py", "summary.py", "standing.py")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    "pgettext": ((1, "c"), 2),
}
# Whose money is in a client account is said to agencies, in English.
# Priced lines in words are of other pages; what statements have of them is below.
LABELS = [
    *(word.label for words in (Use, Right, Factor, TaxForm, Confidence) for word in words),
    *(kind.label for kind in (AccountKind.COMMISSION, AccountKind.MINOR_TRUST)),
    AccountKind.WITHHOLDING.label,
    AccountKind.SELF_BILLED_TAX.label,
    *(section.label for section in BESIDE_USE),
    *(part.label for part in list(PricePart)[: list(PricePart).index(PricePart.ROUNDING) + 1]),
    " or ",
]


def said():
    """Yield what statements say, each with its plural and its context."""
    files = [ROOT / "valuation/statements" / name for name in SAYS]
    for file in (*files, ROOT / "licensing/quantities.py"):
        for _line, message, _comments, context in extract(
            "python", BytesIO(file.read_bytes()), keywords=KEYWORDS
        ):
            yield context, message
    for file in (ROOT / "templates/statements").glob("*.html"):
        text = templatize(file.read_text(), origin=file.name)
        for _line, message, _comments, context in extract(
            "python", BytesIO(text.encode()), keywords=KEYWORDS
        ):
            yield context, message
    yield from ((None, label) for label in LABELS)


def catalogue(language, kind):
    file = ROOT / "locale" / language / "LC_MESSAGES" / f"django.{kind}"
    read = pofile.read_po if kind == "po" else mofile.read_mo
    with file.open("rb") as stored:
        return read(stored)


def texts(found):
    return {(as_key(one.context), as_key(one.id)): as_key(one.string) for one in found if one.id}


def as_key(text):
    """Return a text that can be compared: compiled, a context is bytes."""
    if isinstance(text, bytes):
        return text.decode()
    return text if text is None or isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_that_a_statement_says_is_left_in_english(language):
    known = texts(catalogue(language, "po"))

    missing = [key for key in said() if not known.get(key) or not all(known[key])]
    assert not missing, f"Write these into locale/{language}, and run `make messages`: {missing}"
    assert set(known) == set(said()), "It has what nothing says any more."


@pytest.mark.parametrize("language", OTHERS)
def test_a_clean_clone_has_the_compiled_catalogue(language):
    assert texts(catalogue(language, "mo")) == texts(catalogue(language, "po")), "make messages"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_what_the_english_names(language):
    for (_context, key), told in texts(catalogue(language, "po")).items():
        singular_and_plural = [key] if isinstance(key, str) else key
        forms = [told] if isinstance(told, str) else told
        for written, form in zip(singular_and_plural, forms, strict=True):
            assert set(re.findall(r"%\(\w+\)[sd]", form)) == set(
                re.findall(r"%\(\w+\)[sd]", written)
            ), form


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("de-DE", ["An Sie zahlbar", "bis 14. Oktober 2026", "Einbehaltene Steuer", "100 × 60,00"]),
        ("fr-FR", ["À vous verser", "au plus tard le 14 octobre 2026", "Doublage", "Commission"]),
        ("es-MX", ["A pagarle", "Doblaje", "Comisión", "línea 3"]),
    ],
)
def test_labels_are_in_the_payees_language(locale, told):
    withheld = cases.Deduction(kind=AccountKind.WITHHOLDING, amount=cases.D("-1.00"))
    kept = (*cases.FIVE_LINES.deductions, withheld)
    content = cases.replace(cases.FIVE_LINES, locale=locale, deductions=kept)
    with translation.override(locale[:2]):
        page = pdf._html(content, "", "")

    for words in told:
        assert words in page, words
    assert f'lang="{locale[:2]}"' in page


def test_who_reads_another_language_is_written_to_in_english():
    assert languages.written("ar-EG") == "en-US"
    assert languages.written("de-AT") == "de-AT"


def test_objections_are_told_in_the_language_that_is_set():
    with translation.override("de"):
        told = standing.objections(cases.replace(cases.FIVE_LINES, locale="de-DE"), None)

    assert "bis 30. September 2028 geprüft werden, mit 30 Tagen Ankündigung." in told


def test_a_german_noun_keeps_its_capital():
    from valuation.statements.summary import spoken

    with translation.override("de"):
        assert spoken(Use.DUBBING) == "Synchronisation"
    assert spoken(Use.DUBBING) == "dubbing"
