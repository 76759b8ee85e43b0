"""
Hooks as a file: what there is becomes YAML, and YAML becomes what there is. docs/how-tos/configuration_as_code.rst says
how it is used, docs/decisions/0012-configuration-as-code.rst why it is so.

The options are the fields of the models that an operator can edit: there is no list of them here.
"""

from .apply import apply
from .difference import Change
from .document import FORMAT_VERSION, MOST_BYTES, Mistakes, read
from .export import export
from .plan import Plan, Step
from .schema import schema

__all__ = ["FORMAT_VERSION", "MOST_BYTES", "Change", "Mistakes", "Plan", "Step", "apply", "export", "read", "schema"]
