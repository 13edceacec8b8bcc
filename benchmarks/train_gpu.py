"""Our trainer beside TRL's SFTTrainer on one GPU: MFU, tokens per second, memory.

    python benchmarks/train_gpu.py [--quick] [--shape 1.5B] [--lengths 16K] [--json FILE]

Models have random weights in the shapes of Qwen2.5-1.5B and Qwen2.5-7B, documents random ids with
lengths drawn from a committed histogram (`training/lengths.py` says what of them is real and what
is scaled), 4K, 16K and 32K tokens at most; so nothing is read but this repository. Both ways get
the same documents, model, ZeRO 1 configuration of DeepSpeed, bfloat16 and tokens per micro-batch.
Each way runs in processes of its own, ways take turns; the first steps do not count. Gradients
are checkpointed where the activations would not fit, and of a model that does not fit even so, as
many layers are taken as do; a peer that runs out of memory is run again with checkpointing.

    ours                 the loop of `TrainStudent`
    TRL                  packing, its chunked loss, flash attention if its package is installed,
                         else torch's with a mask
    TRL, our attention   the same with `factory.train.attention`: what is left of the difference

    MFU        operations that our loss needs over the peak (`factory.train.flops`)
    MFU, 6N    the same step as others count it: logits at all tokens, full attention
    vs_trl     ours over TRL, medians of tokens per second

The aim is 40% MFU for 1.5B and 1.2 times the peer. **Not yet run on a GPU**; what was run is
`--device cpu --shape tiny --lengths tiny`, a test of the script that says nothing about speed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import torch
from training.shapes import LENGTHS, SHAPES, Lengths, config_of, fit, write_documents

from factory.train.deepspeed_settings import deepspeed_config
from factory.train.flops import peak_flops, training_flops, usual_flops
from factory.train.job import TrainingJob
from factory.train.plan import attended_pairs
from factory.train.tokens import TokenFiles

HERE: Final = Path(__file__).resolve().parent
WAYS: Final = ("ours", "TRL", "TRL, our attention")
MICROS_PER_STEP: Final = 4
ROOM: Final = 0.85
"""Of the GPU's memory for what is known; the rest is the allocator's and the runtime's."""
OUT_OF_MEMORY: Final = "OutOfMemoryError"


def measure(shape: str, name: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All ways on one shape and one distribution of lengths."""
    lengths = LENGTHS[name]
    job, layers = _job(shape, lengths, options, folder)
    config = config_of(shape, layers)
    total = (options.warm_up_steps + options.steps + 1) * job.batch_tokens
    folder.mkdir(parents=True)
    write_documents(Path(job.tokens[0]), lengths, total, config.vocab_size)
    took: dict[str, list[dict[str, Any]]] = {way: [] for way in options.ways}
    for repeat in range(options.repeats):
        for way in options.ways:
            at = folder / f"{way.replace(', ', '-').replace(' ', '-')}-{repeat}"
            took[way].append(run(way, job, shape, layers, lengths, options, at))
    per_token, usual_per_token = _operations(config, Path(job.tokens[0]))
    found: dict[str, Any] = {
        **{"shape": shape, "layers": layers, "of_layers": SHAPES[shape]["num_hidden_layers"]},
        **{"lengths": name, "said": lengths.said, "batch_tokens": job.batch_tokens},
        **{"micro_batch_tokens": job.micro_batch_tokens, "ways": {}},
    }
    for way, each in took.items():
        ran = [one for one in each if "failed" not in one]
        if not ran:
            found["ways"][way] = {"failed": each[0]["failed"]}
            continue
        speeds = [sum(one["tokens"]) / sum(one["step_s"]) for one in ran]
        speed = statistics.median(speeds)
        waits = [
            one["data_wait_s"] / sum(one["step_s"]) for one in ran if one["data_wait_s"] is not None
        ]
        found["ways"][way] = {
            "tokens_per_s": speed,
            "tokens_per_s_of_each_repeat": speeds,
            "mfu": None if options.peak is None else speed * per_token / options.peak,
            "mfu_6n": None if options.peak is None else speed * usual_per_token / options.peak,
            "memory_bytes": max(one["memory_bytes"] for one in ran),
            "data_wait_ratio": statistics.median(waits) if waits else None,
            "first_loss": ran[0]["losses"][0],
            **{name: ran[0][name] for name in ("attention", "gradient_checkpointing")},
        }
    ours = found["ways"]["ours"]
    for key, way in (("vs_trl", WAYS[1]), ("vs_trl_our_attention", WAYS[2])):
        other = found["ways"].get(way, {"failed": "not run"})
        if "failed" not in ours and "failed" not in other:
            found[key] = ours["tokens_per_s"] / other["tokens_per_s"]
    return found


def _job(
    shape: str, lengths: Lengths, options: argparse.Namespace, folder: Path
) -> tuple[TrainingJob, int]:
    micro = lengths.micro_batch_tokens
    job = TrainingJob(
        tokens=[str(folder / "documents.arrow")],
        base="",
        out_dir="",
        end_token_id=0,
        lr=1e-5,
        batch_tokens=MICROS_PER_STEP * micro,
        micro_batch_tokens=micro,
        zero_stage=1,
        precision="bfloat16" if options.device == "cuda" else "float32",
        device=options.device,
        ranks=1,
    )
    if options.device == "cpu":
        return job, int(SHAPES[shape]["num_hidden_layers"])
    room = ROOM * torch.cuda.get_device_properties(0).total_memory
    layers, checkpointing = fit(shape, job, room)
    return job.model_copy(update={"gradient_checkpointing": checkpointing}), layers


def _operations(config: Any, tokens: Path) -> tuple[float, float]:
    """Operations per token of these documents, and as others count them."""
    data = TokenFiles([tokens])
    pairs = int(attended_pairs(data.lengths).sum())
    count, targets = int(data.lengths.sum()), int((data.lengths - data.prompt_tokens).sum())
    ours = training_flops(config, tokens=count, targets=targets, pairs=pairs)
    return ours / count, usual_flops(config, tokens=count, pairs=pairs) / count


def run(
    way: str,
    job: TrainingJob,
    shape: str,
    layers: int,
    lengths: Lengths,
    options: argparse.Namespace,
    folder: Path,
) -> dict[str, Any]:
    """One process of a way: what it wrote, or why it failed."""
    (folder / "student" / "work").mkdir(parents=True)
    job = job.model_copy(update={"out_dir": str(folder / "student")})
    work: dict[str, Any] = {
        **{"job": job.model_dump(mode="json"), "shape": shape, "layers": layers},
        **{"out": str(folder / "took.json"), "deepspeed": _deepspeed(job)},
        **{"row_tokens": lengths.longest, "our_attention": way == WAYS[2]},
        **{"warm_up_steps": options.warm_up_steps, "steps": options.steps},
    }
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    module = "training.gpu_ours" if way == WAYS[0] else "training.gpu_trl"
    done = subprocess.run(
        [sys.executable, "-m", module, str(folder / "work.json")],
        capture_output=True,
        text=True,
        cwd=folder,
        env=_environment(options.device),
        check=False,
    )
    if not done.returncode:
        took: dict[str, Any] = json.loads((folder / "took.json").read_text(encoding="utf-8"))
        return took | {"gradient_checkpointing": job.gradient_checkpointing}
    if OUT_OF_MEMORY not in done.stderr:
        raise SystemExit("\n".join([f"{way} failed:", *done.stderr.splitlines()[-30:]]))
    if job.gradient_checkpointing:
        return {"failed": "out of memory"}
    again = job.model_copy(update={"gradient_checkpointing": True})
    at = folder.with_name(f"{folder.name}-again")
    return run(way, again, shape, layers, lengths, options, at)


def _environment(device: str) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    on_cpu = {
        **{"CUDA_VISIBLE_DEVICES": "", "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
    }
    return {
        **os.environ,
        **{"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        **{"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"},
        "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}",
        **(on_cpu if device == "cpu" else {}),
    }


def _deepspeed(job: TrainingJob) -> dict[str, Any]:
    """The peer's configuration: ours, with accumulation and batch sizes left to it."""
    settings = deepspeed_config(job, ranks=1)
    settings.pop("managed_gradient_accumulation")
    return settings | {
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
    }


def table(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    lines = [
        f"{result['device']}, {result['date']}, {', '.join(result['versions'])}; medians of "
        f"{result['repeats']} runs of {result['steps']} steps.",
        "",
        "| model | longest | way | attention | checkpointing | tokens/s | MFU | MFU, 6N | GB "
        "| waits for data |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    ratios: list[str] = []
    for case in result["cases"]:
        cut = case["layers"] != case["of_layers"]
        model = f"{case['shape']}, {case['layers']} of {case['of_layers']} layers"
        start = f"| {model if cut else case['shape']} | {case['lengths']} |"
        for way, one in case["ways"].items():
            if "failed" in one:
                lines.append(f"{start} {way} | {one['failed']} | | | | | | |")
                continue
            lines.append(
                f"{start} {way} | {one['attention']} "
                f"| {'yes' if one['gradient_checkpointing'] else 'no'} "
                f"| {one['tokens_per_s']:,.0f} | {_share(one['mfu'])} | {_share(one['mfu_6n'])} "
                f"| {one['memory_bytes'] / 1e9:.1f} | {_share(one['data_wait_ratio'])} |"
            )
        ratios += [
            f"- {key} {case[key]:.2f} ({case['shape']}, {case['lengths']}: {case['said']})"
            for key in ("vs_trl", "vs_trl_our_attention")
            if key in case
        ]
    return [*lines, "", *ratios]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1.5B at 16K, few steps, one repeat")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--shape", choices=list(SHAPES), action="append")
    parser.add_argument("--lengths", choices=list(LENGTHS), action="append")
    parser.add_argument("--ways", choices=WAYS, action="append", help="default: all")
    parser.add_argument("--repeats", type=int, help="default 3, with --quick 1")
    parser.add_argument("--steps", type=int, help="that count; default 6, with --quick 3")
    parser.add_argument("--warm-up-steps", type=int, default=2)
    parser.add_argument("--peak-tflops", type=float, help="of a device that is not known")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    options.shape = options.shape or (["1.5B"] if options.quick else ["1.5B", "7B"])
    options.lengths = options.lengths or (["16K"] if options.quick else ["4K", "16K", "32K"])
    options.ways = options.ways or list(WAYS)
    options.repeats = options.repeats or (1 if options.quick else 3)
    options.steps = options.steps or (3 if options.quick else 6)
    if "ours" not in options.ways:
        parser.error("--ways: expected ours among them, with which the others are compared")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error(
            "no GPU that torch sees; --device cpu --shape tiny --lengths tiny tries it out"
        )
    return options


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure and report."""
    options = _options(arguments)
    on_gpu = options.device == "cuda"
    name = torch.cuda.get_device_name() if on_gpu else f"CPU ({platform.machine()})"
    known = peak_flops(name, "bfloat16" if on_gpu else "float32")
    options.peak = options.peak_tflops * 1e12 if options.peak_tflops else known
    packages = ("torch", "transformers", "deepspeed", "trl", "flash-attn")
    result: dict[str, Any] = {
        "device": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": [_version(package) for package in packages],
        "peak_tflops": None if options.peak is None else options.peak / 1e12,
        "repeats": options.repeats,
        "steps": options.steps,
        "cases": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        for shape in options.shape:
            for lengths in options.lengths:
                at = Path(folder) / f"{shape}-{lengths}"
                result["cases"].append(measure(shape, lengths, options, at))
                if options.json:
                    options.json.write_text(json.dumps(result, indent=2), encoding="utf-8")
    print("\n".join(table(result)))
    return result


if __name__ == "__main__":
    main()
