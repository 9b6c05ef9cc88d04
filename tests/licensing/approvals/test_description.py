"""Descriptions: what is specific enough to be approved, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from licensing.approvals.description import Description, faults_of
from licensing.approvals.specificity import (
    LANGUAGES_READ,
    OPEN_ENDED,
    is_readable,
    open_ended_phrase,
)
from licensing.decision.request import Request

NOW = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
QUESTION = Request(
    twin="T7",
    right="voice",
    use="dubbing",
    licensee="lantern",
    at=JUNE,
    territory="FR",
    language="fr",
    channel="cinema",
    production="P5",
    units=(("lines", Decimal(6)),),
)
SPECIFIC = Description(
    scene="Scene 41",
    lines="Six lines of the captain are rewritten after the test screening.",
    starts_at=JUNE - timedelta(days=1),
    ends_at=JUNE + timedelta(days=60),
    amount=Decimal("2566.00"),
    currency="USD",
    basis="flat for the six lines",
)


def found(description=SPECIFIC, question=QUESTION, at=NOW, **fields):
    description = replace(description, **fields)
    return {(fault.pointer, fault.code) for fault in faults_of(description, question, at=at)}


def test_a_specific_description_will_do():
    assert found() == set()
    assert found(scene="", campaign="Spring launch 2027") == set()
    assert found(territories=("FR", "DE"), languages=("fr", "de")) == set()


@pytest.mark.parametrize("phrase", OPEN_ENDED)
def test_no_phrase_that_leaves_open_what_is_meant_describes_a_use(phrase):
    sentence = f"Six lines of the captain in the harbour, {phrase.upper()}, after the screening"
    assert found(lines=sentence) == {("/description/lines", "generic")}


@pytest.mark.parametrize("text", ["All-Media", "ALL  media", "all\nmedia.", "All media"])
def test_spelling_and_punctuation_hide_no_phrase(text):
    assert open_ended_phrase(text) == ("all media", "say which medium")


def test_a_phrase_counts_as_words_only():
    assert open_ended_phrase("She waits for the overall media circus to leave") is None
    assert open_ended_phrase("The etching burns") is None


SENTENCES = {
    "de": "Sechs Sätze des Kapitäns werden nach der Testvorführung neu gesprochen.",
    "fr": "Six répliques du capitaine sont réécrites après la projection test.",
    "es": "Se reescriben seis líneas del capitán después del pase de prueba.",
    "it": "Sei battute del capitano vengono riscritte dopo la proiezione di prova.",
    "pt": "Seis falas do capitão são reescritas depois da sessão de teste.",
    "ja": "試写のあと、船長の台詞を六つ書き直して録り直す。",
    "zh": "试映之后、船长的六句台词要重新改写并配音。",
    "ko": "시사회 이후 선장의 대사 여섯 줄을 다시 써서 녹음한다.",
}
GENERIC = {
    "de": [
        "Einige Sätze für alle Medien",
        "Stimme nach Bedarf des Kapitäns im Hafen, fünf Minuten",
    ],
    "fr": [
        "Six répliques du capitaine, TOUS MEDIAS, après la projection",
        "Quelques lignes de texte",
    ],
    "es": [
        "Seis líneas del capitán para fines publicitarios después del pase",
        "Algunas líneas de voz",
    ],
    "it": [
        "Sei battute del capitano e qualsiasi utilizzo dopo la prova",
        "Alcune battute di un film",
    ],
    "pt": [
        "Seis falas do capitão, conforme necessário, depois da sessão",
        "Algumas falas de um filme",
    ],
    "ja": [
        "船長の台詞を六つ、あらゆる媒体で使い直す。",
        "いくつかの台詞",
        "台詞の使用、台詞の使用です。",
    ],
    "zh": ["船长的六句台词、用于所有媒体和重新配音。", "一些台词", "台词台词台词台词台词"],
    "ko": ["선장의 대사 여섯 줄을 모든 매체에서 다시 녹음한다.", "일부 대사"],
}


def test_what_is_specific_will_do_in_every_language_that_the_desk_reads():
    assert set(SENTENCES) == set(LANGUAGES_READ) - {"en"} == set(GENERIC)
    for sentence in SENTENCES.values():
        assert found(lines=sentence) == set(), sentence
        assert is_readable(sentence), sentence


@pytest.mark.parametrize("sentence", [one for several in GENERIC.values() for one in several])
def test_what_is_blanket_is_refused_in_every_language_that_the_desk_reads(sentence):
    assert {pointer for pointer, _ in found(lines=sentence)} == {"/description/lines"}


@pytest.mark.parametrize(
    "sentence",
    [
        "Sześć kwestii kapitana zostanie nagranych od nowa po pokazie testowym.",
        "Шесть реплик капитана переписаны после пробного показа.",
        "บทพูดหกบรรทัดของกัปตันจะถูกเขียนใหม่หลังการฉายทดสอบ",
        "परीक्षण प्रदर्शन के बाद कप्तान की छह पंक्तियाँ फिर से लिखी गईं।",
        "أعيدت كتابة ستة أسطر للقبطان بعد العرض التجريبي.",
    ],
)
def test_what_the_desk_cannot_read_passes_by_its_length_and_is_known_to_be_unread(sentence):
    assert found(lines=sentence) == set()
    assert not is_readable(sentence)
    assert found(lines=sentence[:12]) == {("/description/lines", "too_little")}


def test_a_vowel_sign_does_not_make_two_words_of_one():
    assert found(lines="कप्तान की पंक्तियाँ") == {("/description/lines", "too_little")}


def test_english_is_read():
    assert is_readable(SPECIFIC.lines)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"scene": ""}, ("/description/scene", "missing")),
        ({"scene": " "}, ("/description/scene", "missing")),
        ({"scene": "Scene"}, ("/description/scene", "too_little")),
        ({"scene": "", "campaign": "any and all"}, ("/description/campaign", "generic")),
        ({"lines": ""}, ("/description/lines", "missing")),
        ({"lines": "Some lines of dialogue"}, ("/description/lines", "too_little")),
        ({"lines": "Captain " * 20}, ("/description/lines", "too_little")),
        ({"basis": ""}, ("/description/compensation/basis", "missing")),
        ({"basis": "to be agreed"}, ("/description/compensation/basis", "generic")),
        ({"amount": Decimal(-1)}, ("/description/compensation/amount", "not_payable")),
        ({"amount": Decimal("NaN")}, ("/description/compensation/amount", "not_payable")),
        ({"amount": Decimal("1.001")}, ("/description/compensation/amount", "not_payable")),
        ({"currency": "ZZZ"}, ("/description/compensation/currency", "unknown_currency")),
        ({"territories": ("FR", "XQ")}, ("/description/territories", "unknown_code")),
        ({"territories": ("DE",)}, ("/description/territories", "outside")),
        ({"languages": ("de",)}, ("/description/languages", "outside")),
        ({"ends_at": JUNE - timedelta(days=2)}, ("/description/ends_at", "ends_first")),
        ({"ends_at": JUNE}, ("/description/starts_at", "outside")),
        ({"starts_at": JUNE + timedelta(1)}, ("/description/starts_at", "outside")),
        ({"answer_by": NOW}, ("/description/answer_by", "past")),
    ],
)
def test_what_is_missing_or_contradictory_is_named(fields, wanted):
    assert found(**fields) == {wanted}


def test_a_term_that_is_over_is_no_use_to_come():
    assert found(at=JUNE + timedelta(days=60)) == {("/description/ends_at", "past")}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"production": None}, ("/production", "missing")),
        ({"production": "?"}, ("/production", "unknown_production")),
        ({"units": ()}, ("/quantities", "missing")),
        ({"units": (("lines", Decimal(0)),)}, ("/quantities", "missing")),
    ],
)
def test_a_question_names_its_production_and_how_much(fields, wanted):
    assert found(question=replace(QUESTION, **fields)) == {wanted}


def test_everything_that_is_missing_is_said_at_once():
    empty = replace(SPECIFIC, scene="", lines="", basis="", amount=Decimal(-1))
    assert len(found(empty, replace(QUESTION, production=None, units=()))) == 6
