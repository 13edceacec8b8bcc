"""What a run of 17,000, 220,000 and 800,000 samples takes: `docs/scale.md` has these tables.

    python benchmarks/sizing.py

It measures nothing: it multiplies. `INPUTS` says each figure with where it was measured, or that it
is assumed. Change a figure there, run this, and put what it prints into the document, which a test
compares with it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from factory.plan.models import EXPERTS_TOKENS_PER_S, TOKENS_PER_S, TRAIN_BYTES_PER_PARAMETER
from factory.plan.work import CHECKPOINT_BYTES_PER_PARAMETER

SIZES: Final = (17_000, 220_000, 800_000)
ASSUMED: Final = "**assumed**"


class Input(NamedTuple):
    """One figure of the arithmetic."""

    value: float
    unit: str
    source: str


_GENERATION: Final = "docs/benchmarks-generation.md"
_REHEARSAL: Final = "docs/rehearsal.md, 2,409,600 candidates"

INPUTS: Final = {
    "candidates": Input(3, "drawn for a sample", "the rehearsal's plan (2,409,600 for 800,000)"),
    "tokens": Input(5_000, "of a candidate", f"{ASSUMED}; recipes/r1-distill.toml says 5,355"),
    "text": Input(4, "bytes of a token", f"{ASSUMED}, as `retort plan`"),
    "disk": Input(0.30, "of the text, store and parts", f"{_GENERATION}: 45 + 659 of 2,360 bytes"),
    "packed": Input(0.28, "of the text, in Parquet", f"{_GENERATION}: 659 of 2,360 bytes"),
    "programs": Input(0.27, "of the candidates", f"{ASSUMED}; recipes/r1-distill.toml, expected"),
    "run": Input(1.0, "CPU s of a program itself", f"{ASSUMED}; contests allow it several"),
    "sandbox": Input(0.0061, "CPU s around it", "README, `asserts` (benchmarks/sandbox.py)"),
    "mathematics": Input(0.038, "CPU ms of a comparison", "docs/math_grading.md, set `long`"),
    "draw": Input(37, "CPU s for a GB of text", f"{_GENERATION}: 17.6 s for 0.47 GB"),
    "collect": Input(8.6, "CPU s for a million candidates", f"{_REHEARSAL}: 20.7 s"),
    "grade": Input(
        39,
        "CPU s for a million candidates, beside the above",
        f"{_REHEARSAL}: 184 s, comparisons 89 s",
    ),
    "select and shard": Input(107, "CPU s for a GB of samples", "docs/benchmarks-data.md: 493 s"),
    "tokenise": Input(257_000, "tokens per CPU s", "docs/training.md, the lower figure"),
    "epochs": Input(2, "of training", "recipes/r1-distill.toml"),
}
TRAINING_TOKENS_PER_S: Final = {"1.5B": 32_967, "7B": 7_064, "32B": 1_545}
"""Of one GPU, as `retort plan` assumes: 40% of an H100's peak."""
TEACHERS: Final = {
    "8B": dict(TOKENS_PER_S)[9.0],
    "32B": dict(TOKENS_PER_S)[40.0],
    "671B": EXPERTS_TOKENS_PER_S,
}
"""Completion tokens per second and GPU, as `retort plan` assumes."""
MEMORY_GIB: Final = {17_000: 1.2, 220_000: 1.3, 800_000: 1.9}
"""Largest stage, docs/rehearsal.md: 100,000, 200,000 and 800,000 samples."""


def inputs_table() -> str:
    """Every figure with its source, as Markdown."""
    lines = ["| input | | | from |", "|---|---|---|---|"]
    for name, one in INPUTS.items():
        lines.append(f"| {name} | {one.value:,g} | {one.unit} | {one.source} |")
    for model, rate in TEACHERS.items():
        lines.append(f"| teacher of {model} | {rate:,g} | tokens/s of one GPU | {ASSUMED} |")
    for model, rate in TRAINING_TOKENS_PER_S.items():
        lines.append(f"| student of {model} | {rate:,g} | tokens/s of one GPU | {ASSUMED} |")
    return "\n".join(lines)


def sizes_table() -> str:
    """What each size takes, as Markdown; a row per figure with its formula."""
    rows: dict[str, list[str]] = {}
    for samples in SIZES:
        for name, figure in _figures(samples):
            rows.setdefault(name, []).append(figure)
    head = " | ".join(f"{size:,}" for size in SIZES)
    lines = [f"| samples | {head} |", f"|---|{'---|' * len(SIZES)}"]
    lines += [f"| {name} | {' | '.join(figures)} |" for name, figures in rows.items()]
    return "\n".join(lines)


def _figures(samples: int) -> list[tuple[str, str]]:
    given = {name: one.value for name, one in INPUTS.items()}
    candidates = samples * given["candidates"]
    drawn, learned = candidates * given["tokens"], samples * given["tokens"]
    drawn_gb, kept_gb = drawn * given["text"] / 1e9, learned * given["text"] / 1e9
    programs = candidates * given["programs"]
    compared_s = (candidates - programs) * given["mathematics"] / 1e3
    run_s = programs * (given["run"] + given["sandbox"])
    cpu_s = {
        "collect: x candidates": given["collect"] * candidates / 1e6,
        "generate, the client: draw x GB drawn": given["draw"] * drawn_gb,
        "grade, programs: candidates x programs x (run + sandbox)": run_s,
        "grade, comparisons: (candidates - programs) x mathematics": compared_s,
        "grade, all else: x candidates": given["grade"] * candidates / 1e6,
        "select and shard: x GB of samples": given["select and shard"] * kept_gb,
        "tokenise: samples x tokens / tokenise": learned / given["tokenise"],
    }
    figures = [
        ("candidates: samples x candidates", f"{candidates:,.0f}"),
        ("tokens drawn: candidates x tokens", f"{drawn / 1e9:,.2f} G"),
        ("text drawn: x text", f"{drawn_gb:,.1f} GB"),
    ]
    for model, rate in TEACHERS.items():
        figures.append((f"GPU-hours, teacher of {model}", _hours(drawn / rate)))
    for model, rate in TRAINING_TOKENS_PER_S.items():
        trained = learned * given["epochs"]
        figures.append((f"GPU-hours, student of {model}", _hours(trained / rate)))
    for name, seconds in cpu_s.items():
        figures.append((f"CPU-hours, {name}", _hours(seconds)))
    figures += [
        ("**CPU-hours**", _hours(sum(cpu_s.values()))),
        ("disk, candidates: text drawn x disk", f"{drawn_gb * given['disk']:,.1f} GB"),
        (
            "disk, samples of select: text of samples x packed",
            f"{kept_gb * given['packed']:,.1f} GB",
        ),
        (
            "disk, dataset of two configs: 2 x text of samples x packed",
            f"{2 * kept_gb * given['packed']:,.1f} GB",
        ),
        ("memory of the data stage, largest", f"{MEMORY_GIB[samples]} GiB"),
    ]
    return figures


def models_table() -> str:
    """What a model takes beside the data, whatever its size, as Markdown."""
    lines = [
        "| model | weights | GPU memory to train | checkpoints, two kept |",
        "|---|---|---|---|",
    ]
    for name, billions in (("1.5B", 1.5), ("7B", 7.0), ("32B", 32.0), ("70B", 70.0)):
        parts = (2, TRAIN_BYTES_PER_PARAMETER, 2 * CHECKPOINT_BYTES_PER_PARAMETER)
        sizes = " | ".join(f"{billions * each:,.0f} GB" for each in parts)
        lines.append(f"| {name} | {sizes} |")
    return "\n".join(lines)


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:,.1f}" if hours >= 1 else f"{hours:,.2f}"


if __name__ == "__main__":
    print("\n\n".join((inputs_table(), sizes_table(), models_table())))
