"""
The history of a hook: who changed what, from what to what, when.

A version is what an operator can edit, and never a secret: of encrypted fields it keeps only that they were changed.
What the workers count about an endpoint is in no version, except why they disabled it.
"""

import crum
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from .encrypted_fields import Encrypted
from .row_fields import MomentField

# Why a version was made, where the differences do not say it: stored → shown. Others are sentences, stored as they are.
BEGUN, BY_PLUGIN, REMOVAL = "begun", "by_plugin", "removal"
REASONS = {
    BEGUN: _("As it was when its history began."),
    BY_PLUGIN: _("The plugin did this by itself."),
    REMOVAL: _("Deleted: its records are removed in the background."),
}
LONGEST_REASON = 500
# In the place of the number of a user whom the platform has retired; nobody has it.
RETIRED = 0
# What no operator edits, and is a part of a hook's history all the same.
_BESIDE = ("disabled_reason",)


class Version(models.Model):
    """What each version has beside the hook's own fields."""

    # Names of encrypted fields, separated by blanks.
    changed_secrets = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        abstract = True


def is_encrypted(field: models.Field) -> bool:
    """Whether a field holds secrets."""
    return isinstance(field, Encrypted)


def _is_kept(field: models.Field) -> bool:
    return field.primary_key or field.name in _BESIDE or (field.editable and not is_encrypted(field))


def _current_user(request=None, **_kwargs):
    """Of the request that the library's middleware keeps, or else of the one that crum keeps."""
    user = request.user if request is not None else crum.get_current_user()
    return user if user is not None and user.is_authenticated else None


def _add_changed_secrets(instance, history_instance, **_kwargs) -> None:
    history_instance.changed_secrets = " ".join(getattr(instance, "_changed_secrets", ()))


class HookHistory(HistoricalRecords):
    """
    django-simple-history, so that neither a new field nor a setting of the site can spoil it.

    What is left out follows from the fields themselves. No setting of the site changes the tables, for their migrations
    are ours. What is kept is the row as it is stored, not an instance that may be older.
    """

    _date_indexing = False

    def __init__(self):
        super().__init__(
            bases=[Version],
            history_id_field=models.BigAutoField(),
            history_change_reason_field=models.CharField(max_length=LONGEST_REASON, null=True),
            get_user=_current_user,
            use_base_model_db=True,
            # Only the number: a foreign key would make this app wait for the platform's users when it migrates, and the
            # deletion of any user look here.
            history_user_id_field=models.BigIntegerField(null=True),
        )

    def create_history_model(self, model, inherited):
        """The library's, without what must not be kept."""
        self.excluded_fields = [field.name for field in model._meta.fields if not _is_kept(field)]
        made = super().create_history_model(model, inherited)
        pre_create_historical_record.connect(_add_changed_secrets, sender=made)
        return made

    def get_extra_fields(self, model, fields):
        """The library's; the moment is read as those of the hooks."""
        return {**super().get_extra_fields(model, fields), "history_date": MomentField()}

    def get_meta_options(self, model):
        """Nobody is given permissions for versions: who may see the hook may see them."""
        return {**super().get_meta_options(model), "default_permissions": ()}

    def create_historical_record(self, instance, history_type, using=None):
        """One version; none if nothing has changed."""
        if history_type != "-":
            changed_secrets = instance.changed_secrets() if history_type == "~" else []
            instance.remember_secrets()
            stored = type(instance).objects.using(using).get(pk=instance.pk)
            for name in ("_change_reason", "_history_user"):
                if hasattr(instance, name):
                    setattr(stored, name, getattr(instance, name))
            # pylint: disable-next=protected-access
            stored._changed_secrets = changed_secrets
            if history_type == "~" and not changed_secrets and self._is_known(stored, using):
                return
            instance = stored
        super().create_historical_record(instance, history_type, using)

    def _is_known(self, stored, using) -> bool:
        if getattr(stored, "_change_reason", ""):
            return False
        latest = stored.history.using(using).first()
        names = [field.attname for field in self.fields_included(stored)]
        return latest is not None and all(getattr(latest, name) == getattr(stored, name) for name in names)


def note(hooks: models.QuerySet, reason: str = "", *, by_plugin: bool = False) -> None:
    """
    Keep a version of each hook after an UPDATE, which tells nobody.

    Args:
        hooks: few enough for memory.
        reason: of :data:`REASONS`, or a sentence.
        by_plugin: not by whoever is logged in.
    """
    changed = list(hooks)
    if by_plugin:
        for hook in changed:
            # pylint: disable-next=protected-access
            hook._history_user = None
    if changed:
        hooks.model.history.bulk_history_create(
            changed, batch_size=100, update=True, default_change_reason=reason[:LONGEST_REASON]
        )
