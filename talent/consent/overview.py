"""What one twin may be used for, for a person to read: grid, sentences, and who set what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from talent.consent import consents, matrix, party_names, sentences
from talent.models import Agency, CompositeSource, DigitalTwin, Performer
from talent.words import Owner, Right, Stance, Use

# The uses people look for first, in this order; all others come after them.
USES = (
    *(Use.FEATURE, Use.SERIES, Use.ANIMATION, Use.DUBBING, Use.ADR, Use.STUNT, Use.BACKGROUND),
    *(Use.GAME, Use.PROMO, Use.ADVERTISING, Use.IMMERSIVE, Use.SOCIAL, Use.LIVE, Use.AGE_CHANGE),
    *(Use.REALITY, Use.POSTHUMOUS, Use.TRAINING),
)


@dataclass(frozen=True)
class Overview:
    """Every cell of a twin's matrix at one instant, and the versions it was combined from."""

    cells: dict[tuple[Right, Use], matrix.CombinedCell]
    versions: tuple[matrix.Version, ...]
    names: sentences.Names

    def sentence(self, cell: matrix.CombinedCell) -> str:
        """Say one cell, with the names of the parties that it is for."""
        return sentences.sentence(cell, names=self.names)

    @property
    def rights(self) -> list[Right]:
        """Return the rights that any layer sets; if none does, the rights every performer has."""
        named = {right for (right, _), cell in self.cells.items() if cell.decided_by}
        return [right for right in Right if right in named] or list(Right)[:5]

    @property
    def uses(self) -> list[Use]:
        """Return the uses that any layer sets, those people look for first leading."""
        named = {use for (_, use), cell in self.cells.items() if cell.decided_by}
        return [use for use in USES if use in named] or list(USES[:10])

    @property
    def sentences(self) -> list[tuple[Stance, str]]:
        """Return sentences: what is allowed, then what needs asking, then what a layer denies."""
        decided = [cell for cell in self.cells.values() if cell.decided_by]
        decided.sort(key=lambda cell: list(Stance).index(cell.stance))
        return [(cell.stance, self.sentence(cell)) for cell in decided]

    @property
    def allows_anything(self) -> bool:
        return any(cell.stance != Stance.DENY for cell in self.cells.values())


def overview_of(twin: DigitalTwin, performer: Performer | None, *, at: datetime) -> Overview:
    """Combine the layers in force for a twin at an instant; for a composite, of one source.

    Takes a fixed number of queries. The caller has made sure that the reader may see the twin.
    """
    agencies = Agency.objects.filter(pk__in=[twin.agency_id] if twin.agency_id else [])
    if performer is not None:
        terms = performer.representations.on(at.date()).values("agency")
        agencies = agencies | Agency.objects.filter(pk__in=terms)
    versions_by_layer = consents.versions_of(
        guilds=[performer.guild] if performer else [],
        agencies=list(agencies.values_list("pk", flat=True)),
        performers=[performer.pk] if performer else [],
        twins=[twin.pk],
        known_at=at,
    )
    in_force = (matrix.in_force(versions, at, at) for versions in versions_by_layer.values())
    layers = tuple(version for version in in_force if version)
    is_source = performer is not None and twin.performer_id is None
    voices = matrix.VOICES_IN_A_COMPOSITE if is_source else matrix.VOICES
    cells = {
        (right, use): matrix.combined_cell(layers, right.value, use.value, voices=voices)
        for right in Right
        for use in USES
    }
    names = party_names.names_in(cell.scope for cell in cells.values())
    return Overview(cells=cells, versions=layers, names=names)


def is_fixed_by_guild(cell: matrix.CombinedCell) -> bool:
    """Tell whether a denial is the guild's, which nobody else can loosen."""
    source = cell.decided_by
    return source is not None and cell.stance == Stance.DENY and source.owner_kind == Owner.GUILD


def sources_of(
    twins: Iterable[DigitalTwin], performer_id: int | None, day: date
) -> dict[int, CompositeSource]:
    """Return the performer's share of each composite on a day, by twin id; never others'."""
    sources = CompositeSource.objects.on(day)
    rows = sources.filter(twin__in=list(twins), performer=performer_id)
    return {row.twin_id: row for row in rows}
