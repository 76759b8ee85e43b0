"""What a hook can do beyond the published plugin: new columns, and room for dotted types and long addresses."""

from django.db import migrations

from ._fields import WEBFILTER, WEBHOOK
from ._hooks import published_format, replace_zero_dates
from ._operations import AddField, WidenField

_LONGER = {"event", "webhook_url"}


def _changes(model, published, fields):
    """The columns of one model, of which the published plugin had some."""
    for name, field in fields.items():
        field = field.clone()
        if name == "secret":
            # The default of a new column is made once, for all rows: each gets one of its own later.
            field.default = ""
        if name in _LONGER:
            yield WidenField(model, name, field)
        elif name in published:
            yield migrations.AlterField(model, name, field)
        elif name == "payload_format":
            yield _AddFormat(model, name, field)
        else:
            yield AddField(model, name, field)


class _AddFormat(AddField):
    """
    Each hook sends what its receiver gets from the published plugin, from the moment on in which it can be read: new
    processes may be running already, and go on for a minute with what they have read.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        field = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        usual, field.default = field.default, published_format(schema_editor.connection)
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        field.default = usual
        vars(field).pop("_get_default", None)  # which Django keeps


class Migration(migrations.Migration):
    """Rows stay as they are: what is new holds what makes a hook behave as before."""

    dependencies = [("openedx_webhooks", "0008_verawood")]
    operations = [
        migrations.RunPython(replace_zero_dates, migrations.RunPython.noop),
        *_changes("webhook", {"enabled", "use_www_form_encoding"}, WEBHOOK),
        *_changes(
            "webfilter",
            {
                "description",
                "disable_filtering",
                "disable_halt",
                "enabled",
                "halt_on_4xx",
                "halt_on_5xx",
                "halt_on_request_exception",
                "redirect_on_4xx",
                "redirect_on_5xx",
                "redirect_on_request_exception",
                "use_www_form_encoding",
            },
            WEBFILTER,
        ),
        migrations.AlterModelOptions(
            "webhook", {"ordering": ["pk"], "verbose_name": "webhook", "verbose_name_plural": "webhooks"}
        ),
        migrations.AlterModelOptions(
            "webfilter", {"ordering": ["order", "pk"], "verbose_name": "webfilter", "verbose_name_plural": "webfilters"}
        ),
    ]
