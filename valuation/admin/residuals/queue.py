"""The queue: what needs a decision before it is charged, what it is worth, and where to decide."""

from collections import Counter
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from talent import safe_csv
from talent.models import Performer
from valuation.reports import undecided
from valuation.reports.undecided import Item, Narrowed
from valuation.words import Undecided

PERMISSION = "valuation.view_reading"
ON_A_PAGE = 50
AGES = (7, 30, 90)
# Where the desk remembers with which filter somebody left the queue, to lead them back.
LEFT_AT = "queue"
RATES = {
    "unlicensed": _lazy("at the unlicensed rate"),
    "licensed": _lazy("at the licensed rate: the card has none for unlicensed use"),
    "first": _lazy("by the first rate card, had it counted"),
}
RULED = {
    Undecided.OUTSIDE,
    Undecided.OVER_CAP,
    Undecided.DISPUTED,
    Undecided.NO_AGREEMENT,
}
RATED = {Undecided.NO_RATE, Undecided.NO_CARD}


def queue(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what waits, priced, as filtered."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    now = timezone.now()
    every = undecided.items_of(request.user)
    narrowed = _narrowed(request, now.date())
    chosen = [item for item in every if narrowed.holds(item)]
    items, left_out = undecided.priced(chosen, now.date())
    if "csv" in request.GET:
        return _csv(items)
    request.session[LEFT_AT] = request.get_full_path()
    page = Paginator(items, ON_A_PAGE).get_page(request.GET.get("page"))
    kept = [(name, value) for name, value in _kept(request) if name != "kind"]
    context = {
        **admin_site.each_context(request),
        "title": _("Needs a decision"),
        "kinds": _kinds(every, narrowed, kept),
        "rows": [{"item": item, "url": _where(item), "rate": RATES.get(item.rate, "")}
                 for item in page],
        "page": page,
        "query": urlencode(_kept(request)),
        "uses": sum(item.count for item in items if item.kind not in undecided.UNRATED),
        "agreements": len({item.agreement_id for item in items if item.agreement_id}),
        "totals": undecided.totals_of(items),
        "left_out": left_out,
        "choices": _choices(every, request),
        "ages": [(str(days), request.GET.get("age") == str(days)) for days in AGES],
        # What the form has no field for is sent along with it.
        "kept": [one for one in _kept(request) if one[0] in ("kind", "agency", "currency")],
        "is_filtered": bool(_kept(request)),
    }  # fmt: skip
    return TemplateResponse(request, "admin/queue.html", context)


def _narrowed(request: HttpRequest, today) -> Narrowed:
    kinds = {code for code in request.GET.getlist("kind") if code in Undecided.codes()}
    age = request.GET.get("age", "")
    return Narrowed(
        kinds=frozenset(map(Undecided, kinds)) or frozenset(Undecided),
        licensee=_number(request, "licensee"),
        performer=_number(request, "performer"),
        agreement=_number(request, "agreement"),
        agency=_number(request, "agency"),
        currency=request.GET.get("currency") or None,
        before=today - timedelta(days=int(age)) if age in map(str, AGES) else None,
    )


def _number(request: HttpRequest, name: str) -> int | None:
    sent = request.GET.get(name, "")
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 19 else None


def _kept(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the filters of an address, without its page."""
    names = ("kind", "licensee", "performer", "agreement", "agency", "currency", "age")
    return [(name, value) for name in names for value in request.GET.getlist(name) if value]


def _kinds(every: list[Item], narrowed: Narrowed, kept: list[tuple[str, str]]) -> list[dict]:
    """Return each kind with how much of it waits, under the other filters."""
    all_kinds = Narrowed(
        licensee=narrowed.licensee,
        performer=narrowed.performer,
        agreement=narrowed.agreement,
        agency=narrowed.agency,
        currency=narrowed.currency,
        before=narrowed.before,
    )
    counts = Counter()
    for item in every:
        if all_kinds.holds(item):
            counts[item.kind] += item.count
    chosen = narrowed.kinds if narrowed.kinds != frozenset(Undecided) else frozenset()
    return [
        {
            "label": kind.label,
            "count": counts[kind],
            "url": f"?{urlencode([*kept, ('kind', kind.value)])}",
            "is_chosen": kind in chosen,
        }
        for kind in Undecided
        if counts[kind] or kind in chosen
    ]


def _choices(every: list[Item], request: HttpRequest) -> list[dict]:
    people = Performer.objects.in_bulk({pk for item in every for pk in item.performers})
    offered = {
        "licensee": (_("Licensee"), {item.licensee_id: item.licensee for item in every}),
        "performer": (_("Performer"), {pk: person.name for pk, person in people.items()}),
        "agreement": (
            _("Agreement"),
            {item.agreement_id: item.agreement for item in every if item.agreement_id},
        ),
    }
    return [
        {
            "name": name,
            "label": label,
            "options": [
                (str(pk), text, request.GET.get(name) == str(pk))
                for pk, text in sorted(rows.items(), key=lambda row: row[1])
            ],
        }
        for name, (label, rows) in offered.items()
    ]


def _where(item: Item) -> str:
    """Return the page on which an item is decided."""
    if item.kind in RATED:
        cards = reverse("admin:licensing_ratecard_changelist")
        return f"{cards}?{urlencode({'agreement__id__exact': item.agreement_id})}"
    if item.kind is Undecided.FAILED:
        return reverse("admin:licensing_agreement_change", args=[item.agreement_id])
    filters: dict[str, object] = {}
    if item.leaves:
        filters["leaves"] = f"{item.leaves[0]}-{item.leaves[1]}"
    if item.agreement_id:
        filters["agreement__id__exact"] = item.agreement_id
    if item.kind in RULED:
        filters |= {
            "ruling": "yes",
            "licensee__id__exact": item.licensee_id,
            "twin__id__exact": item.twin_id,
            "right__exact": item.right,
            "use__exact": item.use,
            "standing__exact": item.standing,
        }
    if item.kind is Undecided.NO_AGREEMENT:
        filters["agreement__isnull"] = "True"
    return f"{reverse('admin:licensing_usageevent_changelist')}?{urlencode(filters)}"


def _csv(items: list[Item]) -> HttpResponse:
    header = [
        _("Why it waits"),
        _("Licensee"),
        _("Agreement"),
        _("Twin"),
        _("What"),
        _("Uses"),
        _("Since (ISO 8601)"),
        _("Worth"),
        _("Currency"),
        _("Rate, or why there is none"),
    ]
    rows = (
        [item.kind.label, item.licensee, item.agreement, item.twin, item.what, item.count,
         item.since.isoformat(), item.worth, item.currency if item.worth is not None else "",
         RATES.get(item.rate, item.why_not)]
        for item in items
    )  # fmt: skip
    return StreamingHttpResponse(
        safe_csv.lines(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="needs-a-decision.csv"'},
    )
