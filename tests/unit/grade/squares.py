"""A grader of lines without a machine, whose faults a test chooses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.grade.line_grader import MachineFault

Values = dict[str, Any]


class Squares:
    """Grades `{"id", "n", "answer"}`: whether `answer` is the square of `n`."""

    made_by = "test squares"

    def __init__(
        self,
        before: Callable[[Values], None] = lambda _: None,
        *,
        most_lines: int = 1,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.before = before
        """Called for each line before it is graded; may raise."""
        self.most_lines = most_lines
        self.settings = settings or {}
        self.chunks: list[int] = []
        """Lines of each call."""
        self.graded: list[str | int] = []
        self.opened = 0
        self.works = True

    def read(self, values: Values) -> Values:
        if not isinstance(values.get("n"), int):
            raise ValueError("n: expected an integer")
        return values

    def __enter__(self) -> None:
        self.opened += 1

    def __exit__(self, *_: object) -> None: ...

    def grade(self, lines: Sequence[Values]) -> list[Mapping[str, Any]]:
        self.chunks.append(len(lines))
        return [self._grade(line) for line in lines]

    def _grade(self, line: Values) -> Mapping[str, Any]:
        self.before(line)
        self.graded.append(line["id"])
        return {"verdict": "correct" if line["n"] ** 2 == line["answer"] else "incorrect"}

    def no_verdict(self, detail: str) -> Mapping[str, Any]:
        return {"verdict": "infra", "detail": detail}

    def check(self) -> None:
        if not self.works:
            raise MachineFault("the harmless line failed too")


class Faults:
    """Fails on the lines with these ids, so many times each."""

    def __init__(self, times: Mapping[str | int, int]) -> None:
        self.left = Counter(times)

    def __call__(self, line: Values) -> None:
        if self.left[line["id"]] > 0:
            self.left[line["id"]] -= 1
            raise MachineFault("its container died")


def write(file: Path, lines: Iterable[Values]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def squares(count: int) -> list[Values]:
    return [{"id": f"s/{n}", "n": n, "answer": n * n + (n % 3 == 0)} for n in range(count)]


def results(out: Path) -> list[Values]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def ids(out: Path) -> list[str | int]:
    return [one["id"] for one in results(out)]
