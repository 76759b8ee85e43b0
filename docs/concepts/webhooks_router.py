"""For DATABASE_ROUTERS: the tables of openedx_webhooks, and nothing else, on the database "webhooks"."""


class WebhooksRouter:
    """Reads, writes and migrations of one app go to one alias."""

    label, alias = "openedx_webhooks", "webhooks"

    def db_for_read(self, model, **_hints):
        """The alias, for the app's models; nothing is said of others."""
        return self.alias if model._meta.app_label == self.label else None

    db_for_write = db_for_read

    def allow_relation(self, one, other, **_hints):
        """A hook's history names the user who changed it, who is on another database."""
        return True if self.label in (one._meta.app_label, other._meta.app_label) else None

    def allow_migrate(self, db, app_label, **_hints):
        """Each table on one database only."""
        return app_label == self.label if db == self.alias else (False if app_label == self.label else None)
