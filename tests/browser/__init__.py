"""The operator's desk in a real browser, over the demo: ``make test-browser``."""
