"""Shares changed for days that have passed: what they claw back, asked for and approved."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent import locales, shares
from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, ReasonForm, step
from talent.admin.waiting import Waiting
from talent.errors import Refused
from talent.models import Beneficiary, Performer, ShareChange, ShareChangeStep
from talent.models.shares import ShareChangeQuerySet
from talent.words import ShareChangeState, ShareSubject
from valuation.reports.share_changes import redivided

ASKS = "talent.ask_sharechange"


class ShareChangeStepInline(FactInline):
    model = ShareChangeStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["at", "pk"]


class Open(Waiting):
    title = _("state")
    parameter_name = "state"
    label = _("Waits for somebody")
    narrow = ShareChangeQuerySet.open


@admin.register(ShareChange)
class ShareChangeAdmin(FactAdmin):
    """They are written where shares are edited; here they are asked for and approved."""

    agency_path = "twin__agency"
    list_display = ["__str__", "state_label", "since", "written_by", "written_at"]
    list_filter = [Open, "about"]
    list_select_related = ["twin", "performer", "written_by"]
    search_fields = ["twin__name", "performer__name"]
    ordering = ["-pk"]
    inlines = [ShareChangeStepInline]
    fields = readonly_fields = [
        "about", "whose", "state_label", "since", "before_and_after", "claws_back",
        "written_by", "written_at",
    ]  # fmt: skip
    actions_detail = ["ask", "approve", "reject"]
    when_empty = _(
        "Nobody has changed shares for days that have passed. They are changed on the pages of "
        "twins, performers and beneficiaries; what reaches back waits here for two people."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    def at_agencies(self, agencies):
        return Q(twin__agency__in=agencies) | Q(performer__representations__agency__in=agencies)

    @admin.display(description=_("whose"))
    def whose(self, change):
        return str(change.subject)

    @admin.display(description=_("for use from"), ordering="counts_from")
    def since(self, change):
        return change.counts_from or _("the first use on")

    @display(
        description=_("state"),
        label={
            "Written, not asked for": "info", "Waits for approval": "warning",
            "In force": "success", "Rejected": "danger",
        },
    )  # fmt: skip
    def state_label(self, change):
        return change.state.label

    @admin.display(description=_("shares before and after"))
    def before_and_after(self, change):
        names = _names(change)
        rows = [
            *((_("before"), *_told(row, names)) for row in change.before),
            *((_("after"), *_told(row, names)) for row in change.after),
        ]
        head = ["", _("Who"), _("Weight"), _("From"), _("To before")]
        return html_table(_("Shares before and after"), head, rows)

    @admin.display(description=_("what it claws back"))
    def claws_back(self, change):
        if change.state in (ShareChangeState.APPLIED, ShareChangeState.REJECTED):
            return _("It is decided. What it moved stands in the lines of the night after.")
        try:
            rows = redivided(change)
        except Refused as refusal:
            return str(refusal)
        if not rows:
            return _("Nothing was posted that it would divide anew.")
        locale = locale_of_reader()
        head = [_("Who"), _("Posted"), _("Then"), _("Difference")]
        amounts = ([row.beneficiary, *_amounts(row, locale)] for row in rows)
        return html_table(_("What it claws back"), head, amounts)

    @step(
        label=_("Ask for it"),
        icon="groups",
        permission=ASKS,
        says=_(
            "Nothing changes yet: somebody else approves it. Then what was earned on these days is "
            "divided anew by the next night; who has less gives it back against what comes next."
        ),
        done=_("%(row)s: asked for. Somebody else approves it here."),
        form=ReasonForm,
        offered=lambda change: change.state is ShareChangeState.WRITTEN,
        facts=lambda change: _about(change),
    )
    def ask(self, change, given):
        redivided(change)
        shares.ask(change_id=change.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Approve"),
        icon="check",
        permission=shares.APPROVES,
        step_up=True,
        says=_(
            "You approve, as the second person, what somebody else asked for. From now on the "
            "shares are these; the next night posts the differences."
        ),
        done=_("%(row)s is approved. The next night posts the differences."),
        form=NoteForm,
        offered=lambda change: change.state is ShareChangeState.WAITING,
        facts=lambda change: _about(change),
    )
    def approve(self, change, given):
        redivided(change)
        shares.approve(change_id=change.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject"),
        icon="block",
        permission=ASKS,
        says=_("Nothing changes. Who asked reads why; who asked may take it back so, too."),
        done=_("%(row)s is rejected. Nothing has changed."),
        form=ReasonForm,
        offered=lambda change: change.state in (ShareChangeState.WRITTEN, ShareChangeState.WAITING),
        facts=lambda change: _about(change),
    )
    def reject(self, change, given):
        shares.reject(change_id=change.pk, by=given.by, at=given.at, reason=given.reason)


def _about(change):
    """Yield what an approver is bound to: the shares, and what each beneficiary would get."""
    names = _names(change)
    yield _("Whose shares"), change
    yield _("Days from"), change.counts_from or _("the first use")
    for told, rows in ((_("Before"), change.before), (_("After"), change.after)):
        for row in rows:
            who, weight, begins, ends = _told(row, names)
            yield f"{told}: {who}", f"{weight} ({begins} – {ends})"
    try:
        for row in redivided(change):
            posted, then, difference = _amounts(row, "en")
            yield row.beneficiary, f"{posted} → {then} ({difference})"
    except Refused as refusal:
        yield _("What it claws back"), refusal


def _amounts(row, locale):
    amounts = (row.posted, row.then, row.difference)
    return [locales.money(amount, row.currency, locale) for amount in amounts]


def _names(change):
    model = Performer if change.about == ShareSubject.SOURCES else Beneficiary
    held = {row["holder"] for row in (*change.before, *change.after)}
    return {pk: row.name for pk, row in model.objects.in_bulk(held).items()}


def _told(row, names):
    weight = "–" if row["weight"] is None else row["weight"]
    return names[row["holder"]], weight, row["starts_on"] or "–", row["ends_on"] or "–"
