"""Settings that the platform's plugin loader applies."""
