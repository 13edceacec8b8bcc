"""The shape of a case: a program that nobody would want to run, its tests, its right verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent, indent
from typing import Any

from sandboxes import Verdict

TestsData = dict[str, Any]


@dataclass(frozen=True)
class Hostile:
    """One program. More than one verdict is right only where the kernel may choose the victim."""

    name: str
    tests: TestsData
    program: str
    verdicts: tuple[Verdict, ...]
    limits: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Pair:
    """A program that leaves something behind, and one that looks for it in the next run.

    `probe` sets `left`. Run after `pollute` in one process it must be true, which shows that the
    search finds what is there; run as the next program it must be false.
    """

    name: str
    pollute: str
    probe: str
    stdin: str = ""

    def polluter(self) -> str:
        """The first program; it prints `polluted` where it could do what it wanted."""
        return f"{dedent(self.pollute)}\nprint('polluted', flush=True)\n"

    def seeker(self) -> str:
        """The next program; it prints whether it found anything."""
        return f"{dedent(self.probe)}\nprint('left' if left else 'clean', flush=True)\n"

    def both(self) -> str:
        """The control: the two in one run."""
        return self.polluter() + self.seeker()


def script(stdout: str = "ok", stdin: str = "", **more: Any) -> TestsData:
    """Tests of a script with one case."""
    return {"kind": "stdio", "cases": [{"stdin": stdin, "stdout": stdout}], **more}


def call(expected: Any, *args: Any, cases: int = 1) -> TestsData:
    """Tests of the function `f`, the same case so many times."""
    case = {"args": list(args), "expected": expected}
    return {"kind": "call", "entry_point": "f", "cases": [case] * cases}


def asserts(code: str, entry_point: str | None = None) -> TestsData:
    """Tests that are code."""
    tests: TestsData = {"kind": "asserts", "code": dedent(code)}
    return tests if entry_point is None else tests | {"entry_point": entry_point}


def as_kind(kind: str, body: str, expected: Any) -> tuple[TestsData, str]:
    """Tests and program of one kind, for statements that return what is expected.

    A script prints it, each item of a list as a word.
    """
    function = f"def f():\n{indent(dedent(body).strip(), '    ')}\n"
    if kind == "call":
        return call(expected), function
    if kind == "asserts":
        return asserts(f"assert f() == {expected!r}"), function
    words = expected if isinstance(expected, list) else [expected]
    shown = "found = f()\nprint(*(found if isinstance(found, list) else [found]))\n"
    return script(" ".join(f"{word}" for word in words)), function + shown
