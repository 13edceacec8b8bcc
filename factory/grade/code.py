"""The code grader: takes the program out of a completion and runs it in the sandbox.

`problem.gold` is the JSON form of the sandbox's tests (`sandboxes.parse_tests`), perhaps with how
the programs of this problem are run (`factory.grade.code_run`). What runs, what
is compared where, and what a program cannot do is said in `sandboxes/README.md`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import sandboxes
from factory.errors import SandboxUnavailable
from factory.grade.code_run import CodeRun
from factory.grade.contract import Item, Verdict, answer_part
from sandboxes import Limits, SandboxError, SandboxPool, Tests, parse_tests
from sandboxes.container import RESERVE_BYTES
from sandboxes.engine import check
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeCode
from schemas.machine import Sandbox
from schemas.problem import Problem
from schemas.verdict import Status

_PYTHON = frozenset({"python", "py", "python3"})
_FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,})[ \t]*(?P<info>[^`\n]*)$")

_STATUS = {
    sandboxes.Verdict.CORRECT: Status.CORRECT,
    sandboxes.Verdict.INCORRECT: Status.INCORRECT,
    sandboxes.Verdict.ERROR: Status.ERROR,
    sandboxes.Verdict.SYNTAX: Status.SYNTAX,
    sandboxes.Verdict.TIMEOUT: Status.TIMEOUT,
    sandboxes.Verdict.MEMORY: Status.MEMORY,
    sandboxes.Verdict.OUTPUT_LIMIT: Status.OUTPUT_LIMIT,
}


@dataclass(frozen=True)
class Extraction:
    """The program of a completion, or why there is none (`status`)."""

    program: str
    status: Status | None = None
    detail: str = ""


def program_of(text: str, finish_reason: FinishReason) -> Extraction:
    """The program that a completion ends with.

    That is the last fenced block marked as Python in its answer part, else the last block without
    a mark, else the answer part as it stands. A block that is never closed reaches to the end of
    a completion that ended by itself; in one that was cut it is no program.
    """
    answer = answer_part(text, finish_reason)
    if answer is None:
        return Extraction("", Status.TRUNCATED, "the thinking never closed")
    cut = finish_reason is FinishReason.LENGTH
    blocks = [block for block in _blocks(answer) if block.closed or not cut]
    marked = [block for block in blocks if block.language in _PYTHON]
    usable = marked or [block for block in blocks if not block.language]
    if usable:
        program = usable[-1].code
    elif cut:
        return Extraction("", Status.TRUNCATED, "cut before a code block was complete")
    elif blocks:
        found = blocks[-1].language[:40]
        return Extraction("", Status.UNPARSABLE, f"expected a Python block, found {found!r}")
    else:
        program = answer.strip("\n")
    if not program.strip():
        return Extraction("", Status.UNPARSABLE, "the answer holds no program")
    return Extraction(program)


@dataclass(frozen=True)
class _Block:
    language: str
    code: str
    closed: bool


def _blocks(text: str) -> list[_Block]:
    """Fenced blocks in order; the last one may be open."""
    blocks: list[_Block] = []
    opened: tuple[str, str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.match(line.rstrip("\r"))
        if opened is None:
            if fence is not None:
                words = fence["info"].strip().lower().split()
                opened, lines = (fence["ticks"], words[0] if words else ""), []
        elif (
            fence is not None
            and not fence["info"].strip()
            and len(fence["ticks"]) >= len(opened[0])
        ):
            blocks.append(_Block(opened[1], "\n".join(lines), closed=True))
            opened = None
        else:
            lines.append(line)
    if opened is not None:
        blocks.append(_Block(opened[1], "\n".join(lines), closed=False))
    return blocks


class CodeGrader:
    """A grader that holds a pool of sandboxes while it is open."""

    def __init__(self, limits: GradeCode, sandbox: Sandbox) -> None:
        self._limits = Limits(
            wall_s=limits.wall_s,
            cpu_s=limits.cpu_s,
            memory_bytes=limits.memory_bytes,
            output_bytes=limits.output_bytes,
        )
        self._slots = sandbox.slots or os.cpu_count() or 1
        self._pool = SandboxPool(
            image=sandbox.image,
            slots=self._slots,
            runtime=sandbox.runtime,
            # Room for the program, the tests beside it and the container itself.
            memory_bytes=2 * limits.memory_bytes + RESERVE_BYTES,
        )

    def __enter__(self) -> CodeGrader:
        """Start the containers. Raises `SandboxUnavailable` with the remedy."""
        try:
            self._pool.__enter__()
        except SandboxError as error:
            raise SandboxUnavailable(str(error)) from error
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.__exit__(None, None, None)

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One grading per item, in the order of the items; the slots work side by side.

        Raises:
            SandboxUnavailable: The machine failed again and again; there is no verdict.
        """
        with ThreadPoolExecutor(self._slots) as threads:
            try:
                return list(threads.map(self._grade, items))
            except SandboxError as error:
                threads.shutdown(cancel_futures=True)
                raise SandboxUnavailable(str(error)) from error

    def gold_answer(self, problem: Problem) -> str | None:
        """The source's reference program; None where it has none."""
        solution = problem.solution
        return f"```python\n{solution}\n```" if solution.strip() else None

    def _grade(self, item: Item) -> Verdict:
        extracted = program_of(item.text, item.finish_reason)
        if extracted.status is not None:
            return Verdict(extracted.status, "", "extraction", extracted.detail, 0.0)
        try:
            tests, run = read_code_gold(item.problem.gold)
        except ValueError as error:
            detail = f"gold: {error}"[:400]
            return Verdict(Status.ERROR, extracted.program, "gold", detail, 0.0)
        program = run.program(extracted.program)
        outcome = self._pool.run(program, tests, raised(self._limits, run))
        return Verdict(
            status=_STATUS[outcome.verdict],
            extracted=extracted.program,
            method="sandbox",
            detail=outcome.detail,
            wall_s=outcome.wall_s,
            passed=outcome.passed,
            total=outcome.total,
        )


def read_code_gold(gold: str) -> tuple[Tests, CodeRun]:
    """The tests of a code problem, and how its programs are run.

    Raises:
        ValueError: It is no JSON, or not of this form.
    """
    form: Any = json.loads(gold)
    run = CodeRun.model_validate(form.pop("run", {})) if isinstance(form, dict) else CodeRun()
    return parse_tests(form), run


def raised(limits: Limits, run: CodeRun) -> Limits:
    """The recipe's limits, raised to those that a problem needs."""
    return replace(
        limits,
        cpu_s=max(limits.cpu_s, run.cpu_s or 0.0),
        wall_s=max(limits.wall_s, run.wall_s or 0.0),
        output_bytes=max(limits.output_bytes, run.output_bytes or 0),
    )


def check_sandbox(sandbox: Sandbox) -> None:
    """Raise where untrusted code cannot be run safely on this machine; takes a second.

    Raises:
        SandboxUnavailable: No engine answers, it does not enforce a limit, or the image or
            runtime is missing; each with its remedy.
    """
    report = check(sandbox.image)
    missing = list(report.missing)
    if report.answers and sandbox.runtime not in report.runtimes:
        missing.append(
            f"no runtime {sandbox.runtime} in the engine, found {', '.join(report.runtimes)}"
        )
    if missing:
        raise SandboxUnavailable(
            "code must be graded in Docker sandboxes and nothing is run without one: "
            + "; ".join(missing)
        )
