"""The configuration of a study: every default filled in, every mistake named before a job starts.

resolve              the configuration with its defaults, or all of its mistakes at once
ConfigurationError   those mistakes
load_schema          the JSON schema that says what is allowed
refuse_repeated      a file in which a key stands twice, or that is more than plain values
read                 the plain values of a file; nothing in it is run
table                the schema as a table for the reader

`validation` finds values that the schema refuses, `contradictions` those that do not fit together, `naming` names that
would be taken for something else; `problems` and `hints` put them in words.
``python -m deeplocalizer.configuration SCHEMA README`` renews the table.
"""

from deeplocalizer.configuration.reading import read, refuse_repeated
from deeplocalizer.configuration.reference import table
from deeplocalizer.configuration.resolution import ConfigurationError, resolve
from deeplocalizer.configuration.schema import load_schema

__all__ = ["ConfigurationError", "load_schema", "read", "refuse_repeated", "resolve", "table"]
