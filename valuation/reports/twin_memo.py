"""The memo of a twin's worth as a PDF: what its performer reads, and nothing of anybody else's."""

from io import BytesIO
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from talent import locales
from talent.papers import draw as papers
from valuation.models import TwinValuation
from valuation.reports import twin_worth
from valuation.worth.memo.images import image_of

# Its words are in no other catalogue; days and figures are as its reader writes them.
WRITTEN_IN = "en"


def draw(valuation: TwinValuation, *, locale: str) -> BytesIO:
    """Return the memo as a PDF/A-3a. The same valuation in the same locale gives the same bytes,
    as long as its course until then does. Raises NotDrawn.
    """
    with translation.override(WRITTEN_IN):
        (worth,) = twin_worth.told([valuation], locale)
        pictures = [(one, image_of(one.spec)) for one in worth.pictures()]
        values: dict[str, Any] = {
            "language": WRITTEN_IN,
            "worth": worth,
            "valuation": valuation,
            "as_of": locales.day(valuation.as_of, locale),
            "digest": bytes(valuation.digest).hex(),
            "pictures": pictures,
        }
        html = render_to_string("worth/twin_memo.html", values)
    return BytesIO(papers.draw(html, dated=valuation.as_of))
