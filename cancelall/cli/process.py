"""The process, from its first moment to its exit status: a failure is one line without a secret, never a traceback or a
core.

Python's own hooks print tracebacks, and with them the source lines and messages of exceptions that may quote a header.
Little is imported here at once: a signal in the first milliseconds counts.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
"""Not `typing`'s, which takes longer to import than all of this."""
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from cancelall.cli.last_words import LastWords
    from cancelall.core.errors import ErrorKind

OTHERS = ("auth", "beat", "check", "config", "demo", "guard", "journal", "setup")
"""Commands that are no run over profiles. Signals do to them what they do to any program."""
BEAT, GUARD = "beat", "guard"
"""The one that is to be light, and can run a bot; and the one that stands watch."""
JSON, DRY_RUN = "--json", "--dry-run"
"""Options that count before a line is read, or when it cannot be."""
_PR_SET_DUMPABLE = 4
"""From linux/prctl.h."""


def run() -> None:
    """Run the command line and leave with its status, whatever abandoned threads or broken streams are left."""
    status = 130
    try:
        words = sys.argv[1:]
        if words and words[0] not in OTHERS and words[0][:1] != "-" and "_CANCELALL_COMPLETE" not in os.environ:
            _watch(words)
        gc.disable()  # a tenth of the start goes into looking for garbage among modules; a run enables it again
        if words[:1] == [GUARD]:
            _hold_back()
        if words[:1] != [BEAT]:  # a bot that it runs keeps its own limits
            install()
        status = held(lambda: _status(words), words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError, KeyboardInterrupt):
        os._exit(status)  # the outcome decides the status, not the terminal
    os._exit(status)  # stderr is not waited for: a stopped terminal or an unread pipe must not keep us here


def _watch(words: list[str]) -> None:
    """Before anything else is done: from here on a signal ends a run in an orderly way, or not at all.

    One that comes before it is known what to say then waits for that, and never ends a run without a word.
    """
    import _signal  # type: ignore[import-not-found]

    held_back = {_signal.SIGINT, _signal.SIGTERM, getattr(_signal, "SIGHUP", _signal.SIGTERM)}
    can_wait = hasattr(_signal, "pthread_sigmask")  # not on Windows
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, held_back) if can_wait else set()

    def let_come() -> None:
        if can_wait:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)

    def known() -> LastWords:
        from cancelall.cli.last_words import LastWords

        return LastWords((), json=JSON in words, dry_run=DRY_RUN in words)

    try:
        from cancelall.cli.watchdog import DOG

        DOG.words = lambda number: known().words(number)
        DOG.begin(let_come)
        _connect_ahead(words)
        DOG.words = known().words
    finally:
        let_come()


def _hold_back() -> None:
    """Have signals that can fire a guard wait until it can take them: it is not to die of one while it starts."""
    import _signal

    if hasattr(_signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGUSR1, _signal.SIGUSR2})


def _status(words: list[str]) -> int:
    """The exit status of a line: that of a kill in its usual form, which is read without Typer, or of any other."""
    if words[:1] == [BEAT]:
        from cancelall.cli import beat

        line = beat.read(words[1:]) if "_CANCELALL_COMPLETE" not in os.environ else None
        if line is not None:
            return beat.run(line)
    from cancelall.cli import kills

    kill = kills.read(words) if "_CANCELALL_COMPLETE" not in os.environ else None
    if kill is not None:
        return kills.run(*kill)
    from cancelall.cli.app import main

    guard_threads()
    hear_logs()
    return main(words)


# --- the first packet ---

_ELSEWHERE = ("config", "profile", "environment", "help")
"""Long options that lead to another host, or to none."""
_DECIDING = ("ENVIRONMENT", "PROXY", "VENUE")
"""The same of a profile's variables."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def _connect_ahead(words: Sequence[str]) -> None:
    """Have the first packet on its way while what reads the line is imported, if it is clear where that goes."""
    from cancelall.net import head_start

    try:
        origin = first_origin(words, os.environ)
        if origin and (host := head_start.usual_host(origin)):
            head_start.begin(*host)
    except Exception:  # whatever it is, a kill connects without it
        return


def first_origin(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """The origin to which a line connects first; empty where only its profile can tell.

    With no config file, no proxy, and no option or variable that leads elsewhere there is nothing that the profile,
    which takes 20 ms to import and to read, could say but the venue's own host, or the `base_url` of the environment.
    """
    venue, *rest = words
    if any(word[:1] == "-" and (word[1:2] != "-" or word[2:].partition("=")[0] in _ELSEWHERE) for word in rest):
        return ""
    if "CANCELALL_CONFIG" in environ or any(name.lower() in _PROXIES for name in environ):
        return ""
    own = f"CANCELALL_{venue.upper()}_"
    if not (venue.isascii() and venue.isalpha()) or any(own + name in environ for name in _DECIDING):
        return ""
    from cancelall.config import places

    usual = (f"{environ[name]}/{below}" for name, below in places.OF_A_USER if environ.get(name))
    if not all(map(_is_absent, (*usual, places.MACHINE))):
        return ""
    try:
        hosts = __import__(f"cancelall.venues.{venue}.hosts", fromlist=["HOSTS"])
    except ImportError:
        return ""  # it is no venue
    several = hasattr(hosts, "FURTHER")  # which of them comes first depends on the options
    return environ.get(f"{own}BASE_URL") or ("" if several else str(hosts.HOSTS["live"]))


def _is_absent(path: str) -> bool:
    """Whether there is surely nothing. What cannot be looked at may name a proxy, and is told by who reads it."""
    try:
        os.lstat(path)
    except (OSError, ValueError) as fault:
        return isinstance(fault, FileNotFoundError | NotADirectoryError)
    return False


# --- what nobody caught ---


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return


_say: Callable[[str], None] = _to_stderr


def speak_through(say: Callable[[str], None]) -> None:
    """Hand lines to this from now on: while a kill runs, no thread waits for stderr."""
    global _say  # the hooks are the process's own, and so is where they speak
    _say = say


def install() -> None:
    """Guard this process. Costs half a millisecond; nothing of it can fail."""
    from cancelall.cli.watchdog import spare_address_space

    no_core_dumps()
    spare_address_space()
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable


def guard_threads() -> None:
    """The same where there are threads, and modules that warn: what hears of them is imported when the first connection
    is on its way.
    """
    import threading
    import warnings

    threading.excepthook = _in_a_thread
    warnings.showwarning = _warned


def no_core_dumps() -> None:
    """No core file, and on Linux no reading of this memory by other processes of the same user either.

    A `core_pattern` that is a pipe ignores the limit, so both are set. `ctypes` takes 3 to 5 ms to import, the module
    beneath it half of one.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):  # Windows, or a limit that may not be changed
        pass
    if sys.platform == "linux":
        try:
            import _ctypes

            prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None: the program itself
            _ctypes.call_function(prctl, (_PR_SET_DUMPABLE, 0, 0, 0, 0))
        except Exception:  # another interpreter, another C library: the limit has to do
            return


def say_line(text: str) -> None:
    """One line, without a secret and without control characters."""
    from cancelall.report.text import clean

    _say(f"cancelall: {clean(text, 500)}")


def _uncaught(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    from cancelall.core.errors import bug_words

    if issubclass(kind, KeyboardInterrupt):
        say_line("interrupted")
    else:
        say_line(f"{bug_words(fault.with_traceback(trace))} - please report it with the command that you ran")


def _in_a_thread(raised: threading.ExceptHookArgs) -> None:
    from cancelall.core.errors import bug_words

    if raised.exc_value is not None and not isinstance(raised.exc_value, SystemExit):
        say_line(f"{bug_words(raised.exc_value)}, in a thread")


def _unraisable(raised: sys.UnraisableHookArgs) -> None:
    """In place of `sys.unraisablehook`: an error while something was being thrown away."""
    from cancelall.core.errors import bug_words

    if raised.exc_value is not None:
        say_line(f"{bug_words(raised.exc_value)}, ignored")


def _warned(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """In place of `warnings.showwarning`, which prints source lines."""
    say_line(f"{category.__name__}: {message}")


# --- what a command raises ---


def held(work: Callable[[], int], words: Sequence[str] = ()) -> int:
    """The exit status of a command, whatever it raises. `words` is its line."""
    from cancelall.core.errors import CancelallError, ExitStatus, bug_words

    try:
        return work()
    except CancelallError as error:
        return fail(error.message, error.hint, error.status, error.kind, words)
    except KeyboardInterrupt:
        return fail("interrupted", "", ExitStatus.INTERRUPTED, "interrupted", words)
    except Exception as fault:  # the one boundary
        hint = "please report it with the command that you ran"
        return fail(bug_words(fault), hint, ExitStatus.BUG, "internal", words)


def fail(message: str, hint: str, status: int, kind: ErrorKind, words: Sequence[str]) -> int:
    """Say what failed and what to do next, in the form that the line wants, too; the exit status."""
    from cancelall.report.text import clean

    _to_stderr(f"cancelall: {clean(message, 1000)}{f' - {clean(hint, 500)}' if hint else ''}")
    if JSON in words:
        try:
            from cancelall.cli import no_profile
            from cancelall.core.results import ErrorReport

            no_profile.tell(words, ErrorReport(kind=kind, message=message, hint=hint), int(status))
        except Exception as fault:  # the exit status stays what it is
            from cancelall.core.errors import bug_words

            say_line(bug_words(fault))
    return int(status)


# --- what libraries log ---


def hear_logs() -> None:
    """Say every record of a library from WARNING on, of urllib3 from ERROR on, as one line without a traceback.

    `logging` takes 4 ms to import, and nothing that logs is loaded before the connections are on their way.
    """
    import logging

    class Scrubbed(logging.Handler):
        """Log records of libraries as one line each, without tracebacks."""

        def emit(self, record: logging.LogRecord) -> None:
            """Say it. Of a record that cannot be formatted the place is told."""
            try:
                said = record.getMessage()
            except Exception:  # whatever a library passed
                said = f"a message of {record.filename}:{record.lineno}"
            say_line(f"{record.name}: {said}")

    root = logging.getLogger()
    if not any(type(handler).__name__ == "Scrubbed" for handler in root.handlers):
        root.addHandler(Scrubbed(logging.WARNING))
    logging.getLogger("urllib3").setLevel(logging.ERROR)
