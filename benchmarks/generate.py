"""What generation costs beside the fastest ways to draw the same candidates, in one run.

    python benchmarks/generate.py [--quick] [--problems N] [--repeats R] [--peer-venv DIR]
    python benchmarks/generate.py replay [--candidates N]
    python benchmarks/generate.py gpu [--problems N] [--repeats R]

Without a word: the embedded teacher under vLLM on CPU, settings and problems of the demonstration,
eight candidates in a request. Every way is given the same prompts and seeds, in turns:

    ours, drawing      the stage's own figure: first request to last commit of the store
    ours, whole stage  the stage from plan to manifest
    bare client        aiohttp, as many requests in flight as suit it best, nothing kept
    offline            `LLM.generate` given all prompts at once, in a process of its own
    peer               datatrove's InferenceRunner, where `--peer-venv` has it

Ratios are of medians over repeats: `vs_bare_client`, `vs_offline`, `vs_peer`.

`replay`: a server that answers from memory at once, so that only client, store and ledger are
measured: candidates per second, peak memory, bytes on disk; then the same stage again when nothing
and when 1% is missing.

`gpu`: as the first, with a 1.5B-shaped Qwen2 of random weights on one GPU.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from generation.peer import INSTALL, peer_is_there
from generation.replay import replay
from generation.served import Setup, measured, ratios
from generation.table import machine_line, show_ratios
from generation.workload import demo_settings

from factory.models import resolve_model
from factory.recipe_file import ROOT
from schemas.machine import Endpoints, Machine, Vllm

_IN_FLIGHT = (12, 16, 20, 24, 32, 40, 48)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("cpu", "replay", "gpu"), default="cpu")
    parser.add_argument("--quick", action="store_true", help="small and once, to try the command")
    parser.add_argument("--problems", type=int, help="eight candidates each")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--cpu-threads", type=int, help="of server and `LLM.generate`, on CPU")
    parser.add_argument("--in-flight", type=int, help="our requests, on CPU; default: ours")
    parser.add_argument("--candidates", type=int, help="of `replay`; default a million")
    parser.add_argument("--peer-venv", type=Path, help="environment that has the peer")
    parser.add_argument("--json", type=Path, help="write ratios and figures here")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended too
    print(machine_line(), flush=True)
    (ROOT / "artifacts").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=ROOT / "artifacts") as folder:
        if given.what == "replay":
            result = replay(Path(folder), given.candidates or (20_000 if given.quick else 10**6))
        else:
            setup = cpu_setup(given) if given.what == "cpu" else gpu_setup(given, Path(folder))
            result = by_the_side(setup, Path(folder))
    result["machine"] = machine_line()
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def by_the_side(setup: Setup, folder: Path) -> dict[str, Any]:
    """All ways in turns; shows them."""
    repeats, chosen = measured(setup, folder)
    print(f"requests in flight that did best: {chosen}; peer: a candidate each, others: eight")
    repeats.show()
    found = ratios(repeats)
    show_ratios(found)
    return {"ratios": found, "figures": repeats.figures(), "in_flight": chosen}


def cpu_setup(given: argparse.Namespace) -> Setup:
    """The embedded teacher on CPU."""
    return Setup(
        model=resolve_model("embedded:teacher"),
        settings=demo_settings(),
        machine=machine_of(given),
        problems=given.problems or (40 if given.quick else 400),
        repeats=given.repeats or (1 if given.quick else 5),
        in_flight=(12, 20) if given.quick else _IN_FLIGHT,
        peer_venv=known_peer(given.peer_venv),
    )


def gpu_setup(given: argparse.Namespace, folder: Path) -> Setup:
    """A 1.5B-shaped model on a GPU."""
    from generation.gpu_model import GPU_IN_FLIGHT, gpu_machine, gpu_settings, random_qwen2

    model = random_qwen2(folder / "qwen2-1.5b-random")
    return Setup(
        model=model,
        settings=gpu_settings(demo_settings()),
        machine=gpu_machine(),
        problems=given.problems or (100 if given.quick else 1000),
        repeats=given.repeats or (1 if given.quick else 3),
        in_flight=GPU_IN_FLIGHT[:2] if given.quick else GPU_IN_FLIGHT,
        peer_venv=known_peer(given.peer_venv),
    )


def machine_of(given: argparse.Namespace) -> Machine:
    """The defaults of a machine with two cores, but for what was asked."""
    teacher = Endpoints(requests_in_flight=given.in_flight) if given.in_flight else Endpoints()
    return Machine(vllm=Vllm(cpu_threads=given.cpu_threads), teacher=teacher)


def known_peer(venv: Path | None) -> Path | None:
    """The peer's environment; None, and what to do about it, where there is none."""
    if venv is not None and peer_is_there(venv):
        return venv
    where = venv or Path("peer-venv")
    print(f"the peer is not measured: {INSTALL.format(venv=where)}; then --peer-venv {where}")
    return None


if __name__ == "__main__":
    main()
