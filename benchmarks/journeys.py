"""What journeys are worth: students of journeys beside a student of the right candidates alone.

All learn with the demonstration's settings from the same base, the same problems (600 arithmetic,
360 python) and the same candidates of the embedded teacher, at most two right ones per problem:

    shortcut        right candidates alone
    journeys 0.5    half of the problems that can have journeys have them, up to two
    journeys 1.0    all of them
    more shortcuts  as many tokens as `journeys 1.0`, made of more right candidates per problem

Held equal between the first three: the rows, one by one. A row is the same right candidate, of the
same prompt, with or without a wrong attempt before it; epochs, batch and learning rate are the
same, so journeys have more tokens. Held equal between the last two: the characters of the
completions by domain, as near as whole rows allow, and so nearly the tokens that are learned (the
table has them, for one epoch); the last has more rows. Nothing is deduplicated,
so that no arm loses rows that another keeps. Each seed has training problems, candidates and an
order of training of its own. All are asked the same 400 held-out problems, at temperature 1 (four
candidates each) and greedily, with room for an answer of 400 tokens. Differences to `shortcut` and
to `more shortcuts` are given with their standard error over seeds, which leaves out that other
problems could have been asked.

    python benchmarks/journeys.py [--quick] [--seeds 1 2 3] [--json FILE]

What has been made is kept under `artifacts/`, so that a repeated command continues.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any, Final

import luigi
from rejection_sampling import mean_and_error
from rejection_sampling import recipe as problems_of_seed

from factory.parts import iter_columns, read_manifest
from pipelines import DistillAll, SelectSamples
from schemas.machine import Machine, Paths
from schemas.recipe import Recipe

SHORTCUT: Final = "shortcut"
MORE: Final = "more shortcuts"
SHARES: Final = {SHORTCUT: 0.0, "journeys 0.5": 0.5, "journeys 1.0": 1.0}
ARMS: Final = (*SHARES, MORE)

_PER_PROBLEM: Final = 2
_MOST_PER_PROBLEM: Final = 12
_ROOM_TOKENS: Final = 400
_MACHINE: Final = Machine(
    paths=Paths(runs="artifacts/journeys/runs", datasets="artifacts/journeys/datasets")
)


def recipe(
    seed: int, arm: str, *, greedy: bool, quick: bool, quota: dict[str, int] | None = None
) -> Recipe:
    """The recipe of one arm; `quota` says how many rows per domain `more shortcuts` has."""
    made = problems_of_seed(seed, 1.0, greedy=greedy, quick=quick).model_dump(
        mode="json", by_alias=True
    )
    made["name"] = "journeys"
    made["select"] |= {"per_problem": _PER_PROBLEM, "quota": {}, "pick": "random"}
    if arm == MORE:
        made["select"] |= {"per_problem": _MOST_PER_PROBLEM, "quota": quota or {}}
    made["select"]["journeys"] = {"share": SHARES.get(arm, 0.0), "per_problem": _PER_PROBLEM}
    slug = arm.replace(" ", "-").replace(".", "")
    made["shard"] |= {
        "name": f"journeys-{slug}-s{seed}" + "-quick" * quick,
        "dedupe": "none",
        "decontaminate": False,
    }
    made["train"]["students"] = [made["train"]["students"][0] | {"name": slug}]
    made["validate"]["sampling"]["max_tokens"] = _ROOM_TOKENS
    return Recipe.model_validate(made)


def finish(task: luigi.Task) -> None:
    """Run a task to its end, or stop with what is to be done."""
    luigi.build([task], local_scheduler=True, log_level="ERROR", workers=1)
    if not task.complete():
        raise SystemExit("the run failed; see above, mend it and repeat the command")


def chars_and_rows(one: Recipe) -> tuple[Counter[str], Counter[str]]:
    """Characters of the completions and rows, by domain, of what `select` gives."""
    task = SelectSamples(recipe=one, machine=_MACHINE)
    finish(task)
    chars: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for part in iter_columns(task.out_dir, "samples", ["domain", "messages"]):
        for row in part.to_pylist():
            chars[row["domain"]] += len(row["messages"][-1]["content"])
            rows[row["domain"]] += 1
    return chars, rows


def quota_of(seed: int, *, quick: bool) -> dict[str, int]:
    """Rows per domain with which `more shortcuts` has the tokens of `journeys 1.0`, taking its
    rows to be as long on average as those of all right candidates."""
    wanted, _ = chars_and_rows(recipe(seed, "journeys 1.0", greedy=False, quick=quick))
    chars, rows = chars_and_rows(recipe(seed, MORE, greedy=False, quick=quick))
    return {
        domain: min(rows[domain], round(wanted[domain] * rows[domain] / chars[domain]))
        for domain in sorted(wanted)
    }


def score(one: Recipe, arm: str) -> list[dict[str, Any]]:
    """Run it; pass@1 over all problems of each model, with facts about the data beside it."""
    task = DistillAll(recipe=one, machine=_MACHINE)
    finish(task)
    run = json.loads(task.record.read_text(encoding="utf-8"))
    manifest = read_manifest(task.students()[0].out_dir)
    figures = manifest.figures
    facts = {
        "arm": arm,
        "rows": manifest.ledger.rows_out,
        "tokens": figures["target_tokens"] / figures["epochs"],
        "journeys": journeys_in(one),
    }
    return [
        row | facts for row in run["scores"] if (row["suite"], row["metric"]) == ("all", "pass@1")
    ]


def journeys_in(one: Recipe) -> int:
    """How many of the samples are journeys."""
    folder = SelectSamples(recipe=one, machine=_MACHINE).out_dir
    return sum(
        part["form"].to_pylist().count("journey")
        for part in iter_columns(folder, "samples", ["form"])
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--quick", action="store_true", help="few problems, to try the command")
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    asked = parser.parse_args()
    found: list[dict[str, Any]] = []
    for seed in asked.seeds:
        quota = quota_of(seed, quick=asked.quick)
        for arm in ARMS:
            for greedy in (False, True):
                one = recipe(seed, arm, greedy=greedy, quick=asked.quick, quota=quota)
                found += [
                    row | {"training_seed": seed, "greedy": greedy} for row in score(one, arm)
                ]
                if asked.json:
                    asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    report(found)


def report(found: list[dict[str, Any]]) -> None:
    """One line per arm and way of asking, in Markdown."""
    print("| arm | rows | journeys | tokens | asked | correct | - shortcut | - more shortcuts |")
    print("|---|---|---|---|---|---|---|---|")
    for greedy in (False, True):
        asked = [row for row in found if row["greedy"] is greedy]
        for role in ("base", "teacher"):
            values = [100 * row["value"] for row in asked if row["role"] == role]
            how = "greedily" if greedy else "at temperature 1"
            print(f"| {role} | | | | {how} | {statistics.mean(values):.1f}% | | |")
        by_arm = {arm: _of(asked, arm) for arm in ARMS}
        for arm, rows in by_arm.items():
            cells = [
                arm,
                *(
                    f"{statistics.mean(row[name] for row in rows):,.0f}"
                    for name in ("rows", "journeys", "tokens")
                ),
                "greedily" if greedy else "at temperature 1",
                f"{statistics.mean(100 * row['value'] for row in rows):.1f}%",
                _difference(rows, by_arm[SHORTCUT]) if arm != SHORTCUT else "",
                _difference(rows, by_arm[MORE]) if arm != MORE else "",
            ]
            print(f"| {' | '.join(cells)} |")


def _of(found: list[dict[str, Any]], arm: str) -> list[dict[str, Any]]:
    """The scores of an arm's students, seed by seed."""
    rows = [row for row in found if (row["arm"], row["role"]) == (arm, "student")]
    return sorted(rows, key=lambda row: row["training_seed"])


def _difference(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    gains = [100 * (a["value"] - b["value"]) for a, b in zip(rows, others, strict=True)]
    gain, error = mean_and_error(gains)
    return f"{gain:+.1f} ± {error:.1f}" if len(gains) > 1 else f"{gain:+.1f}"


if __name__ == "__main__":
    main()
