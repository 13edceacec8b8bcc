"""How often the 95% intervals of validation hold the truth, and how wide they are.

Problems with chances of their own are drawn from a beta distribution, k candidates for each of
them from its chance, and the interval is taken as `factory.validate` takes it; the truth is the
mean of the distribution. Beside ours stands the interval of 1.96 standard errors on both sides.

    python benchmarks/interval_coverage.py [--quick] [--json FILE]

Needs nothing but numpy; seeded.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from factory.validate.metrics import estimate

_HARDNESS: Final = {
    "all about as hard (beta 20, 20)": (20.0, 20.0),
    "of every hardness (beta 1, 1)": (1.0, 1.0),
    "solved or not (beta 0.3, 0.3)": (0.3, 0.3),
    "nearly all too hard (beta 0.2, 5)": (0.2, 5.0),
    "nearly all solved (beta 5, 0.1)": (5.0, 0.1),
}
_PROBLEMS: Final = (10, 30, 100, 500)
_CANDIDATES: Final = (1, 8, 64)
_Z: Final = 1.96


@dataclass(frozen=True)
class Covered:
    """One line of the table."""

    hardness: str
    problems: int
    candidates: int
    held: float
    """Share of the intervals with the truth in them."""
    width: float
    plain_held: float
    """The same of mean and 1.96 standard errors."""


def covered(
    hardness: str, problems: int, candidates: int, *, times: int, seed: int = 20_250_129
) -> Covered:
    """So many suites of problems drawn, answered and measured."""
    first, second = _HARDNESS[hardness]
    truth = first / (first + second)
    draw = np.random.default_rng(seed)
    held, plain, width = 0, 0, 0.0
    for _ in range(times):
        correct = draw.binomial(candidates, draw.beta(first, second, size=problems))
        values = (correct / candidates).tolist()
        found = estimate(values, candidates=problems * candidates)
        held += found.low <= truth <= found.high
        plain += abs(found.value - truth) <= _Z * found.stderr
        width += found.high - found.low
    return Covered(hardness, problems, candidates, held / times, width / times, plain / times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the suites")
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    times = 200 if arguments.quick else 2000
    rows = [
        covered(hardness, problems, candidates, times=times)
        for hardness in _HARDNESS
        for problems in _PROBLEMS
        for candidates in _CANDIDATES
    ]
    print(f"{times:,} suites each\n")
    print("| problems | k | hold the truth | mean width | ±1.96 standard errors hold |")
    print("|---|---|---|---|---|")
    for hardness in _HARDNESS:
        print(f"| **{hardness}** | | | | |")
        for one in rows:
            if one.hardness == hardness:
                print(
                    f"| {one.problems} | {one.candidates} | {one.held:.1%} | {one.width:.3f} "
                    f"| {one.plain_held:.1%} |"
                )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
