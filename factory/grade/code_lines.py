"""`retort grade code`: programs and tests of a file, in the sandboxes of their languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.errors import GradeFileError, SandboxUnavailable
from factory.grade.code import check_sandbox
from factory.grade.grade_lines import Report, grade_lines
from factory.grade.line_file import Values
from factory.grade.line_grader import MachineFault, Result
from sandboxes import (
    PYTHON,
    ContainerFailed,
    Language,
    Limits,
    SandboxError,
    SandboxPool,
    Tests,
    language_of,
    parse_tests,
)
from sandboxes.client import connect
from sandboxes.container import RESERVE_BYTES
from schemas.code_line import CodeLimits, CodeLine, CodeResult
from schemas.machine import Sandbox
from schemas.verdict import Status

HARMLESS: Final = parse_tests({"kind": "stdio", "cases": [{"stdin": "", "stdout": ""}]})


@dataclass(frozen=True)
class _Asked:
    language: Language
    program: str
    tests: Tests
    limits: Limits


class CodeLineGrader:
    """One pool of sandboxes for each language that the lines read so far are in."""

    made_by = "retort grade code"
    settings: Mapping[str, Any] = {}
    most_lines = 1

    def __init__(self, sandbox: Sandbox, workers: int) -> None:
        """Nothing is started yet.

        Args:
            sandbox: Its image is that of Python; other languages have their own.
            workers: Slots of each pool.
        """
        self._sandbox = sandbox
        self._workers = workers
        self._languages: dict[str, Language] = {}
        self._most_memory = (0, "")
        self._pools: dict[str, SandboxPool] = {}
        self._open = ExitStack()

    def read(self, values: Values) -> _Asked:
        """The program, tests and limits of a line; what it needs is noted.

        Raises:
            ValueError: It is no `CodeLine`, or its tests are none of its language.
        """
        line = CodeLine.model_validate(values)
        language = language_of(line.language)
        tests = parse_tests(line.tests)
        language.check(tests)
        limits = line.limits or CodeLimits()
        self._languages[language.name] = language
        if limits.memory_bytes > self._most_memory[0]:
            self._most_memory = limits.memory_bytes, f"{line.id!r}"
        return _Asked(language, line.program, tests, Limits(**limits.model_dump()))

    def __enter__(self) -> CodeLineGrader:
        """Start the containers of every language.

        Raises:
            SandboxUnavailable: With the remedy; no container is left up.
            GradeFileError: A line wants more memory than a container can have here.
        """
        for language in self._languages.values():
            check_sandbox(self._sandbox.model_copy(update={"image": self._image(language)}))
        try:
            self._check_memory()
            with ExitStack() as opening:
                for language in self._languages.values():
                    self._pools[language.name] = opening.enter_context(self._pool(language))
                self._open = opening.pop_all()
        except SandboxError as error:
            raise SandboxUnavailable(f"{error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def grade(self, lines: Sequence[_Asked]) -> list[Result]:
        """The fields of a `CodeResult` for each.

        Raises:
            MachineFault: Containers died again and again under this program.
            SandboxUnavailable: The engine is gone.
        """
        return [self._grade(line) for line in lines]

    def _grade(self, line: _Asked) -> Result:
        try:
            outcome = self._pools[line.language.name].run(line.program, line.tests, line.limits)
        except ContainerFailed as error:
            raise MachineFault(f"{error}") from error
        except SandboxError as error:
            raise SandboxUnavailable(f"{error}") from error
        return CodeResult(
            verdict=Status(outcome.verdict.value),
            passed=outcome.passed,
            total=outcome.total,
            detail=outcome.detail,
            wall_s=round(outcome.wall_s, 6),
            cpu_s=round(outcome.cpu_s, 6),
        ).model_dump()

    def no_verdict(self, detail: str) -> Result:
        """The fields of an `infra` line."""
        return CodeResult(
            verdict=Status.INFRA, passed=0, total=0, detail=detail, wall_s=0.0, cpu_s=0.0
        ).model_dump()

    def check(self) -> None:
        """Run an empty program in every language, whatever comes of it. Raises as `grade` does."""
        for language in self._languages.values():
            self._grade(_Asked(language, "", HARMLESS, Limits()))

    def _image(self, language: Language) -> str:
        return self._sandbox.image if language == PYTHON else language.image

    def _pool(self, language: Language) -> SandboxPool:
        return SandboxPool(
            language=language,
            image=self._image(language),
            slots=self._workers,
            runtime=self._sandbox.runtime,
            memory_bytes=_container_bytes(language, self._most_memory[0]),
        )

    def _check_memory(self) -> None:
        client = connect()
        try:
            engine_bytes = int(client.info()["MemTotal"])
        finally:
            client.close()
        most = (engine_bytes // 2 - RESERVE_BYTES) // 2
        asked, line_id = self._most_memory
        if asked > most:
            raise GradeFileError(
                f"line with id {line_id}: expected limits.memory_bytes of at most {most} (a "
                f"container holds twice that and may take half of the engine's {engine_bytes} "
                f"bytes), found {asked}; lower it, or use an engine with more memory"
            )


def _container_bytes(language: Language, program_bytes: int) -> int:
    """Room for two processes of a program at their limit, its compiler, and the container."""
    compiler_bytes = language.compile_limits.memory_bytes if language.compiler else 0
    return max(2 * program_bytes, compiler_bytes) + RESERVE_BYTES


def grade_code_lines(source: Path, out: Path, sandbox: Sandbox, *, workers: int) -> Report:
    """Grade the programs of a file: see `grade_lines` for what is raised and what is kept.

    Args:
        source: `CodeLine`s.
        out: `CodeResult`s, each with the id of its line.
        sandbox: Image and runtime.
        workers: Programs that run at the same time, each in a container of its own.
    """
    return grade_lines(source, out, CodeLineGrader(sandbox, workers), workers=workers)
