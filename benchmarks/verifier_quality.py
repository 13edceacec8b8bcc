"""How often our graders are wrong, on labelled answers: writes `data_cards/verifiers.json`.

A false accept is a wrong answer that is graded correct, a false reject a right one that is not.
The cards of datasets show the entries of the graders that accepted their rows. Sets:

    math     responses of a model to MATH with the labels of its authors (one of them known to be
             wrong); pairs of golds and answers made from MATH, and two sets labelled by hand;
             GSM8K's worked solutions to their own problem (right) and to another with another
             gold (wrong)
    number   GSM8K, as for `math`
    code     the reference programs of HumanEval and MBPP (right), and the same with every result
             of the function changed (wrong); needs Docker and the sandbox's image

    python benchmarks/verifier_quality.py [--graders NAME …] [--out FILE]

Entries of graders that are not asked for stay in the file as they are. About two minutes of two
cores for all.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from math_pairs import sets
from math_pairs.ways import Item as Answer

from factory.collect.sources import read_source
from factory.grade.contract import Item
from factory.grade.registry import open_grader
from factory.recipe_file import ROOT
from pipelines.data import GradeCandidates
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade, GradeCode
from schemas.machine import Machine
from schemas.problem import Domain, GraderName, Problem
from schemas.source_settings import HumanEvalSource, MbppSource
from schemas.verdict import Status

OUT: Final = ROOT / "data_cards" / "verifiers.json"
GRADERS: Final = ("math", "number", "code")
Labelled = tuple[Item, bool]

CHANGED: Final = """

def _changed(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        return value + 1
    if isinstance(value, str):
        return value + "?"
    if isinstance(value, (list, tuple)):
        return type(value)([*value, 0])
    if isinstance(value, (set, frozenset)):
        return value | {"?"}
    if isinstance(value, dict):
        return {**value, "?": 0}
    return 0 if value is None else None

def _wrap(function):
    return lambda *args, **kwargs: _changed(function(*args, **kwargs))

NAME = _wrap(NAME)
"""
"""Changes every result of the function NAME."""


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graders", nargs="+", choices=GRADERS, default=GRADERS)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    kept = json.loads(arguments.out.read_text())["entries"] if arguments.out.exists() else []
    entries = [one for one in kept if one["grader"] not in arguments.graders]
    for grader in arguments.graders:
        for name, about, labelled in labelled_sets(grader):
            entries.append(measured(grader, name, about, labelled))
            print(json.dumps(entries[-1]), flush=True)
    entries.sort(key=lambda one: (one["grader"], one["set"]))
    content = {"command": "python benchmarks/verifier_quality.py", "entries": entries}
    arguments.out.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def measured(grader: str, name: str, about: str, labelled: Sequence[Labelled]) -> dict[str, Any]:
    """One entry: mistakes of a grader on a set."""
    grade = Grade(code=GradeCode(wall_s=30, cpu_s=20))
    with open_grader(grader, grade, Machine(workers=2)) as opened:
        verdicts = opened.grade_many([item for item, _ in labelled])
    accepted = [verdict.status is Status.CORRECT for verdict in verdicts]
    pairs = list(zip(accepted, (label for _, label in labelled), strict=True))
    return {
        "grader": grader,
        "set": name,
        "about": about,
        "n": len(pairs),
        "wrong": sum(not label for _, label in pairs),
        "false_accepts": sum(one and not label for one, label in pairs),
        "right": sum(label for _, label in pairs),
        "false_rejects": sum(label and not one for one, label in pairs),
        "version": GradeCandidates.code_version,
        "date": datetime.now(UTC).date().isoformat(),
    }


def labelled_sets(grader: str) -> Iterator[tuple[str, str, list[Labelled]]]:
    """(name, what it is, items with labels) of each set that a grader is measured on."""
    if grader == "math":
        responses = [item for _, item in sets.generations()]
        about = (
            "of a Qwen2.5-Math model to 100 MATH problems, with its authors' labels; the nine of "
            "them with which the grader disagrees are wrong (docs/golds.md)"
        )
        yield "model responses", about, _texts(responses)
        for name in sets.BY_HAND:
            pairs = sets.items_of(sets.by_hand(name))
            yield f"{name} pairs", "golds and answers, labelled by hand", _texts(pairs)
        made = sets.items_of(sets.math_pairs())
        yield "made pairs", "golds of MATH and answers, labelled by construction", _texts(made)
    if grader in ("math", "number"):
        about = "worked solutions, each to its own problem and to another"
        yield "GSM8K", about, _gsm8k(GraderName(grader))
    if grader == "code":
        path = "${RETORT_DATA}/humaneval/HumanEval.jsonl.gz"
        human = HumanEvalSource(name="h", kind="humaneval", path=path)
        yield "HumanEval", "reference programs, as they are and changed", _programs(human)
        mbpp = MbppSource(name="m", kind="mbpp", path="${RETORT_DATA}/mbpp/mbpp.jsonl")
        yield "MBPP", "reference programs, as they are and changed", _programs(mbpp)


def _texts(items: Sequence[Answer]) -> list[Labelled]:
    return [(_item(one.gold, one.response, GraderName.MATH), one.equal) for one in items]


def _gsm8k(grader: GraderName) -> list[Labelled]:
    """Each solution to its own gold, and to that of another problem, which is another number."""
    found = sets.gsm8k()
    golds = [one.gold for one in found]
    random.Random(sets.SEED).shuffle(golds)
    right = [(_item(one.gold, one.response, grader), True) for one in found]
    other = zip(found, golds, strict=True)
    wrong = [
        (_item(gold, one.response, grader), False)
        for one, gold in other
        if _value(gold) != _value(one.gold)
    ]
    return [*right, *wrong]


def _value(gold: str) -> float:
    return float(gold.replace(",", ""))


def _programs(source: HumanEvalSource | MbppSource) -> list[Labelled]:
    labelled: list[Labelled] = []
    for problem in read_source(source, seed=sets.SEED).problems:
        program, name = problem.solution, _tested(problem)
        labelled.append((_answer(problem, program), True))
        labelled.append((_answer(problem, program + CHANGED.replace("NAME", name)), False))
    return labelled


def _tested(problem: Problem) -> str:
    """The function under test: the last that the reference program defines and its tests name."""
    gold = json.loads(problem.gold)
    if name := gold.get("entry_point"):
        return name
    body = ast.parse(problem.solution).body
    names = [one.name for one in body if isinstance(one, ast.FunctionDef)]
    called = {one.id for one in ast.walk(ast.parse(gold["code"])) if isinstance(one, ast.Name)}
    return [name for name in names if name in called][-1]


def _answer(problem: Problem, program: str) -> Item:
    return Item(problem, f"```python\n{program}\n```", FinishReason.STOP)


def _item(gold: str, response: str, grader: GraderName) -> Item:
    problem = Problem(
        problem_id="p",
        statement="",
        gold=gold,
        grader=grader,
        domain=Domain.MATH,
        source="",
        license="",
        category="",
        level="",
        reasoning=True,
        solution="",
    )
    return Item(problem, response, FinishReason.UNKNOWN)


if __name__ == "__main__":
    main()
