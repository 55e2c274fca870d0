"""Tables and pictures of the bench, from figures that are given."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.page import Bound, Column, Curve, Panel, bounds_table, by_number, compared, curves, nice_step

SVG = "{http://www.w3.org/2000/svg}"


def test_a_figure_has_that_of_the_last_run_next_to_it() -> None:
    columns = (Column("s", compared=True), Column("peak MB", ".0f"))
    rows = {"one": {"s": 1.234, "peak MB": 30.4}, "two": {"s": 2.0, "peak MB": 31.0}}
    before = {"one": {"s": 1.5, "peak MB": 99.0}, "gone": {"s": 9.0}}
    assert compared("kill", columns, rows, before) == [
        "| kill | before | s | peak MB |",
        "| --- | ---: | ---: | ---: |",
        "| one | 1.50 | 1.23 | 30 |",
        "| two | – | 2.00 | 31 |",
    ]


def test_a_figure_that_was_not_measured_is_a_dash() -> None:
    assert compared("kill", (Column("s"),), {"one": {}}, {})[-1] == "| one | – |"


@pytest.mark.parametrize(("measured", "holds"), [(0.85, "yes"), (0.8501, "**no**"), (float("nan"), "**no**")])
def test_a_bound_holds_up_to_itself(measured: float, holds: str) -> None:
    (row,) = bounds_table([Bound("a / b", 0.85, measured)], {"a / b": 1.02})[2:]
    assert row == f"| a / b | 0.85 | 1.02 | {measured:.2f} | {holds} |"


def test_a_narrower_and_a_wider_bound_of_one_figure_stand_apart() -> None:
    rows = bounds_table([Bound("a / b", most, 1.0) for most in (0.85, 1.35)], {})[2:]
    assert rows == ["| a / b | 0.85 | – | 1.00 | **no** |", "| a / b | 1.35 | – | 1.00 | yes |"]


def test_rows_that_are_named_by_numbers() -> None:
    rows = {"10": {"s": 1.0}, "1,000": {"s": 2.0, "MB": 9.0}, "300": {"MB": 3.0}}
    assert by_number(rows, "s") == {10: 1.0, 1000: 2.0}


def drawn(points: dict[int, float], before: dict[int, float]) -> ElementTree.Element:
    text = curves("s", [Panel("profiles & more", [Curve("verdict", points, before)])])
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def test_a_curve_is_drawn_next_to_the_last_one() -> None:
    picture = drawn({1: 1.0, 10: 1.5, 100: 2.0}, {1: 2.0, 100: 4.0, 1000: 90.0})
    dashed, whole = picture.iter(f"{SVG}polyline")
    places = [[tuple(map(float, one.split(","))) for one in line.attrib["points"].split()] for line in (dashed, whole)]
    assert ("stroke-dasharray" in dashed.attrib, "stroke-dasharray" in whole.attrib) == (True, False)
    (first, _), (_, middle, last) = places[0], places[1]
    assert len(places[0]) == 2  # what is beyond the axis of now is left out
    assert middle[0] * 2 == pytest.approx(first[0] + last[0], abs=0.2)  # a logarithmic axis
    assert first[1] == last[1]  # two seconds are as high, then and now
    assert middle[1] > last[1]  # upwards
    words = [one.text for one in picture.iter(f"{SVG}text")]
    assert {"profiles & more", "1", "10", "100", "verdict: 2.00 s"} <= set(words)


def test_a_picture_brings_its_own_ground() -> None:
    ground = next(drawn({1: 1.0, 10: 1.5}, {}).iter(f"{SVG}rect"))
    assert ground.attrib["fill"] == "white"


def test_a_curve_without_a_last_run_or_with_one_point() -> None:
    assert len(list(drawn({1: 1.0, 10: 1.5}, {}).iter(f"{SVG}polyline"))) == 1
    assert len(list(drawn({1: 1.0}, {}).iter(f"{SVG}circle"))) == 1


@pytest.mark.parametrize("most", [0.004, 0.4, 1.0, 1.01, 2.61, 7.1, 9.99, 10.0, 26.0, 4300.0])
def test_lines_of_a_grid(most: float) -> None:
    assert 3 <= most / nice_step(most) <= 10
