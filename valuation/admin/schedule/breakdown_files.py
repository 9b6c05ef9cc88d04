"""The breakdown as a file: sent as CSV, and a CSV read, shown and kept."""

import hashlib

from django import forms
from django.contrib import messages
from django.http import StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminFileFieldWidget

from talent.errors import Refused
from valuation.schedule.scripts import breakdown_csv, scoring

ROWS_SHOWN = 200
NAMES = {
    "resonance": gettext_lazy("resonance"), "face_visibility": gettext_lazy("faces"),
    "stunt": gettext_lazy("stunt"), "crowd": gettext_lazy("crowd"),
    "minutes": gettext_lazy("minutes"), "location_id": gettext_lazy("place"),
    "languages": gettext_lazy("languages"),
}  # fmt: skip


class ScoresForm(forms.Form):
    """A CSV of scores."""

    file = forms.FileField(
        label=gettext_lazy("File"), widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "CSV in UTF-8, as the export writes it. Columns may be left out; an empty cell takes "
            "a score back."
        ),
    )  # fmt: skip

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > breakdown_csv.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB."))
        return file


class SeenForm(forms.Form):
    """What was looked at, sent again to be kept."""

    content = forms.CharField(strip=False, max_length=breakdown_csv.MOST_BYTES,
                              widget=forms.Textarea(attrs={"hidden": True}))  # fmt: skip
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)


def send(screenplay):
    name = f"breakdown-{screenplay.pk}.csv"
    return StreamingHttpResponse(
        breakdown_csv.written(screenplay), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def take_in(model_admin, request, screenplay):
    """Read a CSV, show what it changes, and keep that once it is confirmed as it was seen."""
    if "seen" in request.POST:
        return _keep(model_admin, request, screenplay)
    form = ScoresForm(request.POST or None, request.FILES or None)
    again, lines = None, []
    if request.method == "POST" and form.is_valid():
        content = form.cleaned_data["file"].read()
        try:
            lines = breakdown_csv.read(screenplay, content)
        except Refused as refusal:
            form.add_error("file", str(refusal))
        else:
            again = SeenForm(
                initial={"content": content.decode("utf-8-sig"), "seen": _digest(lines)}
            )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Import scores of %s") % screenplay,
        "opts": model_admin.opts,
        "original": screenplay,
        "screenplay": screenplay,
        "form": form,
        "again": again,
        "count": len(lines),
        "rows": [(line.scene, _told(line, screenplay)) for line in lines[:ROWS_SHOWN]],
        "more": max(0, len(lines) - ROWS_SHOWN),
    }
    return TemplateResponse(request, "admin/import_scores.html", context)


def _keep(model_admin, request, screenplay):
    form = SeenForm(request.POST)
    text, level = _("Send the file in again."), messages.ERROR
    if form.is_valid():
        try:
            lines = breakdown_csv.read(screenplay, form.cleaned_data["content"].encode())
            if _digest(lines) != form.cleaned_data["seen"]:
                said = _("Somebody changed a score meanwhile. Send the file in again.")
                raise scoring.ScoredMeanwhile(said)
            changed = scoring.score(
                screenplay_id=screenplay.pk, scores=breakdown_csv.scores(lines),
                by=request.user, at=timezone.now(),
            )  # fmt: skip
        except Refused as refusal:
            text = str(refusal)
        else:
            count = len(changed)
            text = ngettext("One scene changed.", "%(count)d scenes changed.", count)
            model_admin.message_user(request, text % {"count": count}, messages.SUCCESS)
            return redirect("admin:valuation_screenplay_board", screenplay.pk)
    model_admin.message_user(request, text, level)
    return redirect("admin:valuation_screenplay_import_scores", screenplay.pk)


def _told(line, screenplay):
    places = {one.pk: one.name for one in screenplay.locations.all()}
    return [
        (NAMES[name], _as_text(name, getattr(line.scene, name), places),
         _as_text(name, value, places))
        for name, value in line.values.items()
    ]  # fmt: skip


def _as_text(name, value, places):
    if value is None:
        return "–"
    if name == "location_id":
        return places.get(value, "–")
    if name == "languages":
        return " ".join(value)
    return {True: _("yes"), False: _("no")}.get(value, value) if name == "stunt" else value


def _digest(lines):
    """Return a digest of what a page shows: each change, and what it replaces."""
    said = "\n".join(
        f"{line.scene.pk} {name} {getattr(line.scene, name)} {value}"
        for line in lines
        for name, value in line.values.items()
    )
    return hashlib.sha256(said.encode()).hexdigest()
