"""Our trainer beside TRL's SFTTrainer on two CPU ranks: the same model, documents and DeepSpeed.

    python benchmarks/train_cpu.py [--quick] [--wide] [--repeats R] [--json F]
                                   [--precision float32|bfloat16]

Documents are lessons of the embedded models (100 to 200 tokens), tokenised before, of which the
completion is learned; 4,096 tokens per optimizer step on two ranks of one thread; ZeRO 2. The model
is the demonstration's student; with `--wide` there is a second, of the same layers, with the
vocabulary of 152K tokens of the real Qwen2.5 tokenizer (from RETORT_DATA). Each way runs in
processes of its own under torchrun; ways take turns; the first 3 steps do not count, nor do loading
and packing. Figures are medians over the repeats of tokens per second of processor time (both
ranks), with the wall beside.

    ours             as `TrainStudent` runs it
    ours, long rows  with the peer's layout of rows: one of 2,048 tokens per rank
    TRL              packing = True (best fit decreasing, flattened into one row per rank)

    vs_trl           ours over TRL, demonstration's student: as the user would run either
    vs_trl_same_rows the same layout of rows
    vs_trl_memory    most memory of a rank, ours over TRL
    vs_trl_wide      as vs_trl, with the real vocabulary
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generation.table import machine_line

from factory.bootstrap.lessons import Syllabus, write_lessons
from factory.models import resolve_model
from factory.train.attention import attention_of
from factory.train.base import make_random_base
from factory.train.job import TrainingJob
from factory.train.render import load_tokenizer
from schemas.train_settings import RandomBase

HERE: Final = Path(__file__).resolve().parent
RANKS: Final = 2
ROW: Final = 512
"""The peer's `max_length`: longer than any document."""
ROWS_PER_RANK: Final = 4
WAYS: Final = ("ours", "ours, long rows", "TRL")
SYLLABUS: Final = {"whole": Syllabus(500, 250, 250, 0, 0), "quick": Syllabus(150, 75, 75, 0, 0)}


@dataclass(frozen=True)
class Took:
    """One run of one way."""

    cpu_s: float
    """Of both ranks."""
    wall_s: float
    tokens: int
    memory_bytes: int
    """Of the larger rank."""


def run_way(way: str, folder: Path, job: TrainingJob) -> Took:
    """Two ranks of a way.

    Raises:
        SystemExit: It failed; the end of what it said.
    """
    (folder / "student").mkdir(parents=True)
    micro = ROW * ROWS_PER_RANK
    job = job.model_copy(update={"out_dir": str(folder / "student")})
    work: dict[str, Any] = {
        "job": job.model_dump(mode="json"),
        "out": str(folder / "out"),
        "row_tokens": micro if way == "ours, long rows" else None,
        "row_length": ROW,
        "rows_per_device": ROWS_PER_RANK,
        "attention": "sdpa",
        "deepspeed": _deepspeed(job),
    }
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    module = "training.cpu_trl" if way == "TRL" else "training.cpu_ours"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(RANKS), "-m", module, str(folder / "work.json")),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "DS_ACCELERATOR": "cpu",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent))),
        },
        check=False,
    )
    if done.returncode:
        said = [one for one in done.stderr.splitlines() if "torch/distributed" not in one]
        raise SystemExit("\n".join([f"{way} failed:", *said[-60:]]))
    ranks = [json.loads((folder / "out" / f"rank-{n}.json").read_text()) for n in range(RANKS)]
    return Took(
        cpu_s=sum(one["cpu_s"] for one in ranks),
        wall_s=max(one["wall_s"] for one in ranks),
        tokens=ranks[0]["tokens"],
        memory_bytes=max(one["memory_bytes"] for one in ranks),
    )


def _deepspeed(job: TrainingJob) -> dict[str, Any]:
    """The peer's DeepSpeed configuration: what ours is given, with batch sizes left to it."""
    from factory.train.deepspeed_settings import deepspeed_config

    settings = deepspeed_config(job, ranks=RANKS)
    for name in ("managed_gradient_accumulation", "steps_per_print", "wall_clock_breakdown"):
        settings.pop(name, None)
    return settings | {
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": 1.0,
    }


def bases(folder: Path, *, with_wide: bool) -> dict[str, str]:
    """Name -> folder of each model."""
    found = {"student": resolve_model("embedded:base-qwen2").location}
    if with_wide:
        wide = RandomBase(
            arch="qwen2",
            tokenizer="${RETORT_DATA}/tokenizers/qwen2.5",
            hidden_size=192,
            layers=4,
            heads=6,
            kv_heads=6,
            intermediate_size=512,
        )
        make_random_base(wide, folder / "wide")
        found["wide"] = str(folder / "wide")
    return found


def measure(model: str, base: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Every way on one model: medians by way, and their ratios."""
    tokenizer = load_tokenizer(base)
    path = folder / model / "lessons.arrow"
    write_lessons(
        path, SYLLABUS["quick" if options.quick or model == "wide" else "whole"], tokenizer, seed=1
    )
    job = TrainingJob(
        tokens=[str(path)],
        base=base,
        out_dir="",
        end_token_id=tokenizer.eos_token_id,
        lr=1e-3,
        batch_tokens=RANKS * ROW * ROWS_PER_RANK,
        micro_batch_tokens=ROW * ROWS_PER_RANK,
        precision=options.precision,
        checkpoint_every_steps=10**9,
        checkpoint_every_s=1e9,
    )
    took: dict[str, list[Took]] = {way: [] for way in WAYS}
    for repeat in range(options.repeats):
        for way in WAYS:
            took[way].append(run_way(way, folder / model / f"{way}-{repeat}", job))
    print(f"\n{model} ({attention_of(job)} attention of ours), {options.precision}:\n")
    print("| way | tokens / CPU s | least to most | tokens / s | GB per rank |")
    print("|---|---|---|---|---|")
    figures: dict[str, Any] = {}
    for way, each in took.items():
        speeds = [one.tokens / one.cpu_s for one in each]
        walls = [one.tokens / one.wall_s for one in each]
        figures[way] = {
            "tokens_per_cpu_s": statistics.median(speeds),
            "tokens_per_s": statistics.median(walls),
            "memory_bytes": statistics.median(one.memory_bytes for one in each),
            "tokens_per_cpu_s_of_each_repeat": [round(one, 1) for one in speeds],
        }
        print(
            f"| {way} | {figures[way]['tokens_per_cpu_s']:,.0f} | {min(speeds):,.0f} to "
            f"{max(speeds):,.0f} | {figures[way]['tokens_per_s']:,.0f} | "
            f"{figures[way]['memory_bytes'] / 1e9:.2f} |"
        )
    return figures


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few documents, one repeat")
    parser.add_argument("--wide", action="store_true", help="a vocabulary of 152K tokens too")
    parser.add_argument("--repeats", type=int, default=0, help="default 5, with --quick 1")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    options.repeats = options.repeats or (1 if options.quick else 5)
    print(machine_line())
    figures: dict[str, Any] = {"precision": options.precision, "models": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model, base in bases(folder, with_wide=options.wide).items():
            figures["models"][model] = measure(model, base, options, folder)
    print()
    for model, suffix in (("student", ""), ("wide", "_wide")):
        if model in figures["models"]:
            found = figures["models"][model]
            for key, way, of in (
                (f"vs_trl{suffix}", "ours", "tokens_per_cpu_s"),
                (f"vs_trl_same_rows{suffix}", "ours, long rows", "tokens_per_cpu_s"),
                (f"vs_trl_wall{suffix}", "ours", "tokens_per_s"),
                (f"vs_trl_memory{suffix}", "ours", "memory_bytes"),
            ):
                figures[key] = found[way][of] / found["TRL"][of]
                print(f"{key} {figures[key]:.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
