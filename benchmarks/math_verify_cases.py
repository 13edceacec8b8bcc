"""How we agree with the cases in math-verify's own tests, and every case where we do not.

The cases are read, never run, out of the `tests/` folder of math-verify's source distribution:
each `(gold, pred, expected)` of a `pytest.mark.parametrize` there. They are not copied here. Give
the folder, or let the script fetch the distribution:

    python benchmarks/math_verify_cases.py [--tests FOLDER] [--json FILE]

The same files stand in the public repository huggingface/Math-Verify, under `tests/`. A gold there
is a whole text (`$10/9$`, or a worked solution): where it has a box, its last box is taken; else
what stands between dollar signs, if that is all of it; else the text. Where a response has no box
we take its last stated answer or last number, they the last formula; so each case is also graded
with the formula boxed, where the response is nothing but one formula or plain text without prose.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from factory.grade.math import MathGrader
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.verdict import Status

VERSION = "0.9.0"


@dataclass(frozen=True)
class Case:
    """One case of theirs and where it stands."""

    where: str
    gold: str
    response: str
    expected: bool


def fetched(folder: Path) -> Path:
    """The `tests/` of the source distribution, fetched by pip into a folder."""
    package = [f"math-verify=={VERSION}", "--no-deps", "--no-binary", ":all:"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", *package, "-d", str(folder)], check=True
    )
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("*/tests"))


def cases(tests: Path) -> list[Case]:
    """Every case that has a gold, a response and an expected outcome as literals, in order."""
    return [
        case
        for path in sorted(tests.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for case in _of_function(path.name, node)
    ]


def _of_function(name: str, function: ast.FunctionDef) -> Iterator[Case]:
    for call in function.decorator_list:
        if not (isinstance(call, ast.Call) and len(call.args) == 2):
            continue
        names, listed = call.args
        if not isinstance(names, ast.Constant | ast.List | ast.Tuple) or not isinstance(
            listed, ast.List
        ):
            continue
        columns = ast.literal_eval(names)
        columns = columns.split(",") if isinstance(columns, str) else list(columns)
        columns = [column.strip() for column in columns]
        columns = ["expected" if column == "result" else column for column in columns]
        if not {"gold", "pred", "expected"} <= set(columns):
            continue
        for row in listed.elts:
            try:
                values = dict(zip(columns, ast.literal_eval(row), strict=True))
            except ValueError:
                continue  # made by a call, not a literal
            if values.get("strict") is False:
                continue  # other letters count as the same: a setting that we do not have
            where = f"{name}:{row.lineno} {function.name}"
            yield Case(where, values["gold"], values["pred"], bool(values["expected"]))


def gold_text(gold: str) -> str:
    """The gold without the dollar signs around all of it."""
    return _formula(gold) or gold


def boxed(response: str) -> str:
    """The response with its formula boxed, where it is nothing else and has no box; else as it
    is."""
    formula = _formula(response)
    if "\\boxed" in response or (formula is None and not re.fullmatch(r"[^A-Za-z\s]+", response)):
        return response
    return f"\\boxed{{{formula or response}}}"


def _formula(text: str) -> str | None:
    """What stands between the dollar signs around all of a text."""
    inner = text.strip()
    for sign in ("$$", "$"):
        if len(inner) > 2 * len(sign) and inner.startswith(sign) and inner.endswith(sign):
            content = inner[len(sign) : -len(sign)]
            return None if "$" in content else content
    return None


def graded(found: list[Case]) -> dict[str, object]:
    """Counts, and every case on which we and they disagree."""
    with MathGrader(GradeMath(), workers=1) as grader:
        verdicts = grader.grade_texts(
            [(gold_text(case.gold), case.response, FinishReason.UNKNOWN) for case in found]
        )
    disagreements = [
        {
            "where": case.where,
            "gold": case.gold[-200:],
            "response": case.response[-200:],
            "expected": case.expected,
            "ours": f"{verdict.status}: {verdict.extracted} ({verdict.method}: {verdict.detail})",
        }
        for case, verdict in zip(found, verdicts, strict=True)
        if (verdict.status is Status.CORRECT) != case.expected
    ]
    return {
        "cases": len(found),
        "agree": len(found) - len(disagreements),
        "accepted against them": sum(not one["expected"] for one in disagreements),
        "disagreements": disagreements,
    }


def main() -> None:
    """Grade, count and list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=Path, help="the folder `tests` of the distribution")
    parser.add_argument("--json", type=Path, help="write counts and disagreements here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = cases(arguments.tests or fetched(Path(folder)))
    result = {
        "as given": graded(found),
        "formulas boxed": graded([replace(case, response=boxed(case.response)) for case in found]),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if str(arguments.json) != "/dev/stdout":
        print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
