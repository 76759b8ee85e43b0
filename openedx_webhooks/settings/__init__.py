"""Settings that the platform's plugin loader applies: one module per settings type."""
