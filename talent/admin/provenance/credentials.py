"""Content credentials of a file, read for who asks; nothing is kept."""

from pathlib import Path

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from talent.models import LineageNode
from talent.provenance.credentials import reading
from talent.provenance.credentials.reading import CannotRead, TrustList

RECORDS = "talent.record_lineage"


class CredentialsForm(forms.Form):
    """The file whose credentials are read."""

    file = forms.FileField(label=_("File"), widget=UnfoldAdminFileFieldWidget)


def read(admin_site, request: HttpRequest) -> HttpResponse:
    """Read a file's credentials and show the four answers; the file is not kept."""
    if not request.user.has_perm(RECORDS):
        raise PermissionDenied
    form = CredentialsForm(request.POST or None, request.FILES or None)
    told = None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            if sent.size > reading.LARGEST:
                raise CannotRead(_now("Credentials are read of files of at most 64 MiB."))
            told = reading.read(sent.read(), media_type=sent.content_type, trust=trust_list())
        except CannotRead as refusal:
            form.add_error("file", str(refusal))
    context = {
        **admin_site.each_context(request),
        "title": _now("Content credentials of a file"),
        "opts": LineageNode._meta,
        "form": form,
        "told": told,
        "back": reverse("admin:talent_lineagenode_changelist"),
    }
    return TemplateResponse(request, "admin/credentials.html", context)


def trust_list() -> TrustList | None:
    """Return the trust list that the desk was given; None: it has none, and trusts nobody."""
    if not settings.C2PA_TRUST_LIST:
        return None
    place = Path(settings.C2PA_TRUST_LIST)
    return TrustList(place.stem, settings.C2PA_TRUST_LIST_DATED, place.read_text())
