"""Reads a command line: turns flags into arguments, and each mistake into a one-line error."""

import contextlib
import dataclasses
import difflib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import tyro
from tyro import _errors as tyro_errors

from placevec.cli.flags import REGISTRY, flag_names
from placevec.input_file import shown

_NONE_FITS = re.compile(r".*could be instantiated from \[(.*?)\]\.\s.*", re.S)


def read_command_line(
    what: Any, arguments: Sequence[str], *, prog: str | None = None, **options: Any
) -> Any:
    """Calls a function, or makes settings, with the flags of a command line.

    Args:
        what: function or dataclass. Its arguments become flags.
        arguments: sequence of str.
        prog: str or None. What errors and the help call the program. None: the script's name.
        **options: Further arguments of `tyro.cli`.

    Returns:
        What the function returns, or the settings.

    Raises:
        ValueError: If a flag does not exist (the error names similar ones), a value is missing or
            does not fit, or the settings refuse it.
    """
    with _one_line_refusals(flags_of(what), prog or Path(sys.argv[0]).name, arguments):
        return tyro.cli(what, args=arguments, prog=prog, registry=REGISTRY, **options)


def call_verb(
    verbs: Mapping[str, Callable[..., Any]], arguments: Sequence[str], *, prog: str, **options: Any
) -> None:
    """Calls the verb that a command line begins with, with the flags that follow it.

    Args:
        verbs: mapping. Function of each verb, by its name.
        arguments: sequence of str.
        prog: str. What errors and the help call the program.
        **options: Further arguments of `tyro.cli`.

    Raises:
        ValueError: As `read_command_line`, or if the verb does not exist.
    """
    name = arguments[0] if arguments else ""
    if name and not name.startswith("-") and name not in verbs:
        raise ValueError(
            f"The first argument must be a verb: {', '.join(verbs)}. "
            f"Received: {shown(name)}{_near(name, verbs)}"
        )
    flags, whole = (flags_of(verbs[name]), f"{prog} {name}") if name in verbs else ([], prog)
    with _one_line_refusals(flags, whole, arguments):
        tyro.extras.subcommand_cli_from_dict(
            dict(verbs), prog=prog, args=arguments, registry=REGISTRY, **options
        )


def flags_of(what: Any) -> list[str]:
    """Returns the flags of settings or of a function's arguments."""
    if dataclasses.is_dataclass(what):
        return flag_names(what if isinstance(what, type) else type(what))
    flags = []
    for each in inspect.signature(what).parameters.values():
        kinds = [
            kind
            for kind in _kinds(each.annotation)
            if isinstance(kind, type) and dataclasses.is_dataclass(kind)
        ]
        if kinds:
            flags += [flag for kind in kinds for flag in flag_names(kind)]
        elif each.kind is not each.POSITIONAL_ONLY:
            flags.append(f"--{each.name.replace('_', '-')}")
    return flags


def _kinds(annotation: Any) -> list[Any]:
    """Returns the classes inside an annotation."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    inner = [kind for each in get_args(annotation) for kind in _kinds(each)]
    return inner or [annotation]


@contextlib.contextmanager
def _one_line_refusals(flags: Sequence[str], prog: str, arguments: Sequence[str]) -> Iterator[None]:
    """Raises a one-line error in place of the box of many lines that tyro would print."""

    def refuse(event: tyro_errors.ParseErrorEvent) -> None:
        if words := _in_words(event, flags, prog, arguments):
            raise ValueError(words)

    with tyro_errors.on_parse_error(refuse):
        yield


def _in_words(
    event: tyro_errors.ParseErrorEvent, flags: Sequence[str], prog: str, arguments: Sequence[str]
) -> str | None:
    """Returns what is wrong with a command line, or None if placevec's verbs cannot cause it."""
    match event:
        case tyro_errors.UnrecognizedArgs(tokens=tokens):
            return _unknown(tokens, flags, prog)
        case tyro_errors.MissingArgs(unrecognized_tokens=[_, *_] as tokens):
            return _unknown(tokens, flags, prog)
        case tyro_errors.MissingArgs(missing_arguments=missing):
            names = ", ".join(f"`{_name(each.arg)}`" for each in missing)
            return f"`{prog}` needs {names}. `{prog} --help` explains it"
        case tyro_errors.MissingSubcommand(subcommand_spec=spec, found_token=found):
            names = ", ".join(spec.parser_from_name)
            received = shown(found) + _near(found, spec.parser_from_name) if found else "nothing"
            return f"`{prog}` needs one of {names}. Received: {received}"
        case tyro_errors.InvalidChoice(argument=argument, value=value, choices=choices):
            return (
                f"`{_name(argument)}` must be one of {', '.join(choices)}. "
                f"Received: {shown(value)}{_near(value, choices)}"
            )
        case tyro_errors.BadValue(argument=argument, reason="too_few_values"):
            unknown = [each for each in arguments if _is_unknown(each, flags)]
            if unknown:
                return _unknown(unknown, flags, prog)
            return f"`{_name(argument)}` needs {_values(argument)} after it"
        case tyro_errors.InstantiationFailure(argument=argument, message=message):
            if argument is None:
                return message
            must_be = f"`{_name(argument)}` must be {_values(argument)}"
            if received := _NONE_FITS.fullmatch(message):
                return f"{must_be}. Received: {received[1] or 'nothing'}"
            return f"{must_be} ({message})"
    return None


def _unknown(tokens: Sequence[str], flags: Sequence[str], prog: str) -> str:
    unknown = next((each for each in tokens if each.startswith("-")), None)
    if unknown is None:
        return f"`{prog}` takes no {shown(tokens[0])} here. `{prog} --help` explains its use"
    flag = unknown.partition("=")[0].replace("_", "-")
    if flag in flags:
        return (
            f"{flag} must follow a subcommand of `{prog}` that takes it. "
            f"`{prog} --help` lists the subcommands"
        )
    near = " or ".join(difflib.get_close_matches(flag, list(dict.fromkeys(flags))))
    hint = f"Did you mean {near}? " if near else ""
    if not flag.startswith("--") or os.path.lexists(unknown):
        hint += f"If it is a path, write ./{shown(unknown)}; put other names last, after `--`. "
    return f"There is no flag {shown(flag)}. {hint}`{prog} --help` lists all flags"


def _is_unknown(argument: str, flags: Sequence[str]) -> bool:
    """Returns whether an argument begins with a dash, but is no flag, number or lone dash."""
    flag = argument.partition("=")[0].replace("_", "-")
    is_number = re.fullmatch(r"-[\d.]+(e[-+]?\d+)?", argument) is not None
    is_flag = flag in flags or re.sub(r"^--(.*\.)?no-", r"--\1", flag) in flags
    return argument.startswith("-") and argument != "-" and not (is_flag or is_number)


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f". Did you mean {near[0]}?" if near else ""


def _values(argument: Any) -> str:
    """Returns what a flag takes, without the None that leaving it out means."""
    return argument.lowered.metavar.removeprefix("{None}|").strip("{}")


def _name(argument: Any) -> str:
    if argument.is_positional():
        return argument.lowered.metavar
    return argument.lowered.name_or_flags[0]
