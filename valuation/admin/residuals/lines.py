"""Readings and residual lines: read-only."""

from decimal import Decimal
from functools import partial

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from licensing.agreements.rates import explained, line_floors
from licensing.words import PricePart
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, number, once_a_row
from talent.admin.parts import FactInline
from talent.admin.steps import step
from talent.periods import starts_at
from valuation.admin.cash.disputes import RaiseForm
from valuation.admin.reports import injunction, law_changes, simulation
from valuation.cash.disputed import raising
from valuation.models import Reading, ResidualLine
from valuation.words import DisputeReason, ReadingKind

from . import queue, rerating, ways


def price_table(lines, *, meter, currency, factors=()):
    """Return how each part of a price came to its amount as a table of HTML; they add up to it."""
    locale = locale_of_reader()
    named = explained.factors_in_words(factors, locale)
    return html_table(
        _("Price"),
        [_("Part"), _("How it comes about")],
        (
            (
                PricePart(line["part"]).label,
                explained.in_words(
                    line, meter=meter, currency=currency, locale=locale, factors=named
                ),
            )
            for line in lines
        ),
    )


def _meter_of(reading):
    """Return the meter of a reading; what is owed beside use has none."""
    return reading.rate_line.meter if reading.rate_line else ""


def _beside_floors(reading, *, used_on):
    """Say of each floor that asks for a reading's use whether one unit came to so much."""
    if reading.rate_line is None or not reading.quantity:
        return _("Nothing was used, so no unit has a price.")
    found = line_floors.findings_of_line(
        reading.rate_line,
        line_floors.floor_rules(),
        used_on=used_on,
        paid=reading.gross / reading.quantity,
    )
    if not found:
        return _("No rule of the rulebook has a floor for what it rates.")
    return format_html_join("", "<p>{}</p>", ([finding] for finding in found))


class ResidualLineInline(FactInline):
    model = ResidualLine
    fields = readonly_fields = ["run", "beneficiary", "period_on", number("quantity"),
                                amount("amount"), "adjusts"]  # fmt: skip
    ordering = ["pk"]
    per_page = 50
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("run", "beneficiary", "adjusts")


READ = [number("quantity"), number("factor"), amount("gross")]


@admin.register(Reading)
class ReadingAdmin(FactAdmin):
    agency_path = "agreement__agency"
    list_display = ["__str__", "agreement", "about", number("factor"), "period_on",
                    number("quantity"), amount("gross")]  # fmt: skip
    list_filter = ["kind", "currency", "period_on"]
    list_select_related = ["agreement", "rate_line", "advance"]
    search_fields = ["agreement__reference", "rate_line__label"]
    ordering = ["-period_on", "-pk"]
    inlines = [ResidualLineInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "agreement",
                    "kind",
                    "rate_line",
                    "about",
                    "period_on",
                    "period_ends_on",
                    "its_disputes",
                ]
            },
        ),
        (_("What it came to"), {"fields": [*READ, "how", "beside_floors"]}),
        (_("What it rests on"), {"fields": ["its_events", "events", "first_index", "last_index"]}),
    ]
    readonly_fields = [*READ, "how", "beside_floors", "its_events", "about", "its_disputes"]
    actions_detail = ["dispute"]

    @admin.display(description=_("disputes"))
    @once_a_row
    def its_disputes(self, reading):
        return format_html_join(
            ", ",
            '<a class="desk-link" href="{}">{}</a>',
            (
                (reverse("admin:valuation_dispute_change", args=[one.pk]), one.reference)
                for one in reading.disputes.order_by("pk")
            ),
        )

    @step(
        label=_("Dispute for the licensee"),
        icon="report",
        permission=raising.RAISES,
        says=_(
            "You note that the licensee disputes what it owes for this. Each payee's part of it is "
            "held, and no more: the rest is paid. Two others decide."
        ),
        done=_("%(row)s is in dispute. It stands under Disputes."),
        form=RaiseForm,
        offered=lambda reading: reading.gross > 0 and reading.kind != ReadingKind.CONTRIBUTION,
        facts=lambda reading: _owed(reading),
    )
    def dispute(self, reading, given):
        raising.raise_for_licensee(
            reading_id=reading.pk,
            reason=DisputeReason(given.values["reason"]),
            text=given.values["text"],
            by=given.by,
            at=given.at,
        )

    @admin.display(description=_("beside the floors of the guild"))
    def beside_floors(self, reading):
        return _beside_floors(reading, used_on=reading.period_on)

    @admin.display(description=_("about"))
    def about(self, reading):
        return reading.label

    @admin.display(description=_("how it was priced"))
    def how(self, reading):
        return price_table(
            reading.explanation,
            meter=_meter_of(reading),
            currency=reading.currency,
            factors=reading.summary.get("factors", ()),
        )

    @admin.display(description=_("the uses behind it"))
    def its_events(self, reading):
        if reading.rate_line is None:
            return _("None: it is owed beside use.")
        url = f"{reverse('admin:licensing_usageevent_changelist')}?{urlencode(_events_of(reading))}"
        text = _("What was used in its period, where and how its rate counts")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)


def _owed(reading):
    yield _("Licensee"), reading.agreement.licensee
    yield _("Agreement"), reading.agreement
    yield _("Owed"), locales.money(reading.gross, reading.currency, "en")


def _events_of(reading):
    """Return the filters of a list that hold the events of a reading."""
    agreement, summary = reading.agreement, reading.summary
    begins, ends = (
        starts_at(day, agreement.time_zone) for day in (reading.period_on, reading.period_ends_on)
    )
    filters = {
        "agreement__id__exact": agreement.pk,
        "leaves": f"{reading.first_index}-{reading.last_index}",
        "occurred_at__gte": begins.isoformat(),
        "occurred_at__lt": ends.isoformat(),
    }
    if reading.rate_line.production_id:
        filters["production__id__exact"] = reading.rate_line.production_id
    parts = {"use": "uses", "right": "rights", "territory": "territories", "language": "languages"}
    named = {f"{column}__in": summary.get(name) for column, name in parts.items()}
    return filters | {name: ",".join(codes) for name, codes in named.items() if codes}


MOVED = [number("quantity"), amount("amount")]


@admin.register(ResidualLine)
class ResidualLineAdmin(FactAdmin):
    list_display = ["__str__", "beneficiary", "agreement", "twin", "period_on",
                    number("quantity"), amount("amount"), "run"]  # fmt: skip
    list_filter = ["currency", "period_on"]
    list_select_related = ["beneficiary", "agreement", "twin", "run"]
    search_fields = ["beneficiary__name", "agreement__reference", "twin__name"]
    ordering = ["-pk"]
    actions_list = ["rate_anew", "export_list", "export_workbook"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "beneficiary",
                    "agreement",
                    "twin",
                    "period_on",
                    *MOVED,
                    "its_events",
                    "how",
                    "came_to",
                    "beside_floors",
                ]
            },
        ),
        (_("What it rests on"), {"fields": ["reading", "adjusts", "run", "shown_on"]}),
    ]
    readonly_fields = [*MOVED, "its_events", "how", "came_to", "beside_floors", "shown_on"]

    @admin.display(description=_("beside the floors of the guild"))
    def beside_floors(self, line):
        return _beside_floors(line.reading, used_on=line.month_on)

    def get_urls(self):
        """Add the pages about money that are about no one row."""
        pages = {
            "queue": ("queue/", queue.queue),
            "rerate": ("rerate/", rerating.rerate),
            "events_of_line": ("<int:line_id>/events/", ways.events_of_line),
            "earned_by_event": ("event/<int:event_id>/", ways.earned_by_event),
            "simulate_rates": ("simulate_rates/<int:card_id>/", simulation.rates),
            "injunction_drill": ("injunction/<int:node_id>/", injunction.of_node),
            "law_change": ("law_change/<int:rule_id>/", law_changes.of_rule),
            "simulate_consent_in_money": ("simulate_consent/<int:matrix_id>/", simulation.consent),
            "simulated_consent": ("simulated_consent/<uuid:number>/", simulation.answer),
            "cancel_simulation": ("simulated_consent/<uuid:number>/cancel/", simulation.cancel),
        }
        site = self.admin_site
        return [
            *(
                path(address, site.admin_view(partial(view, site)), name=name)
                for name, (address, view) in pages.items()
            ),
            *super().get_urls(),
        ]

    @action(description=_("Rate anew"), permissions=["rerate"], icon="replay")
    def rate_anew(self, request):
        """Lead to the page that previews it."""
        return redirect("admin:rerate")

    def has_rerate_permission(self, request):
        return request.user.has_perm(rerating.RERATES)

    @admin.display(description=_("uses"))
    def its_events(self, line):
        if line.reading.rate_line is None:
            return _("None: it is owed beside use.")
        url = reverse("admin:events_of_line", args=[line.pk])
        text = _("The uses behind it, with their decisions and consents")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)

    @admin.display(description=_("how it came to its amount"))
    def came_to(self, line):
        """Show how the price through the month became this beneficiary's difference."""
        told, locale = line.explanation, locale_of_reader()
        if "gross_before" not in told:
            return "–"
        money = [
            (_("Price of the reading through this month"), told["gross"]),
            (_("Price until before this month"), told["gross_before"]),
            (_("The beneficiary’s part of this month"), told["part"]),
            (_("Posted for it by earlier nights"), told["posted_before"]),
            (_("This line"), line.amount),
        ]
        rows = [
            (name, locales.money(Decimal(figure), line.currency, locale)) for name, figure in money
        ]
        share = _("%(weight)s of %(weights)s parts") % {
            name: locales.quantity(Decimal(told[name]), locale) for name in ("weight", "weights")
        }
        rows.insert(2, (_("Share in this month"), share))
        return html_table(_("How it came to its amount"), [_("Step"), _("Amount")], rows)

    @admin.display(description=_("shown on"))
    def shown_on(self, line):
        """Lead back to the statements that show the line."""
        rows = line.statement_lines.select_related("statement__beneficiary", "statement__agency")
        links = (
            (reverse("admin:valuation_statement_change", args=[row.statement_id]), row.statement)
            for row in rows
        )
        text = '<a class="desk-link" href="{}">{}</a>'
        return format_html_join(", ", text, links) or _("No statement shows it yet.")

    @admin.display(description=_("how it was priced"))
    def how(self, line):
        return price_table(
            line.explanation["lines"],
            meter=_meter_of(line.reading),
            currency=line.currency,
            factors=line.explanation.get("factors", ()),
        )
