"""Takes an item of the vault out, encrypted, for the escrow holder or its performer to open."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.custody import grants
from talent.errors import Refused
from talent.models import CustodyItem, User


class Command(BaseCommand):
    help = (
        "Writes an item as an age file, as encrypted as it lies: the keys that it is written to"
        " open it with the ordinary age tool, also where the desk's own key is lost. Its performer"
        " and the agency are told at once, as of any read without a grant."
    )

    def add_arguments(self, parser):
        parser.add_argument("item", type=int, help="The item's number, as in its page's address.")
        parser.add_argument("--by", required=True, help="The operator's mail address.")
        parser.add_argument("--reason", required=True, help="Why. The performer reads it.")
        parser.add_argument("--to", type=Path, required=True, help="A file that is not there yet.")

    def handle(self, *, item, by, reason, to, **options):
        operator = User.objects.filter(email=by, is_superuser=True, is_active=True).first()
        if operator is None:
            raise CommandError(f"{by} is no operator of this desk.")
        try:
            with to.open("xb") as file:
                taken = grants.export(
                    item_id=item, reason=reason, by=operator, clock=timezone.now
                )  # fmt: skip
                for part in taken.content:
                    file.write(part)
        except FileExistsError as exists:
            raise CommandError(f"{to} is there already.") from exists
        except (Refused, CustodyItem.DoesNotExist) as refusal:
            to.unlink()
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{taken.read.item} is in {to}, encrypted for the keys it is written to.")
