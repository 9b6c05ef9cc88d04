"""A change of law for staff: what stands otherwise since a version of a rule counts, with money."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import Agreement, RuleSet
from talent import safe_csv
from talent.models import ConsentMatrix
from valuation.reports import law_changes

from .simulation import SEES_MONEY

SHOWN = 200
SEES = ("licensing.view_ruleset", "licensing.view_agreement")


def of_rule(admin_site, request: HttpRequest, rule_id: int) -> HttpResponse:
    """Show the reader's agreements that stand otherwise by one version of a rule."""
    if not all(request.user.has_perm(permission) for permission in SEES):
        raise PermissionDenied
    rule = get_object_or_404(RuleSet.objects.visible_to(request.user), pk=rule_id)
    changes = law_changes.of_version(
        rule_of(rule), among=Agreement.objects.visible_to(request.user), at=timezone.now()
    )
    sees_money = request.user.has_perm(SEES_MONEY)
    rows = list(_rows(request, changes, sees_money=sees_money))
    if "csv" in request.GET:
        return _csv(rows, rule, sees_money=sees_money)
    context = {
        **admin_site.each_context(request),
        "title": _("What stands otherwise by “%s”") % rule.title,
        "opts": RuleSet._meta,
        "rule": rule,
        "rows": rows[:SHOWN],
        "left_out": max(0, len(rows) - SHOWN),
        "agreements": len({row["agreement"].pk for row in rows}),
        "worse": sum(row["is_worse"] for row in rows),
        "sees_money": sees_money,
        "back": reverse("admin:licensing_ruleset_change", args=[rule.pk]),
    }
    return TemplateResponse(request, "admin/law_change.html", context)


def _rows(request: HttpRequest, changes, *, sees_money: bool) -> Iterator[dict[str, Any]]:
    """Yield what a reader sees of each change: consents of others, and money, are not theirs."""
    matrices = {matrix.pk for one in changes for matrix in one.change.matrices}
    seen = ConsentMatrix.objects.visible_to(request.user).filter(pk__in=matrices)
    theirs = {row.pk: row for row in seen.select_related("agency", "performer", "twin")}
    for one in changes:
        change = one.change
        row = {
            "agreement": change.agreement,
            "since": change.since,
            "before": _verdict(change.before),
            "after": _verdict(change.after),
            "is_worse": change.is_worse,
            "says": change.says,
            "mend": change.mend,
            "consents": [theirs[matrix.pk] for matrix in change.matrices if matrix.pk in theirs],
            "currency": one.currency,
        }
        if sees_money:
            row |= {"lines": one.lines, "earned": one.since, "year_before": one.year_before}
        yield row


def _verdict(result):
    return result.label.lower() if result else _("does not count")


def _csv(rows: list[dict[str, Any]], rule: RuleSet, *, sees_money: bool) -> HttpResponse:
    header = [_("Agreement"), _("Rule"), _("Since (ISO 8601)"), _("Before"), _("After"),
              _("What it says"), _("What would mend it"), _("Consents it rests on")]  # fmt: skip
    if sees_money:
        header += [_("Lines since then"), _("Currency"), _("They come to"), _("The year before")]
    return StreamingHttpResponse(
        safe_csv.lines(header, (_cells(row, rule, sees_money=sees_money) for row in rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="change-of-law-{rule.code}.csv"'},
    )


def _cells(row: dict[str, Any], rule: RuleSet, *, sees_money: bool) -> list[Any]:
    cells = [
        row["agreement"].reference, rule.title, row["since"].isoformat(), row["before"],
        row["after"], row["says"], row["mend"], "; ".join(map(str, row["consents"])),
    ]  # fmt: skip
    if sees_money:
        cells += [row["lines"], row["currency"], row["earned"], row["year_before"]]
    return cells
