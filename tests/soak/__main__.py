"""Runs schedules outside of pytest: `python -m soak FIRST COUNT [VENUE]...`, or `python -m soak SEED`, made smaller."""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.soak.plans import plan_of
from tests.soak.schedule import minimal, run


def main(words: list[str]) -> int:
    """Tell what failed."""
    first, number = int(words[0]), int(words[1]) if len(words) > 1 else 1
    began, counts, failed = time.monotonic(), Counter[str](), 0
    for seed in range(first, first + number):
        result = run(plan_of(seed, words[2:]))
        counts.update(f"{result.plan.venue} {report.verdict.value}" for report in result.reports)
        if result.problems:
            failed += 1
            sys.stdout.write(f"{result.told() if number == 1 else f'{seed} {result.plan.venue} {result.problems}'}\n")
        elif number == 1:
            sys.stdout.write(f"{result.told()}\n")
    if number == 1 and failed:
        less = minimal(plan_of(first, words[2:]), lambda result: bool(result.problems))
        sys.stdout.write(f"\nsmaller: {less.told()}\n")
    spent = time.monotonic() - began
    sys.stdout.write(f"{number} schedules, {failed} failed, {spent:.1f} s\n")
    sys.stdout.write("\n".join(f"{name:24} {count}" for name, count in sorted(counts.items())) + "\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
