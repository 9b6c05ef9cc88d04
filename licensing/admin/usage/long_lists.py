"""Lists of millions of rows: pages that start from a row's key, and counts that are estimates."""

import json
from functools import cached_property

from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connection
from unfold.views import ChangeList

COUNTED_EXACTLY = 50_000
BEFORE, AFTER, OLDEST = "before", "after", "oldest"


class EstimatedPaginator(Paginator):
    """Counts long lists by the planner's estimate; a list of ten million is never counted."""

    template_name = "admin/keyset_pager.html"

    @cached_property
    def count(self):
        try:
            sql, params = self.object_list.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            planned = cursor.fetchone()[0]
        planned = json.loads(planned) if isinstance(planned, str) else planned
        estimate = int(planned[0]["Plan"]["Plan Rows"])
        return estimate if estimate > COUNTED_EXACTLY else super().count


class KeysetList(ChangeList):
    """Newest first, a page at a time; the address names the row that a page starts from.

    The last page costs what the first one does: nothing is skipped row by row, and a row that
    comes in meanwhile moves nobody's page.
    """

    def get_filters_params(self, params=None):
        wanted = super().get_filters_params(params)
        for name in (BEFORE, AFTER, OLDEST):
            wanted.pop(name, None)
        return wanted

    def get_results(self, request):
        """Fetch one page; one row more tells whether there is another."""
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        rows, backwards = self._page_of_rows()
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        self.result_list = rows[::-1] if backwards else rows
        self.result_count = self.paginator.count
        self.estimated = self.result_count > COUNTED_EXACTLY
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self._has_newer = more if backwards else self._start(BEFORE) is not None
        self._has_older = more if not backwards else not self._is_oldest

    def _page_of_rows(self):
        rows = self.queryset.order_by("-pk")
        if (before := self._start(BEFORE)) is not None:
            rows = rows.filter(pk__lt=before)
        elif (after := self._start(AFTER)) is not None:
            rows = rows.filter(pk__gt=after)
        backwards = AFTER in self.params or self._is_oldest
        return list(
            rows.order_by("pk" if backwards else "-pk")[: self.list_per_page + 1]
        ), backwards

    @property
    def _is_oldest(self) -> bool:
        return OLDEST in self.params

    def _start(self, name: str) -> int | None:
        text = self.params.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 19 else None

    # For the pager

    @property
    def newest_url(self):
        return self._url({}) if self._has_newer else ""

    @property
    def newer_url(self):
        return self._url({AFTER: self.result_list[0].pk}) if self._moves(self._has_newer) else ""

    @property
    def older_url(self):
        return self._url({BEFORE: self.result_list[-1].pk}) if self._moves(self._has_older) else ""

    @property
    def oldest_url(self):
        return self._url({OLDEST: 1}) if self._has_older else ""

    def _moves(self, there_are_more: bool) -> bool:  # noqa: FBT001 (a fact, not an option)
        return there_are_more and bool(self.result_list)

    def _url(self, start):
        return self.get_query_string(start, [BEFORE, AFTER, OLDEST])
