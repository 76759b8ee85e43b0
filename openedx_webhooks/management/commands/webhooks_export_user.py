"""``manage.py webhooks_export_user``: what is stored of a person, as JSON."""

import json

import attrs
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from ...operations import subject_access
from ...operations.people import person_of
from ...payloads.mentions import Person


class Command(BaseCommand):
    """For a person who asks what there is about them."""

    help = (
        "Print as JSON what is stored of a person: captured events with their deliveries and attempts, calls of "
        "webfilters, and changes of hooks that they made. Payloads may name other people, too: look before you hand it "
        "on. Receivers have what was sent to them."
    )

    def add_arguments(self, parser):
        parser.add_argument("--user-id", metavar="ID", type=int, help="The platform's number of the user.")
        parser.add_argument("--username", metavar="NAME", help="Finds the number and the e-mail address, too.")
        parser.add_argument("--email", metavar="ADDRESS", help="For what names somebody by an address only.")

    def handle(self, *_args, **options):
        # One record at a time: there may be more than fits into memory.
        separator = ""
        self.stdout.write("[", ending="")
        for kind, record in subject_access.records_of(self._person(options)):
            text = json.dumps({"kind": kind, **record}, cls=_Encoder, indent=2, ensure_ascii=False)
            self.stdout.write(f"{separator}\n{text}", ending="")
            separator = ","
        self.stdout.write("\n]")

    @staticmethod
    def _person(options) -> Person:
        user_id, username, email = options["user_id"], options["username"], options["email"]
        if user_id is None and not username and not email:
            raise CommandError(_("Say who: --user-id, --username or --email."))
        names = [name for name in (username, email) if name]
        users = get_user_model().objects
        user = None
        if user_id is not None:
            user = users.filter(pk=user_id).first()
        elif username:
            user = users.filter(username=username).first()
        if user is None and email and not username and user_id is None:
            user = users.filter(email__iexact=email).first()
        if user is None:
            # Gone from the platform, or never there: what is stored is found all the same.
            return Person(user_id, tuple(names))
        known = person_of(user)
        return attrs.evolve(known, names=tuple(dict.fromkeys([*names, *known.names])))


class _Encoder(DjangoJSONEncoder):
    """Whatever is stored can be printed."""

    def default(self, o):
        try:
            return super().default(o)
        except TypeError:
            return str(o)
