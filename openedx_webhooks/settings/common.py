"""Settings for every environment of the LMS and Studio."""

from openedx_webhooks import startup_problems


def plugin_settings(settings):
    """
    Give the plugin's setting its place and wire the filters.

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
    wire(settings)


def wire(settings):
    """Wire the filters; a failure is kept for the system check instead of stopping the platform's settings."""
    try:
        # Not above: if the filters library cannot be imported, the platform must start all the same.
        from openedx_webhooks.wiring import wire_filters  # pylint: disable=import-outside-toplevel

        for problem in wire_filters(settings):
            startup_problems.note(problem)
    except Exception as error:  # pylint: disable=broad-exception-caught
        startup_problems.note("wiring the filters", error)
