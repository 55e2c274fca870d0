"""Contrast, computed as WCAG 2.2 does (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio), on the palettes in use."""

from __future__ import annotations

import re

import pytest
from rich.color import Color
from rich.style import Style

from cancelall.report.badges import BAD, BADGES, DOUBTFUL, GOOD, WARNING, badge
from support import ROOT

ENOUGH = 4.5
PALETTES = {
    # Default text and background (bold text where it has a colour of its own), then the 16 colours.
    "xterm": "e5e5e5 000000 000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    "Linux console": "aaaaaa 000000 000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
    "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    "PuTTY": "bbbbbb 000000 000000 bb0000 00bb00 bbbb00 0000bb bb00bb 00bbbb bbbbbb "
    "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    "VTE dark": "d0cfcc 171421 171421 c01c28 26a269 a2734c 12488b a347ba 2aa1b3 d0cfcc "
    "5e5c64 f66151 33d17a e9ad0c 2a7bde c061cb 33c7de ffffff",
    "VTE light": "171421 ffffff 171421 c01c28 26a269 a2734c 12488b a347ba 2aa1b3 d0cfcc "
    "5e5c64 f66151 33d17a e9ad0c 2a7bde c061cb 33c7de ffffff",
    "VS Code dark": "cccccc 1e1e1e 000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5 "
    "666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db e5e5e5",
    "VS Code light": "333333 ffffff 000000 cd3131 107c10 949800 0451a5 bc05bc 0598bc 555555 "
    "666666 cd3131 14ce14 b5ba00 0451a5 bc05bc 0598bc a5a5a5",
    "Terminal.app": "000000 ffffff 000000 990000 00a600 999900 0000b2 b200b2 00a6b2 bfbfbf "
    "666666 e50000 00d900 e5e500 0000ff e500e5 00e5e5 e5e5e5",
    "Windows Terminal": "cccccc 0c0c0c 0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc "
    "767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2",
    "Solarized dark": "839496 002b36 073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 "
    "002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
    "Solarized light": "586e75 fdf6e3 073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 "
    "002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
}
SIXTEEN = ("xterm", "Linux console", "PuTTY")
"""Those whose TERM promises no more than 16 colours, in use or by choice."""


def colours(palette: str) -> list[tuple[int, ...]]:
    return [tuple(bytes.fromhex(one)) for one in PALETTES[palette].split()]


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    def luminance(colour: tuple[int, ...]) -> float:
        parts = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def shown(colour: Color | None, palette: str, default: int, *, bold: bool = False) -> tuple[int, ...]:
    """What a terminal paints; many paint bold text in the bright one of its colour."""
    if colour is None or colour.number is None:
        return colours(palette)[default]
    number = colour.number
    if number >= 16:
        return tuple(colour.get_truecolor())
    return colours(palette)[2 + number + (8 if bold and number < 8 else 0)]


def measured(style: str, palette: str) -> float:
    parsed = Style.parse(style)
    text = shown(parsed.color, palette, 0, bold=bool(parsed.bold))
    return contrast(text, shown(parsed.bgcolor, palette, 1))


@pytest.mark.parametrize("kind", [GOOD, BAD, DOUBTFUL])
@pytest.mark.parametrize("palette", PALETTES)
def test_a_badge_can_be_read_on_every_palette(palette: str, kind: str) -> None:
    assert measured(BADGES["256"][kind], palette) >= ENOUGH
    if palette in SIXTEEN:
        assert measured(BADGES["standard"][kind], palette) >= ENOUGH


@pytest.mark.parametrize("palette", PALETTES)
def test_a_warning_can_be_read_on_every_palette(palette: str) -> None:
    assert measured(WARNING, palette) >= ENOUGH


def test_the_measure_finds_what_cannot_be_read() -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert measured("bold black on green", "Linux console") < ENOUGH  # bold black is grey there
    assert measured("black on yellow", "Linux console") < ENOUGH
    assert measured("bold white on green", "Windows Terminal") < ENOUGH
    assert measured("yellow", "VS Code light") < ENOUGH


@pytest.mark.parametrize(
    ("system", "colours"), [("standard", "standard"), ("windows", "standard"), ("256", "256"), ("truecolor", "256")]
)
def test_few_colours_get_the_pairs_that_hold_there(system: str, colours: str) -> None:
    assert {kind: badge(kind, system) for kind in (GOOD, BAD, DOUBTFUL)} == BADGES[colours]


def test_every_colour_of_a_badge_is_fixed_where_there_are_256() -> None:
    numbers = [int(one) for style in BADGES["256"].values() for one in re.findall(r"color\((\d+)\)", style)]
    assert all(16 <= number <= 231 for number in numbers)


def test_colours_stand_in_the_badges_alone() -> None:
    """One of the sixteen as the colour of text is readable on some palettes only. Green says that all is well."""
    named = re.compile(r"style=\"[^\"]*(red|yellow|magenta|cyan|blue)|, \"[a-z ]*(red|yellow|magenta|cyan|blue)\"")
    for path in sorted((ROOT / "cancelall" / "report").glob("*.py")):
        if path.name != "badges.py":
            assert not named.search(path.read_text(encoding="utf-8")), path.name
