"""`cancelall orders`: what is open. Only reads."""

from __future__ import annotations

import os
from typing import Annotated, Optional

from cancelall.cli import kills, parameters
from cancelall.cli.options import Kill, Terms
from cancelall.config import toml_file


def run(names: Annotated[Optional[list[str]], parameters.profiles()] = None, *, kill: Kill) -> int:
    """List what is open on these profiles, or on all."""
    overrides = kills.overrides(kill)
    environ = dict(os.environ)
    document = toml_file.read(kill.config, environ)
    chosen = names or kills.selected(kills.known(document, environ), [], [], document.notice)
    profiles = kills.load_all(document, list(dict.fromkeys(chosen)), environ, overrides)
    return kills.execute(
        profiles, kill.output(plan=False), environ, dry_run=True, terms=Terms(document=document, journalled=False)
    )
