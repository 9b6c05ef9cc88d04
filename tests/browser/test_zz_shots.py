import os, re
from pathlib import Path
import pytest
from django.urls import reverse
from valuation.models import *
from valuation.models import SchedulePlan, Screenplay, PlanResult, Scene
from tests.factories import admin_page

OUT = Path("/tmp/w/set/shots")
pytestmark = pytest.mark.judge("chromium")


def test_shots(desk, sign_in):
    plan = SchedulePlan.objects.order_by("pk").first()
    print(
        "plans",
        list(SchedulePlan.objects.values_list("pk", "name")),
        list(PlanResult.objects.values_list("pk", "plan")),
    )
    sp = plan.screenplay
    scene = sp.scenes.get(number="9")
    result = plan.results.order_by("-pk").first()
    pages = {
        "board": reverse("admin:valuation_screenplay_changelist"),
        "scene": admin_page(Scene, scene.pk),
        "screenplay": admin_page(Screenplay, sp.pk),
        "plan": admin_page(SchedulePlan, plan.pk),
        "plans": reverse("admin:valuation_scheduleplan_changelist"),
        "result": admin_page(PlanResult, result.pk) if result else None,
        "side": reverse("admin:valuation_scheduleplan_side_by_side", args=[plan.pk]),
        "ask": reverse("admin:valuation_scheduleplan_ask", args=[plan.pk]),
    }
    from django.urls import get_resolver

    names = [n for n in get_resolver().reverse_dict.keys() if isinstance(n, str)]
    from django.contrib import admin

    for m in (Screenplay, Scene):
        print([u.name for u in admin.site._registry[m].get_urls() if getattr(u, "name", None)])
    pages["board"] = reverse("admin:valuation_screenplay_board", args=[sp.pk])
    which = os.environ.get("SHOTS", "").split(",") if os.environ.get("SHOTS") else list(pages)
    modes = os.environ.get("MODES", "light,dark,phone").split(",")
    for mode in modes:
        opts = (
            {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
            if mode == "phone"
            else {"viewport": {"width": 1360, "height": 900}}
        )
        opts["color_scheme"] = "dark" if mode == "dark" else "light"
        page = sign_in("alma@meridian.example", **opts)
        for name in which:
            if not pages.get(name):
                continue
            page.goto(pages[name])
            page.wait_for_timeout(400)
            page.screenshot(path=OUT / f"{name}-{mode}.png", full_page=True)
            print(
                name,
                mode,
                page.evaluate(
                    "[document.documentElement.scrollWidth,document.documentElement.scrollHeight]"
                ),
            )
    # files
    p = sign_in("alma@meridian.example")
    if result:
        p.goto(pages["result"])
        links = p.eval_on_selector_all("a[href]", "e=>e.map(x=>[x.href,x.innerText])")
        import json

        for href, text in links:
            if re.search(r"pdf|sheet|csv|ics|fdx", href):
                r = p.request.get(href)
                n = re.sub(r"[^A-Za-z0-9.]+", "_", href.split("/admin/")[-1])
                (OUT / ("file_" + n)).write_bytes(r.body())
                print(text, href, r.status, len(r.body()))
