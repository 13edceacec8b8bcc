"""The whole data path at the recipe's full size, with a funnel that is known before.

    python benchmarks/rehearsal.py [--samples N …] [--folder DIR] [--json FILE] [--quick]
                                   [--core-hour-price P]

For each number of published samples: problems (made sums, GSM8K, MATH, MBPP, the procedural source)
for three candidates to a sample, a teacher over HTTP that answers with right, wrong, cut,
degenerate and duplicated responses in known numbers, and then what a user runs: `BuildDataset` on a
recipe and a machine file, code in Docker sandboxes, `retort dataset verify`, `load_dataset`. Every
count must be the planned one, to the row; a mismatch is said with both numbers, and the command
then exits with 1.

It can be stopped at any moment, also by `kill -9`: the same command with the same `--folder` goes
on. Without `--folder` it works in a temporary one and removes it. docs/rehearsal.md explains plan
and figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from generation.table import machine_line
from rehearsals.checks import checks
from rehearsals.figures import figures_of, slopes
from rehearsals.place import Place
from rehearsals.plan import Plan
from rehearsals.run import rehearse
from rehearsals.table import show, show_slopes

from factory.errors import RetortError

FULL: Final = 800_000
QUICK: Final = 4_000


def main() -> int:
    """Rehearse, check and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, nargs="+", help=f"published ones; else {FULL:,}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} samples: two minutes")
    parser.add_argument("--folder", type=Path, help="where all is written, and kept")
    parser.add_argument("--json", type=Path, help="write figures here too")
    parser.add_argument("--core-hour-price", type=float, help="of one core for an hour")
    parser.add_argument(
        "--spoil", type=int, default=0, help="answers against the plan, to see the checks fail"
    )
    given = parser.parse_args()
    sizes: list[int] = given.samples or [QUICK if given.quick else FULL]
    print(machine_line(), flush=True)
    root = given.folder or Path(tempfile.mkdtemp(prefix="rehearsal-"))
    runs: list[dict[str, Any]] = []
    try:
        plans = [Plan(size) for size in sizes]
        for plan in plans:
            runs.append(_one(root / str(plan.samples), plan, given))
    except (RetortError, ValueError) as error:
        print(f"rehearsal: {error}", file=sys.stderr)
        return 1
    finally:
        if given.folder is None:
            shutil.rmtree(root)
    grown = slopes(runs)
    result = {"machine": machine_line(), "runs": runs, "slopes": grown}
    if grown:
        show_slopes(grown)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if all(run["as_planned"] for run in runs) else 1


def _one(folder: Path, plan: Plan, given: argparse.Namespace) -> dict[str, Any]:
    print(
        f"{plan.samples:,} samples of {plan.candidates:,} candidates to {plan.asked:,} problems, "
        f"{plan.sandbox_runs:,} programs in sandboxes; in {folder}",
        flush=True,
    )
    place = Place(folder)
    rehearse(place, plan, given.spoil)
    found = list(checks(place, plan))
    wrong = [check for check in found if not check.passed]
    for check in wrong:
        print(
            f"rehearsal of {plan.samples} samples, {check.name}: expected {check.expected}, found "
            f"{check.found}; see {folder}",
            file=sys.stderr,
        )
    figures = figures_of(place, plan, given.core_hour_price)
    show(figures)
    print(f"{len(found) - len(wrong)} of {len(found)} counts are as planned\n", flush=True)
    return {**figures, "as_planned": not wrong}


if __name__ == "__main__":
    sys.exit(main())
