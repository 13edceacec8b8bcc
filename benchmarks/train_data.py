"""What stands before the first step of a training: samples -> token files, lengths -> a plan.

    python benchmarks/train_data.py [--samples N] [--workers W] [--planned N] [--folder DIR]
                                    [--json F]

Samples are long chains of thought, put together from real responses to MATH problems (without
RETORT_DATA: made sums), about 5,000 tokens each and up to 32,768, in Parquet shards of 500. They
are tokenised with the real Qwen2.5 tokenizer (without it: the embedded one) as `TrainStudent` does
it, N of them and then twice as many, each in a process of its own that is new.

    tokens/CPU-s     of everything, also the start of Python and of the processes
    peak             most memory of all processes together, and what of it is no mapped file, which
                     must not grow with the samples
    plan             best fit decreasing and the order of three epochs, for as many lengths as a
                     large dataset has, whole and not extrapolated; each rank makes it
    rows             packed rows of the first steps, read from the token files by one thread: the
                     rate at which data can be learned

What is said of 800,000 samples is reckoned from the second run, apart from the plan.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data_stages.watch import watched
from generation.table import machine_line

from factory.models import EMBEDDED
from factory.recipe_file import data_root

WANTED_SAMPLES: Final = 800_000
LONGEST_TOKENS: Final = 32_768
_SHARD_ROWS: Final = 500
_MEAN_TOKENS: Final = 5000
_SPREAD: Final = 0.85
_BATCH_TOKENS: Final = 2**20
_CHARS_PER_TOKEN: Final = 2.9
"""Of the real responses under Qwen2.5's tokenizer, which writes each digit alone."""

Figures = dict[str, Any]


def main() -> None:
    """Measure and report, or do one part of it in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--planned", type=int, default=WANTED_SAMPLES)
    parser.add_argument("--folder", type=Path, help="where samples are written; else anew")
    parser.add_argument("--json", type=Path, help="write figures here too")
    parser.add_argument("--part", choices=("tokenise", "plan", "rows"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        parts = {"tokenise": tokenise, "plan": plan, "rows": rows}
        parts[given.part](given.folder, given.workers)
        return
    print(machine_line(), flush=True)
    root = Path(tempfile.mkdtemp(prefix="benchmark-", dir=given.folder))
    try:
        result = measured(root, given.samples, given.planned, given.workers)
    finally:
        shutil.rmtree(root)
    print("\n" + "\n".join(table(result)) + "\n")
    text = json.dumps(result | {"machine": machine_line()}, indent=2)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def measured(root: Path, samples: int, planned: int, workers: int) -> Figures:
    """All figures."""
    tokenised: list[Figures] = []
    for count in (samples, 2 * samples):
        folder = root / str(count)
        text_bytes = write_samples(folder / "dataset", count)
        took = part("tokenise", folder, workers)
        tokenised.append({"samples": count, "text_bytes": text_bytes, **took})
    np.save(root / "lengths.npy", lengths(planned))
    return {
        "tokenizer": tokenizer_folder().name,
        "workers": workers,
        "tokenised": tokenised,
        "plan": {"documents": planned, **part("plan", root, workers)},
        "rows": part("rows", root / str(2 * samples), workers),
    }


def part(name: str, folder: Path, workers: int) -> Figures:
    """One part in a process of its own: what it says, and what it took."""
    command = [sys.executable, __file__, "--part", name, "--folder", folder]
    took = watched([*command, "--workers", str(workers)])
    said = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    figures = {**asdict(took), **said}
    print(f"{name}: {figures}", flush=True)
    return figures


# ------------------------------------------------------------------------------------- the samples


def lengths(count: int) -> np.ndarray[Any, Any]:
    """Tokens of documents, spread as wide as those of long chains of thought."""
    middle = np.log(_MEAN_TOKENS) - _SPREAD**2 / 2
    drawn = np.random.default_rng(0).lognormal(middle, _SPREAD, count)
    return drawn.astype(np.int64).clip(200, LONGEST_TOKENS - 2000)


def write_samples(dataset: Path, count: int) -> int:
    """Parquet shards of a dataset; the bytes of its text."""
    (dataset / "data").mkdir(parents=True)
    rng = random.Random(0)
    texts = real_texts()
    made = 0
    wanted = (lengths(count) * _CHARS_PER_TOKEN).tolist()
    for start in range(0, count, _SHARD_ROWS):
        samples = [
            sample(number, int(wanted[number]), texts, rng)
            for number in range(start, min(count, start + _SHARD_ROWS))
        ]
        made += sum(len(turn["content"].encode()) for one in samples for turn in one["messages"])
        file = dataset / "data" / f"train-{start // _SHARD_ROWS:05d}.parquet"
        pq.write_table(
            pa.Table.from_pylist(samples), file, compression="zstd", row_group_size=_SHARD_ROWS // 4
        )
    return made


def sample(
    number: int, chars: int, texts: list[tuple[str, list[str]]], rng: random.Random
) -> dict[str, Any]:
    """One row: a problem, many responses as its reasoning, and one more as its answer."""
    problem, responses = rng.choice(texts)
    thoughts: list[str] = []
    while sum(map(len, thoughts)) < chars - 500:
        thoughts.append(rng.choice(rng.choice(texts)[1]))
    completion = "<think>\n" + "\n\nWait. ".join(thoughts)[:chars] + "\n</think>\n\n"
    return {
        "uuid": f"{number:032x}",
        "problem_id": f"p{number // 2}",
        "messages": [
            {"role": "user", "content": problem},
            {"role": "assistant", "content": completion + rng.choice(responses)},
        ],
    }


def real_texts() -> list[tuple[str, list[str]]]:
    """Problems with responses; without the data, sums."""
    file = data_root() / "generations" / "qwen2.5-math_cot.jsonl"
    if file.is_file():
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [(row["problem"], row["responses"]) for row in rows]
    return [
        (f"What is {n} + {2 * n}?", [_sum(n, times) for times in range(1, 9)]) for n in range(9)
    ]


def _sum(number: int, times: int) -> str:
    return "\n".join(
        f"{one} + {2 * one} is {3 * one}." for one in range(number, number + 5 * times)
    )


def tokenizer_folder() -> Path:
    """The real Qwen2.5 tokenizer, else the embedded one."""
    folder = data_root() / "tokenizers" / "qwen2.5"
    return folder if folder.is_dir() else EMBEDDED / "teacher"


# --------------------------------------------------------------------- in processes of their own


def tokenise(folder: Path, workers: int) -> None:
    """Token files of the dataset in the folder."""
    from factory.train.render import Renderer, load_tokenizer
    from factory.train.rows import tokenise_dataset
    from factory.train.tokens import TokenFiles
    from schemas.machine import Machine

    made = tokenise_dataset(
        folder / "dataset",
        Renderer(load_tokenizer(str(tokenizer_folder()))),
        folder / "tokens",
        max_length_tokens=LONGEST_TOKENS,
        held_out=0.02,
        seed=0,
        machine=Machine(workers=workers),
        made_from="benchmark",
    )
    tokens = int(TokenFiles([*made.tokens, *made.eval_tokens]).lengths.sum())
    _say(folder, "tokenise", {**made.counts.model_dump(), "tokens": tokens})


def plan(folder: Path, workers: int) -> None:
    """Best fit, and the plan of three epochs with its digest, of the lengths in the folder."""
    from factory.train.pack import best_fit
    from factory.train.plan import make_plan

    del workers
    tokens = np.load(folder / "lengths.npy")
    begun_s = time.process_time()
    fitted = best_fit(tokens, LONGEST_TOKENS, 0)
    best_fit_s = time.process_time() - begun_s
    full = float(tokens.sum()) / (LONGEST_TOKENS * len(fitted))
    del fitted
    begun_s = time.process_time()
    made = make_plan(
        tokens, np.full_like(tokens, 100), epochs=3, batch_tokens=_BATCH_TOKENS, seed=0
    )
    made.digest()
    said = {"best_fit_cpu_s": best_fit_s, "plan_cpu_s": time.process_time() - begun_s}
    _say(folder, "plan", {**said, "epochs": 3, "steps": len(made.steps), "efficiency": full})


def rows(folder: Path, workers: int) -> None:
    """Packed rows of the token files in the folder, as a rank reads them."""
    from factory.train.pack import join
    from factory.train.plan import make_plan
    from factory.train.tokens import TokenFiles

    del workers
    data = TokenFiles(sorted((folder / "tokens").glob("tokens-*.arrow")))
    planned = make_plan(
        data.lengths, data.prompt_tokens, epochs=1, batch_tokens=_BATCH_TOKENS, seed=0
    )
    read = 0
    begun_s = time.process_time()
    for row in _first(row for step in planned.steps for row in step.rows):
        read += len(join(row, [data.document(number) for number in row]).ids)
    _say(folder, "rows", {"tokens": read, "join_cpu_s": time.process_time() - begun_s})


def _first(numbers: Iterator[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    for _, row in zip(range(1000), numbers, strict=False):
        yield row


def _say(folder: Path, name: str, figures: Figures) -> None:
    (folder / f"{name}.json").write_text(json.dumps(figures), encoding="utf-8")


# ------------------------------------------------------------------------------------- the tables


def table(result: Figures) -> list[str]:
    """Markdown, with what is reckoned named so."""
    first, second = result["tokenised"]
    lines = [
        f"Tokenizer {result['tokenizer']}, {result['workers']} processes.",
        "",
        "| samples | tokens | mean | MB of text | CPU s | wall s | tokens/CPU-s | peak MiB "
        "| not mapped |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in (first, second):
        lines.append(
            f"| {one['samples']:,} | {one['tokens']:,} | {one['tokens'] / one['samples']:,.0f} "
            f"| {one['text_bytes'] / 1e6:,.0f} | {one['cpu_s']:.1f} | {one['wall_s']:.1f} "
            f"| {one['tokens'] / one['cpu_s']:,.0f} | {one['peak_bytes'] / 2**20:,.0f} "
            f"| {one['peak_anonymous_bytes'] / 2**20:,.0f} |"
        )
    tokens_per_cpu_s = second["tokens"] / second["cpu_s"]
    wanted = WANTED_SAMPLES * second["tokens"] / second["samples"]
    planned, read = result["plan"], result["rows"]
    lines += [
        "",
        f"- reckoned, not measured: {WANTED_SAMPLES:,} such samples ({wanted / 1e9:.1f}e9 tokens, "
        f"{4 * wanted / 1e9:.0f} GB of token files) take {wanted / tokens_per_cpu_s / 3600:.1f} "
        f"CPU hours",
        f"- plan of {planned['documents']:,} documents: best fit {planned['best_fit_cpu_s']:.1f} "
        f"CPU s an epoch, rows {100 * planned['efficiency']:.2f}% full; the plan of "
        f"{planned['epochs']} epochs ({planned['steps']:,} steps) {planned['plan_cpu_s']:.1f} "
        f"CPU s; peak {planned['peak_bytes'] / 2**20:,.0f} MiB of the whole process",
        f"- packed rows out of token files: {read['tokens'] / read['join_cpu_s'] / 1e6:,.0f} "
        f"million tokens per CPU second",
    ]
    return lines


if __name__ == "__main__":
    main()
