"""``manage.py webhooks_rotate_keys``: encrypt what is stored anew, with the newest key."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ...operations import key_rotation


class Command(BaseCommand):
    """After it, the older keys can be taken out of the settings."""

    help = (
        "Encrypt the secrets, header values and credentials of all hooks with the newest of ENCRYPTION_KEYS, or with "
        "SECRET_KEY if there are none. Afterwards older keys are needed no more. Safe at any time, and as often as you "
        "like. Ends with an error if something can't be read with any key."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be done.")

    def handle(self, *_args, **options):
        done = key_rotation.rotate(dry_run=options["dry_run"])
        text = _("%(changed)d of %(hooks)d hooks: encrypted with the newest key now.")
        if options["dry_run"]:
            text = _("%(changed)d of %(hooks)d hooks would be encrypted with the newest key.")
        self.stdout.write(text % {"changed": done.changed, "hooks": done.hooks})
        if done.lost:
            listed = "\n".join(f"  {one}" for one in done.lost)
            raise CommandError(
                _("No key opens these; they were left as they are. Add the key that is missing, or enter them again:")
                + f"\n{listed}"
            )
