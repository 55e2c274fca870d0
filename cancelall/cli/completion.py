"""Shell completion: the scripts for three shells, and the words that come from the user's own config.

The scripts only ask this program, in the protocol of Typer: `_CANCELALL_COMPLETE=complete_<shell>`. They are printed
and never installed: nothing here edits a start-up file.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from cancelall.cli import first_word
from cancelall.config import loader, toml_file
from cancelall.core.errors import CancelallError
from cancelall.venues.registry import VENUES, schema

SCRIPTS: Mapping[str, str] = {
    "bash": """\
_cancelall_completion() {
  local IFS=$'\\n'
  COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _CANCELALL_COMPLETE=complete_bash "$1" 2>/dev/null))
}
complete -o default -F _cancelall_completion cancelall
""",
    "zsh": """\
#compdef cancelall
_cancelall() {
  eval "$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _CANCELALL_COMPLETE=complete_zsh cancelall 2>/dev/null)"
}
if [ "$funcstack[1]" = "_cancelall" ]; then
  _cancelall
else
  compdef _cancelall cancelall
fi
""",
    "fish": """\
function __cancelall_completion
  _TYPER_COMPLETE_ARGS=(commandline -cp) _CANCELALL_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \\
    cancelall 2>/dev/null
end
complete --command cancelall --no-files --condition '__cancelall_completion is-args' \\
  --arguments '(__cancelall_completion get-args)'
""",
}
"""What each shell has to read once per session."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Other names are no profiles."""


def profile_names(venue: str, chosen: Path | None, environ: Mapping[str, str]) -> list[str]:
    """The profiles of the config, of one venue only where a command is of one. A broken config has none."""
    try:
        document = toml_file.read(chosen, environ)
    except CancelallError:
        return []
    names = loader.venue_profiles(document, venue) if venue in VENUES else tuple(document.tables)
    return [name for name in names if _NAME.fullmatch(name)]


def line_of(environ: Mapping[str, str]) -> tuple[list[str], bool]:
    """The words of the line so far, as the shell hands it over in a variable, and whether the last one is not begun."""
    line = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS") or ""
    return line.split()[1:], line[-1:].isspace()


def say_stand(environ: MutableMapping[str, str]) -> None:
    """Put the word behind `guard` that need not be said into a line without one: its options are then offered, too."""
    line, further = line_of(environ)
    words = line[1:]
    if line[:1] != ["guard"] or not words or words[0] in first_word.GUARD_VERBS:
        return
    begun = len(words) == 1 and not further
    if begun and any(verb.startswith(words[0]) for verb in first_word.GUARD_VERBS):
        return
    for variable in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        if variable in environ:
            environ[variable] = re.sub(r"\bguard\b", "guard stand", environ[variable], count=1)
    if (position := environ.get("COMP_CWORD", "")).isdecimal():
        environ["COMP_CWORD"] = str(int(position) + 1)


def venues_of_profiles(words: Sequence[str], environ: Mapping[str, str]) -> Mapping[str, str]:
    """Each profile of the config that a line uses, and its venue. A broken config has none."""
    try:
        names = first_word.profiles(words, environ)
    except CancelallError:
        return {}
    return {name: venue for name, venue in names.items() if _NAME.fullmatch(name)}


def add_profiles(made: Any, names: Mapping[str, str]) -> None:  # a group of Typer's
    """Let the first word of a line be a profile's name, too: what follows it is completed as behind its venue."""
    for name, venue in names.items():
        if name not in made.commands and venue in made.commands:
            command = made.commands[name] = copy.copy(made.commands[venue])
            command.help = command.short_help = f"The profile {name}: {VENUES[venue]}."


def profiles(ctx: Any, incomplete: str) -> list[str]:  # a context of Typer's, known by its name
    """Completes the name of a profile. Never says anything, never looks at a secret."""
    names = profile_names(ctx.command.name or "", ctx.params.get("config"), os.environ)
    return [name for name in names if name.startswith(incomplete)]


def guards(ctx: Any, incomplete: str) -> list[str]:  # a context of Typer's
    """Completes the name of a guard of the config."""
    from cancelall.config.guards import guard_tables

    try:
        document = toml_file.read(ctx.params.get("config"), os.environ)
    except CancelallError:
        return []
    return [name for name in guard_tables(document) if _NAME.fullmatch(name) and name.startswith(incomplete)]


def environments(ctx: Any, incomplete: str) -> list[str]:  # a context of Typer's
    """Completes an environment of the command's venue, or of any venue."""
    own = ctx.command.name  # of a profile, its venue's
    names = [own] if own in VENUES else list(VENUES)
    known = dict.fromkeys(key for name in names for key in schema(name).hosts)
    return [key for key in known if key.startswith(incomplete)]


def faults(ctx: Any, incomplete: str) -> list[str]:  # a context of Typer's
    """Completes a fault of the embedded exchange."""
    from cancelall.cli import demo

    return [name for name in demo.fault_names() if name.startswith(incomplete)]
