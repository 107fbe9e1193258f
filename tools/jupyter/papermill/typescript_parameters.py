"""Reads the `parameters` cells of TypeScript notebooks, by the same grammar as tools/jupyter/notebooks.mjs."""

import re

# A value ends at the first semicolon that is not inside a string.
DECLARATION = re.compile(
    r"""^let\ (?P<name>[\w$]+)(?::\ *(?P<type>[^=\n]+?))?\ *=\ *
    (?P<value>(?:(?P<quote>["'`])(?:\\.|(?!(?P=quote)).)*(?P=quote)|[^"'`;])+);
    (?:[^\S\n]*//\ *(?P<comment>.*))?$""",
    re.MULTILINE | re.VERBOSE,
)


def declarations(source):
    """The name, type, value and comment (as written, or None) of each `let name = value; // comment`."""
    return [match.group("name", "type", "value", "comment") for match in DECLARATION.finditer(source)]
