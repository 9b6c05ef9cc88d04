"""The pages on which a script is handed in, seen as it was read, and kept."""

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.models import Production
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency
from talent.plain_text import is_line
from valuation.models import Screenplay
from valuation.schedule.screenplay.revisions import Change
from valuation.schedule.screenplay.script import MOST_BYTES
from valuation.schedule.screenplay.writing_back import length_in_words
from valuation.schedule.scripts import taking_in

ADDS = "valuation.add_screenplay"
# A file waits so long between its upload and its being kept; it is kept nowhere else.
WAITS_SECONDS = 3_600
SCENES_SHOWN, DOUBTS_SHOWN = 300, 20
CHANGES = {
    Change.SAME: gettext_lazy("as before"), Change.REVISED: gettext_lazy("changed"),
    Change.RENUMBERED: gettext_lazy("another number"), Change.NEW: gettext_lazy("new"),
    Change.OMITTED: gettext_lazy("omitted"),
}  # fmt: skip


class FileForm(forms.Form):
    """A script's file."""

    file = forms.FileField(
        label=gettext_lazy("File"), widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("Fountain (plain text) or Final Draft (.fdx), up to 10 MB."),
    )  # fmt: skip

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 10 MB."))
        return file


class NewForm(FileForm):
    """A script's file, and whose screenplay for which production it is."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    production = forms.ModelChoiceField(
        Production.objects.none(), label=gettext_lazy("Production"),
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=200, required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Empty: as its title page or the production says."),
    )  # fmt: skip
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency of its costs"), widget=UnfoldAdminSelectWidget
    )
    field_order = ("agency", "production", "title", "currency", "file")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, ADDS).order_by("name")
        productions = Production.objects.visible_to(user).select_related("licensee")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()
        self.fields["production"].queryset = productions.order_by("title", "pk")
        self.fields["currency"].choices = locales.currencies(locale_of_reader())
        self.fields["currency"].initial = "USD"

    def clean_title(self):
        title = self.cleaned_data["title"]
        if title and not is_line(title):
            raise forms.ValidationError(_("A title is one line."))
        return title


def upload(model_admin, request, screenplay=None):
    """Read a file and keep it for a while; nothing is written before somebody saw what it says."""
    sent = (request.POST or None, request.FILES or None)
    form = FileForm(*sent) if screenplay else NewForm(*sent, user=request.user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        content = given["file"].read()
        try:
            outlook = taking_in.look(content, screenplay)
        except Refused as refusal:
            form.add_error("file", str(refusal))
        else:
            waiting = {
                "content": content, "name": given["file"].name,
                "screenplay": screenplay and screenplay.pk,
            } | ({} if screenplay else _whose(given, outlook))  # fmt: skip
            digest = taking_in.content_digest(content)
            cache.set(_key(request, digest), waiting, WAITS_SECONDS)
            return redirect("admin:screenplay_read", digest)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("New revision of %s") % screenplay if screenplay else _("Take in a screenplay"),
        "opts": model_admin.opts,
        "screenplay": screenplay,
        "form": form,
    }
    return TemplateResponse(request, "admin/upload_script.html", context)


def _whose(given, outlook):
    title = given["title"] or outlook.script.title or given["production"].title
    return {
        "agency": given["agency"].pk, "production": given["production"].pk,
        "title": title[:200], "currency": given["currency"],
    }  # fmt: skip


def read(model_admin, request, digest):
    """Show what a file says and what would become of each scene; its POST keeps it."""
    waiting = cache.get(_key(request, digest))
    screenplay = waiting and waiting["screenplay"] and _screenplay(model_admin, request, waiting)
    if not waiting or (waiting["screenplay"] and screenplay is None):
        text = _("The file is no longer kept. Upload it again.")
        model_admin.message_user(request, text, messages.WARNING)
        return redirect("admin:valuation_screenplay_changelist")
    fault = ""
    if request.method == "POST":
        try:
            kept = _keep(request, waiting, screenplay)
        except Refused as refusal:
            fault = str(refusal)
        else:
            cache.delete(_key(request, digest))
            text = _("%s is kept. Score its scenes on the board.") % kept
            model_admin.message_user(request, text, messages.SUCCESS)
            return redirect("admin:valuation_screenplay_board", kept.pk)
    try:
        outlook = taking_in.look(waiting["content"], screenplay)
    except Refused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:valuation_screenplay_changelist")
    return _page(model_admin, request, waiting, screenplay, outlook, fault)


def _screenplay(model_admin, request, waiting):
    found = Screenplay.objects.filter(
        pk=waiting["screenplay"], agency__in=seats_with(request.user, ADDS)
    )
    return found.first()


def _keep(request, waiting, screenplay):
    about = {
        "content": waiting["content"], "file_name": waiting["name"], "by": request.user,
        "at": timezone.now(),
    }  # fmt: skip
    if screenplay is None:
        if not seats_with(request.user, ADDS).filter(pk=waiting["agency"]).exists():
            raise taking_in.NotAsSeen(_("Your seat at the agency does not allow this any more."))
        return taking_in.begin(
            agency_id=waiting["agency"], production_id=waiting["production"],
            title=waiting["title"], currency=waiting["currency"], **about,
        )  # fmt: skip
    renames = dict(
        one.split("\t", 1) for one in request.POST.getlist("renamed") if one.count("\t") == 1
    )
    taking_in.revise(
        screenplay_id=screenplay.pk, seen=request.POST.get("seen", ""), renames=renames, **about
    )
    return screenplay


def _page(model_admin, request, waiting, screenplay, outlook, fault):
    script = outlook.script
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("What %s says") % waiting["name"],
        "opts": model_admin.opts,
        "fault": fault,
        "screenplay": screenplay,
        "name": screenplay or waiting["title"],
        "outlook": outlook,
        "scene_count": len(script.scenes),
        "length": length_in_words(sum(scene.eighths for scene in script.scenes)),
        "character_count": len(script.characters),
        "counts": [
            (label, outlook.count(change)) for change, label in CHANGES.items()
        ] if screenplay else [],
        "doubts": script.doubts[:DOUBTS_SHOWN],
        "more_doubts": max(0, len(script.doubts) - DOUBTS_SHOWN),
        "scenes": [_row(pair, outlook) for pair in outlook.pairs[:SCENES_SHOWN]],
        "more": max(0, len(outlook.pairs) - SCENES_SHOWN),
        "renamed": [
            {"value": f"{one.before}\t{one.after}", "before": one.before, "after": one.after,
             "percent": round(one.alike * 100), "scenes": one.scenes}
            for one in outlook.renamed
        ],
    }  # fmt: skip
    return TemplateResponse(request, "admin/read_script.html", context)


def _row(pair, outlook):
    if pair.after is None:
        scene = outlook.before[pair.before]
        who = ""
    else:
        scene = outlook.script.scenes[pair.after]
        who = ", ".join(speaker.name for speaker in scene.speakers)
    return {
        "number": scene.number, "heading": scene.heading, "who": who,
        "length": length_in_words(scene.eighths), "change": CHANGES[pair.change],
        "is_gone": pair.change is Change.OMITTED,
    }  # fmt: skip


def _key(request, digest):
    return f"script-{request.user.pk}-{digest[:64]}"
