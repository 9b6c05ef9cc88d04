"""In a real browser: an agent edits a consent by keyboard, and its performer reads the change."""

import pytest

from talent.consent.consents import cells_of
from talent.models import ConsentMatrix, ConsentVersion

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}


def test_a_matrix_is_edited_by_keyboard_and_read_by_its_performer(sign_in, barriers):
    matrix = ConsentMatrix.objects.get(twin__name="Ada Sample, voice")
    page = sign_in("basil@meridian.example")
    page.goto(f"/admin/talent/consentmatrix/{matrix.pk}/edit")
    assert barriers(page) == []

    page.focus("select[name='stance.voice.game']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "scope-territories_say"
    page.fill("[name=scope-territories]", "FR")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.name") == "stance.voice.interactive_promo"
    assert "Nobody above says anything" in page.inner_text("#panel-above")
    page.focus("select[name='stance.training_data.training']")
    page.keyboard.press("a")
    assert "SAG-AFTRA" in page.inner_text("#panel-why")
    with page.expect_navigation():
        page.get_by_role("button", name="Record a new version").click()

    assert barriers(page) == []
    version = ConsentVersion.objects.get(matrix=matrix, number=2)
    cells = {(cell.right, cell.use): cell for cell in cells_of(version)}
    assert cells["voice", "interactive_promo"].stance == "ask"
    assert cells["voice", "interactive_promo"].scope.territories == frozenset({"FR"})
    assert cells["training_data", "training"].stance == "deny"
    assert cells["voice", "game"].scope.languages == frozenset({"en", "fr", "de"})

    ada = sign_in("ada@performers.example", **PHONE)
    ada.goto(f"/twins/{matrix.twin_id}/consent/")
    ada.get_by_role("link", name="compare with version 1").click()
    assert "Voice in Interactive promo" in ada.inner_text("main")
    assert barriers(ada) == []
