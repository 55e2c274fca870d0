"""`cancelall config path|show|init|set|check`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, cast

import typer

from cancelall.cli import parameters
from cancelall.cli.options import Output
from cancelall.config import toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.errors import ConfigError, ExitStatus, OptionError, UsageError
from cancelall.core.profile import Common
from cancelall.core.quoting import quoted
from cancelall.report.streams import emit
from cancelall.venues.registry import VENUES, schema

if TYPE_CHECKING:
    from cancelall.config import edit

_SET = """Give a profile a key: `config set bybit deadline 20`.

Lists are separated by commas. A profile that is not there yet begins with its venue: `config set mm-2 venue bitget`;
`defaults` stands for what all profiles have. Comments stay. The keys of an account are none of this: `auth set` takes
those.
"""

Config = Annotated[Optional[Path], parameters.option("config")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command("path", help="Print the path of the config file.")(_path)
    group.command("show", help="Print the config, secrets redacted.")(_show)
    group.command("init", help="Write a commented starter file that only you can read.")(_init)
    group.command("set", help=_SET)(_set)
    group.command("check", help="Read the whole file and list every mistake in it. Nothing is sent.")(_check)


def _place(chosen: Path | None) -> Path:
    path, _ = toml_file.locate(chosen, os.environ)
    if path is None:
        raise ConfigError("there is no home directory to keep a config in", "set CANCELALL_CONFIG or give --config")
    return Path(path)


def _path(config: Config = None) -> None:
    emit(f"{toml_file.in_force(config, os.environ) or _place(config)}\n")


def _show(config: Config = None) -> None:
    import tomli_w

    from cancelall.config.show import escaped, redacted
    from cancelall.config.troubles import troubles

    document = _document(config)
    if document.notice:
        Output().note(document.notice)
    emit(escaped(tomli_w.dumps(redacted(document))))
    if mistakes := troubles(document, os.environ):
        Output().note(f"WARNING: it has {len(mistakes)} mistake(s), and what they are in is not used: {_CHECK}")


def _init(config: Config = None) -> None:
    from cancelall.config.example import example_config
    from cancelall.core.files import why_others_can_replace, write_private

    path, displaced = _place(config), toml_file.displaced(config, os.environ, "this file in its place")
    try:
        write_private(path, example_config(), new=True)
    except FileExistsError:
        raise ConfigError(f"{path} exists already and was left as it is", "edit it, or give another --config") from None
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}", "give another --config") from None
    emit(f"{path}\n")
    if why := why_others_can_replace(path, path.stat()):
        Output().note(f"WARNING: it {why}: no kill will read it there")
    if displaced:
        Output().note(f"WARNING: {displaced}")


_CHECK = "cancelall config check"


def _document(chosen: Path | None) -> Document:
    """The config that there is. Raises ConfigError."""
    document = toml_file.read(chosen, os.environ)
    if document.path is None:
        problem = f"there is no config file{f': {document.notice}' if document.notice else ''}"
        raise ConfigError(problem, "run: cancelall auth set PROFILE, or cancelall config init")
    return document


def _check(config: Config = None) -> int:
    from cancelall.config.troubles import troubles

    document = _document(config)
    mistakes = troubles(document, os.environ)
    for error in mistakes:
        emit(f"{error.message} - {error.hint}\n")
    for warning in document.warnings:
        emit(f"{warning}\n")
    count = len(document.tables)
    emit(f"{document.path}: {count} profile(s), {len(mistakes) or 'no'} mistake(s)\n")
    return ExitStatus.UNCONFIGURED if mistakes else ExitStatus.CLEAR


def _set(
    profile: Annotated[str, parameters.profiles("PROFILE", "A profile of the config, a new one, or `defaults`.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key of the profile, as in config.example.toml.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What it is to be; lists are separated by commas.")],
    config: Config = None,
) -> None:
    from cancelall.config import edit, loader
    from cancelall.config.troubles import troubles

    path, displaced = _place(config), toml_file.displaced(config, os.environ)
    _, document = toml_file.own(config, os.environ)
    where = ("defaults",) if profile == "defaults" else edit.of_profile(profile)
    if profile != "defaults" and profile not in document.tables and (problem := loader.name_problem(document, profile)):
        raise UsageError(f'"{quoted(profile)}": {problem}', "give it another name")
    given = _value_of(document, profile, key, value)
    text = document.text if document.path is not None else ""
    made = edit.with_keys(text, where, {key: given}).text
    before = {error.message for error in troubles(document, os.environ)}
    after = troubles(toml_file.parsed(str(path), made, os.environ), os.environ)
    if wrong := [error for error in after if error.message not in before]:
        raise UsageError(f"nothing was written: {wrong[0].message}", wrong[0].hint)
    remark = edit.save(path, {where: {key: given}}, careful=True)
    Output().note(f"{path}: {'.'.join(where)}.{key} is set")
    for warning in filter(None, (remark, displaced)):
        Output().note(f"WARNING: {warning}")


def _value_of(document: Document, profile: str, key: str, value: str) -> edit.Value:
    """The value as its declaration reads it. Raises UsageError, ConfigError."""
    from cancelall.config import loader

    if key == "venue" and profile != "defaults":
        if value not in VENUES:
            raise UsageError(f'there is no venue "{quoted(value)}"{declare.nearest(value, VENUES)}', " ".join(VENUES))
        return value
    venue = "" if profile == "defaults" else str(document.tables.get(profile, {}).get("venue", ""))
    if profile != "defaults" and venue not in VENUES:
        hint = f"begin with: cancelall config set {quoted(profile)} venue NAME, one of {' '.join(VENUES)}"
        raise ConfigError(f'there is no profile "{quoted(profile)}" with a venue', hint)
    secrets = declare.secrets_of(schema(venue).secrets) if venue else {}
    if key in secrets:
        raise UsageError(f"{key} is a secret: no option takes one", f"run: cancelall auth set {profile} --field {key}")
    items = {item.key: item for item in declare.declared(Common)}
    if venue:
        items |= {item.key: item for item in declare.declared(schema(venue).options)}
    else:
        items = {name: item for name, item in items.items() if name in loader.DEFAULTS_KEYS}
    if key not in items:
        raise UsageError(f'unknown key "{quoted(key)}"{declare.nearest(key, items)}', " ".join(["venue", *items]))
    try:
        read = declare.from_text(items[key], value)
    except OptionError as error:
        raise UsageError(f"{key} {error.message}", error.hint) from None
    return int(read) if isinstance(read, float) and read.is_integer() else cast("edit.Value", read)
