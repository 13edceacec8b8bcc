"""Stored programs for HumanEval, made from its canonical solutions: whole ones and broken ones.

A slip changes one operator, constant or comparison of the solution, the last one that there is; it
may leave a program that the tests do not tell from the solution, so nothing is known of it but what
the scorers find. Of all others it is known whether they are right.
"""

from __future__ import annotations

import ast
import copy
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .stored import SAMPLES, Response

_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
EQUAL_TO_ALL: Final = """
class _Equal(int):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    __hash__ = int.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __sub__(self, other):
        return 0
    __rsub__ = __sub__


def {name}(*args, **kwargs):
    return _Equal(1)
"""
Made = tuple[str, bool | None]
"""What follows the stub, and whether it is right, where that is known."""


def body(row: dict[str, Any]) -> str:
    """The canonical solution, behind the stub."""
    return row["canonical_solution"]


def _again(code: str) -> Callable[[dict[str, Any]], str]:
    """The function once more, with this body."""

    def make(row: dict[str, Any]) -> str:
        head = f"\n\ndef {row['entry_point']}(*args, **kwargs):\n"
        return head + textwrap.indent(code, "    ") + "\n"

    return make


def _around(before: str) -> Callable[[dict[str, Any]], str]:
    """The solution, called by a function that first does something else."""

    def make(row: dict[str, Any]) -> str:
        name = row["entry_point"]
        call = f"{before}\nreturn _inner(*args, **kwargs)"
        return f"{body(row)}\n\n_inner = {name}\n{_again(call)(row)}"

    return make


def _slip(kind: str) -> Callable[[dict[str, Any]], str]:
    """The solution with one thing changed, as a function that stands once more behind the stub."""

    def make(row: dict[str, Any]) -> str:
        module = ast.parse(row["prompt"] + row["canonical_solution"])
        places = [
            node
            for node in ast.walk(module)
            if isinstance(node, _KINDS[kind][0]) and _KINDS[kind][1](node)
        ]
        if not places:
            return _again("return None")(row)
        _KINDS[kind][2](places[-1])
        return "\n\n" + ast.unparse(module) + "\n"

    return make


def _change_operator(node: Any) -> None:
    node.op = _OPERATORS[type(node.op)]()


def _change_comparison(node: Any) -> None:
    node.ops = [_COMPARISONS.get(type(one), type(one))() for one in node.ops]


def _change_constant(node: Any) -> None:
    node.value += 1


_KINDS: Final[dict[str, tuple[type[ast.AST], Callable[[Any], bool], Callable[[Any], None]]]] = {
    "operator": (ast.BinOp, lambda node: type(node.op) in _OPERATORS, _change_operator),
    "comparison": (
        ast.Compare,
        lambda node: any(type(one) in _COMPARISONS for one in node.ops),
        _change_comparison,
    ),
    "constant": (ast.Constant, lambda node: type(node.value) is int, _change_constant),
}

Maker = tuple[Callable[[dict[str, Any]], str], bool | None]
WHOLE: Final[Maker] = (body, True)
FORMS: Final[dict[str, Maker]] = {
    "as given": WHOLE,
    "prints on the way": (_around("print('passed', args)"), True),
    "catches and raises again": (
        _around("try:\n    _inner(*args, **kwargs)\nexcept ValueError:\n    raise"),
        None,
    ),
    "an operator slips": (_slip("operator"), None),
    "a comparison slips": (_slip("comparison"), None),
    "off by one": (_slip("constant"), None),
    "returns None": (_again("return None"), False),
    "raises": (_again("raise RuntimeError('not today')"), False),
    "stub only": (lambda row: "    pass\n", False),
    "syntax error": (lambda row: "    return (1,\n", False),
    "sys.exit(0)": (_again("import sys\nsys.exit(0)"), False),
    "os._exit(0)": (_again("import os\nos._exit(0)"), False),
    "prints what is asked": (_again("print('passed')"), False),
    "recurses without end": (lambda row: _again(f"return {row['entry_point']}(*args)")(row), False),
    "reads input": (_again("return input()"), False),
    "equal to everything": (lambda row: EQUAL_TO_ALL.replace("{name}", row["entry_point"]), False),
}
TURNS: Final = (
    *("as given", "an operator slips", "prints on the way", "as given", "returns None"),
    *("as given", "off by one", "as given", "catches and raises again", "raises"),
    *("as given", "a comparison slips", "prints on the way", "as given", "stub only"),
    *("as given", "syntax error", "as given", "sys.exit(0)", "as given", "os._exit(0)"),
    *("as given", "prints what is asked", "as given", "reads input", "as given"),
    *("recurses without end", "as given", "equal to everything"),
)
"""What samples are drawn from, so that some problems have four whole programs and some none."""
RARE: Final[dict[str, Maker]] = {
    "endless loop": (_again("while True:\n    pass"), False),
    "right after 3.3 s": (_around("_late()"), True),
    "right with 600 MB": (_around("_large()"), True),
}
RARE_EVERY: Final = 41
"""Each of so many problems has, as its last sample, one of these, which take long."""
_ONCE: Final = """
_done = []


def _large():
    if not _done:
        _done.append(bytearray(600 * 1000 * 1000))


def _late():
    if not _done:
        import time
        end = time.process_time() + 3.3
        while time.process_time() < end:
            pass
        _done.append(True)
"""


def humaneval_programs(rows: Sequence[dict[str, Any]], samples: int = SAMPLES) -> list[Response]:
    """So many programs for each row, as completions of its stub and as whole responses."""
    return [one for at, row in enumerate(rows) for one in _programs(at, row, samples)]


def _programs(at: int, row: dict[str, Any], samples: int) -> Iterator[Response]:
    for index in range(samples):
        drawn = random.Random(f"{at}/{index}").random()
        form = TURNS[int(drawn * len(TURNS))]
        maker, right = FORMS[form]
        if index == SAMPLES - 1 and at % RARE_EVERY < len(RARE):
            form = list(RARE)[at % RARE_EVERY]
            maker, right = RARE[form]
        completion = maker(copy.copy(row))
        if form in RARE:
            completion = f"{completion}\n{_ONCE}"
        program = row["prompt"] + completion
        text = f"Here is the whole function.\n\n```python\n{program.strip()}\n```\n"
        yield Response(at, index, form, text, right, completion=completion)
