"""Accepts flags of an earlier version for one more release."""

import sys
from collections.abc import Sequence

# Verb -> flag of the earlier version -> its new name. A name without dashes needs no flag now.
_FLAGS = {
    "train": {"--places": "PLACES", "--run-dir": "--out"},
    "search": {"--within-m": "--radius-m", "--picture": "--out"},
    "collect": {"--within-m": "--radius-m"},
    "export": {"--float16": "--precision float16", "--no-float16": "--precision float32"},
}


def in_new_spelling(arguments: Sequence[str]) -> list[str]:
    """Returns arguments with the new names of flags, and says on standard error what it changed.

    Args:
        arguments: sequence of str. `VERB ...`.

    Example:
    >>> in_new_spelling(["search", "town", "a.jpg", "--radius-m", "9"])
    ['search', 'town', 'a.jpg', '--radius-m', '9']
    """
    new_of = _FLAGS.get(arguments[0], {}) if arguments else {}
    renamed = []
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        flag = flag.replace("_", "-") if flag.startswith("--") else flag
        new = new_of.get(flag)
        if new is None:
            renamed.append(argument)
        elif new.startswith("--"):
            print(f"placevec: `{flag}` is now `{new}`", file=sys.stderr)
            name, *fixed = new.split()
            renamed += [name + equals + value, *fixed]
        else:
            print(f"placevec: `{flag} {new}` is now `{new}`", file=sys.stderr)
            renamed += [value] if equals else []
    return renamed
