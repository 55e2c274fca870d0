"""`cancelall config path|show|init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from cancelall.cli import parameters
from cancelall.cli.options import Output
from cancelall.config import toml_file
from cancelall.core.errors import ConfigError
from cancelall.report.streams import emit

Config = Annotated[Optional[Path], parameters.option("config")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command("path", help="Print the path of the config file.")(_path)
    group.command("show", help="Print the config, secrets redacted.")(_show)
    group.command("init", help="Write a commented starter file that only you can read.")(_init)


def _place(chosen: Path | None) -> Path:
    path, _ = toml_file.locate(chosen, os.environ)
    if path is None:
        raise ConfigError("there is no home directory to keep a config in", "set CANCELALL_CONFIG or give --config")
    return path


def _path(config: Config = None) -> None:
    emit(f"{toml_file.in_force(config, os.environ) or _place(config)}\n")


def _show(config: Config = None) -> None:
    import tomli_w

    from cancelall.config.show import escaped, redacted

    document = toml_file.read(config, os.environ)
    if document.path is None:
        problem = f"there is no config file{f': {document.notice}' if document.notice else ''}"
        raise ConfigError(problem, "run: cancelall config init")
    if document.notice:
        Output().note(document.notice)
    emit(escaped(tomli_w.dumps(redacted(document))))


def _init(config: Config = None) -> None:
    from cancelall.config.example import example_config
    from cancelall.core.files import why_others_can_replace, write_private

    path, before = _place(config), toml_file.in_force(config, os.environ)
    try:
        write_private(path, example_config(), new=True)
    except FileExistsError:
        raise ConfigError(f"{path} exists already and was left as it is", "edit it, or give another --config") from None
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}", "give another --config") from None
    emit(f"{path}\n")
    if why := why_others_can_replace(path, path.stat()):
        Output().note(f"WARNING: it {why}: no kill will read it there")
    if before == toml_file.MACHINE != path:
        Output().note(f"WARNING: {before} is not read by you any more, but this file in its place")
