"""Spellings of an earlier version, which are understood for one release."""

import sys
from collections.abc import Sequence

# Verb -> flag of the earlier version -> its name now.
_FLAGS = {
    "search": {"--within-m": "--radius-m"},
    "collect": {"--within-m": "--radius-m"},
}


def in_new_spelling(arguments: Sequence[str]) -> list[str]:
    """Returns arguments with flags by their names of now, and says so on standard error.

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
        if flag in new_of:
            print(f"placevec: `{flag}` is now `{new_of[flag]}`", file=sys.stderr)
            argument = new_of[flag] + equals + value
        renamed.append(argument)
    return renamed
