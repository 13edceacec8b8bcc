"""Tests as requests to the runners: which steps a container takes, and what each of them reads.

Expected values are in none of it, except the test code of `asserts`, which goes to the container
of the tests alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandboxes.asserts_text import read_asserts
from sandboxes.contract import Asserts, Call, Limits, Stdio, Tests
from sandboxes.inside.runner import EXTENSION
from sandboxes.languages import Language

TESTS_GRACE_S = 1.0
"""The tests may go on so much longer than their program, to say what they saw."""


@dataclass(frozen=True)
class Step:
    """One process: what it does, what it reads, and its own limits where it has some."""

    role: str
    payload: dict[str, Any]
    limits: Limits | None = None


@dataclass(frozen=True)
class Request:
    """What one run sends: to the container of the program, and to that of its tests."""

    program: bytes
    tests: bytes | None = None


def request_for(language: Language, program: str, tests: Tests, limits: Limits) -> Request:
    """The request of one run.

    Raises:
        ValueError: Programs of this language cannot be tested so.
    """
    language.check(tests)
    if isinstance(tests, Asserts):
        served = _message([Step("served", {"program": program})], limits)
        read = read_asserts(tests.code, tests.entry_point)
        code = Step("tests", {"code": tests.code, "entry_point": tests.entry_point} | vars(read))
        # The program's own limit ends the tests too; theirs only keeps them from going on.
        longer = replace(limits, wall_s=(1 + EXTENSION) * limits.wall_s + TESTS_GRACE_S)
        return Request(served, _message([code], longer))
    if isinstance(tests, Call):
        cases = [{"args": case.args, "kwargs": dict(case.kwargs)} for case in tests.cases]
        payload = {"program": program, "entry_point": tests.entry_point, "cases": cases}
        return Request(_message([Step("calls", payload)], limits))
    return Request(_message(_script_steps(language, program, tests), limits))


def _script_steps(language: Language, program: str, tests: Stdio) -> list[Step]:
    if language.interpreter:
        run = {"argv": language.interpreter, "source": program}
        return [Step("binary", run | {"stdin": case.stdin}) for case in tests.cases]
    if not language.compiler:
        return [Step("script", {"program": program, "stdin": c.stdin}) for c in tests.cases]
    payload = {"argv": language.compiler, "stdin": program}
    compiler = Step("compile", payload, language.compile_limits)
    return [compiler, *(Step("binary", {"argv": [], "stdin": c.stdin}) for c in tests.cases)]


def _message(steps: Sequence[Step], limits: Limits) -> bytes:
    payloads = [_json(step.payload) for step in steps]
    described: list[dict[str, Any]] = []
    for step, payload in zip(steps, payloads, strict=True):
        one: dict[str, Any] = {"role": step.role, "bytes": len(payload)}
        if step.limits is not None:
            one["limits"] = vars(step.limits)
        described.append(one)
    header = _json({"limits": vars(limits), "steps": described})
    return b"".join((frame(header), *payloads))


def frame(data: bytes) -> bytes:
    """The bytes after their length."""
    return struct.pack(">I", len(data)) + data


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
