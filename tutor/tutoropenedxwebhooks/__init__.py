"""openedx-webhooks with Tutor."""
