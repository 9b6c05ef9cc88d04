"""Prove that every stored clearance replays to the same answer."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError

from licensing.clearance.replays import Replay, every_replay
from licensing.facts.past import NOT_KEPT

SHOWN = 20


class Command(BaseCommand):
    """Decides all stored clearances again and reports differences; fails if the engine changed."""

    help = (
        "Decide all stored clearances again, on their stored facts and on the records of their "
        "time. Ends with 1 if one does not replay on its own facts."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line, the sums in the last"
        )

    def handle(self, *args: object, **options: object) -> None:
        report = self._report_json if options["json"] else self._report_text
        count = changed = differing = short = 0
        first: list[str] = []
        for replay in every_replay():
            count += 1
            differing += bool(replay.differences)
            short += replay.history_since is not None
            if not replay.same:
                changed += 1
                first += [str(replay.pk)] if len(first) < SHOWN else []
            if not replay.same or replay.differences:
                report(replay)
        sums = {"replayed": count, "changed": changed, "differing": differing, "short": short}
        self.stdout.write(json.dumps(sums) if options["json"] else self._summary(sums))
        if changed:
            more = ", …" if changed > len(first) else ""
            raise CommandError(f"These decisions do not replay: {', '.join(first)}{more}.")

    def _report_json(self, replay: Replay) -> None:
        self.stdout.write(json.dumps(asdict(replay), default=str))

    def _report_text(self, replay: Replay) -> None:
        if not replay.same:
            self.stdout.write(f"Decision {replay.pk} answers differently on its own facts.")
        if replay.differences:
            differences = ", ".join(
                f"{row.dimension.label} was {row.stored}, is {row.reconstructed}"
                for row in replay.differences
            )
            self.stdout.write(
                f"Decision {replay.pk}: the records of its time differ: {differences}."
            )

    def _summary(self, sums: dict[str, int]) -> str:
        first = (
            f"{sums['replayed']} decisions replayed, {sums['changed']} differ on their own facts, "
            f"{sums['differing']} on the records of their time."
        )
        lines = [first]
        if sums["short"]:
            lines.append(
                f"{sums['short']} are older than the history of their twin or agreement: compared "
                "with its beginning."
            )
        if sums["replayed"]:
            lines.append(f"No history keeps, taken as stored or as today: {', '.join(NOT_KEPT)}.")
        return "\n".join(lines)
