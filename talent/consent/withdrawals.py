"""Withdrawals: planning one to be shown to the person, and recording it as shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from talent.errors import Refused
from talent.models import ConsentMatrix, ConsentVersion, DigitalTwin, Performer, User
from talent.words import ConsentMethod, Owner, RepresentedBy, Stance

from .consents import Evidence, Layer, add_version, matrix_of, versions_of
from .matrix import (
    VOICES,
    VOICES_IN_A_COMPOSITE,
    CellKey,
    CombinedCell,
    Version,
    combined_cell,
    in_force,
)
from .withdrawal_rules import (
    EVERY_CELL,
    MatrixChange,
    Withdrawal,
    ends_of_cells,
    matrix_changes,
)

HOUR = timedelta(hours=1)


class NothingToWithdraw(Refused):
    """Everything that would be withdrawn is already denied."""

    code = "nothing_to_withdraw"


class PlanHasChanged(Refused):
    """The effect of a withdrawal is no longer the one that was shown."""

    code = "plan_has_changed"


@dataclass(frozen=True)
class Plan:
    """What a withdrawal does: the twins it affects, and when each cell ends.

    `before` holds today's combined cell of each twin, `changes` the cells of each matrix and from
    when. `text` is shown to the person who withdraws; `digest` identifies all that was shown.
    """

    owner: Performer | DigitalTwin
    withdrawal: Withdrawal
    twins: tuple[DigitalTwin, ...]
    before: dict[tuple[int, CellKey], CombinedCell]
    ends: dict[CellKey, datetime]
    changes: tuple[tuple[Performer | DigitalTwin, tuple[MatrixChange, ...]], ...]
    text: str
    digest: str

    @property
    def ending(self) -> dict[tuple[int, CellKey], datetime]:
        """Return by twin when each cell ends whose stance today is allow or ask."""
        return {
            (twin, key): self.ends[key]
            for (twin, key), cell in self.before.items()
            if key in self.ends and cell.stance is not Stance.DENY and self._is_open_to(cell)
        }

    def _is_open_to(self, cell: CombinedCell) -> bool:
        licensee, scope = self.withdrawal.licensee, cell.scope
        if not licensee:
            return True
        allowed = scope.licensees_allowed
        return licensee not in scope.licensees_excluded and (allowed is None or licensee in allowed)


def plan(
    *,
    owner: Performer | DigitalTwin,
    withdrawal: Withdrawal,
    at: datetime,
    at_once: bool = False,
) -> Plan:
    """Return what a withdrawal would do from an instant on, in a fixed number of queries.

    `owner` is a performer, for all their twins, or one twin. `at_once` skips the notice, where a
    law or a court requires it. Raises NothingToWithdraw.
    """
    twins = _twins_of(owner)
    versions, layers = _layers(owner, twins, at)
    before = {
        (twin.pk, key): combined_cell(
            _in_force(versions, layers[twin.pk], at), *key, voices=_voices(owner, twin)
        )
        for twin in twins
        for key in EVERY_CELL
        if withdrawal.touches(*key)
    }
    ends = ends_of_cells(withdrawal, _by_cell(before), at=at, at_once=at_once)
    inherited = _inherited(owner, twins, versions, layers, at) if withdrawal.licensee else {}
    changes = {
        holder: matrix_changes(
            withdrawal,
            versions.get(_layer(holder), []),
            ends,
            inherited if holder == owner else {},
            at=at,
        )
        for holder in _holders(owner, twins, withdrawal)
    }
    changed = tuple((holder, its_changes) for holder, its_changes in changes.items() if its_changes)
    if not changed:
        raise NothingToWithdraw("All of this is refused already, so nothing is left to withdraw.")
    keeps_default = _keeps_default(changed, versions)
    text = _text(owner, withdrawal, ends, at, at_once=at_once, keeps_default=keeps_default)
    return Plan(owner, withdrawal, twins, before, ends, changed, text, _digest(text, ends, at))


def _by_cell(
    before: dict[tuple[int, CellKey], CombinedCell],
) -> dict[CellKey, list[CombinedCell]]:
    """Regroup combined cells by cell: a list with one for each twin."""
    cells: dict[CellKey, list[CombinedCell]] = {}
    for (_twin, key), cell in before.items():
        cells.setdefault(key, []).append(cell)
    return cells


@transaction.atomic
def withdraw(
    *,
    owner: Performer | DigitalTwin,
    withdrawal: Withdrawal,
    shown: str,
    at: datetime,
    by: User | None,
    reason: str,
    at_once: bool = False,
    method: str = ConsentMethod.ELECTRONIC.value,
    represented_by: str = RepresentedBy.NONE.value,
    representative: str = "",
) -> tuple[Plan, list[ConsentVersion]]:
    """Record a withdrawal as new versions of the owner's matrix.

    `shown` is the digest of the plan that was confirmed. Raises PlanHasChanged if its effect has
    changed since, NothingToWithdraw if nothing is left to withdraw.
    """
    # Other changes of this matrix wait, so that what is recorded is what was checked here.
    ConsentMatrix.objects.select_for_update(of=("self",)).get(pk=_matrix(owner).pk)
    planned = plan(owner=owner, withdrawal=withdrawal, at=at, at_once=at_once)
    if planned.digest != shown:
        raise PlanHasChanged(
            "The consent has changed since you looked. Look at what the withdrawal does now, "
            "and confirm it again."
        )
    evidence = Evidence(planned.text, method, represented_by, representative, text_language="en")
    versions = [
        add_version(
            matrix=_matrix(holder),
            cells=change.cells,
            in_force_from=change.in_force_from,
            recorded_at=at,
            by=by,
            evidence=evidence,
            reason=reason,
        )
        for holder, changes in planned.changes
        for change in changes
    ]
    return planned, versions


def agencies_of(owner: Performer | DigitalTwin, at: datetime) -> set[int]:
    """Return the agencies whose defaults count for an owner's twins today."""
    person = owner if isinstance(owner, Performer) else owner.performer
    agencies = {owner.agency_id} if isinstance(owner, DigitalTwin) and owner.agency_id else set()
    if person is not None:
        terms = person.representations.on(at.date())
        agencies |= set(terms.values_list("agency", flat=True))
    return agencies


def _twins_of(owner: Performer | DigitalTwin) -> tuple[DigitalTwin, ...]:
    if isinstance(owner, DigitalTwin):
        return (owner,)
    twins = DigitalTwin.objects.of_performers([owner.pk]).distinct().order_by("name", "pk")
    return tuple(twins)


def _holders(
    owner: Performer | DigitalTwin, twins: Sequence[DigitalTwin], withdrawal: Withdrawal
) -> list[Performer | DigitalTwin]:
    """Return whose matrices change.

    Withdrawing from everybody changes the owner's alone: a denial covers all their twins. Excluding
    one licensee changes the matrix of each of the performer's own twins too.
    """
    if isinstance(owner, DigitalTwin) or not withdrawal.licensee:
        return [owner]
    return [owner, *(twin for twin in twins if twin.performer_id == owner.pk)]


def _inherited(
    owner: Performer | DigitalTwin,
    twins: Sequence[DigitalTwin],
    versions: dict[Layer, list[Version]],
    layers: dict[int, list[Layer]],
    at: datetime,
) -> dict[CellKey, CombinedCell]:
    """Return the cells that layers other than the owner's own matrices allow today."""
    cells: dict[CellKey, CombinedCell] = {}
    for twin in twins:
        own = {_layer(owner)} | ({_layer(twin)} if twin.performer_id == owner.pk else set())
        others = _in_force(versions, [layer for layer in layers[twin.pk] if layer not in own], at)
        for key in EVERY_CELL:
            cell = combined_cell(others, *key, voices=_voices(owner, twin))
            if cell.stance is not Stance.DENY:
                cells.setdefault(key, cell)
    return cells


def _keeps_default(
    changed: Sequence[tuple[Performer | DigitalTwin, Sequence[MatrixChange]]],
    versions: dict[Layer, list[Version]],
) -> bool:
    """Tell whether a cell that only the performer's own matrix allowed is copied into a twin's."""
    return any(
        cell.stance != Stance.DENY and (cell.right, cell.use) not in _named_cells(versions, holder)
        for holder, its_changes in changed
        for change in its_changes
        for cell in change.cells
    )


def _named_cells(
    versions: dict[Layer, list[Version]], holder: Performer | DigitalTwin
) -> set[CellKey]:
    own = versions.get(_layer(holder), ())
    return {(cell.right, cell.use) for version in own for cell in version.cells}


def _voices(owner: Performer | DigitalTwin, twin: DigitalTwin) -> frozenset[str]:
    is_source = isinstance(owner, Performer) and twin.performer_id != owner.pk
    return VOICES_IN_A_COMPOSITE if is_source else VOICES


def _layer(owner: Performer | DigitalTwin) -> Layer:
    kind = Owner.PERFORMER if isinstance(owner, Performer) else Owner.TWIN
    return kind.value, owner.pk


def _layers(
    owner: Performer | DigitalTwin, twins: Sequence[DigitalTwin], at: datetime
) -> tuple[dict[Layer, list[Version]], dict[int, list[Layer]]]:
    """Return the versions of all layers, and which of them count for each twin."""
    person = owner if isinstance(owner, Performer) else owner.performer
    agencies = agencies_of(owner, at) | {twin.agency_id for twin in twins if twin.agency_id}
    shared: list[Layer] = [(Owner.AGENCY.value, agency) for agency in sorted(agencies)]
    if person is not None:
        own = [(Owner.GUILD.value, person.guild), (Owner.PERFORMER.value, person.pk)]
        shared = [*own, *shared]
    versions = versions_of(
        guilds=[person.guild] if person else [],
        agencies=agencies,
        performers=[person.pk] if person else [],
        twins=[twin.pk for twin in twins],
        known_at=at,
    )
    return versions, {twin.pk: [*shared, (Owner.TWIN.value, twin.pk)] for twin in twins}


def _in_force(
    versions: dict[Layer, list[Version]], layers: Sequence[Layer], at: datetime
) -> list[Version]:
    """Return the version of each layer that is in force at `at`."""
    latest = (in_force(versions.get(layer, ()), at, at) for layer in layers)
    return [version for version in latest if version]


def _matrix(owner: Performer | DigitalTwin) -> ConsentMatrix:
    if isinstance(owner, Performer):
        return matrix_of(performer=owner)
    return matrix_of(twin=owner)


def _text(
    owner: Performer | DigitalTwin,
    withdrawal: Withdrawal,
    ends: dict[CellKey, datetime],
    at: datetime,
    *,
    at_once: bool,
    keeps_default: bool,
) -> str:
    whose = f"{owner.name}" if isinstance(owner, DigitalTwin) else f"all twins of {owner.name}"
    hours = sorted({(end - at) // HOUR for end in ends.values()})
    if at_once:
        when = "It ends at once, whatever notice was agreed, because the law says so."
    elif hours[-1] == 0:
        when = "It ends at once."
    elif len(hours) == 1:
        when = f"It ends {hours[0]} hours after I confirm."
    else:
        when = f"Each use ends when its notice is over, all of it after {hours[-1]} hours."
    text = f"I withdraw my consent to {withdrawal.what}, for {whose}. {when}"
    if keeps_default:
        text += " What I allow for all my twins stays allowed to everybody else."
    return text


def _digest(text: str, ends: dict[CellKey, datetime], at: datetime) -> str:
    """Return the SHA-256 of what was shown, with notices in hours.

    Not instants: they move while the person confirms.
    """
    parts = [text, *(f"{key} {(end - at) // HOUR}" for key, end in sorted(ends.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
