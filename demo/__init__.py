"""The demo: a miniature LMS with the plugin, a receiver, and what starts and stops them."""
