"""What a person sees: every word at every width, what has to stand on the last screen, and the pictures of it."""

from __future__ import annotations

import re

import pytest

from cancelall.core.model import State, Verdict
from screens import documents
from screens.documents import PICTURES, SCREEN, TEXTS, WIDTHS
from screens.drawing import page, while_it_runs, written
from screens.guards import GUARD_WIDTHS, GUARDS, guard_page
from screens.scenes import SCENES, scene

HOW_TO_MAKE_IT_NEW = "run: PYTHONPATH=tests python -m screens.documents, and look at what has changed"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return documents.texts()


@pytest.mark.parametrize("name", [*SCENES, *(f"guard-{name}" for name in GUARDS)])
def test_every_word_is_as_it_was(name: str, texts: dict[str, str]) -> None:
    assert (TEXTS / f"{name}.txt").read_text(encoding="utf-8") == texts[f"{name}.txt"], HOW_TO_MAKE_IT_NEW


def test_the_document_and_its_pictures_are_up_to_date() -> None:
    assert documents.DOCUMENT.read_text(encoding="utf-8") == documents.document(), HOW_TO_MAKE_IT_NEW
    made = documents.pictures()
    assert {path.name for path in PICTURES.iterdir()} == set(made)
    for name, text in made.items():
        assert (PICTURES / name).read_text(encoding="utf-8") == text, f"{name}: {HOW_TO_MAKE_IT_NEW}"
        assert len(text) < 40_000
        assert "@font-face" not in text  # nothing is loaded from elsewhere


def test_the_scenes_are_what_they_are_called() -> None:
    def counted(name: str) -> dict[str, int]:
        (report,) = scene(name).results
        return {state.value: report.count(state) for state in State if report.count(state)}

    verdicts = {name: {one.verdict for one in scene(name).results} for name in SCENES}
    assert verdicts == {
        "clear": {Verdict.CLEAR},
        "survivors": {Verdict.OPEN},
        "five": {Verdict.CLEAR},
        "thirty": {Verdict.CLEAR, Verdict.UNREACHABLE},
        "offline": {Verdict.UNREACHABLE},
        "key": {Verdict.REFUSED},
        "interrupted": {Verdict.UNPROVEN},
    }
    assert counted("survivors") == {"cancelled": 82, "failed": 4}
    assert [len(scene(name).results) for name in ("five", "thirty")] == [5, 30]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_terminal_and_no_id_is_cut(name: str, width: int) -> None:
    shown = page(scene(name), width)
    assert max(len(row.plain) for row in shown[1:]) <= width
    everything = "".join(re.sub(r"\s", "", row.plain) for row in shown)
    for report in scene(name).results:
        for order in report.orders[:20] if len(scene(name).results) < 2 else ():
            if order.state in (State.OPEN, State.FAILED):
                assert order.order.id in everything


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_worst_is_on_the_last_screen(name: str, width: int) -> None:
    """Where several are killed the line that tells the whole is the last; else the verdict, or it is a few lines up."""
    one = scene(name)
    last = "\n".join(row.plain for row in page(one, width, last=SCREEN))
    worst = [report for report in one.results if report.exit_status]
    words = "NOT CLEAR" if len(one.results) > 1 and worst else (worst or one.results)[0].verdict.value.upper()
    assert f" {words} " in last
    for report in worst:
        assert report.profile in last
        assert report.verdict.value.upper() in last.upper()


@pytest.mark.parametrize("name", SCENES)
def test_a_pipe_gets_no_colour_and_each_verdict_in_one_line(name: str) -> None:
    out, err = written(scene(name), 80, terminal=False)
    assert "\x1b" not in out + err
    for report in scene(name).results:
        line = rf"^ {report.verdict.value.upper()}  {report.profile}\b.* · exit {int(report.exit_status)}$"
        assert re.search(line, out, re.MULTILINE)


def test_the_verdict_is_the_last_line_of_a_terminal_and_stands_once_in_a_pipe() -> None:
    """Below the positions of a single profile; where there are several, the line that tells the whole is the last."""
    for name in ("clear", "survivors"):
        badge = f" {scene(name).results[0].verdict.value.upper()} "
        shown = [row.plain for row in page(scene(name), 200)]
        told = [index for index, row in enumerate(shown) if row.startswith(badge)]
        positions = next(index for index, row in enumerate(shown) if "positions that stay open" in row)
        assert told[0] < positions < told[1] == len(shown) - 1
        assert shown[told[0]] == shown[told[1]]
        out, _ = written(scene(name), 200, terminal=False)
        assert sum(line.startswith(badge) for line in out.splitlines()) == 1
    shown = [row.plain for row in page(scene("five"), 200)]
    assert shown[-1].startswith(" CLEAR  5 of 5 profiles")
    assert sum(row.startswith(" CLEAR  bybit") for row in shown) == 1


def test_offline_is_told_in_the_live_line_and_once_in_the_result() -> None:
    one = scene("offline")
    why = "api.bybit.com cannot be resolved: is this machine online?"
    assert [why in line for line in one.live] == [True]
    assert one.live[0].endswith("1.4 s")
    assert " ".join(row.plain for row in page(one, 200)).count(why) == 1
    assert any(why in row.plain for row in while_it_runs(one, 100))


def test_one_cause_is_said_once() -> None:
    shown = " ".join(row.plain for row in page(scene("key"), 200))
    assert shown.count("API key is invalid") == 2  # the cause, and why the positions are not known


def test_interrupted_says_what_was_accepted_what_is_proven_and_what_finishes_it() -> None:
    shown = " ".join(row.plain for row in page(scene("interrupted"), 200))
    assert "11 order(s) accepted, 0 of 7 segments proven" in shown
    assert "next: to finish and prove it: cancelall bybit" in shown


def test_orders_that_a_complete_listing_lacked_are_not_called_open() -> None:
    """The last listing was cut off by the deadline: what the one before had shown to be gone stays gone."""
    (report,) = scene("survivors").results
    left = [row.order.id for row in report.orders if row.state in (State.OPEN, State.FAILED)]
    assert len(left) == 4
    shown = " ".join(row.plain for row in page(scene("survivors"), 200))
    assert "4 order(s) are still open" in shown


@pytest.mark.parametrize("name", GUARDS)
@pytest.mark.parametrize("width", GUARD_WIDTHS)
def test_a_guard_fits_its_terminal_and_its_last_lines_tell_the_whole(name: str, width: int) -> None:
    shown = [row.plain for row in guard_page(name, width)]
    assert max(map(len, shown)) <= width
    last = "\n".join(shown[-5:])
    assert f" {name.upper()} " in last
    assert re.search(r"exit \d+$", last)
