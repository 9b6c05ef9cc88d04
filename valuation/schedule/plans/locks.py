"""What people decide in a plan: a part locked to a choice, a scene of high resonance unlocked."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from talent.errors import Refused
from talent.models import DigitalTwin, User
from valuation.models import Character, PlanLock, PlanUnlock, Scene, ScenePart, SchedulePlan


class NoSuchPart(Refused):
    """A lock is about a character who is not in the scene, or a twin that may not play them."""

    code = "no_such_part"


@transaction.atomic
def lock(
    *,
    plan: SchedulePlan,
    scene: Scene,
    character: Character,
    twin: DigitalTwin | None,
    reason: str,
    by: User,
    at: datetime,
) -> PlanLock:
    """Lock a part in person (no twin) or to a twin; a lock that it has is replaced.

    Raises NoSuchPart.
    """
    parts = ScenePart.objects.filter(scene=scene, character=character)
    if scene.screenplay_id != plan.screenplay_id or not parts.exists():
        raise NoSuchPart(_("%(who)s is not in that scene.") % {"who": character})
    if twin is not None and not character.twins.filter(pk=twin.pk).exists():
        raise NoSuchPart(
            _("%(twin)s does not stand in for %(who)s.") % {"twin": twin, "who": character}
        )
    row, _created = PlanLock.objects.update_or_create(
        plan=plan,
        scene=scene,
        character=character,
        defaults={"twin": twin, "reason": reason, "locked_at": at, "locked_by": by},
    )
    return row


def release(*, plan: SchedulePlan, scene_id: int, character_id: int) -> int:
    """Let the plan choose for a part again; return how many locks that ended."""
    ended, _rows = plan.locks.filter(scene=scene_id, character=character_id).delete()
    return ended


@transaction.atomic
def unlock_scene(
    *, plan: SchedulePlan, scene: Scene, reason: str, by: User, at: datetime
) -> PlanUnlock:
    """Let twins play in a scene of high resonance, with the reason. Raises NoSuchPart."""
    if scene.screenplay_id != plan.screenplay_id:
        raise NoSuchPart(_("The scene is not of this screenplay."))
    row, _created = PlanUnlock.objects.update_or_create(
        plan=plan,
        scene=scene,
        defaults={"reason": reason, "unlocked_at": at, "unlocked_by": by},
    )
    return row


def keep_scene(*, plan: SchedulePlan, scene_id: int) -> int:
    """Keep a scene in person again by its resonance; return how many unlocks that ended."""
    ended, _rows = plan.unlocks.filter(scene=scene_id).delete()
    return ended
