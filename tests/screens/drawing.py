"""A scene as it comes to a terminal, or through pipes: by the very code that writes it there."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

from cancelall.cli.execute import Streams
from cancelall.cli.options import Output
from cancelall.core.secret import scrub
from cancelall.report.streams import Outlet
from screens.scenes import Scene

THEMES: dict[str, TerminalTheme] = {"dark": SVG_EXPORT_THEME, "light": DEFAULT_TERMINAL_THEME}
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class _Stream(io.StringIO):
    """A terminal, or a pipe."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return self._terminal


class _AtOnce(Outlet):
    """Writes where it stands, so that two streams come in their order."""

    def write(self, render: Callable[[], str]) -> None:
        assert self.stream is not None
        self.stream.write(scrub(render()))

    def close(self, seconds: float | None) -> None:
        """Everything is written."""


def _streams(scene: Scene, width: int, out: _Stream, err: _Stream, *, quiet: bool = False) -> Streams:
    streams = Streams(Output(quiet=quiet), {"COLUMNS": str(width), "TERM": "xterm-256color"})
    streams.data, streams.notes = _AtOnce(out, "stdout"), _AtOnce(err, "stderr")  # type: ignore[misc]
    streams.line, streams.positions = list(scene.line), "" if quiet else "after"
    streams.alone = len(scene.reports) == 1
    return streams


def first_lines(scene: Scene, width: int) -> str:
    """What is said as the first requests leave."""
    out = _Stream(terminal=True)
    streams = _streams(scene, width, out, out)
    for target in scene.targets:
        streams.target(target)
    return out.getvalue()


def written(scene: Scene, width: int, *, terminal: bool = True, quiet: bool = False) -> tuple[str, str]:
    """What comes to stdout, and to stderr; a terminal gets both as stdout."""
    out = _Stream(terminal=terminal)
    err = out if terminal else _Stream(terminal=False)
    streams = _streams(scene, width, out, err, quiet=quiet)
    for target in scene.targets:
        streams.target(target)
    late = {name: (verdict, after) for name, verdict, after in scene.decided}
    for report in scene.reports:
        if report.profile in late:
            streams.decided(report.profile, *late[report.profile])
        streams.finished(report)
        if not quiet:  # else none are read
            streams.with_positions(scene.positions[report.profile])
    streams.summary(list(scene.results), scene.status)
    return out.getvalue(), "" if terminal else err.getvalue()


def rows(text: str, width: int) -> list[Text]:
    """The rows of a terminal of this width: what is longer goes on in the next one."""
    made: list[Text] = []
    for line in text.splitlines():
        row = Text.from_ansi(line, tab_size=8)
        row.rstrip()
        cut = list(range(width, len(row.plain), width))
        made += list(row.divide(cut)) if cut else [row]
    return made


def prompt(scene: Scene) -> Text:
    """What was typed."""
    return Text(f"$ cancelall {' '.join(scene.line)}", style="bold")


def page(scene: Scene, width: int, *, last: int | None = None) -> list[Text]:
    """The prompt and what follows it; with `last` only so many rows at the end, as they stand on a screen."""
    shown = [prompt(scene), *rows(written(scene, width)[0], width)]
    return shown if last is None else shown[-last:]


def while_it_runs(scene: Scene, width: int) -> list[Text]:
    """The prompt, the first lines, and the live ones at a moment."""
    first = rows(first_lines(scene, width), width)
    return [prompt(scene), *first, *(Text(line) for line in scene.live)]


def picture(shown: list[Text], width: int, title: str, theme: str) -> str:
    """The rows as an SVG in one of two palettes, without fonts from elsewhere."""
    recorder = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", _environ={}
    )
    for row in shown:
        recorder.print(row, no_wrap=True, overflow="ignore", crop=False)
    return _FONTS.sub("", recorder.export_svg(title=title, theme=THEMES[theme], unique_id="s"))
