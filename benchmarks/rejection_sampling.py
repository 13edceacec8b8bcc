"""What rejection sampling is worth: a student of accepted samples beside a control.

Both learn with the demonstration's settings from the same base, the same problems (600 arithmetic,
360 python), the same number of rows and of tokens; the student from accepted candidates, the
control from candidates drawn at random (`factory/select/control.py`). Each seed has training
problems, candidates and an order of training of its own. All are asked the same 400 held-out
problems, at temperature 1 (four candidates each) and greedily. The difference is given with its
standard error over seeds, which leaves out that other problems could have been asked.

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

from factory.parts import read_manifest
from factory.recipe_file import ROOT
from pipelines import DistillAll
from schemas.machine import Machine, Paths
from schemas.recipe import Recipe
from schemas.verdict import Status

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


def scores(one: Recipe) -> list[dict[str, Any]]:
    """Run it; pass@1 over all problems of each model, with facts about the data beside it."""
    task = DistillAll(recipe=one, machine=_MACHINE)
    luigi.build([task], local_scheduler=True, log_level="ERROR", workers=2)
    if not task.complete():
        raise SystemExit("the run failed; see above, mend it and repeat the command")
    run = json.loads(task.record.read_text(encoding="utf-8"))
    rows = run["dataset"]["rows"]
    select = next(entry for entry in run["ledger"] if entry["stage"] == "select")
    wrong = sum(count for reason, count in select["drops"].items() if reason in set(Status))
    control = next(Path(stage["path"]) for stage in run["stages"] if stage["stage"] == "control")
    facts = {
        "rows": rows,
        "correct_candidates": 1 - wrong / select["rows_in"],
        "correct_in_control": read_manifest(control).figures["correct"] / rows,
    }
    return [
        row | facts for row in run["scores"] if (row["suite"], row["metric"]) == ("all", "pass@1")
    ]


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
                asked_how = {
                    "teacher_temperature": temperature,
                    "training_seed": seed,
                    "greedy": greedy,
                }
                found += [row | asked_how for row in made]
                if asked.json:
                    asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    report(found)


def report(found: list[dict[str, Any]]) -> None:
    """One line per temperature of the teacher and way of asking, in Markdown."""
    print(
        "| teacher samples at | correct candidates | correct rows of the control | rows | asked "
        "| base | teacher | student | control | student - control |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for temperature, greedy in sorted({(r["teacher_temperature"], r["greedy"]) for r in found}):
        here = [
            r for r in found if (r["teacher_temperature"], r["greedy"]) == (temperature, greedy)
        ]
        by_role = {
            role: [100 * r["value"] for r in here if r["role"] == role]
            for role in ("base", "teacher", "student", "control")
        }
        gains = [a - c for a, c in zip(by_role["student"], by_role["control"], strict=True)]
        gain, error = mean_and_error(gains)
        mean = {
            name: statistics.mean(r[name] for r in here)
            for name in ("correct_candidates", "correct_in_control", "rows")
        }
        cells = [
            str(temperature),
            f"{100 * mean['correct_candidates']:.0f}%",
            f"{100 * mean['correct_in_control']:.0f}%",
            f"{mean['rows']:,.0f}",
            "greedily" if greedy else "at temperature 1",
            *(f"{statistics.mean(values):.1f}%" for values in by_role.values()),
            f"{gain:+.1f} ± {error:.1f}",
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
