"""What the rules say of an agreement: on its page, in its list, and let pass by two people."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from licensing.agreements.findings import findings, overrides
from licensing.models import (
    AgreementFact,
    FindingSet,
    RuleFinding,
    RuleOverride,
    RuleOverrideStep,
)
from licensing.words import AgreementStatus, CheckResult, OverrideState
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table, moment
from talent.admin.parts import FactInline, PartsInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.models.names import day

from . import mends
from .drafts import WhileDraft, is_draft

VERDICTS = {
    CheckResult.NOT_APPLICABLE: "none",
    CheckResult.PASS: "pass",
    CheckResult.UNKNOWN: "unknown",
    CheckResult.AT_RISK: "risk",
    CheckResult.FAIL: "fail",
}


def verdict(result):
    """Return a verdict as text in a colour of its own; the text alone tells it."""
    word = CheckResult(result)
    return format_html(
        '<span class="desk-verdict desk-verdict-{}">{}</span>', VERDICTS[word], word.label
    )


NAMES = (
    _("Verdict"), _("Rule"), _("What it says"), _("Day"), _("What would mend it"), _("Source"),
)  # fmt: skip


def table(agreement, *, at):
    """Return what each rule that looks at an agreement says of it, the gravest first.

    A draft is asked now. Of a signed one stands what was frozen for its signature, or what the last
    night that found a change has kept.
    """
    return _asked_now(agreement, at) if is_draft(agreement) else _as_kept(agreement)


def _asked_now(agreement, at):
    found = findings.of(agreement, at=at)
    if not found:
        return _now("No rules are loaded, or none counts on its days.")
    let_pass = findings.overrides_of(agreement)
    telling = [one for one in found if one.result is not CheckResult.NOT_APPLICABLE]
    rows = [_row(one, agreement, let_pass) for one in telling]
    return _with_the_silent(rows, len(found) - len(rows), _now("Asked now."))


def _as_kept(agreement):
    kept = FindingSet.objects.filter(agreement=agreement).order_by("-at", "-pk").first()
    if kept is None:
        return _now("It was signed before rules were asked. The next night asks them.")
    found = list(kept.findings.select_related("override").order_by("pk"))
    mended = _mends_now(agreement, found)
    rows = [
        _kept_row(one, agreement, mended)
        for one in found
        if one.result != CheckResult.NOT_APPLICABLE
    ]
    since = _now("%(occasion)s, %(at)s.") % {
        "occasion": kept.get_occasion_display(), "at": moment(kept.at),
    }  # fmt: skip
    return _with_the_silent(rows, len(found) - len(rows), since)


def _with_the_silent(rows, silent, since):
    return format_html(
        "{}<p>{} {}</p>",
        html_table(_now("What the rules say"), NAMES, rows),
        since,
        _now("%d more rules have nothing to say of it.") % silent,
    )


def _mends_now(agreement, found):
    """Return where what was found against a signed agreement is mended, by what would mend it."""
    if not any(one.mend and one.result != CheckResult.PASS for one in found):
        return {}
    now = findings.of(agreement, at=timezone.now())
    return {one.mend.says: one.mend for one in now if one.mend is not None}


def _kept_row(one, agreement, mended):
    where = f"{one.instrument}, {one.clause}" if one.clause else one.instrument
    passed = _now("Let pass: %s") % one.override.reason if one.override else ""
    told = day(one.day) if one.day else "–"
    return (
        format_html("{} {}", verdict(one.result), passed),
        format_html("<strong>{}</strong><br>{}", one.title, where),
        one.sentence,
        format_html(
            "{}<br>{}",
            _now("%s, assumed") % told if one.assumed else told,
            one.get_trigger_display(),
        ),
        _kept_mend(one, agreement, mended),
        format_html("{}<br>{}", one.source, one.get_confidence_display()),
    )


def _kept_mend(one, agreement, mended):
    """Lead to the amendment, where the rules still ask for what they asked for then."""
    if not one.mend or one.result == CheckResult.PASS:
        return "–"
    mend = mended.get(one.mend)
    is_over = agreement.status == AgreementStatus.ENDED
    return one.mend if mend is None or is_over else _mend_link(agreement, mend, one.mend)


def _row(one, agreement, let_pass):
    return (
        format_html("{} {}", verdict(one.result), _weight(one, let_pass)),
        format_html("<strong>{}</strong><br>{}", one.title, one.where),
        one.sentence,
        format_html("{}<br>{}", _day(one), one.trigger.label),
        _mend(one, agreement),
        format_html("{}<br>{}", one.source, one.confidence.label),
    )


def _weight(one, let_pass):
    """Say whether a verdict forbids a signature, and who let it pass."""
    if not one.blocks:
        return ""
    override = let_pass.get(one.digest)
    if override is not None and one.may_be_overridden:
        return _now("Let pass: %s") % override.reason
    if not one.may_be_overridden:
        return _now("Forbids a signature. Nobody may let it pass.")
    return _now("Forbids a signature.")


def _day(one):
    if one.day is None:
        return "–"
    told = day(one.day)
    return _now("%s, assumed") % told if one.assumed else told


def _mend(one, agreement):
    if one.mend is None or one.result is CheckResult.PASS:
        return "–"
    return _mend_link(agreement, one.mend, one.mend.says)


def _mend_link(agreement, mend, says):
    url = mends.address_of(agreement, mend)
    return format_html('<a class="desk-link" href="{}">{}</a>', url, says)


class AtRisk(admin.SimpleListFilter):
    """What the rules said when they were last asked: at night, or for a signature."""

    title = _("what the rules say")
    parameter_name = "rules"
    CHOSEN = {
        "risk": [CheckResult.AT_RISK, CheckResult.FAIL],
        "fail": [CheckResult.FAIL],
    }

    def lookups(self, request, model_admin):
        return [("risk", _("at risk or failing")), ("fail", _("failing"))]

    def queryset(self, request, queryset):
        if self.value() not in self.CHOSEN:
            return queryset
        newest = FindingSet.objects.newest(*self.CHOSEN[self.value()])
        return queryset.filter(pk__in=newest.values("agreement"))


class FactStatedInline(WhileDraft, PartsInline):
    """What rules ask and nothing else on the page says."""

    model = AgreementFact
    fields = ["fact", "holds", "on", "evidence"]
    verbose_name = _("stated fact")
    verbose_name_plural = _("stated facts")


class OverrideInline(FactInline):
    model = RuleOverride
    fields = readonly_fields = ["title", "sentence", "reason", "asked_by", "asked_at", "state_now"]
    ordering = ["-pk"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asked_by", "step")

    @admin.display(description=_("state"))
    def state_now(self, override):
        return override.state.label


class OverrideForm(ReasonForm):
    """Which rule is to be let pass, beside why."""

    rule = forms.ChoiceField(label=_("Rule"), widget=UnfoldAdminSelectWidget)
    field_order = ("rule", "reason")

    def about(self, rows):
        """Offer the rules that forbid a signature now and may be let pass."""
        blocked = findings.blocked_by(rows[0], at=timezone.now())
        rules = {one.code: one.title for one in blocked if one.may_be_overridden}
        self.fields["rule"].choices = list(rules.items())
        if not rules:
            self.fields["rule"].help_text = _(
                "No rule that may be let pass forbids a signature now."
            )


class AsksForOverrides:
    """Of a draft's page: the step that asks to sign in spite of a rule."""

    @step(
        label=_("Ask to let a rule pass"),
        icon="gavel",
        permission=overrides.ASKS,
        step_up=True,
        says=_(
            "Nothing changes yet: somebody else approves it. It lets one finding pass as it reads "
            "now, stands on the record of the agreement with its reason, and ends as soon as the "
            "rule says something else. What a rule calls absolute is let pass by nobody."
        ),
        done=_("%(row)s: asked for. Somebody else approves it, on the override's page."),
        form=OverrideForm,
        offered=is_draft,
        facts=lambda agreement: _may_pass(agreement),
    )
    def ask_to_override(self, agreement, given):
        overrides.ask(
            agreement=agreement, rule=given.values["rule"].strip(), reason=given.reason,
            by=given.by, at=given.at,
        )  # fmt: skip


def _may_pass(agreement):
    for one in findings.blocked_by(agreement, at=timezone.now()):
        told = f"{one.title}. {one.sentence}"
        if not one.may_be_overridden:
            told = _("%s Nobody may let it pass.") % told
        yield _("Forbids a signature"), told


class WaitingOverride(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("waiting", _("Waits for approval"))]

    def queryset(self, request, queryset):
        return queryset.waiting() if self.value() == "waiting" else queryset


class OverrideStepInline(FactInline):
    model = RuleOverrideStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]


@admin.register(RuleOverride)
class RuleOverrideAdmin(FactAdmin):
    """Overrides are asked for on a draft's page; here another person approves or rejects them."""

    agency_path = "agreement__agency"
    for_programs = ("code",)
    list_display = ["title", "agreement", "state_label", "asked_by", "asked_at"]
    list_filter = [WaitingOverride]
    list_select_related = ["agreement", "asked_by", "step"]
    search_fields = ["agreement__reference", "title", "code", "reason"]
    ordering = ["-pk"]
    inlines = [OverrideStepInline]
    fields = readonly_fields = [
        "of", "title", "code", "sentence", "reason", "state_label", "asked_by", "asked_at",
    ]  # fmt: skip
    actions_detail = ["approve", "reject"]
    when_empty = _("Nobody has asked to let a rule pass. Ask on the page of a draft.")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("step")

    @admin.display(description=_("agreement"))
    def of(self, override):
        url = reverse("admin:licensing_agreement_change", args=[override.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, override.agreement)

    @display(
        description=_("state"),
        label={"Waits for approval": "warning", "Stands": "success", "Rejected": "danger",
               "Taken back": "info"},
    )  # fmt: skip
    def state_label(self, override):
        return override.state.label

    @step(
        label=_("Approve"),
        icon="check",
        permission=overrides.APPROVES,
        step_up=True,
        says=_(
            "You let this finding pass, as the second person. The agreement may be signed in spite "
            "of it, and its record says who let it pass and why."
        ),
        done=_("%(row)s: the finding no longer forbids a signature."),
        form=NoteForm,
        offered=lambda override: override.state is OverrideState.WAITING,
        facts=lambda override: _about(override),
    )
    def approve(self, override, given):
        overrides.approve(override_id=override.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=overrides.ASKS,
        says=_("The finding goes on forbidding a signature. Who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda override: override.state is OverrideState.WAITING,
        facts=lambda override: _about(override),
    )
    def reject(self, override, given):
        overrides.reject(override_id=override.pk, by=given.by, at=given.at, reason=given.reason)


def _about(override):
    yield _("Agreement"), override.agreement
    yield _("Rule"), override.title
    yield _("What it says"), override.sentence
    yield _("Why it should pass"), override.reason
    yield _("Asked by"), override.asked_by


class FindingInline(FactInline):
    model = RuleFinding
    fields = readonly_fields = [
        "result", "title", "clause", "sentence", "mend", "day", "trigger", "source", "confidence",
        "override",
    ]  # fmt: skip
    ordering = ["-blocks", "pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("override__agreement")


@admin.register(FindingSet)
class FindingSetAdmin(FactAdmin):
    """What the rules said of an agreement when it was signed, or by night when it changed."""

    agency_path = "agreement__agency"
    for_programs = ("document_digest", "digest")
    list_display = ["agreement", "at", "occasion", "worst_label"]
    list_filter = ["occasion", "worst"]
    list_select_related = ["agreement"]
    search_fields = ["agreement__reference", "document_digest"]
    ordering = ["-at", "-pk"]
    inlines = [FindingInline]
    fields = readonly_fields = ["agreement", "at", "by", "occasion", "worst_label",
                                "document_digest", "digest"]  # fmt: skip
    when_empty = _("Nothing was frozen for a signature yet, and no night found a change.")

    @admin.display(description=_("worst verdict"), ordering="worst")
    def worst_label(self, found_in):
        return verdict(found_in.worst)
