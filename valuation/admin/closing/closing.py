"""Closing a period: its checklist, each item with the list that mends it, and two people."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from talent import four_eyes, locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import Days, label, local_day, next_period, previous_period
from talent.sign_in import proofs
from valuation.admin.cash.reconciliation import sensible_day
from valuation.closing import closes
from valuation.closing.checklist import (
    RULED,
    UNPRICED,
    Checklist,
    Item,
    checklist,
    period_of,
    worth_of_held,
)
from valuation.delivery import links
from valuation.models import Account, BankBalance, Invoice, PeriodClose, PeriodCloseStep
from valuation.models.closing import PeriodCloseQuerySet
from valuation.reports import undecided
from valuation.words import CloseItem, CloseStepKind

VIEWS = "valuation.view_periodclose"
DAY = timedelta(days=1)
KINDS = {
    CloseItem.HELD: RULED,
    CloseItem.UNPRICED: UNPRICED,
    CloseItem.FAILURES: undecided.UNRATED,
}
TURN_TO_CLOSE = (None, CloseStepKind.NOT_CLOSED.value, CloseStepKind.REOPENED.value)


class PeriodForm(forms.Form):
    """Whose period, in which currency, and a day that it holds."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), widget=UnfoldAdminSelectWidget)
    on = forms.DateField(label=gettext_lazy("A day of the period"), widget=UnfoldAdminDateWidget)

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = Agency.objects.visible_to(user).order_by("name")
        names = dict(locales.currencies(locale_of_reader()))
        posted, banked = (
            model.objects.visible_to(user).order_by().values_list("currency", flat=True)
            for model in (Account, BankBalance)
        )
        codes = sorted(posted.union(banked))
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]

    def clean_on(self):
        return sensible_day(self.cleaned_data["on"])


class WhyForm(forms.Form):
    """Why each thing that is left stays as it is."""

    def __init__(self, data, *, found: Checklist):
        super().__init__(data)
        for item in found.left:
            if not item.must:
                self.fields[item.what.value] = forms.CharField(
                    label=item.what.label,
                    max_length=closes.LONGEST,
                    widget=UnfoldAdminTextInputWidget,
                )

    def why(self) -> dict[CloseItem, str]:
        return {CloseItem(name): text for name, text in self.cleaned_data.items()}


def period_page(admin_site, request: HttpRequest) -> HttpResponse:
    """Show the checklist of a period; a POST asks to close it as it was shown."""
    if not request.user.has_perm(VIEWS):
        raise PermissionDenied
    now = timezone.now()
    asked = request.GET if "on" in request.GET else _usual(request, now)
    form = PeriodForm(asked, user=request.user)
    context = {
        **admin_site.each_context(request),
        "title": _("Close a period"),
        "opts": PeriodClose._meta,
        "form": form,
    }
    if form.is_valid():
        given = form.cleaned_data
        days = period_of(given["agency"], given["on"])
        if "worth" in request.GET:
            return _worth(given, days, request.user)
        found = checklist(
            agency=given["agency"], currency=given["currency"], days=days, user=request.user,
            now=now,
        )  # fmt: skip
        if request.method == "POST" and (asked := proofs.step_up(request)):
            return asked
        why = WhyForm(request.POST if request.method == "POST" else None, found=found)
        if request.method == "POST" and why.is_valid():
            close = _ask(request, given, days, why, now)
            if close is not None:
                return redirect("admin:valuation_periodclose_change", close.pk)
        context |= _told(request, given, days, found, why, now)
    return TemplateResponse(request, "admin/period_close.html", context)


def _worth(given, days: Days, user) -> HttpResponse:
    """Return what is waiting for a decision would cost, for the page that asks for it apart."""
    found = worth_of_held(agency=given["agency"], currency=given["currency"], days=days, user=user)
    money = _writer(given["currency"])
    told = {what.value: "–" if sum_ is None else money(sum_) for what, sum_ in found.items()}
    cells = ((f"worth-{what}", text) for what, text in told.items())
    return HttpResponse(format_html_join("", '<span id="{}">{}</span>', cells))


def _ask(request, given, days: Days, why: WhyForm, now) -> PeriodClose | None:
    if not seats_with(request.user, closes.ASKS).filter(pk=given["agency"].pk).exists():
        raise PermissionDenied
    try:
        close = closes.ask(
            agency=given["agency"], currency=given["currency"], days=days,
            seen=request.POST.get("seen", ""), why=why.why(), by=request.user, at=now,
        )  # fmt: skip
    except Refused as refusal:
        messages.error(request, str(refusal))
        return None
    messages.success(request, _("%s waits to be closed. Next, somebody else approves it.") % close)
    return close


def _usual(request: HttpRequest, now) -> dict:
    """Ask for the last period that has ended, of the account in which was posted last."""
    account = (
        Account.objects.visible_to(request.user)
        .annotate(newest=Max("postings__entry"))
        .filter(newest__isnull=False)
        .select_related("agency")
        .order_by("-newest")
        .first()
    )
    if account is None:
        return {}
    today = local_day(now, account.agency.time_zone)
    days = previous_period(today, account.agency.statement_period)
    return {"agency": account.agency_id, "currency": account.currency, "on": days.starts_on}


def _told(request, given, days: Days, found: Checklist, why: WhyForm, now) -> dict:
    agency, currency = given["agency"], given["currency"]
    these = PeriodClose.objects.with_state().filter(
        agency=agency, currency=currency, period_on__gte=days.starts_on
    )
    by_day = {one.period_on: one for one in these}
    close = by_day.pop(days.starts_on, None)
    state = close.state if close else None
    ended = days.ends_on <= local_day(now, agency.time_zone)
    blocked = [item for item in found.left if item.must]
    money = _writer(currency)
    query = {"agency": agency.pk, "currency": currency}

    def neighbour(of) -> str:
        return "?" + urlencode({**query, "on": of(days.starts_on, agency.statement_period)[0]})

    return {
        "found": found,
        "days": label(days),
        "close": close,
        "state": CloseStepKind(state).label if state else "",
        "rows": [
            {
                "item": item,
                "amount": money(item.amount) if item.amount else "",
                "apart": item.what in (CloseItem.HELD, CloseItem.UNPRICED),
                "url": where(item, agency, currency, days),
                "field": why[item.what.value] if item.what.value in why.fields else None,
            }
            for item in found.items
        ],
        "ended": ended,
        "blocked": blocked,
        "under_a_later_one": any(map(closes.is_closed, by_day.values())),
        "may_ask": state in TURN_TO_CLOSE
        and ended
        and not blocked
        and request.user.has_perm(closes.ASKS),
        "before": neighbour(previous_period),
        "after": neighbour(next_period),
        "zip_url": reverse("admin:valuation_statement_zip")
        + "?"
        + urlencode({**query, "period_on": days.starts_on}),
        "statements_url": _list(
            "statement",
            agency__id__exact=agency.pk,
            currency__exact=currency,
            period_on__exact=days.starts_on,
        ),
    }


def _writer(currency: str):
    locale = locale_of_reader()
    return lambda amount: locales.money(amount, currency, locale)


def where(item: Item, agency: Agency, currency: str, days: Days) -> str:
    """Return the list on which an item is mended, filtered to what was counted."""
    at = {"agency__id__exact": agency.pk, "currency__exact": currency}
    step_of = {
        CloseItem.TO_REVIEW: "draft",
        CloseItem.TO_APPROVE: "reviewed",
        CloseItem.TO_ISSUE: "approved",
    }
    if item.what in step_of:
        return _list("statement", step=step_of[item.what], **at)
    if item.what is CloseItem.BANK_LINES:
        return _list("bankline", left="open", booked_on__lt=days.ends_on, **at)
    if item.what is CloseItem.RECEIPTS:
        return _list("remittance", cash="unmatched", received_on__lt=days.ends_on, **at)
    if item.what in KINDS:
        kinds = sorted(kind.value for kind in KINDS[item.what])
        asked = {"kind": kinds, "agency": agency.pk, "currency": currency}
        return f"{reverse('admin:queue')}?{urlencode(asked, doseq=True)}"
    if item.what is CloseItem.RECONCILIATION:
        asked = {"agency": agency.pk, "currency": currency, "on": days.ends_on - DAY}
        return f"{reverse('admin:reconciliation')}?{urlencode(asked)}"
    return _PLACES[item.what](at)


_PLACES = {
    CloseItem.NIGHTS: lambda _at: _list("nightfailure"),
    CloseItem.BANK_FILES: lambda at: _list("bankfile", agency__id__exact=at["agency__id__exact"]),
    CloseItem.INVOICES: lambda at: (
        _list("invoice", **at) if admin.site.is_registered(Invoice) else reverse("admin:money")
    ),
    CloseItem.DISPUTED_LINES: lambda at: _list("dispute", left="yes", **at),
    CloseItem.DISPUTES: lambda _at: reverse("admin:licensing_hold_changelist"),
    CloseItem.UNPLANNED: lambda _at: reverse("admin:valuation_payoutrun_draw_up"),
    CloseItem.RUNS: lambda at: _list("payoutrun", left="yes", **at),
    CloseItem.TRANSIT: lambda at: _list("payoutpayment", left="transit"),
    CloseItem.CONTRIBUTIONS: lambda at: _list("account", kind__exact="contributions", **at),
}


def _list(model: str, **filters) -> str:
    return f"{reverse(f'admin:valuation_{model}_changelist')}?{urlencode(filters)}"


# The closes themselves


class ColleagueForm(forms.Form):
    """Who gets the papers of a period."""

    colleague = forms.ModelChoiceField(
        User.objects.none(), label=gettext_lazy("To"), widget=UnfoldAdminSelectWidget
    )

    def about(self, rows):
        """Offer who may have the papers of the row's agency."""
        (row,) = rows
        people = four_eyes.could_approve(links.DOWNLOADS, row.agency_id)
        self.fields["colleague"].queryset = people.order_by("email")


class WaitingCloses(Waiting):
    title = gettext_lazy("decision")
    label = gettext_lazy("Waits for a second person")
    narrow = PeriodCloseQuerySet.waiting


class CloseStepInline(FactInline):
    model = PeriodCloseStep
    fields = readonly_fields = ["kind", "at", "by", "reason", "figures_seen"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "close")

    @admin.display(description=gettext_lazy("the figures that they saw"))
    def figures_seen(self, taken):
        if not taken.figures:
            return "–"
        return html_table(
            _("Figures"),
            [_("What was left"), _("How many"), _("Worth"), _("Why it stays")],
            list(_figures(taken, taken.close.currency)),
        )


def _figures(taken: PeriodCloseStep, currency: str) -> Iterator[tuple[str, str, str, str]]:
    money = _writer(currency)
    for told in taken.figures:
        worth = "" if told["amount"] is None else money(Decimal(told["amount"]))
        yield CloseItem(told["what"]).label, str(told["count"]), worth, told["why"]


@admin.register(PeriodClose)
class PeriodCloseAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "agency", "currency", "period_on", "state_label"]
    list_filter = [WaitingCloses, "currency", "agency"]
    list_select_related = ["agency"]
    ordering = ["-period_on", "agency__name", "currency"]
    inlines = [CloseStepInline]
    actions_list = ["close_a_period", "export_list", "export_workbook"]
    actions_detail = ["approve", "refuse", "ask_to_reopen", "reopen", "mail_papers"]
    fieldsets = [
        (None, {"fields": ["state_label", "next_step", "agency", "currency", "period_on",
                           "period_ends_on", "its_checklist"]}),
    ]  # fmt: skip
    readonly_fields = ["state_label", "next_step", "its_checklist"]
    when_empty = gettext_lazy(
        "No period was closed yet. Close one: its checklist says what is left to do, and where."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    def get_urls(self):
        page = self.admin_site.admin_view(partial(period_page, self.admin_site))
        return [path("checklist/", page, name="period_close"), *super().get_urls()]

    @action(description=gettext_lazy("Close a period"), permissions=["view"], icon="lock")
    def close_a_period(self, request):
        return redirect("admin:period_close")

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={
            "Asked to close": "warning",
            "Closed": "success",
            "Stays closed": "success",
            "Closed, asked to reopen": "warning",
            "Reopened": "info",
        },
    )
    def state_label(self, close):
        return CloseStepKind(close.state).label if close.state else "–"

    @admin.display(description=gettext_lazy("next"))
    def next_step(self, close):
        return NEXT.get(CloseStepKind(close.state), "") if close.state else ""

    @admin.display(description=gettext_lazy("checklist"))
    def its_checklist(self, close):
        asked = {"agency": close.agency_id, "currency": close.currency, "on": close.period_on}
        url = f"{reverse('admin:period_close')}?{urlencode(asked)}"
        return format_html(
            '<a class="desk-link" href="{}">{}</a>', url, _("The checklist as it is now")
        )

    @step(
        label=gettext_lazy("Approve the close"),
        icon="lock",
        permission=closes.APPROVES,
        step_up=True,
        says=gettext_lazy(
            "You close the period, as the second person, with the figures below. What is recorded "
            "later of its days counts in the next open period. Two people can reopen it."
        ),
        done=gettext_lazy("%(row)s is closed."),
        form=NoteForm,
        offered=lambda close: close.state == CloseStepKind.ASKED,
        facts=lambda close: _asked(close),
    )
    def approve(self, close, given):
        closes.approve(close_id=close.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=gettext_lazy("Leave it as it is"),
        icon="block",
        permission=VIEWS,
        step_up=True,
        says=gettext_lazy("Nothing changes. Who asked reads why; who asked takes it back so, too."),
        done=gettext_lazy("%(row)s stays as it is."),
        form=ReasonForm,
        offered=lambda close: close.state in (CloseStepKind.ASKED, CloseStepKind.REOPEN_ASKED),
        facts=lambda close: _asked(close),
    )
    def refuse(self, close, given):
        closes.refuse(close_id=close.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=gettext_lazy("Ask to reopen"),
        icon="lock_open",
        permission=closes.ASKS,
        step_up=True,
        says=gettext_lazy(
            "You ask that entries may be recorded in this period again. Somebody else decides. "
            "Issued statements stay as they are, to the byte, and keep their days closed: what is "
            "found later of these stands on the next ones."
        ),
        done=gettext_lazy("%(row)s: somebody else decides now."),
        form=ReasonForm,
        offered=lambda close: close.state in (CloseStepKind.CLOSED, CloseStepKind.KEPT_CLOSED),
        facts=lambda close: _asked(close),
    )
    def ask_to_reopen(self, close, given):
        closes.ask_to_reopen(close_id=close.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=gettext_lazy("Reopen"),
        icon="lock_open",
        permission=closes.APPROVES,
        step_up=True,
        says=gettext_lazy(
            "You reopen the period, as the second person. Issued statements stay as they are, to "
            "the byte, and keep their days closed. It is to be closed anew afterwards."
        ),
        done=gettext_lazy(
            "%(row)s is open again. Next, put right what is wrong and close it anew."
        ),
        form=ReasonForm,
        offered=lambda close: close.state == CloseStepKind.REOPEN_ASKED,
        facts=lambda close: _asked(close),
    )
    def reopen(self, close, given):
        closes.reopen(close_id=close.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=gettext_lazy("Mail the papers"),
        icon="forward_to_inbox",
        permission=links.DOWNLOADS,
        says=gettext_lazy(
            "A colleague gets a mail with a link to all issued statements of the period, as one "
            "ZIP. It works for 14 days and only after they sign in; it can be revoked under "
            "Delivery links."
        ),
        done=gettext_lazy("%(row)s: a link is on its way."),
        form=ColleagueForm,
        facts=lambda close: [(_("Agency"), close.agency), (_("Period"), label(close.days))],
    )
    def mail_papers(self, close, given):
        links.send_period(
            agency=close.agency, currency=close.currency, days=close.days,
            to=given.values["colleague"], by=given.by, at=given.at,
        )  # fmt: skip


NEXT = {
    CloseStepKind.ASKED: gettext_lazy("Somebody else approves it, or leaves the period open."),
    CloseStepKind.CLOSED: gettext_lazy("Nothing. Two people can reopen it."),
    CloseStepKind.KEPT_CLOSED: gettext_lazy("Nothing. Two people can reopen it."),
    CloseStepKind.NOT_CLOSED: gettext_lazy("Mend what the reason names, and ask to close it anew."),
    CloseStepKind.REOPEN_ASKED: gettext_lazy("Somebody else reopens it, or leaves it closed."),
    CloseStepKind.REOPENED: gettext_lazy("Put right what is wrong, and ask to close it anew."),
}


def _asked(close):
    """Yield who asked for what and why, and the figures that they saw."""
    last = close.steps.select_related("by").order_by("-pk").first()
    yield _("State"), last.get_kind_display()
    yield _("By"), last.by
    if last.reason:
        yield _("Why"), last.reason
    for label_of, count, worth, why in _figures(last, close.currency):
        if count != "0":
            told = " · ".join(part for part in (worth, why) if part)
            yield label_of, f"{count} · {told}" if told else count
