"""docs/screens.md and its pictures, and the texts that the tests compare: `python -m screens.documents`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from screens.drawing import page, picture, while_it_runs, written
from screens.guards import GuardShot, guard_texts
from screens.scenes import SCENES, scene

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "screens.md"
PICTURES = ROOT / "docs" / "screens"
TEXTS = Path(__file__).resolve().parent / "expected"
WIDTHS = (40, 80, 200)
"""Columns at which the texts are compared."""
SCREEN = 24
"""Rows of a small terminal."""
_MANY = 10
"""Profiles of which only the end is compared."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture of the document."""

    name: str
    scene: str
    words: str
    width: int = 80
    last: int | None = None
    """Rows at the end, as many as a screen has; None for all."""
    running: bool = False
    """What stands there while it runs."""
    themes: tuple[str, ...] = ("light", "dark")

    def files(self) -> Iterator[tuple[str, str]]:
        """Name and content of each file."""
        one = scene(self.scene)
        shown = while_it_runs(one, self.width) if self.running else page(one, self.width, last=self.last)
        for theme in self.themes:
            yield f"{self.name}-{theme}.svg", picture(shown, self.width, f"{self.width} columns", theme)

    def markdown(self) -> str:
        """How the document shows it: in the reader's own palette, where there are both."""
        if len(self.themes) == 1:
            return f"![{self.words}](screens/{self.name}-{self.themes[0]}.svg)"
        return (
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="screens/{self.name}-dark.svg">'
            f'<img alt="{self.words}" src="screens/{self.name}-light.svg"></picture>'
        )


CHAPTERS: tuple[tuple[str, str, tuple[Shot | GuardShot, ...]], ...] = (
    (
        "One venue, clear",
        "The verdict comes at once, the positions that stay open within two seconds, and the verdict once "
        "more below them.",
        (
            Shot(name="clear", scene="clear", words="One venue, clear"),
            Shot(name="clear-wide", scene="clear", words="The same at 200 columns", width=200, themes=("dark",)),
        ),
    ),
    (
        "86 orders, of which 4 survive",
        "What is not good stands directly above the verdict: the orders that are left, with their ids in full, the "
        "warnings, and the command that comes next.",
        (
            Shot(name="survivors", scene="survivors", words="The end of a run that leaves 4 orders", last=44),
            Shot(
                name="survivors-narrow",
                scene="survivors",
                words="The same at 40 columns: lines, not tables",
                width=40,
                last=60,
                themes=("light",),
            ),
        ),
    ),
    (
        "Five venues",
        "Each with all that is known of it, as soon as it is known; then a row for each, the worst at the end, and one "
        "line that tells the whole.",
        (Shot(name="five", scene="five", words="The last screen of a run over five venues", last=SCREEN),),
    ),
    (
        "30 profiles, one of them dead",
        "On a terminal of 80 columns and 24 rows the one that is not clear is on the last screen.",
        (Shot(name="thirty", scene="thirty", words="The last screen of a run over 30 profiles", last=SCREEN),),
    ),
    (
        "Offline",
        "The live line says so within two seconds, and the verdict's cause is the name that cannot be resolved.",
        (
            Shot(name="offline-running", scene="offline", words="After 1.4 s", running=True, width=100),
            Shot(name="offline", scene="offline", words="At the deadline"),
        ),
    ),
    (
        "A wrong key",
        "One cause, said once.",
        (Shot(name="key", scene="key", words="A key that the venue does not know"),),
    ),
    (
        "Interrupted",
        "Ctrl-C: what was accepted, what is proven, and the command that finishes it.",
        (Shot(name="interrupted", scene="interrupted", words="Ctrl-C after 0.9 s"),),
    ),
    (
        "A guard that stands",
        "`cancelall guard status`: what it looks at, what a kill would meet now, and one line that tells the whole.",
        (
            GuardShot(name="armed", words="Armed and able"),
            GuardShot(name="degraded", words="A key was refused: it could not fire everywhere"),
            GuardShot(name="latched", words="It has fired, and stands by"),
        ),
    ),
)

_HEAD = """\
# What a person sees

Kills of the embedded exchange, drawn by the code that writes to a terminal: in the reader's palette, at 80 columns
where nothing else is said. Names of hosts are those of the venues, ids and prices are made up. A test runs each of them
again, and compares every word at 40, 80 and 200 columns and through a pipe.

Made by `make docs` from `tests/screens`.
"""


def document() -> str:
    """The document as it has to be."""
    parts = [_HEAD]
    for heading, words, shots in CHAPTERS:
        parts += [f"## {heading}\n", f"{words}\n", *(f"{shot.markdown()}\n" for shot in shots)]
    out, err = written(scene("key"), 80, terminal=False)
    parts += [
        "## Through pipes\n",
        "No colours, and the verdict is one line, for `grep`. On stderr:\n",
        f"```text\n{err}```\n",
        "and on stdout:\n",
        "```text\n" + "".join(f"{line.rstrip()}\n" for line in out.splitlines()) + "```\n",
    ]
    return "\n".join(parts)


def pictures() -> dict[str, str]:
    """The content of each picture by its file's name."""
    return {name: text for _, _, shots in CHAPTERS for shot in shots for name, text in shot.files()}


def texts() -> dict[str, str]:
    """What each scene shows at every width and through a pipe, by the name of the file that has it."""
    return {f"{name}.txt": "\n".join(_variants(name)) + "\n" for name in SCENES} | guard_texts()


def _variants(name: str) -> Iterator[str]:
    one = scene(name)
    for width in WIDTHS:
        yield f"=== {width} columns, while it runs"
        yield from (row.plain for row in while_it_runs(one, width))
        last = SCREEN if len(one.reports) > _MANY else None
        yield f"=== {width} columns{f', the last {last} rows' if last else ''}"
        yield from (row.plain for row in page(one, width, last=last))
    for words, quiet in (("", False), (", quiet", True)):
        if len(one.reports) > _MANY and not quiet:
            continue
        out, err = written(one, 80, terminal=False, quiet=quiet)
        yield f"=== stderr through a pipe{words}"
        yield from err.splitlines()
        yield f"=== stdout through a pipe{words}"
        yield from (line.rstrip() for line in out.splitlines())


def main() -> None:
    """Write everything, and take away what belongs to nothing any more."""
    for folder, files in ((PICTURES, pictures()), (TEXTS, texts())):
        folder.mkdir(exist_ok=True)
        for old in set(folder.iterdir()) - {folder / name for name in files}:
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
