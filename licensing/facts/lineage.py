"""What a decision knows of where a build comes from: contaminated, proved clean, or not known."""

from dataclasses import dataclass, replace
from datetime import datetime

from licensing.decision.request import BuildFacts
from talent.consent.decision_rows import BuildAnswer, BuildMark
from talent.lineage import spread
from talent.lineage.spread import PathStep
from talent.words import Answer, ContaminationCause

from .rows import FactRows


@dataclass(frozen=True, slots=True)
class Lineage:
    """What contaminates the builds of a batch, by which way, and the answers on them."""

    marks: tuple[BuildMark, ...]
    answers: tuple[BuildAnswer, ...]
    paths: dict[int, tuple[PathStep, ...]]

    def of_build(
        self, facts: BuildFacts, build_id: int, *, agency_id: int, known_at: datetime
    ) -> BuildFacts:
        """Return a build's facts with what was known of its lineage at an instant, for an agency.

        Of several contaminations the one that counts first decides.
        """
        marks = [mark for mark in self.marks if mark.build_id == build_id]
        mark = next((mark for mark in marks if mark.counts(known_at)), None)
        if mark is None:
            return replace(facts, contaminated=self._unless_proved(build_id, marks, known_at))
        facts = replace(facts, contaminated=True, contaminated_from=mark.from_at)
        if mark.mark_id not in self.paths:  # as of another instant: the finding is the same
            return facts
        way = self.paths[mark.mark_id]
        cause = ContaminationCause(mark.cause).label.lower()
        return replace(
            facts,
            path=f"{spread.in_words(way, agency_id)}: {cause}",
            public_path=spread.in_public_words(way),
        )

    def _unless_proved(
        self, build_id: int, marks: list[BuildMark], known_at: datetime
    ) -> bool | None:
        """Return False for a build that was proved clean since anything was known against it."""
        told = [row for row in self.answers if row.build_id == build_id and row.at <= known_at]
        if not told or told[-1].answer != Answer.YES:
            return None
        since = [mark for mark in marks if told[-1].at <= mark.known_at <= known_at]
        return None if since else False


def load_lineage(rows: FactRows, known_at: datetime) -> Lineage:
    """Return the lineage of the builds among some rows. One query if one is contaminated.

    The ways are those that count at `known_at`, one a build.
    """
    counting = [mark for mark in rows.marks if mark.counts(known_at)]
    first = {mark.build_id: mark.mark_id for mark in reversed(counting)}
    paths = spread.paths_of(first.values()) if first else {}
    return Lineage(rows.marks, rows.answers, paths)
