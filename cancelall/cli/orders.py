"""`cancelall orders`: what is open. Only reads."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated, Optional

from cancelall.cli import kills, parameters
from cancelall.cli.options import Kill, Terms
from cancelall.config import toml_file


def run(names: Annotated[Optional[list[str]], parameters.profiles()] = None, *, kill: Kill) -> int:
    """List what is open on these profiles, or on all."""
    return read(names, kill, Terms(journalled=False))


def read(names: list[str] | None, kill: Kill, terms: Terms) -> int:
    """Read these profiles, or all; the exit status."""
    overrides = kills.overrides(kill)
    environ = dict(os.environ)
    document = toml_file.read(kill.config, environ)
    chosen = names or kills.selected(document, kills.known(document, environ), [], [])
    profiles = kills.load_all(document, list(dict.fromkeys(chosen)), environ, overrides)
    terms = replace(terms, document=document)
    return kills.execute(profiles, kills.output_of(kill, plan=False), environ, dry_run=True, terms=terms)
