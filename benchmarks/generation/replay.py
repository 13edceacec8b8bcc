"""Our path alone: a server that costs next to nothing, and a million candidates.

Client and server are processes of their own and share the machine's cores; what each used of them
is reported. The chat endpoint is asked, eight candidates per request, as of any vLLM elsewhere.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil

from factory.artifact import commit
from factory.ledger import entry
from factory.orphans import die_with_parent
from factory.parts import as_table, part_name, write_part
from factory.shown.progress import say
from factory.train.memory_held import resident_peak
from schemas.arrow import PROBLEM
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Endpoints, Machine
from schemas.manifest import StageResult
from schemas.problem import Domain, GraderName, Problem
from schemas.teacher_settings import OpenaiTeacher

from .ours import stage
from .replay_server import PER_REQUEST, serve

_ROWS_PER_PART: Final = 8192
_POLL_S: Final = 0.01
_MORE: Final = 100
"""The last run asks for one problem more in so many."""


@dataclass(frozen=True)
class Ran:
    """One run of the stage in a process of its own."""

    candidates: int
    drawn: int
    seconds: float
    """From the start of the stage to its manifest."""
    drawing_s: float
    first_part_s: float | None
    """Until the first part was there: by then it is known what is missing, and drawn."""
    cpu_s: float
    peak_bytes: int
    server_cpu_s: float = 0.0
    first_request_s: float | None = None
    """Until the server was asked for the first time: by then it is known what is missing."""


def replay(folder: Path, candidates: int) -> dict[str, Any]:
    """Figures of drawing everything, and of three resumes; shows them."""
    count = candidates // PER_REQUEST
    problems = _problems(folder / "problems", count, more=False)
    further = _problems(folder / "problems-more", count, more=True)
    store, out_dir = folder / "candidates.sqlite", folder / "generate"
    runs: dict[str, Ran] = {}
    with _server() as server:
        say(f"drawing {PER_REQUEST * count:,} candidates")
        runs["all drawn"] = server.run(problems, out_dir, store)
        store_bytes = sum(path.stat().st_size for path in folder.glob("candidates.sqlite*"))
        parts_bytes = sum(path.stat().st_size for path in out_dir.glob("*.parquet"))
        say("resuming")
        runs["nothing missing, parts there"] = server.run(problems, out_dir, store)
        shutil.rmtree(out_dir)
        runs["nothing missing, no parts"] = server.run(problems, out_dir, store)
        shutil.rmtree(out_dir)
        runs["1% missing, no parts"] = server.run(further, out_dir, store)
    drawn = runs["all drawn"]
    figures: dict[str, Any] = {
        "candidates": drawn.candidates,
        "candidates_per_s": drawn.drawn / drawn.drawing_s,
        "candidates_per_s_whole_stage": drawn.drawn / drawn.seconds,
        "peak_mib": max(one.peak_bytes for one in runs.values()) / 2**20,
        "store_bytes_per_candidate": store_bytes / drawn.candidates,
        "parts_bytes_per_candidate": parts_bytes / drawn.candidates,
        "server_share_of_cpu": drawn.server_cpu_s / (drawn.server_cpu_s + drawn.cpu_s),
        "runs": {name: asdict(one) for name, one in runs.items()},
    }
    _show(figures, runs)
    return {"ratios": {}, "figures": figures}


def _show(figures: dict[str, Any], runs: dict[str, Ran]) -> None:
    for name in [name for name in figures if name != "runs"]:
        print(f"{name:32}{figures[name]:14,.2f}")
    print("| run | seconds | first request after | first part after | CPU s | server CPU s | MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, one in runs.items():
        first = [
            "–" if at is None else f"{at:.1f}" for at in (one.first_request_s, one.first_part_s)
        ]
        print(
            f"| {name} | {one.seconds:.1f} | {first[0]} | {first[1]} | {one.cpu_s:.1f} "
            f"| {one.server_cpu_s:.1f} | {one.peak_bytes / 2**20:,.0f} |"
        )


# ------------------------------------------------------------------------------------- processes


class _Server:
    """The replay server's process, and runs of the stage against it."""

    def __init__(self, process: psutil.Process, told: Connection, port: int) -> None:
        self._process = process
        self._told = told
        self._url = f"http://127.0.0.1:{port}/v1"

    def run(self, problems: Path, out_dir: Path, store: Path) -> Ran:
        """One run of the stage in a fresh process."""
        self._asked()
        before_s = self._cpu_s()
        ours, theirs = get_context("spawn").Pipe()
        client = get_context("spawn").Process(
            target=_client, args=(theirs, self._url, problems, out_dir, store, os.getpid())
        )
        client.start()
        theirs.close()
        try:
            begun_s, found = ours.recv()
        except EOFError:
            client.join()
            raise SystemExit(f"the client ended with status {client.exitcode}; see above") from None
        client.join()
        first_s, requests = self._asked()
        drawn = found["drawn"]
        if requests * PER_REQUEST < drawn:
            raise SystemExit(f"expected requests for {drawn} candidates, the server saw {requests}")
        return Ran(
            **found,
            server_cpu_s=self._cpu_s() - before_s,
            first_request_s=None if first_s is None else first_s - begun_s,
        )

    def _asked(self) -> tuple[float | None, int]:
        self._told.send("asked?")
        return self._told.recv()

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


@contextmanager
def _server() -> Generator[_Server]:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(theirs, 1, os.getpid()))
    process.start()
    theirs.close()
    try:
        yield _Server(psutil.Process(process.pid), ours, ours.recv())
    finally:
        ours.close()
        process.join()


def _client(
    told: Connection, url: str, problems: Path, out_dir: Path, store: Path, parent: int
) -> None:
    die_with_parent(parent)
    settings = Generate(
        teacher=OpenaiTeacher(
            engine="openai", model="replay", revision="1", body={"return_token_ids": True}
        ),
        sampling=Sampling(temperature=1.0, max_tokens=4096),
        candidates=PER_REQUEST,
    )
    machine = Machine(teacher=Endpoints(base_urls=[url], candidates_per_request=PER_REQUEST))
    seen: list[float] = []
    begun_s, cpu_s = time.monotonic(), time.process_time()
    threading.Thread(target=_watch, args=(out_dir, seen), daemon=True).start()
    made = stage(problems, out_dir, store, settings, machine, seed=1)
    found = {
        "candidates": made.ledger.rows_out,
        "drawn": made.figures["drawn"],
        "seconds": time.monotonic() - begun_s,
        "drawing_s": made.figures["seconds"],
        "first_part_s": seen[0] - begun_s if seen else None,
        "cpu_s": time.process_time() - cpu_s,
        "peak_bytes": resident_peak(),
    }
    told.send((begun_s, found))


def _watch(out_dir: Path, seen: list[float]) -> None:
    """Note when the first part appears in a folder that had none."""
    if any(out_dir.glob("candidates-*.parquet")):
        return
    while not any(out_dir.glob("candidates-*.parquet")):
        time.sleep(_POLL_S)
    seen.append(time.monotonic())


# -------------------------------------------------------------------------------------- problems


def _problems(folder: Path, count: int, *, more: bool) -> Path:
    """`count` made-up problems as `collect` leaves them; with `more`, one in a hundred besides."""

    def work() -> StageResult:
        parts = []
        rows: list[dict[str, Any]] = []
        total = 0
        for row in _rows(count, more=more):
            rows.append(row)
            if len(rows) == _ROWS_PER_PART:
                total += len(rows)
                parts.append(_part(folder, len(parts), rows))
                rows = []
        if rows:
            total += len(rows)
            parts.append(_part(folder, len(parts), rows))
        return StageResult(parts=parts, ledger=entry("collect", total, total, {}), figures={})

    commit(
        folder,
        work,
        stage="collect",
        recipe="benchmark",
        key=folder.name,
        code_version=1,
        inputs={},
    )
    return folder


def _part(folder: Path, number: int, rows: list[dict[str, Any]]) -> Any:
    name = part_name("problems", number)
    return write_part(folder, name, as_table(rows, PROBLEM), made_from=folder.name)


def _rows(count: int, *, more: bool) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield _row(f"replay/{zlib.crc32(b'%d' % number):08x}{number:06d}", number)
        if more and number % _MORE == 0:
            yield _row(f"replay/more{number:06d}", number)


def _row(problem_id: str, number: int) -> dict[str, Any]:
    return Problem(
        problem_id=problem_id,
        statement=f"A shop has {number} boxes with {number % 89 + 2} pens each and sells "
        f"{number % 31} pens a day. How many pens has it sold after {number % 13 + 1} days?",
        gold=str(number % 31 * (number % 13 + 1)),
        grader=GraderName.MATH,
        domain=Domain.MATH,
        source="replay",
        license="Apache-2.0",
        category="arithmetic",
        level="",
        reasoning=True,
        solution="",
    ).model_dump(mode="json")
