"""The board: scenes as strips, with what people say of each beside what is proposed."""

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from talent.errors import Refused
from valuation.models.schedule import FACE_GUIDE, RESONANCE_GUIDE
from valuation.schedule.screenplay.writing_back import length_in_words
from valuation.schedule.scripts import loading, scoring
from valuation.schedule.scripts.scoring import Score
from valuation.words import Setting

from .scenes import written_value

# A page sends nine fields for each strip, and Django reads a thousand at most.
STRIPS_ON_PAGE = 50
NUMBERS = ("resonance", "face_visibility", "crowd", "minutes")
LABELS = {
    "resonance": gettext_lazy("Resonance"), "face_visibility": gettext_lazy("Faces"),
    "crowd": gettext_lazy("Crowd"), "minutes": gettext_lazy("Minutes"),
}  # fmt: skip
HIGHEST = {"resonance": 10, "face_visibility": 10, "crowd": 100_000, "minutes": 1_440}
FILTERS = ("scored", "setting", "time", "place", "who")


class NotANumber(Refused):
    """What somebody typed is no whole number."""

    code = "not_a_number"


def answer(model_admin, request, screenplay):
    """Show a page of strips; its POST keeps what was typed, all of it or nothing."""
    may_score = model_admin.has_score_permission(request, screenplay)
    typed, fault = None, ""
    if request.method == "POST" and may_score:
        try:
            changed = _keep(request, screenplay)
        except Refused as refusal:
            typed, fault = request.POST, str(refusal)
        else:
            text = ngettext("One scene changed.", "%d scenes changed.", changed)
            text = text % changed if changed != 1 else text
            level = messages.SUCCESS if changed else messages.INFO
            model_admin.message_user(request, text if changed else _("Nothing changed."), level)
            return redirect(request.get_full_path())
    page = Paginator(_filtered(screenplay, request.GET), STRIPS_ON_PAGE).get_page(
        request.GET.get("p", 1)
    )
    locations = [*screenplay.locations.order_by("name", "pk")]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Board of %s") % screenplay,
        "opts": model_admin.opts,
        "original": screenplay,
        "screenplay": screenplay,
        "may_score": may_score,
        "fault": fault,
        "strips": [_strip(scene, screenplay, typed) for scene in page],
        "locations": locations,
        "page": page,
        "filters": _filters(screenplay, request.GET, locations),
        "filtered": any(request.GET.get(name) for name in FILTERS),
        "other_pages": _other_pages(page, request.GET),
        "guide": {"resonance": RESONANCE_GUIDE, "faces": FACE_GUIDE},
        "unscored": screenplay.scenes.unscored().count(),
        "board": reverse("admin:valuation_screenplay_board", args=[screenplay.pk]),
    }
    return TemplateResponse(request, "admin/strip_board.html", context)


# What is shown


def _filtered(screenplay, asked):
    scenes = screenplay.scenes.shot().select_related("location", "scored_by")
    scenes = scenes.prefetch_related("parts__character").order_by("place")
    if asked.get("scored") == "no":
        scenes = scenes.filter(resonance=None)
    elif asked.get("scored") == "yes":
        scenes = scenes.exclude(resonance=None)
    if asked.get("setting") in Setting.codes():
        scenes = scenes.filter(setting=asked["setting"])
    if asked.get("time"):
        scenes = scenes.filter(time_of_day=asked["time"].replace("\x00", ""))
    for name, lookup in (("place", "location"), ("who", "parts__character")):
        if asked.get(name, "").isascii() and asked.get(name, "").isdecimal():
            scenes = scenes.filter(**{lookup: int(asked[name][:9])})
    return scenes


def _filters(screenplay, asked, locations):
    """Return the filters with what each offers."""
    times = screenplay.scenes.shot().exclude(time_of_day="").order_by("time_of_day")
    who = screenplay.characters.order_by("name", "pk").values_list("pk", "name")
    offered = [
        ("scored", _("Resonance"), [("no", _("proposed only")), ("yes", _("scored"))]),
        ("setting", _("INT or EXT"), Setting.choices()),
        ("time", _("Time of day"),
         [(one, one) for one in times.values_list("time_of_day", flat=True).distinct()]),
        ("place", _("Place"), [(one.pk, one.name) for one in locations]),
        ("who", _("Character"), [*who]),
    ]  # fmt: skip
    return [
        {"name": name, "label": label,
         "options": [{"value": value, "label": text, "chosen": str(value) == asked.get(name, "")}
                     for value, text in options]}
        for name, label, options in offered
    ]  # fmt: skip


def _other_pages(page, asked):
    kept = QueryDict(mutable=True)
    kept.update({name: asked[name] for name in FILTERS if asked.get(name)})
    return [
        {"number": number, "here": number == page.number, "query": f"{kept.urlencode()}&p={number}"}
        for number in page.paginator.page_range
    ]


def _strip(scene, screenplay, typed):
    is_dark = any(word in scene.time_of_day for word in ("NIGHT", "EVENING", "MIDNIGHT"))
    numbers = [_number(scene, name, screenplay, typed) for name in NUMBERS]
    return {
        "scene": scene,
        "kind": f"{scene.setting}-{'night' if is_dark else 'day'}",
        "length": length_in_words(scene.eighths),
        "who": [
            {"name": part.character.name, "words": part.words, "voice": part.is_voice_only}
            for part in sorted(scene.parts.all(), key=lambda one: (-one.words, one.pk))
        ],
        "lines": scene.text.split("\n")[1:],
        "numbers": numbers,
        "stunt": _typed(typed, scene, "stunt", _yes_no(scene.stunt)),
        "stunt_proposed": written_value(scene.proposed_stunt),
        "stunt_because": ", ".join(scene.because.get("stunt", ())),
        "location": _typed(
            typed, scene, "location_id", _as_typed("location_id", scene.location_id)
        ),
        "languages": _typed(
            typed, scene, "languages", _as_typed("languages", scene.languages)
        ),
        "usual_languages": " ".join(screenplay.languages),
        "seen": json.dumps(_seen(scene)),
        "is_changed": scene.changed_in > scene.first_in,
    }  # fmt: skip


def _number(scene, name, screenplay, typed):
    value = getattr(scene, name)
    proposed = (
        loading.proposed_minutes(scene, screenplay)
        if name == "minutes"
        else getattr(scene, scoring.PROPOSED[name])
    )
    return {
        "name": name, "label": LABELS[name], "highest": HIGHEST[name],
        "value": _typed(typed, scene, name, _as_typed(name, value)),
        "proposed": proposed, "because": ", ".join(scene.because.get(name, ())),
        "is_said": value is not None,
    }  # fmt: skip


def _typed(typed, scene, name, kept):
    """Return what somebody typed and was refused, else what is kept.

    A field that they left alone shows what it is by now, so that sending it again undoes nothing.
    """
    if typed is None or (said := typed.get(f"{name}-{scene.pk}")) is None:
        return kept
    try:
        seen = json.loads(typed.get(f"seen-{scene.pk}", ""))[name]
    except (ValueError, KeyError, TypeError):
        return kept
    return kept if said == _as_typed(name, seen) else said


def _as_typed(name, value):
    """Return a value as its field shows it."""
    if name == "stunt":
        return _yes_no(value)
    if name == "languages":
        return "" if value is None else " ".join(value)
    return "" if value is None else str(value)


def _yes_no(value):
    return "" if value is None else "yes" if value else "no"


def _seen(scene):
    return {name: getattr(scene, name) for name in scoring.FIELDS}


# What is kept


def _keep(request, screenplay):
    """Keep what a page says, or make the proposals of the chosen strips somebody's own."""
    data = request.POST
    ids = [int(one) for one in data.getlist("scene")[:STRIPS_ON_PAGE] if one.isdecimal()]
    if data.get("take") == "proposals":
        chosen = {int(one) for one in data.getlist("chosen") if one.isdecimal()}
        scenes = screenplay.scenes.shot().filter(pk__in=chosen & set(ids))
        scores = scoring.proposals_taken(scenes)
    else:
        scores = [one for pk in ids if (one := _score(pk, data)) is not None]
    return len(
        scoring.score(
            screenplay_id=screenplay.pk, scores=scores, by=request.user, at=timezone.now()
        )
    )


def _score(pk, data):
    """Return what a strip's fields say that is another thing than its reader saw; None: nothing."""
    try:
        seen = json.loads(data.get(f"seen-{pk}", ""))
        seen = {name: seen[name] for name in scoring.FIELDS}
    except (ValueError, KeyError, TypeError) as fault:
        raise scoring.ScoredMeanwhile(_("Open the page anew.")) from fault
    values = {name: _whole(pk, name, data) for name in NUMBERS}
    values["stunt"] = {"yes": True, "no": False}.get(data.get(f"stunt-{pk}", ""))
    values["location_id"] = _whole(pk, "location_id", data)
    values["languages"] = data.get(f"languages-{pk}", "").replace(",", " ").split() or None
    new = {name: value for name, value in values.items() if value != seen[name]}
    return Score(pk, new, {name: seen[name] for name in new}) if new else None


def _whole(pk, name, data):
    text = data.get(f"{name}-{pk}", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        number = data.get(f"number-{pk}", "")
        label = LABELS.get(name, name)
        raise NotANumber(_("Scene %(number)s: %(label)s is a whole number, not “%(text)s”.") % {
            "number": number[:20], "label": label, "text": text[:40],
        })  # fmt: skip
    return int(text)
