"""Makes a new key of the vault, sealed by the security module where the desk has one."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from talent.custody import token
from talent.custody.age import Identity
from talent.errors import Refused


class Command(BaseCommand):
    help = (
        "Prints a new VAULT_IDENTITY. With VAULT_PKCS11_MODULE set it is sealed by that security"
        " module, and only there opened. Nothing is stored."
    )

    def handle(self, *args, **options):
        identity = Identity.generate()
        try:
            sealed = token.seal(identity.private) if settings.VAULT_PKCS11_MODULE else ""
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"VAULT_IDENTITY={sealed or identity.in_text()}")
        self.stdout.write(f"# its public part: {identity.recipient}")
