"""
The REST API: what the admin's pages do, for scripts and other systems.

Imported by ``urls.py`` alone, and only where Django REST framework and drf-spectacular are installed.
"""
