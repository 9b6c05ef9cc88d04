"""What the money of a list comes to, by currency: of all rows that its filters leave."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Aggregate, QuerySet
from django.http import HttpRequest, HttpResponse


class WithTotals:
    """An admin whose list says above its rows what they come to: one query, however long it is.

    The rows are those that the reader may see and has filtered, on all pages.
    """

    # What is added up, by how it is called. It needs a column `currency`.
    totals: ClassVar[Mapping[Any, Aggregate]] = {}
    # What a reader has to know of these sums.
    totals_hint: ClassVar[Any] = ""

    def rows_to_total(self, rows: QuerySet) -> QuerySet:
        """Return the rows that are added up for rows of the list: these, or parts of them."""
        return self.model._base_manager.filter(pk__in=rows)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if self.totals and "cl" in shown:
            shown["totals"] = self._totals(shown["cl"].queryset.order_by().values("pk"))
            shown["totals_hint"] = self.totals_hint
        return response

    def _totals(self, rows: QuerySet) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Return each currency with what its rows come to; what is nothing is left out."""
        named = {f"total_{place}": sum_ for place, sum_ in enumerate(self.totals.values())}
        found = self.rows_to_total(rows).order_by("currency").values("currency").annotate(**named)
        return [
            (
                row["currency"],
                [(label, row[name]) for label, name in zip(self.totals, named, strict=True)],
            )
            for row in found
        ]
