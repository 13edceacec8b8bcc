"""What rejection sampling is worth: a student of accepted samples beside a control.

Both learn with the demonstration's settings from the same base, the same problems (600 arithmetic,
360 python), the same number of rows and of tokens; the student from accepted candidates, the
control from candidates drawn at random (`factory/select/control.py`). Each seed has training
problems, candidates and an order of training of its own. All are asked the same held-out problems,
which no other recipe asks, at temperature 1 (four candidates each) and greedily. The difference is
given with its standard error over seeds.

    python benchmarks/rejection_sampling.py [--quick] [--seeds 1 2 3] [--temperatures 1.0]
                                            [--json FILE]

`--temperatures 0.7 1.0 1.3` draws the curve: the teacher samples at each of them, everything else
stays. What has been made is kept under `artifacts/`, so that a repeated command continues.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tomllib
from pathlib import Path
from typing import Any

import luigi

from factory.recipe_file import ROOT
from pipelines import DistillAll
from schemas.machine import Machine, Paths
from schemas.recipe import Recipe

_HELD_OUT_SEED = 31
_MACHINE = Machine(paths=Paths(runs="artifacts/effect/runs", datasets="artifacts/effect/datasets"))


def recipe(seed: int, temperature: float, *, greedy: bool, quick: bool) -> Recipe:
    """The demonstration's reasoning, with fewer problems, of this seed; a student and a control."""
    made: dict[str, Any] = tomllib.loads((ROOT / "recipes" / "demo.toml").read_text("utf-8"))
    made |= {"name": "effect", "seed": seed}
    sources = [one for one in made["collect"]["sources"] if one["family"] != "chat"]
    for source in sources:
        source["seed"] = 100 + seed
        source["count"] = 30 if quick else round(0.6 * source["count"])
    made["collect"]["sources"] = sources
    made["generate"]["sampling"]["temperature"] = temperature
    made["shard"]["name"] = f"effect-t{round(100 * temperature):03d}-s{seed}" + "-quick" * quick
    accepted = made["train"]["students"][0] | {"name": "accepted"}
    made["train"]["students"] = [accepted, accepted | {"name": "control", "learns_from": "all"}]
    validate = made["validate"]
    validate["k"] = 1 if greedy else 4
    validate["sampling"]["temperature"] = 0.0 if greedy else 1.0
    validate["teacher"] = True
    validate["suites"] = [one for one in validate["suites"] if "chat" not in one["name"]]
    for suite in validate["suites"]:
        suite["metric_k"] = [1]
        for source in suite["sources"]:
            source["seed"] = _HELD_OUT_SEED
            source["count"] = 20 if quick else {"arithmetic": 240, "python": 160}[source["family"]]
    return Recipe.model_validate(made)


def scores(one: Recipe) -> dict[str, dict[str, Any]]:
    """Run it; pass@1 over all problems of base, teacher, accepted and control, and rows."""
    task = DistillAll(recipe=one, machine=_MACHINE)
    if not luigi.build([task], local_scheduler=True, log_level="ERROR"):
        raise SystemExit("the run failed; see above, mend it and repeat the command")
    run = json.loads(task.record.read_text(encoding="utf-8"))
    return {
        {"student": "accepted"}.get(row["role"], row["role"]): row
        | {"rows": run["dataset"]["rows"]}
        for row in run["scores"]
        if (row["suite"], row["metric"]) == ("all", "pass@1")
    }


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Mean and its standard error over seeds; 0 for a single seed."""
    if len(values) == 1:
        return values[0], 0.0
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0])
    parser.add_argument("--quick", action="store_true", help="few problems, to try the command")
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    asked = parser.parse_args()
    found: list[dict[str, Any]] = []
    for temperature in asked.temperatures:
        for seed in asked.seeds:
            for greedy in (False, True):
                made = scores(recipe(seed, temperature, greedy=greedy, quick=asked.quick))
                found += [
                    {"teacher_temperature": temperature, "seed": seed, "greedy": greedy, **row}
                    | {"who": who}
                    for who, row in made.items()
                ]
                if asked.json:
                    asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    report(found)


def report(found: list[dict[str, Any]]) -> None:
    """One line per temperature of the teacher and way of answering, in Markdown."""
    print(
        "| teacher at | asked at | rows | base | teacher | student | control | student - control |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for temperature, greedy in sorted({(r["teacher_temperature"], r["greedy"]) for r in found}):
        here = [
            r for r in found if (r["teacher_temperature"], r["greedy"]) == (temperature, greedy)
        ]
        by_who = {
            who: [100 * r["value"] for r in here if r["who"] == who]
            for who in ("base", "teacher", "accepted", "control")
        }
        cells = [f"{statistics.mean(values):.1f}%" for values in by_who.values()]
        gains = [a - c for a, c in zip(by_who["accepted"], by_who["control"], strict=True)]
        gain, error = mean_and_error(gains)
        rows = round(statistics.mean(r["rows"] for r in here))
        print(
            f"| {temperature} | {'greedy' if greedy else 'temperature 1'} | {rows:,} | "
            + " | ".join(cells)
            + f" | {gain:+.1f} ± {error:.1f} |"
        )


if __name__ == "__main__":
    main()
