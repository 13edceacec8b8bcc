"""The whole data stage after grading, at the size of a real run: select, then shard.

    python benchmarks/data_stage.py [--samples N …] [--workers W] [--folder DIR] [--keep] [--json F]

For each number of samples it writes finished artifacts of collect, generate and grade: four right
candidates to a problem and a third of a wrong one, texts of 2 KB in the median and 20 KB at the
95th percentile, put together from pieces of real ones; with planted exact and near duplicates
(within a problem and across), spans of benchmarks, loops and foreign letters. Then select and shard
run as a run does them, each in a process of its own: near-dedupe, decontamination against GSM8K
test, MATH and HumanEval, all configs, card and ledger. Measured: wall time, processor time and peak
memory of all processes of a stage, and MB/s of completions, also of the steps that show progress.

    ledger           what `retort ledger` takes to count all of it again, which must add up
    us_per_sample    wall time of both stages for each sample; even where time is linear
    planted          of what was planted, what was found
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import polars as pl
from data_stages.planted import found_of_planted
from data_stages.watch import watched
from generation.table import machine_line
from made_texts.graded import write_graded

from factory.parts import read_manifest

RUN_ONE: Final = Path(__file__).with_name("data_stages") / "run_one.py"
STAGES: Final = ("select", "shard")

Figures = dict[str, Any]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, nargs="+", default=[100_000, 200_000, 400_000])
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, help="where artifacts are written; else anew")
    parser.add_argument("--keep", action="store_true", help="leave the artifacts there")
    parser.add_argument("--json", type=Path, help="write figures here too")
    given = parser.parse_args()
    print(machine_line(), flush=True)
    root = Path(tempfile.mkdtemp(prefix="benchmark-", dir=given.folder))
    try:
        runs = [
            measured(root / str(count), count, given.workers, given.keep) for count in given.samples
        ]
    finally:
        if not given.keep:
            shutil.rmtree(root)
    result = {"runs": runs, "machine": machine_line()}
    show(runs)
    text = json.dumps(result, indent=2)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def measured(folder: Path, samples: int, workers: int, keep: bool) -> Figures:
    """Both stages over one set of artifacts."""
    folder.mkdir(parents=True, exist_ok=True)
    begun_s = time.perf_counter()
    made = write_graded(folder, samples, workers=workers)
    print(
        f"{made.samples:,} samples among {made.rows:,} candidates, {made.bytes / 1e6:,.0f} MB of "
        f"completions, made in {time.perf_counter() - begun_s:.0f} s",
        flush=True,
    )
    figures: Figures = {"samples": made.samples, "rows": made.rows, "bytes": made.bytes}
    figures["completion_bytes"] = lengths(folder)
    wall_s = 0.0
    for stage in STAGES:
        took = watched([sys.executable, RUN_ONE, stage, folder, str(workers)])
        manifest = read_manifest(folder / stage)
        steps = json.loads((folder / f"steps-{stage}.json").read_text(encoding="utf-8"))
        figures[stage] = {
            **asdict(took),
            "mb_per_s": made.bytes / 1e6 / took.wall_s,
            "rows_in": manifest.ledger.rows_in,
            "rows_out": manifest.ledger.rows_out,
            "steps_wall_s": steps,
            "steps_mb_per_s": {
                name: made.bytes / 1e6 / wall_s for name, wall_s in steps.items() if wall_s > 0
            },
        }
        wall_s += took.wall_s
        print(
            f"  {stage}: {took.wall_s:.1f} s, {took.cpu_s:.1f} CPU s, "
            f"{took.peak_bytes / 2**20:,.0f} MiB at most "
            f"({took.peak_anonymous_bytes / 2**20:,.0f} MiB anonymous)",
            flush=True,
        )
    figures["wall_s"] = wall_s
    figures["us_per_sample"] = 1e6 * wall_s / made.samples
    figures["peak_bytes"] = max(figures[stage]["peak_bytes"] for stage in STAGES)
    figures["found"] = found_of_planted(folder)
    took = watched([sys.executable, RUN_ONE, "ledger", folder, str(workers)])
    figures["ledger"] = asdict(took)
    print(f"  ledger: adds up, {took.wall_s:.1f} s, {took.peak_bytes / 2**20:,.0f} MiB", flush=True)
    if not keep:
        shutil.rmtree(folder)
    return figures


def lengths(folder: Path) -> Figures:
    """Quantiles of completions, in bytes."""
    files = sorted((folder / "generate").glob("candidates-*.parquet"))
    sizes = pl.concat(
        pl.read_parquet(file, columns=["text"])["text"].str.len_bytes() for file in files
    )
    return {name: sizes.quantile(share) for name, share in (("median", 0.5), ("p95", 0.95))}


def show(runs: list[Figures]) -> None:
    """Tables for the documents."""
    first = runs[0]["us_per_sample"]
    print(
        "\n| samples | MB | select s | shard s | both | µs per sample | beside the first |", end=""
    )
    print(" CPU s | MB/s | peak MiB, select | shard |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for one in runs:
        select, shard = one["select"], one["shard"]
        print(
            f"| {one['samples']:,} | {one['bytes'] / 1e6:,.0f} | {select['wall_s']:.1f} "
            f"| {shard['wall_s']:.1f} | {one['wall_s']:.1f} | {one['us_per_sample']:.0f} "
            f"| {one['us_per_sample'] / first:.2f} | {select['cpu_s'] + shard['cpu_s']:.0f} "
            f"| {one['bytes'] / 1e6 / one['wall_s']:.1f} | {select['peak_bytes'] / 2**20:,.0f} "
            f"| {shard['peak_bytes'] / 2**20:,.0f} |"
        )
    print("\n| step, of the last | s | MB/s |")
    print("|---|---|---|")
    for stage in STAGES:
        for name, wall_s in runs[-1][stage]["steps_wall_s"].items():
            label = name if name.startswith(stage) else f"{stage}: {name}"
            speed = runs[-1][stage]["steps_mb_per_s"].get(name, 0.0)
            print(f"| {label} | {wall_s:.1f} | {speed:.0f} |")
    print("\n| planted, of the last | planted | found | recall |")
    print("|---|---|---|---|")
    for kind, one in runs[-1]["found"]["planted"].items():
        recall = "–" if one["recall"] is None else f"{one['recall']:.4f}"
        print(f"| {kind} | {one['planted']:,} | {one['found']:,} | {recall} |")
    print()


if __name__ == "__main__":
    main()
