"""The colours in which a verdict stands, readable on every palette. It knows no Rich, only its words for styles.

A terminal paints the 16 colours as its owner likes; the 216 of the cube (16 to 231) are the same everywhere. Where
there are only 16 (Linux console, TERM=xterm), the pairs are those whose contrast holds on their palettes.
"""

from __future__ import annotations

from cancelall.core.model import Verdict

GOOD, BAD, DOUBTFUL = "good", "bad", "doubtful"
BADGES = {
    "256": {
        GOOD: "bold color(16) on color(40)",
        BAD: "bold color(231) on color(160)",
        DOUBTFUL: "bold color(16) on color(220)",
    },
    "standard": {
        GOOD: "black on green",  # bold black would be grey where bold means bright
        BAD: "bold bright_white on red",
        DOUBTFUL: "bold bright_white on magenta",  # black on yellow is black on brown in the Linux console
    },
}
"""Styles of Rich by the number of colours: 256 and more, or 16."""
WARNING = "bold"
"""A warning stands in the colours that its reader has chosen."""
_OF_VERDICT = {Verdict.CLEAR: GOOD, Verdict.ABSENT: GOOD, Verdict.UNPROVEN: DOUBTFUL}


def badge(kind: str, color_system: str | None) -> str:
    """The style of a badge on a console with this colour system, in Rich's words; without colours nobody sees it."""
    return BADGES["standard" if color_system in ("standard", "windows") else "256"][kind]


def of_verdict(verdict: Verdict) -> str:
    """The kind of badge of a verdict."""
    return _OF_VERDICT.get(verdict, BAD)
