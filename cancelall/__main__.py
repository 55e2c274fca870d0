"""`python -m cancelall`, and the console script."""

from __future__ import annotations

import gc
import os
import sys


def run() -> None:
    """Run the command line and leave with its status, whatever abandoned threads or broken streams are left."""
    gc.disable()  # a tenth of the start goes into looking for garbage among modules; a run enables it again
    try:
        from cancelall import boundary, guard

        guard.install()
    except KeyboardInterrupt:  # nothing has been sent yet
        os._exit(130)
    status = boundary.held(lambda: _status(sys.argv[1:]))
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os._exit(status)  # the outcome decides the status, not the terminal
    os._exit(status)  # stderr is not waited for: a stopped terminal or an unread pipe must not keep us here


def _status(words: list[str]) -> int:
    from cancelall import plain

    kill = plain.read(words) if "_CANCELALL_COMPLETE" not in os.environ else None
    if kill is not None:
        return plain.run(*kill)
    from cancelall import logs
    from cancelall.cli import main

    logs.install()
    return main(words)


if __name__ == "__main__":
    run()
