"""Signed PDFs from outside: scans of paper, and agreements signed elsewhere; two people each."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from licensing.agreements.document.drawing import content_now
from licensing.agreements.signing import imports, scans, signatories
from licensing.models import Agreement, SignedScan, SignedScanStep, SigningRound
from licensing.words import AgreementStatus, CheckResult, ScanKind, ScanState, SignatoryRole
from talent.admin.base import FactAdmin
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.sign_in import proofs

from .signing import SENDS, pdf_response

# Whoever signs most agreements, in the order of the rows; more rows stay empty.
USUAL = (SignatoryRole.PERFORMER, SignatoryRole.AGENCY, SignatoryRole.LICENSEE)
SIGNERS = 6
DRAFTS_LISTED = 50


class ScanForm(forms.Form):
    """A scan, whose it is, and who vouches for it."""

    signed_on = forms.DateField(label=_("Signed on"), widget=UnfoldAdminSingleDateWidget)
    vouched = forms.CharField(
        label=_("Who vouches for it"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Who signed, before whom, and how you know. Others read it."),
    )
    scan = forms.FileField(
        label=_("Scan"),
        help_text=_("One PDF of the whole document with all signatures, at most 25 MB."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".pdf"}),
    )


class ImportForm(forms.Form):
    """The PDF of what was signed elsewhere, who signed it when, and who vouches for it."""

    pdf = forms.FileField(
        label=_("The signed agreement"),
        help_text=_("One PDF with all pages and signatures, at most 25 MB, without a password."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".pdf"}),
    )
    vouched = forms.CharField(
        label=_("How you know that it was signed so"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Where the original lies, who sent it, by which service. Others read it."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for number in range(1, SIGNERS + 1):
            for name, field in _signer_fields(number).items():
                self.fields[f"{name}_{number}"] = field

    def rows(self):
        """Yield the fields of each who signed, for the table of the page."""
        for number in range(1, SIGNERS + 1):
            yield [self[f"{name}_{number}"] for name in ("name", "role", "on")]

    def clean(self):
        super().clean()
        for number in range(1, SIGNERS + 1):
            values = {name: self.cleaned_data.get(f"{name}_{number}") for name in ("name", "on")}
            if any(values.values()) and not all(values.values()):
                self.add_error(f"name_{number}", _("Enter the name and the day, or neither."))
        return self.cleaned_data

    def signers(self):
        """Return who signed, as far as they were entered."""
        values = self.cleaned_data
        return [
            imports.Signer(
                values[f"name_{number}"].strip(),
                SignatoryRole(values[f"role_{number}"]),
                values[f"on_{number}"],
            )
            for number in range(1, SIGNERS + 1)
            if values.get(f"name_{number}") and values.get(f"on_{number}")
        ]


def _signer_fields(number):
    role = USUAL[number - 1] if number <= len(USUAL) else SignatoryRole.PERFORMER
    return {
        "name": forms.CharField(
            label=_("Name of signatory %d") % number, max_length=200, required=False,
            widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("Name")}),
        ),
        "role": forms.ChoiceField(
            label=_("Role of signatory %d") % number, choices=SignatoryRole.choices(),
            initial=role.value, widget=UnfoldAdminSelectWidget,
        ),
        "on": forms.DateField(
            label=_("Day of signatory %d") % number, required=False,
            widget=UnfoldAdminSingleDateWidget(attrs={"placeholder": _("Day")}),
        ),
    }  # fmt: skip


class CompareForm(NoteForm):
    """Asks the second person to say that they compared the PDF with the terms."""

    compared = forms.BooleanField(
        label=_("I have opened the PDF and compared it with these terms"),
        widget=UnfoldBooleanWidget,
    )
    field_order = ("compared", "reason")

    def about(self, rows):
        """Lead to the PDF of the only row that is confirmed at a time."""
        url = reverse("admin:licensing_signedscan_file", args=[rows[0].pk])
        self.fields["compared"].help_text = format_html(
            '<a class="desk-link" href="{}" target="_blank" rel="noopener">{}</a>',
            url, _("Open the PDF beside this page"),
        )  # fmt: skip


class SignedScanStepInline(FactInline):
    model = SignedScanStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]


class WaitingScan(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("waiting", ScanState.WAITING.label)]

    def queryset(self, request, queryset):
        return queryset.waiting() if self.value() == "waiting" else queryset


@admin.register(SignedScan)
class SignedScanAdmin(FactAdmin):
    """Scans and imports come in from a draft's page; here another person decides on them."""

    agency_path = "agreement__agency"
    list_display = ["agreement", "kind", "state_label", "signed_on", "handed_in_by",
                    "handed_in_at"]  # fmt: skip
    list_filter = [WaitingScan, "kind"]
    list_select_related = ["agreement", "handed_in_by", "step"]
    search_fields = ["agreement__reference", "vouched"]
    ordering = ["-pk"]
    inlines = [SignedScanStepInline]
    actions_detail = ["approve", "confirm", "reject"]
    fields = readonly_fields = [
        "of", "kind", "state_label", "file", "signed_on", "who_signed", "vouched", "handed_in_by",
        "handed_in_at", "what_rules_said", "digest", "terms_sha256",
    ]  # fmt: skip
    for_programs = ("digest", "terms_sha256")
    when_empty = _(
        "Nothing was signed on paper or elsewhere. Hand a PDF in from a draft's page, by “Signed "
        "on paper” or “Signed elsewhere”."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("agreement", "handed_in_by", "step")

    @admin.display(description=_("agreement"))
    def of(self, scan):
        url = reverse("admin:licensing_agreement_change", args=[scan.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, scan.agreement)

    @display(
        description=_("state"),
        label={"Waits for approval": "warning", "Approved": "success",
               "Rejected": "danger"},
    )  # fmt: skip
    def state_label(self, scan):
        return scan.state.label

    def get_fields(self, request, obj=None):
        """Show of a scan what is about one: only what was signed elsewhere names its signers."""
        ours = obj is not None and obj.kind == ScanKind.PRINTED
        left_out = {"who_signed", "what_rules_said", "terms_sha256"} if ours else set()
        return [name for name in self.fields if name not in left_out]

    @admin.display(description=_("who signed"))
    def who_signed(self, scan):
        signers = imports.signers_of(scan)
        return format_html_join("", "<p>{}</p>", ([_signer_in_words(one)] for one in signers))

    @admin.display(description=_("what the rules said when it was taken in"))
    def what_rules_said(self, scan):
        items = format_html_join("", "<li>{}</li>", ([text] for text in _against(scan)))
        return format_html("<ul>{}</ul>", items) if items else _("Nothing against it.")

    @admin.display(description=_("scan"))
    def file(self, scan):
        url = reverse("admin:licensing_signedscan_file", args=[scan.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("Open the PDF"))

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/scan.pdf", view(self.send_file), name="licensing_signedscan_file"),
            path("hand-in/", view(self.hand_in), name="licensing_signedscan_hand_in"),
            path("take-in/", view(self.take_in), name="licensing_signedscan_take_in"),
            *super().get_urls(),
        ]

    def send_file(self, request, pk):
        scan = SignedScan.objects.visible_to(request.user).filter(pk=pk).first()
        if scan is None or not self.has_view_permission(request, scan):
            raise Http404(_("There is no such file for you."))
        response = pdf_response(scan.pdf, f"agreement-{scan.agreement_id}-on-paper")
        # From outside: nothing of it runs in this desk's name.
        response.headers["Content-Security-Policy"] = "sandbox"
        return response

    def hand_in(self, request):
        """Ask for a scan, and keep it until another person approves it."""
        agreement = _agreement_of(request)

        def keep(form, **by_whom):
            file, given = form.cleaned_data["scan"], form.cleaned_data
            return scans.hand_in(
                agreement=agreement, file=file, size=file.size, signed_on=given["signed_on"],
                vouched=given["vouched"], **by_whom,
            )  # fmt: skip

        return self._receive(
            request, agreement, ScanForm, keep,
            title=_("Signed on paper: %s"),
            done=_("%s: the scan is kept. Next, somebody else approves it."),
            template="admin/hand_in_scan.html",
        )  # fmt: skip

    def take_in(self, request):
        """Ask which draft was signed elsewhere, then for its PDF; another person confirms it."""
        if not request.user.has_perm(SENDS):
            raise PermissionDenied
        if "agreement" not in request.GET:
            return self._choose_draft(request)
        agreement = _agreement_of(request)

        def keep(form, **by_whom):
            file = form.cleaned_data["pdf"]
            return imports.take_in(
                agreement=agreement, file=file, size=file.size, signers=form.signers(),
                vouched=form.cleaned_data["vouched"], **by_whom,
            )  # fmt: skip

        return self._receive(
            request, agreement, ImportForm, keep,
            title=_("Signed elsewhere: %s"),
            done=_("%s: the PDF is taken in. Next, somebody else compares it with the terms."),
            template="admin/take_in.html",
        )  # fmt: skip

    def _receive(self, request, agreement, form_class, keep, *, title, done, template):
        """Ask for a file of an agreement and keep it, or say why it is refused."""
        form = form_class(request.POST or None, request.FILES or None)
        if request.method == "POST" and (asked := proofs.step_up(request)):
            return asked
        if form.is_valid():
            try:
                scan = keep(form, at=timezone.now(), by=request.user)
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, done % agreement, messages.SUCCESS)
                return redirect("admin:licensing_signedscan_change", scan.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": title % agreement,
            "opts": self.opts,
            "form": form,
            "agreement": agreement,
            "back": reverse("admin:licensing_agreement_change", args=[agreement.pk]),
        }
        return TemplateResponse(request, template, context)

    def _choose_draft(self, request):
        drafts = (
            _agreements_to_sign(request.user)
            .filter(status=AgreementStatus.DRAFT.value)
            .exclude(pk__in=SigningRound.objects.open().values("agreement"))
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import an agreement that was signed elsewhere"),
            "opts": self.opts,
            "drafts": drafts.select_related("licensee", "twin").order_by("-pk")[:DRAFTS_LISTED],
            "back": reverse("admin:licensing_agreement_changelist"),
        }
        return TemplateResponse(request, "admin/take_in.html", context)

    @step(
        label=_("Approve"),
        icon="check",
        permission=signatories.SIGNS,
        step_up=True,
        says=_(
            "You say, as the second person, that this is the document that was sent to be signed, "
            "with all signatures. The agreement holds from now on."
        ),
        done=_("%(row)s. The agreement holds from now on."),
        form=NoteForm,
        offered=lambda scan: _waits_as(scan, ScanKind.PRINTED),
        facts=lambda scan: _of_scan(scan),
    )
    def approve(self, scan, given):
        scans.approve(scan_id=scan.pk, at=given.at, by=given.by, reason=given.reason)

    @step(
        label=_("Confirm"),
        icon="check",
        permission=signatories.SIGNS,
        step_up=True,
        says=_(
            "You say, as the second person, that the terms below are what the PDF says, and that "
            "all have signed it. The agreement holds from now on, marked as signed elsewhere. What "
            "the rules say against it undoes nothing: it is kept as it was found."
        ),
        done=_("%(row)s. The agreement holds from now on."),
        form=CompareForm,
        offered=lambda scan: _waits_as(scan, ScanKind.ELSEWHERE),
        facts=lambda scan: _of_import(scan),
    )
    def confirm(self, scan, given):
        imports.confirm(scan_id=scan.pk, at=given.at, by=given.by, reason=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=SENDS,
        says=_("Nothing changes. Who handed it in reads why, and may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda scan: scan.state is ScanState.WAITING,
        facts=lambda scan: _of_scan(scan),
    )
    def reject(self, scan, given):
        scans.reject(scan_id=scan.pk, at=given.at, by=given.by, reason=given.reason)


def _of_scan(scan):
    yield _("Agreement"), scan.agreement
    yield _("Signed on"), scan.signed_on
    yield _("Who vouches for it"), scan.vouched
    yield _("Handed in by"), scan.handed_in_by
    yield _("SHA-256 of the scan"), scan.digest


def _of_import(scan):
    """Yield who signed, what the rules have against it, and the terms as they are now."""
    yield from _of_scan(scan)
    for one in imports.signers_of(scan):
        yield _("Who signed"), _signer_in_words(one)
    for text in _against(scan):
        yield _("Rules"), text
    content = content_now(scan.agreement, at=timezone.now())
    for point in content["summary"]:
        yield point["question"], " ".join(point["answer"])
    for schedule in content["schedules"]:
        for row in schedule["rows"]:
            yield schedule["title"], " · ".join(cell for cell in row if cell)


def import_of(agreement):
    """Lead from an agreement that was signed elsewhere to how it came in."""
    rows = agreement.scans.filter(
        kind=ScanKind.ELSEWHERE.value, step__kind=ScanState.APPROVED.value
    )
    scan = rows.select_related("handed_in_by", "step__by").get()
    text = _("On %(day)s. Taken in by %(first)s, confirmed by %(second)s.") % {
        "day": formats.date_format(scan.signed_on), "first": scan.handed_in_by,
        "second": scan.step.by,
    }  # fmt: skip
    url = reverse("admin:licensing_signedscan_change", args=[scan.pk])
    return format_html('<a class="desk-link" href="{}">{}</a>', url, text)


def _against(scan):
    """Yield what the rules had against an import, or could not tell, when it was taken in."""
    found = imports.findings_of(scan)
    if found is None:
        return
    told = found.findings.filter(
        result__in=[CheckResult.FAIL.value, CheckResult.AT_RISK.value, CheckResult.UNKNOWN.value]
    )
    for one in told.order_by("pk"):
        yield f"{one.get_result_display()}: {one.title}. {one.sentence}"


def _signer_in_words(signer):
    return f"{signer.name}, {signer.role.label.lower()}, {formats.date_format(signer.on)}"


def _waits_as(scan, kind):
    return scan.state is ScanState.WAITING and scan.kind == kind


def _agreements_to_sign(user):
    if user.is_superuser:
        return Agreement.objects.all()
    return Agreement.objects.filter(agency__in=seats_with(user, SENDS))


def _agreement_of(request):
    """Return the draft that a PDF is handed in for, if the reader may. Raises Http404."""
    number = request.GET.get("agreement", "")
    rows = _agreements_to_sign(request.user)
    agreement = (
        rows.filter(pk=int(number)).first() if number.isascii() and number.isdigit() else None
    )
    if agreement is None:
        raise Http404(_("There is no such agreement for you."))
    return agreement
