"""
The kinds of filter argument: what each may be changed to, and how a JSON value of an answer becomes it.

:mod:`.values` has the base class, texts, templates, contexts and forms; :mod:`.objects` cohorts, query sets, fragments
and responses; :mod:`.accounts` the fields of users and profiles; :mod:`.courses` courses, modes and certificates.
:mod:`.convert` makes one JSON value one of the type that is there, and checks texts and links for all of them.
"""
