"""Opening balances: entered by file or by hand, looked at, approved by somebody else."""

import hashlib

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.models import Agreement, Licensee
from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from talent.models.names import day
from talent.sign_in import proofs
from valuation.models import Opening, OpeningBalance
from valuation.models.opening import OpeningQuerySet
from valuation.opening import balances, told
from valuation.words import OpeningKind

from . import parallel_run

BALANCES_SHOWN = 500


def text(label, longest, help_text="", *, required=True):
    return forms.CharField(
        label=label, max_length=longest, required=required, help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class OpeningForm(forms.Form):
    """Of which agency, as of which day, from where: by a file, or one balance by hand."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    on = forms.DateField(
        label=_("As of"), widget=UnfoldAdminDateWidget,
        help_text=_(
            "The balances are those with which this day begins. The first day of a statement "
            "period is best."
        ),
    )  # fmt: skip
    source = text(_("From"), 200, _("The old system and its report, for who asks later."))
    file = forms.FileField(
        label=_("File"), required=False, widget=UnfoldAdminFileFieldWidget,
        help_text=_(
            "CSV in UTF-8 with the columns kind, payee, licensee, agreement, currency, amount, "
            "until. Or leave it out and enter one balance below. What a licensee owes and what its "
            "payees have earned of it belong together: they need a file."
        ),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("By hand: what"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", "–"), *OpeningKind.choices()],
    )  # fmt: skip
    payee = forms.ModelChoiceField(
        Beneficiary.objects.none(), label=_("Payee"), required=False,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=_("Licensee"), required=False,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    currency = forms.ChoiceField(
        label=_("Currency"), required=False, widget=UnfoldAdminSelectWidget
    )
    amount = text(_("Amount"), 24, _("As 1234.56."), required=False)
    agreement = forms.ModelChoiceField(
        Agreement.objects.none(), label=_("Agreement"), required=False,
        widget=UnfoldAdminSelectWidget, help_text=_("Whose money pays an advance back."),
    )  # fmt: skip
    until = forms.DateField(
        label=_("Until"), required=False, widget=UnfoldAdminDateWidget,
        help_text=_("The day on which a reserve becomes payable."),
    )  # fmt: skip

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, balances.ENTERS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["payee"].queryset = Beneficiary.objects.visible_to(user).order_by("name", "pk")
        self.fields["licensee"].queryset = Licensee.objects.visible_to(user).order_by("name", "pk")
        signed = Agreement.objects.visible_to(user).filter(signed_at__isnull=False)
        self.fields["agreement"].queryset = signed.order_by("reference", "pk")
        self.fields["currency"].choices = [("", "–"), *locales.currencies(locale_of_reader())]

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file and file.size > told.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB; part it."))
        return file

    def clean(self):
        given = super().clean()
        if not self.errors and bool(given["file"]) == bool(given["kind"]):
            raise forms.ValidationError(_("Choose a file, or enter one balance by hand."))
        return given

    def as_csv(self):
        """Return what was told as a file, whichever way it was."""
        given = self.cleaned_data
        if given["file"]:
            return given["file"].read()
        payee, licensee, agreement = (
            one and str(one.pk) for one in (given["payee"], given["licensee"], given["agreement"])
        )
        until = given["until"].isoformat() if given["until"] else ""
        row = [
            given["kind"], payee, licensee, agreement, given["currency"], given["amount"], until,
        ]  # fmt: skip
        return "".join(safe_csv.lines(told.COLUMNS, [row])).encode()


class SeenForm(forms.Form):
    """What was looked at, sent again to be kept."""

    agency = forms.ModelChoiceField(Agency.objects.none(), widget=forms.HiddenInput)
    on = forms.DateField(widget=forms.HiddenInput)
    source = forms.CharField(max_length=200, widget=forms.HiddenInput)
    content = forms.CharField(
        strip=False, max_length=told.MOST_BYTES, widget=forms.Textarea(attrs={"hidden": True})
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = seats_with(user, balances.ENTERS)


class WaitingOpenings(Waiting):
    label = _("Waits for approval")
    narrow = OpeningQuerySet.waiting


class BalanceInline(FactInline):
    model = OpeningBalance
    fields = readonly_fields = [
        "kind", "whose", "agreement", "until", amount("amount"), "its_entry",
    ]  # fmt: skip
    ordering = ["pk"]
    per_page = 50
    verbose_name_plural = _("balances")

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("beneficiary", "licensee", "agreement", "entry__reversed_by")

    @admin.display(description=_("of"))
    def whose(self, balance):
        return balance.beneficiary or balance.licensee or _("the client account")

    @admin.display(description=_("entry"))
    def its_entry(self, balance):
        if balance.entry is None:
            return _("not posted")
        url = reverse("admin:valuation_journalentry_change", args=[balance.entry_id])
        name = _("reversed") if hasattr(balance.entry, "reversed_by") else _("posted")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, name)


@admin.register(Opening)
class OpeningAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["source", "agency", "on", "state_label", "written_by", "written_at"]
    list_filter = [WaitingOpenings, "agency"]
    list_select_related = ["agency", "written_by", "decision__by"]
    search_fields = ["source", "balances__beneficiary__name", "balances__licensee__name"]
    ordering = ["-pk"]
    inlines = [BalanceInline]
    actions_list = ["enter", "parallel_run", "export_list", "export_workbook"]
    actions_detail = ["approve", "reject"]
    fieldsets = [
        (None, {"fields": ["state_label", "next_step", "agency", "on", "source"]}),
        (_("Two people"), {"fields": ["written_by", "written_at", "decided_by", "note"]}),
        (_("Technical details"), {"fields": ["file_sha256"]}),
    ]
    readonly_fields = ["state_label", "next_step", "decided_by", "note"]
    when_empty = _(
        "No opening balances yet. When you come from another system, enter what it says is "
        "payable, earned, advanced, reserved and receivable, before the first statements are "
        "issued."
    )

    @display(
        description=_("state"),
        label={
            "Waits for approval": "warning", "Approved and posted": "success",
            "Rejected": "danger", "Taken back": "danger",
        },
    )  # fmt: skip
    def state_label(self, opening):
        decision = decision_of(opening)
        return decision.get_outcome_display() if decision else _("Waits for approval")

    @admin.display(description=_("next"))
    def next_step(self, opening):
        decision = decision_of(opening)
        if decision is None:
            return _("Somebody else compares it with the old system’s report, and approves it.")
        if decision.outcome != "posted":
            return _("Nothing was posted. Enter it anew.")
        return _(
            "The first statement of each payee begins with it. One that is wrong is reversed on "
            "the page of its entry, and entered anew."
        )

    @admin.display(description=_("decided by"))
    def decided_by(self, opening):
        return (decision := decision_of(opening)) and decision.by

    @admin.display(description=_("note"))
    def note(self, opening):
        return (decision := decision_of(opening)) and decision.note

    # Entering

    def get_urls(self):
        view = self.admin_site.admin_view(self.example)
        return [path("example/", view, name="opening_example"), *super().get_urls()]

    def example(self, request):
        """Send an empty file with the columns, and a line of each kind."""
        rows = [
            (kind.value,
             "Ada Example" if kind.value in told.OF_A_PAYEE else "",
             "Harbour Studios" if kind is OpeningKind.RECEIVABLE else "",
             "HAR-2026-001" if kind.value in told.OF_AN_AGREEMENT else "", "USD", "1234.56",
             "2027-01-01" if kind is OpeningKind.RESERVE else "")
            for kind in OpeningKind
        ]  # fmt: skip
        headers = {"Content-Disposition": 'attachment; filename="opening-balances.csv"'}
        content = "".join(safe_csv.lines(told.COLUMNS, rows))
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)

    def has_enter_permission(self, request, obj=None):
        return seats_with(request.user, balances.ENTERS).exists()

    @action(description=_("Enter balances"), permissions=["enter"], icon="upload_file")
    def enter(self, request):
        """Read what is told, show it, and keep it for a second person once that is confirmed."""
        if request.method == "POST" and (asked := proofs.step_up(request)):
            return asked
        if "seen" in request.POST:
            return self._keep(request)
        form = OpeningForm(request.POST or None, request.FILES or None, user=request.user)
        again, rows = None, []
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                content = form.as_csv()
                rows = told.read(given["agency"], content)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                again = SeenForm(user=request.user, initial={
                    "agency": given["agency"], "on": given["on"], "source": given["source"],
                    "content": content.decode("utf-8-sig"), "seen": digest_of(rows),
                })  # fmt: skip
        return self._page(request, form, again, rows)

    def _keep(self, request):
        form = SeenForm(request.POST, user=request.user)
        if not form.is_valid():
            self.message_user(request, _("Send the file in again."), messages.ERROR)
            return redirect("admin:valuation_opening_enter")
        given = form.cleaned_data
        content = given["content"].encode()
        try:
            rows = told.read(given["agency"], content)
            if digest_of(rows) != given["seen"]:
                text = _("Somebody renamed what the file names meanwhile. Send the file in again.")
                raise told.NotReadable(text)
            opening = balances.enter(
                agency=given["agency"],
                on=given["on"],
                source=given["source"],
                told=rows,
                file_sha256=hashlib.sha256(content).hexdigest(),
                by=request.user,
                at=timezone.now(),
            )
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:valuation_opening_enter")
        done = _now("%s waits for approval by somebody else. Nothing is posted yet.")
        self.message_user(request, done % opening, messages.SUCCESS)
        return redirect("admin:valuation_opening_change", opening.pk)

    def _page(self, request, form, again, rows):
        locale = locale_of_reader()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Enter opening balances"),
            "opts": self.opts,
            "form": form,
            "again": again,
            "rows": [
                (one.kind.label, one.beneficiary or one.licensee or "–",
                 one.agreement or (one.until and day(one.until)) or "",
                 locales.money(one.amount, one.currency, locale))
                for one in rows[:BALANCES_SHOWN]
            ],
            "more": max(0, len(rows) - BALANCES_SHOWN),
            "totals": [
                (kind.label, locales.money(total, currency, locale))
                for (kind, currency), total in totals_of(rows).items()
            ],
        }  # fmt: skip
        return TemplateResponse(request, "admin/opening.html", context)

    # Beside the old system

    @action(description=_("Parallel run"), permissions=["enter"], icon="compare_arrows")
    def parallel_run(self, request):
        """Compare an old system’s figures with the desk’s; nothing is kept or posted."""
        return parallel_run.answer(self, request)

    # Deciding

    @step(
        label=_("Approve"),
        icon="check",
        permission=balances.APPROVES,
        step_up=True,
        says=_(
            "You say, as the second person, that this is what the old system says. Each balance is "
            "posted, and the first statements begin with it."
        ),
        done=_("%(row)s is posted. The next night draws the statements that begin with it."),
        form=NoteForm,
        offered=lambda opening: decision_of(opening) is None,
        facts=lambda opening: about(opening),
    )
    def approve(self, opening, given):
        balances.approve(opening_id=opening.pk, by=given.by, at=given.at, note=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=balances.ENTERS,
        step_up=True,
        says=_("Nothing is posted. Who entered this may take it back so, too."),
        done=_("%(row)s is rejected. Nothing was posted."),
        form=ReasonForm,
        offered=lambda opening: decision_of(opening) is None,
        facts=lambda opening: about(opening),
    )
    def reject(self, opening, given):
        balances.reject(opening_id=opening.pk, by=given.by, at=given.at, note=given.reason)


def decision_of(opening):
    return getattr(opening, "decision", None)


def digest_of(rows):
    """Return a digest of what was shown: of whom, and how much."""
    said = "\n".join(
        f"{one.kind.value} {one.beneficiary and one.beneficiary.pk} {one.beneficiary} "
        f"{one.licensee and one.licensee.pk} {one.licensee} {one.currency} {one.amount:f} "
        f"{one.agreement and one.agreement.pk} {one.agreement} {one.until}"
        for one in rows
    )
    return hashlib.sha256(said.encode()).hexdigest()


def totals_of(rows):
    """Return what the balances of each kind and currency come to."""
    totals = {}
    for one in rows:
        key = OpeningKind(one.kind), one.currency
        totals[key] = totals.get(key, 0) + one.amount
    return totals


def about(opening):
    """Yield what a second person is bound to: totals, and each balance while they are few."""
    balances_ = opening.balances.select_related("beneficiary", "licensee", "agreement")
    rows = list(balances_.order_by("pk"))
    yield _("Agency"), opening.agency
    yield _("As of"), opening.on
    yield _("From"), opening.source
    yield _("Entered by"), opening.written_by
    yield _("Balances"), len(rows)
    for (kind, currency), total in totals_of(rows).items():
        yield kind.label, locales.money(total, currency, "en")
    yield _("Digest of them all"), digest_of_balances(rows)


def digest_of_balances(rows):
    said = "\n".join(f"{one.pk} {one.kind} {one}" for one in rows)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
