"""Two ways to grade the same items, ours and math-verify's, and what each costs.

Each runs in a fresh process, so that caches start cold. Before the clock starts both grade one
pair that needs everything (parser, sympy, our worker process), so that no import is counted,
and the clock stops before the worker does. Imports of graders stand inside functions, so that
neither process holds the other's library.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil

WARM_UP: Final = ("\\sin^2 x + \\cos^2 x", "\\boxed{\\frac{e^{2y} + e^{2y}}{2 e^{2y}}}")
PATIENCE_S: Final = 20.0
"""math-verify's own limit is 5 s, but it cannot interrupt arithmetic of long integers."""
MEMORY_BYTES: Final = 8 * 2**30
CONFIGS: Final = ("latex, $gold$", "latex and expr, $gold$", "latex, boxed", "latex and expr, gold")
"""How math-verify may be asked: what it extracts, and how the gold is wrapped."""


@dataclass(frozen=True)
class Item:
    """A gold, a response, and whether the response is right."""

    gold: str
    response: str
    equal: bool


@dataclass(frozen=True)
class Run:
    """Verdicts in order, CPU seconds, and resident bytes of the process and of its workers."""

    verdicts: list[bool]
    details: list[str]
    cpu_s: float
    process_bytes: int
    workers_bytes: int


def ours(items: list[Item]) -> Run:
    """Our grader with one worker."""
    from factory.grade.math import MathGrader
    from schemas.candidate import FinishReason
    from schemas.grade_settings import GradeMath
    from schemas.verdict import Status

    with MathGrader(GradeMath(), workers=1) as grader:
        grader.grade_texts([(*WARM_UP, FinishReason.UNKNOWN)])
        begun = _cpu_s()
        found = grader.grade_texts(
            [(item.gold, item.response, FinishReason.UNKNOWN) for item in items]
        )
        cpu_s = _cpu_s() - begun
        workers = psutil.Process().children(recursive=True)
        workers_bytes = sum(worker.memory_info().rss for worker in workers)
        process_bytes = psutil.Process().memory_info().rss
    return Run(
        [one.status is Status.CORRECT for one in found],
        [f"{one.status}: {one.extracted} ({one.method}: {one.detail})" for one in found],
        cpu_s,
        process_bytes,
        workers_bytes,
    )


def math_verify(items: list[Item], config: str) -> Run:
    """math-verify in one process; what it returns on a timeout of its own is its verdict."""
    grade = _math_verify(config)
    grade(Item(*WARM_UP, equal=True))
    begun = _cpu_s()
    verdicts = [grade(item) for item in items]
    return Run(verdicts, [""] * len(items), _cpu_s() - begun, psutil.Process().memory_info().rss, 0)


def _math_verify(config: str) -> Callable[[Item], bool]:
    import logging

    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    logging.disable(logging.CRITICAL)
    found: list[Any] = [LatexExtractionConfig()]
    if "expr" in config:
        found.append(ExprExtractionConfig())
    shape = {"$gold$": "${}$", "boxed": "\\boxed{{{}}}", "gold": "{}"}[config.split(", ")[1]]

    def grade(item: Item) -> bool:
        gold = parse(shape.format(item.gold), found)
        return bool(verify(gold, parse(item.response, found)))

    return grade


def apart(way: Callable[..., Run], *arguments: object) -> Run:
    """A way in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(way, arguments)


def math_verify_guarded(items: list[Item], config: str) -> tuple[list[bool], int]:
    """math-verify's verdicts and how many items ended its process (no answer in `PATIENCE_S`, or
    no memory); those count as not accepted."""
    verdicts: list[bool] = []
    lost = 0
    while len(verdicts) < len(items):
        here, there = get_context("spawn").Pipe()
        left = items[len(verdicts) :]
        process = get_context("spawn").Process(target=_stream, args=(there, left, config))
        process.start()
        there.close()
        try:
            here.recv()  # it has imported its library
            while len(verdicts) < len(items) and here.poll(PATIENCE_S):
                verdicts.append(here.recv())
        except EOFError:
            pass
        process.kill()
        process.join()
        if len(verdicts) < len(items):
            verdicts.append(False)
            lost += 1
    return verdicts, lost


def _stream(connection: Connection, items: list[Item], config: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    grade = _math_verify(config)
    connection.send(True)
    for item in items:
        connection.send(grade(item))


def _cpu_s() -> float:
    """CPU time of this process, of its children that have ended, and of those that live."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ended = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    # Clock ticks of 10 ms would be too coarse for sets that take a tenth of a second.
    living = [
        int((task / "schedstat").read_text(encoding="ascii").split()[0])
        for child in psutil.Process().children(recursive=True)
        for task in Path(f"/proc/{child.pid}/task").iterdir()
    ]
    return ended + sum(living) / 1e9
