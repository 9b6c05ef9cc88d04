"""The memo of a valuation as a PDF: for the agency and the talent, with inputs and sources."""

from io import BytesIO
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from talent import locales
from talent.papers import draw as papers
from valuation.models import Valuation
from valuation.worth.memo.images import WIDTH, image_of
from valuation.worth.memo.summary_csv import summary_csv
from valuation.worth.memo.told import told

# Its words are in no other catalogue; days and figures are as its reader writes them.
WRITTEN_IN = "en"


def draw(valuation: Valuation, *, locale: str) -> BytesIO:
    """Return the memo as a PDF/A-3a, with the summary of its draws attached.

    The same valuation in the same locale gives the same bytes. Raises NotDrawn.
    """
    with translation.override(WRITTEN_IN):
        said = told(valuation, locale, width=WIDTH)
        charts = (said.waterfall, said.tornado, said.flows, said.histogram)
        values: dict[str, Any] = {
            "language": WRITTEN_IN,
            "valuation": valuation,
            "told": said,
            "as_of": locales.day(valuation.as_of, locale),
            "charts": {one.slug: image_of(one.spec) for one in charts if one is not None},
            "forecasts": [(one, image_of(one.spec)) for one in said.forecasts],
        }
        html = render_to_string("worth/memo.html", values)
    file = papers.AttachedFile(
        "draws.csv",
        "".join(summary_csv(valuation)).encode(),
        "The summary of the valuation's draws",
        "Data",
    )
    return BytesIO(papers.draw(html, attachments=[file], dated=valuation.as_of))
