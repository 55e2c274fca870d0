"""Declared options as parameters of Typer's, and whether each on a line has a value of its own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from cancelall.cli import kills
from cancelall.cli.options import Kill
from cancelall.config.guards import GuardKeys
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.errors import UsageError
from cancelall.core.quoting import quoted
from cancelall.venues.registry import VENUES, schema


def completer(of: str) -> Callable[[typer.Context, str], list[str]]:
    """What completes a word: a function of `completion`. No kill loads it."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from cancelall.cli import completion

        offers: list[str] = getattr(completion, of)(ctx, incomplete)
        return offers

    return complete


def profiles(name: str = "[PROFILE]...", words: str = "Profiles; none means all.") -> Any:  # as Typer's
    """The argument that names profiles."""
    return typer.Argument(metavar=name, help=words, show_default=False, autocompletion=completer("profiles"))


def option(key: str, words: str = "") -> Any:  # as Typer's
    """A common option for a command that is no run, which may have words of its own for it."""
    item = next(item for item in declare.declared(Kill) if item.key == key)
    return _option(item, words or item.on_line)


def of_kill(name: str) -> Callable[..., int]:
    """The command that kills all, or a venue, whose own options are the declared ones."""
    own = declare.declared(schema(name).options) if name in VENUES else ()
    useless = name in VENUES and not schema(name).client_ids  # taken, and refused with a reason, but not offered

    def called(**given: Any) -> int:
        return kills.run(name, kills.kill_of(name, _given(given)))

    shown = [_parameter(item, f" [default: {item.default}]" if item.default not in (None, ()) else "") for item in own]
    common = [_parameter(item, hidden=useless and item.opt.selector) for item in kills.common(name)]
    return _with([*shown, *common], called)


def command(name: str, run: Callable[..., int]) -> Callable[..., int]:
    """A command with the parameters of `run`, whose `kill` is what it takes of the common options."""
    own = [one for one in inspect.signature(run, eval_str=True).parameters.values() if one.name != "kill"]
    shared = kills.common(name)

    def called(**given: Any) -> int:  # the values of the parameters
        common = {item.key: given.pop(item.key) for item in shared}
        return run(**given, kill=kills.kill_of(name, _given(common)))

    return _with([*own, *map(_parameter, shared)], called)


def of_guard(run: Callable[..., int]) -> Callable[..., int]:
    """The command that stands watch: besides the parameters of `run`, the keys of its table that a line may have, which
    come as `given`, and what it takes of the common options, as `kill`.
    """
    own = [
        one for one in inspect.signature(run, eval_str=True).parameters.values() if one.name not in ("kill", "given")
    ]
    shared = kills.common("guard")
    taken = {item.key for item in shared}
    keys = [item for item in declare.declared(GuardKeys) if item.opt.commands and item.key not in taken]

    def called(**given: Any) -> int:  # the values of the parameters
        table = {item.key: given.pop(item.key) for item in keys}
        common = {item.key: given.pop(item.key) for item in shared}
        return run(**given, given=_given(table), kill=kills.kill_of("guard", _given(common)))

    return _with([*own, *map(_parameter, keys), *map(_parameter, shared)], called)


def _with(parameters: Sequence[inspect.Parameter], called: Callable[..., int]) -> Callable[..., int]:
    """A function that takes what it is given, as Typer reads one that has these parameters."""
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _parameter(item: Declared, more: str = "", *, hidden: bool = False) -> inspect.Parameter:
    """A declared option as a parameter that Typer understands. None means: not given."""
    base: Any = Path if item.opt.completes == "files" else item.base  # by that Typer tells shells to complete files
    if item.choices:  # Typer knows no list of literals, but lists of an enumeration
        base = Enum(item.key, {one: one for one in item.choices}) if item.repeatable else Literal[item.choices]
    kind: Any = Optional[list[base]] if item.repeatable else Optional[base]
    annotation = Annotated[kind, _option(item, item.on_line + more, hidden=hidden)]
    return inspect.Parameter(item.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _option(item: Declared, words: str, *, hidden: bool = False) -> Any:  # as Typer's
    return typer.Option(
        *item.flags,
        help=words,
        metavar=item.opt.metavar or None,
        show_default=False,
        hidden=hidden,
        readable=False,  # who reads a file tells that it cannot be read: to Typer it is a mistake on the line
        autocompletion=completer(item.opt.completes) if item.opt.completes not in ("", "files") else None,
    )


def _given(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, of what Typer made of options."""

    def plain(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(map(plain, value))
        return value.value if isinstance(value, Enum) else str(value) if isinstance(value, Path) else value

    return {key: made for key, value in given.items() if (made := plain(value)) not in (None, ())}


# --- before a line is read ---

MAY_BE_EMPTY = [item.flag for item in declare.declared(Kill) if item.opt.may_be_empty]
"""An empty reason is none, and an empty command switches off what the config says."""


def check_values(command: Any, words: Sequence[str]) -> None:
    """Raise UsageError for the first option of a line that has no value, or the next option in its place.

    A shell that expands an unset variable to nothing makes `--symbol $COIN --json` into `--symbol --json`. Read by the
    letter, that is a symbol named `--json`; meant was something else, and a kill of something else is none.
    """
    rest = list(words)
    takes = _that_take_one(command)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            inner = getattr(command, "commands", {}).get(word)
            if inner is not None:
                command, takes = inner, _that_take_one(inner)
            continue
        if f"-{name}" in takes and len(name) > 2:
            raise UsageError(f"{name}: a long option has two dashes", f"write -{name}")
        if not takes.get(name):
            continue
        if not equals:
            if not rest:
                return  # Typer says so
            value = rest.pop(0)
            if value.startswith("-") and not re.match(r"-(\.?[0-9]|$)", value):
                raise UsageError(
                    f'{name} has no value: "{quoted(value)}" comes next, which is an option',
                    f"give it one, or leave it out; a value that begins with a dash is written {name}=VALUE",
                )
        if not value.strip() and name not in MAY_BE_EMPTY:
            raise UsageError(f"{name} has no value: it is empty", "give it one, or leave it out")


def values_of(words: Sequence[str]) -> list[str]:
    """All that a line says, the values of `--option=value` by themselves, too."""
    return [*words, *(word.partition("=")[2] for word in words if word.startswith("-") and "=" in word)]


def with_nearest(message: str) -> str:
    """Typer's words for a value that is none of an option's choices, with the one that was probably meant."""
    refused = re.search(r"'([^']*)' is not one of (.+?)\.?$", message)
    if refused is None:
        return message
    return message.rstrip(".") + declare.nearest(refused[1], re.findall(r"'([^']*)'", refused[2]))


def _that_take_one(command: Any) -> Mapping[str, bool]:
    return {
        name: not (getattr(one, "is_flag", False) or getattr(one, "count", False))
        for one in command.params
        for name in (*one.opts, *one.secondary_opts)
        if name.startswith("-")
    }


def age_of(text: str, option: str = "--max-age") -> float:
    """Seconds from `90s`, `15m`, `24h` or `7d`. Raises UsageError that names the option."""
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * declare.AGE_UNITS[unit]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 < seconds < 1e10 or not number[0].isdigit():
        raise UsageError(f"{option} {text}: write a number and s, m, h or d, for instance 24h")
    return seconds
