"""Consent in plain words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from talent.consent.matrix import CombinedCell
from talent.consent.scope import LanguagesIn, Limit, Scope, language_name
from talent.consent.sentences import paragraph, sentence, word_list
from talent.words import Stance

JULY_2027 = datetime(2027, 7, 1, tzinfo=UTC)


def cell(use="dubbing", stance=Stance.ALLOW, right="voice", **scope):
    return CombinedCell(right, use, stance, Scope(**scope), decided_by=None)


def test_the_example_of_the_portal():
    dubbed = cell(languages=frozenset({"de", "fr"}), valid_to=JULY_2027)
    advertising = cell("advertising", Stance.DENY)
    assert paragraph([dubbed, advertising]) == (
        "Your voice may be dubbed into French and German until June 2027. "
        "It may not be used in advertising."
    )


def test_another_right_begins_anew():
    said = paragraph([cell("adr"), cell("feature", right="face")])
    assert said == "Your voice may be used for ADR. Your face may be used in feature films."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            cell("game", Stance.ASK),
            "Your voice may be used in games only after you have approved it.",
        ),
        (
            cell("game", territories=frozenset({"FR", "DE"})),
            "Your voice may be used in games in France and Germany.",
        ),
        (
            cell("game", territories=frozenset()),
            "Your voice may not be used in games, because its consent names no territory.",
        ),
        (
            cell("social", exclusions=frozenset({"tobacco", "political"}), real_time=False),
            (
                "Your voice may be used on social media. Not with political content or tobacco. "
                "Not generated in real time."
            ),
        ),
        (
            cell(
                "live",
                notice_hours=48,
                limits=(Limit("seconds", Decimal(10800)),),
                licensees_excluded=frozenset({"betco"}),
            ),
            (
                "Your voice may be used live. Not by betco. At most 3 hours. "
                "You are told 48 hours before."
            ),
        ),
        (
            cell(
                "series",
                valid_from=datetime(2026, 3, 1, tzinfo=UTC),
                valid_to=datetime(2026, 3, 16, tzinfo=UTC),
                licensees_allowed=frozenset({"lantern"}),
            ),
            "Your voice may be used in series by lantern from 1 March 2026 until 15 March 2026.",
        ),
        (
            cell("game", territories=frozenset({"EU"}), territories_excluded=frozenset({"FR"})),
            "Your voice may be used in games in the European Union except France.",
        ),
        (
            cell("game", territories_excluded=frozenset({"US", "CA"})),
            "Your voice may be used in games everywhere except in Canada and United States.",
        ),
        (
            cell(
                languages_in=(
                    LanguagesIn("CA", frozenset({"fr"})),
                    LanguagesIn("CH", frozenset({"de", "fr"})),
                )
            ),
            (
                "Your voice may be dubbed. In Canada only into French. "
                "In Switzerland only into French and German."
            ),
        ),
        (
            cell("game", languages_in=(LanguagesIn("CA", frozenset()),)),
            "Your voice may be used in games. In Canada in no language.",
        ),
        (
            cell(
                "series",
                channels_allowed=frozenset({"streaming", "cinema"}),
                channels_excluded=frozenset({"social"}),
            ),
            "Your voice may be used in series on cinema and streaming. Not on social.",
        ),
        (
            cell(
                "series",
                productions_allowed=frozenset({"P7"}),
                productions_excluded=frozenset({"P8", "P9"}),
            ),
            "Your voice may be used in series in P7. Not in P8 or P9.",
        ),
        (
            cell(
                "advertising",
                brands_allowed=frozenset({"fizz"}),
                brands_excluded=frozenset({"category:tobacco"}),
            ),
            (
                "Your voice may be used in advertising for fizz. "
                "Not for any brand of tobacco and vapes."
            ),
        ),
        (
            cell("live", withdrawal_notice_hours=72),
            "Your voice may be used live. If you take it back, it ends 72 hours later.",
        ),
        (
            cell("stunt", Stance.DENY, "performance_style", exclusions=frozenset({"hate"})),
            "Your performance style may not be used for stunts.",
        ),
    ],
)
def test_each_cell_says_what_may_be_done(given, said):
    assert sentence(given) == said


def test_lists_and_languages_are_read_as_people_say_them():
    assert word_list(["a", "b", "c"]) == "a, b and c"
    assert word_list([]) == ""
    assert language_name("fr-CA") == "French (Canada)"
    assert language_name("qq-x-odd") == "qq-x-odd"
