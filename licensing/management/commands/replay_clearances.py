"""Prove that every stored clearance replays to the same answer."""

from django.core.management.base import BaseCommand, CommandError

from licensing.clearance.clearances import replays


class Command(BaseCommand):
    """Decides all stored clearances again and reports differences; fails if the engine changed."""

    help = "Decide all stored clearances again, on their stored facts and on today's records."

    def handle(self, *args: object, **options: object) -> None:
        count, changed = 0, []
        for replayed in replays():
            count += 1
            if not replayed.same:
                changed.append(str(replayed.pk))
                self.stdout.write(f"Decision {replayed.pk} answers differently on its own facts.")
            if replayed.now_differs:
                dimensions = ", ".join(replayed.now_differs)
                self.stdout.write(
                    f"Decision {replayed.pk}: the records of then now say otherwise: {dimensions}."
                )
        self.stdout.write(f"{count} decisions replayed, {len(changed)} differ.")
        if changed:
            raise CommandError(f"These decisions do not replay: {', '.join(changed)}.")
