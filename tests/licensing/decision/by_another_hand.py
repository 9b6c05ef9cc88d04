"""The decision again, written anew from the specification by somebody who did not see the code.

A world is JSON, as `worlds.to_json` writes it. What was changed since is marked MENDED: there it
had misread the specification, or the specification said too little.

READINGS (the stricter is taken unless marked NOT STRICTER; after "|" the reading not taken)
 1. real_time=true counts only in a layer of the person's own voice, false anywhere forbids | true
    in any layer permits.
 2. A cell with an unset stance still narrows by its scope | an unset cell is wholly unset.
 3. overrules_agency counts only in a voice cell that states a stance | without a stance too. NOT
    STRICTER: it drops the agency's whole cell, as §3 calls the matrix "its default" | it
    overrules the stance only, the agency's scope still narrows.
 4. Only the agency "of the agreement at hand" can be overruled, but no world names it: with
    matrices of more than one agency in force nothing is overruled | every agency layer given is
    overruled.
 5. Two owners of one voice kind under one contributor are contradictory | both are layers. NOT
    STRICTER: owners are not compared with the contributor's or twin's id, as worlds.md does not
    say that they share ids | an owner who is another is no voice.
 6. training_data with a use other than training needs training_data × training too | only its own
    cell.
 7. MENDED: a limit in training_data × training counts the training of every right (rows of `used`
    that name another) | not known, refused.
 8. A limit whose meter the request does not state is refused (as a cap: not measurable) | it is
    not touched.
 9. brand "none" is outside an allowed list that does not hold "none" ([] too) | no brand, nothing
    to check.
10. A brand that the desk does not know, or without categories, is outside any excluded list |
    only outside one with categories. A facts.brand with another slug than the request's (or
    beside "none") is contradictory where brands are looked at | ignored.
11. All languages_in entries that touch the territory (an entry for a part touches the whole) must
    hold, and `languages` too | their union; or they replace `languages` there; or only an entry
    that covers the territory counts.
12. Language and territory must be stated wherever languages_in has entries | language only where
    an entry touches the territory.
13. NOT STRICTER: notice_hours 0 demands nothing | it needs a noticed_at not after the use. A
    noticed_at after known_at is not known | known_at plays no part in notice.
14. A content word outside §3's list is unknown: refused where an exclusion or absolute rule asks
    | harmless.
15. Silence is outside where a grant looks, as in a cell | the silence rule is the cell's only.
16. NOT STRICTER: a grant's null territories, languages and channels are any, as in a scope |
    "null = any" is said of brands only.
17. NOT STRICTER: a signature needs signed_at <= known_at only (the condition worlds.md states) |
    signed_at <= at too.
18. An "ended" agreement with ends_at null has no known end: refused | open.
19. A build counts on [built_on, retired_on) and before the day destroy_by | the last day still
    counts. built_on null is refused | not known here. A build in the facts that the request does
    not name is contradictory | ignored. NOT STRICTER: request.build null and no build in the
    facts: nothing to check | unknown provenance is refused.
20. A cap with hard null is hard | soft. NOT STRICTER: a cap with channels [] counts for no stated
    channel | for all.
21. "living" with died_on is contradictory: refused | judged by born_on. Born on 29 February: of
    age on 1 March | 28 February.
22. prompt_class null is not scripted for a passive replica, and its tier rule holds for training
    too | null is like ""; training is no performance. NOT STRICTER: elsewhere null passes.
    real_time null is refused in every tier | null is false.
23. A used row without licensee or year counts for every licensee and year | for none.
24. Two cells for one right and use in one version, two equal versions, two grants for one right
    and use, a version without in_force_from or recorded_at: refused | the strictest of them; the
    version is ignored.
25. NOT STRICTER: a missing key is null | refused. null where a list of facts is due (caps, holds,
    contributors …) is refused | [].
26. A territory word that is not a two-letter code (with or without part), EU or BENELUX is
    refused where looked at | covers nothing.
27. NOT STRICTER: units are asked for only where a limit or cap asks | always. A quantity below
    zero is refused; zero counts as zero.
28. MENDED: a word of the request that no table knows (territory, language, channel, content) is
    refused | only where something looks at it.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pycountry

EU = {
    "AT",
    "BE",
    "BG",
    "HR",
    "CY",
    "CZ",
    "DK",
    "EE",
    "FI",
    "FR",
    "DE",
    "GR",
    "HU",
    "IE",
    "IT",
    "LV",
    "LT",
    "LU",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SK",
    "SI",
    "ES",
    "SE",
}
GROUPS = {"EU": EU, "BENELUX": {"BE", "LU", "NL"}}
CONTENT = {
    "nudity",
    "sexual",
    "political",
    "tobacco",
    "alcohol",
    "drugs",
    "weapons",
    "gambling",
    "medical",
    "medical_claims",
    "violence",
    "hate",
    "religion",
}
CHANNELS = ("cinema", "streaming")  # those of the worlds
KINDS = ("guild", "agency", "performer", "twin")
TIERS = ("passive_static_replica", "dynamic_behavioral_emulator", "autonomous_generative_persona")
SCRIPTED = ("scripted", "revision", "none", "")


class Unknown(Exception):
    """Missing, unknown or contradictory: refused."""


# Small words


def instant(text):
    value = datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def within(start, end, at):
    return (start is None or instant(start) <= at) and (end is None or at < instant(end))


def number(text):
    value = Decimal(text)
    if not value.is_finite() or value < 0:
        raise Unknown("quantity")
    return value


def quantity(request, meter):
    found = [q for m, q in [(m, number(q)) for m, q in request.get("units") or []] if m == meter]
    if not found:
        raise Unknown("quantity not stated")
    return sum(found)


def countries(word):
    if word in GROUPS:
        return GROUPS[word]
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", word):
        raise Unknown("territory")
    return {word}


def part_of(small, big):
    return small == big or small.startswith(big + "-")


def covers(listed, asked):
    allowed = {c for word in listed for c in countries(word)}
    return all(any(part_of(c, a) for a in allowed) for c in countries(asked))


def overlaps(word, asked):
    return any(part_of(a, b) or part_of(b, a) for a in countries(word) for b in countries(asked))


def speaks(language, listed):
    return any(part_of(language.lower(), entry.lower()) for entry in listed)


# One check per thing that a cell or a grant looks at


def territory_ok(request, allowed, excluded):
    if allowed is None and not excluded:
        return True
    asked = request.get("territory")
    if not asked or (allowed is not None and not covers(allowed, asked)):
        return False
    return not any(overlaps(word, asked) for word in excluded or [])


def language_ok(request, allowed, by_territory):
    """A language has to be said where a rule asks for one: in general, or in that place."""
    language, territory = request.get("language"), request.get("territory")
    if by_territory and not territory:
        return False
    there = [entry for entry in by_territory or [] if overlaps(entry["territory"], territory)]
    if allowed is None and not there:
        return True
    if not language or (allowed is not None and not speaks(language, allowed)):
        return False
    return all(speaks(language, entry["languages"]) for entry in there)


def listed_ok(asked, allowed, excluded):
    if allowed is None and not excluded:
        return True
    return bool(asked) and (allowed is None or asked in allowed) and asked not in (excluded or [])


def brand_ok(request, facts, allowed, excluded):
    if allowed is None and not excluded:
        return True
    asked, known = request.get("brand"), facts.get("brand")
    if not asked or (known is not None and known["slug"] != asked):
        return False
    if allowed is not None and (known is None or asked not in allowed):
        return False  # A brand that the desk does not know is nobody's to allow.
    if not excluded or asked == "none":
        return True
    if known is None or known.get("categories") is None:
        return False
    return not set(excluded) & ({asked} | {"category:" + c for c in known["categories"]})


def content_ok(request, exclusions):
    if not exclusions:
        return True
    content = request.get("content")
    return content is not None and set(content) <= CONTENT and not set(content) & set(exclusions)


def words_ok(request):
    territory, language, channel = (
        request.get(name) for name in ("territory", "language", "channel")
    )
    country = territory and territory.partition("-")[0]
    return (
        (not territory or pycountry.countries.get(alpha_2=country) is not None)
        and (
            not language or pycountry.languages.get(alpha_2=language.partition("-")[0]) is not None
        )
        and (not channel or channel in CHANNELS)
        and set(request.get("content") or []) <= CONTENT
    )


# 1. twin status


def twin_ok(request, facts):
    twin = facts.get("twin")
    if not twin or not request.get("twin") or twin.get("id") != request["twin"]:
        return False
    if (
        twin.get("status") != "active"
        or twin.get("tier") not in TIERS
        or request.get("real_time") not in (True, False)
    ):
        return False
    if twin["tier"] == "passive_static_replica":
        return request.get("prompt_class") in SCRIPTED and not request["real_time"]
    return True


# 2. every contributor's matrix cell


def cells_needed(request):
    needed = [(request["right"], request["use"])]
    door = ("training_data", "training")
    if (request["use"] == "training" or request["right"] == "training_data") and door not in needed:
        needed.append(door)
    return needed


def version_in_force(versions, at, known_at):
    live = [
        v
        for v in versions
        if instant(v["recorded_at"]) <= known_at and instant(v["in_force_from"]) <= at
    ]
    if not live:
        return None

    def order(v):
        return instant(v["in_force_from"]), v["number"]

    best = max(live, key=order)
    if sum(order(v) == order(best) for v in live) > 1:
        raise Unknown("two equal versions")
    return best


def layers(person, right, use, at, known_at):
    """The cells that speak for this right and use, with owner kinds; no overruled agency's."""
    owners, found, kinds = {}, [], []
    for version in person["versions"]:
        if version["owner_kind"] not in KINDS:
            raise Unknown("owner kind")
        owners.setdefault((version["owner_kind"], version["owner"]), []).append(version)
    for (kind, _), versions in owners.items():
        version = version_in_force(versions, at, known_at)
        cells = (
            [c for c in version["cells"] if (c["right"], c["use"]) == (right, use)]
            if version
            else []
        )
        kinds += [kind] if version else []
        found += [(kind, cell) for cell in cells]
        if len(cells) > 1 or (kind in person["voices"] and kinds.count(kind) > 1):
            raise Unknown("two cells, or two owners of one voice")
    overruled = any(
        kind in person["voices"] and cell.get("overrules_agency") and cell.get("stance")
        for kind, cell in found
    )
    if overruled and kinds.count("agency") == 1 and "agency" not in person["voices"]:
        found = [(kind, cell) for kind, cell in found if kind != "agency"]
    return found


def stance(person, right, use, at, known_at):
    """Deny over ask over allow; only a voice of the person can say allow or ask."""
    found = layers(person, right, use, at, known_at)
    said = [cell.get("stance") for _, cell in found if cell.get("stance") is not None]
    own = [cell.get("stance") for kind, cell in found if kind in person["voices"]]
    if any(word not in ("allow", "ask") for word in said) or not ("allow" in own or "ask" in own):
        return "deny"
    return "ask" if "ask" in said else "allow"


# 3. scope


def notice_ok(request, hours, at, known_at):
    if not hours:
        return True
    asked = request.get("noticed_at")
    return (
        asked is not None
        and instant(asked) <= known_at
        and at - instant(asked) >= timedelta(hours=int(hours))
    )


def limit_ok(limit, person, request, at, at_the_door):
    if person.get("used") is None:
        return False
    total = quantity(request, limit["meter"])
    for row in person["used"]:
        other_year = (
            limit.get("per_year")
            and row.get("year") is not None
            and str(row["year"]) != str(at.year)
        )
        other_licensee = limit.get("per_licensee") and row.get("licensee") not in (
            None,
            request["licensee"],
        )
        other_right = row.get("right") and not at_the_door
        if row["meter"] == limit["meter"] and not (other_year or other_licensee or other_right):
            total += number(row["used"]) + number(row["reserved"])
    return total <= number(limit["maximum"])


def scope_ok(scope, request, facts, at, known_at):
    get = scope.get
    return (
        territory_ok(request, get("territories"), get("territories_excluded"))
        and language_ok(request, get("languages"), get("languages_in"))
        and listed_ok(request.get("channel"), get("channels_allowed"), get("channels_excluded"))
        and listed_ok(
            request.get("production"), get("productions_allowed"), get("productions_excluded")
        )
        and listed_ok(request.get("licensee"), get("licensees_allowed"), get("licensees_excluded"))
        and brand_ok(request, facts, get("brands_allowed"), get("brands_excluded"))
        and within(get("valid_from"), get("valid_to"), at)
        and notice_ok(request, get("notice_hours"), at, known_at)
        and content_ok(request, get("exclusions"))
    )


def scopes_ok(person, right, use, request, facts, at, known_at):
    found = [
        (kind, cell.get("scope") or {}) for kind, cell in layers(person, right, use, at, known_at)
    ]
    if not all(scope_ok(scope, request, facts, at, known_at) for _, scope in found):
        return False
    if request["real_time"]:
        if any(s.get("real_time") not in (None, True) for _, s in found):
            return False
        if not any(s.get("real_time") is True for kind, s in found if kind in person["voices"]):
            return False
    limits = [limit for _, scope in found for limit in scope.get("limits") or []]
    at_the_door = (right, use) == ("training_data", "training")
    return all(limit_ok(limit, person, request, at, at_the_door) for limit in limits)


# 4. agreement covers it


def agreement_ok(request, facts, at, known_at):
    a = facts.get("agreement")
    if not a or not request.get("agreement") or a["id"] != request["agreement"]:
        return False
    if (
        not request.get("licensee")
        or a["licensee"] != request["licensee"]
        or a["twin"] != request["twin"]
    ):
        return False
    if a["status"] not in ("signed", "ended") or (
        a["status"] == "ended" and a.get("ends_at") is None
    ):
        return False
    if instant(a["signed_at"]) > known_at or not within(a.get("starts_at"), a.get("ends_at"), at):
        return False
    if a["productions"] != [] and request.get("production") not in a["productions"]:
        return False
    grants = [
        g for g in a["grants"] if (g["right"], g["use"]) == (request["right"], request["use"])
    ]
    return len(grants) == 1 and grant_ok(grants[0], request, facts)


def grant_ok(grant, request, facts):
    return (
        territory_ok(request, grant.get("territories"), grant.get("territories_excluded"))
        and language_ok(request, grant.get("languages"), grant.get("languages_in"))
        and listed_ok(request.get("channel"), grant.get("channels"), None)
        and brand_ok(request, facts, grant.get("brands"), None)
        and content_ok(request, grant.get("exclusions"))
        and (not request["real_time"] or grant.get("real_time") is True)
    )


# 6. cap, 7. build, 8. holds


def cap_ok(cap, request):
    channel, channels = request.get("channel"), cap.get("channels")
    if channel and channels is not None and channel not in channels:
        return True
    asked = quantity(request, cap["meter"])
    return cap.get("hard") is False or number(cap["used"]) + number(
        cap["reserved"]
    ) + asked <= number(cap["limit"])


def build_ok(request, facts, at):
    build = facts.get("build")
    if request.get("build") is None:
        return build is None
    if build is None or build["id"] != request["build"] or build["twin"] != request["twin"]:
        return False
    today, day = at.date(), lambda name: instant(build[name]).date()
    if build.get("contaminated") not in (False, None) or day("built_on") > today:
        return False
    return all(
        build.get(name) is None or today < day(name) for name in ("retired_on", "destroy_by")
    )


def holds_ok(facts, at):
    return not any(
        within(hold.get("starts_at"), hold.get("ends_at"), at) for hold in facts["holds"]
    )


# 9. absolute rules


def is_minor(person, at):
    life, born, died = person.get("life"), person.get("born_on"), person.get("died_on")
    if life == "minor":
        return True
    if life == "living" and died is None:
        return born is not None and not of_age(born, at.date())
    if life == "deceased":
        return (
            born is None or died is None or not of_age(born, min(instant(died).date(), at.date()))
        )
    raise Unknown("life")


def of_age(born, day):
    b = instant(born).date()
    return (b.year + 18, b.month, b.day) <= (day.year, day.month, day.day)


def absolute_ok(request, facts, at):
    minors = [is_minor(person, at) for person in facts["contributors"]]
    return not (any(minors) or request["use"] == "age_change") or content_ok(
        request, ["nudity", "sexual"]
    )


# The decision


def decide(world):
    request, facts = world["request"], world["facts"]
    at, known_at = instant(request["at"]), instant(world["known_at"])
    people, needed = facts["contributors"], cells_needed(request)
    if not twin_ok(request, facts) or not people or not words_ok(request):
        return "refused"
    stances = [stance(p, right, use, at, known_at) for p in people for right, use in needed]
    refused = (
        "deny" in stances
        or not all(
            scopes_ok(p, right, use, request, facts, at, known_at)
            for p in people
            for right, use in needed
        )
        or not agreement_ok(request, facts, at, known_at)
        or not all(cap_ok(cap, request) for cap in facts["caps"])
        or not build_ok(request, facts, at)
        or not holds_ok(facts, at)
        or not absolute_ok(request, facts, at)
    )
    if refused:
        return "refused"
    return "needs_approval" if "ask" in stances else "cleared"


def evaluate(world: dict) -> str:
    try:
        return decide(world)
    except (Unknown, KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        return "refused"
