"""Log records of libraries, each as one line without a secret or a traceback.

Apart from the rest of the guard because `logging` takes 4 ms to import, and nothing that logs is loaded before the
connections are on their way.
"""

from __future__ import annotations

import logging

from cancelall.guard import say_line


def install() -> None:
    """Say every record from WARNING on; of urllib3 from ERROR on."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Scrubbed) for handler in root.handlers):
        root.addHandler(_Scrubbed(logging.WARNING))
    logging.getLogger("urllib3").setLevel(logging.ERROR)


class _Scrubbed(logging.Handler):
    """Log records of libraries as one line each, without tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it. A record that cannot be formatted is told by its place."""
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001 - whatever a library passed
            said = f"a message of {record.filename}:{record.lineno}"
        say_line(f"{record.name}: {said}")
