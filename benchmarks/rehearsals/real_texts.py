"""Problems of real sets that a rehearsal asks: those whose answers it can plan.

Taken are statements that share no six successive words with an item of the benchmarks which the
rehearsal compares with (so that what is found is what was planted), of ordinary length and letters,
and that name no language whose letters would then be at home in a trace.
"""

from __future__ import annotations

import ast
import builtins
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from made_texts.pieces import pieces, words

from factory.grade.math.extract import last_boxed
from factory.recipe_file import data_root

BENCHMARKS: Final = {
    "gsm8k": ("gsm8k/test.jsonl", "question"),
    "humaneval": ("humaneval/HumanEval.jsonl.gz", "prompt"),
}
"""Name -> file of the shared data, and the column that is compared."""
_GUARD_WORDS: Final = 6
_MOST_CHARS: Final = 500
_MOST_PROGRAM_CHARS: Final = 600
_LANGUAGE: Final = re.compile(r"chinese|mandarin|cantonese|japanese|kanji|hanzi|pinyin", re.I)
_PLAIN: Final = re.compile(r"-?\d+|-?\\frac\{\d+\}\{\d+\}|-?\d*\\sqrt\{\d+\}|\(-?\d+, ?-?\d+\)")
_LARGE: Final = re.compile(r"\d{4}")
"""In tests: some programs then count for seconds, near the limit of processor time."""
_ASSERTION: Final = re.compile(r"assert (\w+)\(.*\) ?== ?\S.*")


@dataclass(frozen=True)
class Task:
    """A programming problem with a program that is right."""

    text: str
    function: str
    program: str
    tests: str
    """Lines of assertions."""


def benchmark_items(name: str) -> list[str]:
    """The texts of a benchmark, in order."""
    file, column = BENCHMARKS[name]
    return [row[column] for row in rows(file)]


def worded_problems() -> Iterator[tuple[str, str]]:
    """(statement, gold) of GSM8K for training, then of MATH, no statement twice."""
    seen: set[str] = set()
    for statement, gold in _worded():
        form = " ".join(statement.split())
        fits = len(statement) <= _MOST_CHARS and _PLAIN.fullmatch(gold)
        if fits and form not in seen and _is_free(statement):
            seen.add(form)
            yield statement, gold


def programming_tasks() -> list[Task]:
    """Tasks of MBPP whose assertions compare one function with values, no text twice."""
    found: dict[str, Task] = {}
    for row in rows("mbpp/mbpp.jsonl"):
        task = _task(row)
        if task and _is_free(f"{task.text}\n{task.program}\n{task.tests}"):
            found.setdefault(" ".join(task.text.split()), task)
    return list(found.values())


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file of the shared data."""
    content = (data_root() / name).read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    for line in content.splitlines():
        yield json.loads(line)


def _worded() -> Iterator[tuple[str, str]]:
    for row in rows("gsm8k/train.jsonl"):
        yield row["question"], row["answer"].rpartition("####")[2].strip()
    for row in rows("math/test.jsonl"):
        yield row["problem"], last_boxed(row["solution"]) or ""


def _task(row: dict[str, Any]) -> Task | None:
    program = row["code"].replace("\r\n", "\n").replace("\t", "    ")
    found = [_ASSERTION.fullmatch(test.strip()) for test in row["test_list"]]
    names = {one[1] for one in found if one}
    if None in found or len(names) != 1 or row["test_setup_code"].strip():
        return None
    if len(program) > _MOST_PROGRAM_CHARS or "```" in program:
        return None
    tests = "\n".join(test.strip() for test in row["test_list"])
    function = names.pop()
    if not _stands_alone(program, function, tests) or _LARGE.search(tests):
        return None
    return Task(row["text"].strip(), function, program.strip(), tests)


def _stands_alone(program: str, function: str, tests: str) -> bool:
    """Whether the program defines the function, and the tests name nothing else of it."""
    try:
        defined = {one.name for one in ast.parse(program).body if isinstance(one, ast.FunctionDef)}
    except SyntaxError:
        return False
    named = {one.id for one in ast.walk(ast.parse(tests)) if isinstance(one, ast.Name)}
    return function in defined and named - {function} <= set(dir(builtins))


_guarded: set[str] = set()


def _is_free(text: str) -> bool:
    if not _guarded:
        for item in pieces().items:
            if item.benchmark in BENCHMARKS:
                _guarded.update(_grams(item.text))
    if not text.isascii() or "think>" in text or "[asy]" in text or _LANGUAGE.search(text):
        return False
    return _guarded.isdisjoint(_grams(text))


def _grams(text: str) -> set[str]:
    found = words(text)
    return {
        " ".join(found[start : start + _GUARD_WORDS])
        for start in range(len(found) - _GUARD_WORDS + 1)
    }
