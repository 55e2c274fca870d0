"""`python -m cancelall`, and the console script."""

from __future__ import annotations

import gc
import os
import sys

OTHERS = ("auth", "check", "config", "demo", "guard", "journal", "setup")
"""Commands that are no run over profiles. Signals do to them what they do to any program."""


def run() -> None:
    """Run the command line and leave with its status, whatever abandoned threads or broken streams are left."""
    status = 130
    try:
        words = sys.argv[1:]
        if words and words[0] not in OTHERS and words[0][:1] != "-" and "_CANCELALL_COMPLETE" not in os.environ:
            _watch(words)
        gc.disable()  # a tenth of the start goes into looking for garbage among modules; a run enables it again
        from cancelall.cli import process

        process.install()
        status = process.held(lambda: _status(words))
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError, KeyboardInterrupt):
        os._exit(status)  # the outcome decides the status, not the terminal
    os._exit(status)  # stderr is not waited for: a stopped terminal or an unread pipe must not keep us here


def _watch(words: list[str]) -> None:
    """Before anything else is done: from here on a signal ends a run in an orderly way, or not at all."""
    from cancelall.cli.watchdog import DOG

    DOG.begin()
    from cancelall.cli.last_words import LastWords

    DOG.words = LastWords((), json="--json" in words, dry_run="--dry-run" in words).words


def _status(words: list[str]) -> int:
    from cancelall.cli import fast_path

    kill = fast_path.read(words) if "_CANCELALL_COMPLETE" not in os.environ else None
    if kill is not None:
        from cancelall.cli import kills

        return kills.run(*kill)
    from cancelall.cli import process
    from cancelall.cli.app import main

    process.hear_logs()
    return main(words)


if __name__ == "__main__":
    run()
