"""The asynchronous flow: event → delivery → attempt."""
