"""Rows in the shape of LiveCodeBench's JSONL files."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

from factory.collect.sources import read_source
from schemas.problem import Problem
from schemas.source_settings import LiveCodeBenchSource

METHOD = "def ends(self, nums: List[int]) -> List[int]:"


def packed(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> str:
    """A value as LiveCodeBench packs hidden tests; a text is its JSON already."""
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.b64encode(zlib.compress(pickle.dumps(text, protocol))).decode()


def stdin_test(given: str, output: str) -> dict[str, str]:
    return {"input": given, "output": output, "testtype": "stdin"}


def call_test(given: str, output: str) -> dict[str, str]:
    return {"input": given, "output": output, "testtype": "functional"}


def script_row(**fields: Any) -> dict[str, Any]:
    """A problem of AtCoder: print twice the number that is read."""
    row = {
        "question_title": "Double",
        "question_content": "Print twice N.",
        "platform": "atcoder",
        "question_id": "abc400_a",
        "contest_id": "abc400",
        "contest_date": "2024-11-02T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps([stdin_test("1\n", "2\n")]),
        "private_test_cases": packed([stdin_test("21\n", "42\n"), stdin_test("-4", "-8")]),
        "metadata": "{}",
    }
    return row | fields


def method_row(**fields: Any) -> dict[str, Any]:
    """A problem of LeetCode: the two ends of a list."""
    row = {
        "question_id": "3333",
        "platform": "leetcode",
        "difficulty": "hard",
        "contest_date": "2025-01-31T23:30:00",
        "question_content": "Return the first and the last of nums.",
        "starter_code": f"class Solution:\n    {METHOD}\n        ",
        "public_test_cases": json.dumps([call_test("[1, 2, 3]", "[1, 3]")]),
        "private_test_cases": packed([call_test("[7]", "[7, 7]"), call_test("[0, 9]\n", "[0, 9]")]),
        "metadata": json.dumps({"func_name": "ends"}),
    }
    return script_row(**row) | fields


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """`livecodebench/test5.jsonl` of a data folder."""
    (folder / "livecodebench").mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "livecodebench" / "test5.jsonl").write_text(text, encoding="utf-8")


def source(**fields: Any) -> LiveCodeBenchSource:
    shape = {"kind": "livecodebench", "name": "lcb", "path": "${RETORT_DATA}/livecodebench"}
    return LiveCodeBenchSource.model_validate(shape | fields)


def problems(folder: Path, rows: list[dict[str, Any]], **fields: Any) -> list[Problem]:
    write(folder, rows)
    return read_source(source(**fields), seed=0).problems
