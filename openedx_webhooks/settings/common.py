"""Settings for every environment of the LMS and Studio."""


def plugin_settings(settings):
    """
    Give the plugin's setting its place. The filters are wired when all plugins' settings are read: see ``apps.py``.

    Args:
        settings: the platform's settings module.
    """
    # .. setting_name: OPENEDX_WEBHOOKS
    # .. setting_default: {}
    # .. setting_description: A dict that overrides single defaults of the plugin; openedx_webhooks/app_settings.py and
    #   docs/references/settings.rst list every key with its unit and meaning. An unknown key is reported by
    #   ``manage.py check``.
    if not hasattr(settings, "OPENEDX_WEBHOOKS"):
        settings.OPENEDX_WEBHOOKS = {}
