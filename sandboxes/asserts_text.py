"""What test code needs from outside: read off its text once, on the host, for all its programs."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MODULES = {"np": "numpy", "numpy": "numpy"} | {name: name for name in sys.stdlib_module_names}
"""Names that mean a module of the library where tests use an attribute of them."""


@dataclass(frozen=True)
class AssertsText:
    """Names that test code uses and does not define, and where its assertions stand."""

    program: tuple[str, ...]
    """Names that the program provides."""
    called: tuple[str, ...]
    """Those of them that the tests call: functions and classes."""
    modules: Mapping[str, str]
    """Names of modules that the tests take from the library, and which."""
    asserts: tuple[int, ...]
    """Lines of the assertions at the top level."""


@lru_cache(maxsize=4096)
def read_asserts(code: str, entry_point: str | None) -> AssertsText:
    """Read test code that parses.

    A builtin's name is the program's only where the tests use no other name of the program and
    call it first in an assertion (`assert sum(10, 15) == 6`): a program must not replace the
    `abs` or `len` that judges it.
    """
    tree = ast.parse(code)
    nodes = list(ast.walk(tree))
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    bases = {
        n.value.id for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    }
    read = [n for n in nodes if isinstance(n, ast.Name)]
    defined = {n.id for n in read if not isinstance(n.ctx, ast.Load)}
    defined |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    defined |= {
        n.name
        for n in nodes
        if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    }
    defined |= {
        (alias.asname or alias.name).partition(".")[0]
        for n in nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    free = {n.id for n in read} - defined
    modules = {name for name in (bases - called) & free if name in MODULES}
    program = {name for name in free - modules if not hasattr(builtins, name)}
    if not program and entry_point is None:
        program = {name for name in map(_first_call, tree.body) if name in free}
    return AssertsText(
        tuple(sorted(program)),
        tuple(sorted(program & called)),
        {name: MODULES[name] for name in sorted(modules)},
        tuple(statement.lineno for statement in tree.body if isinstance(statement, ast.Assert)),
    )


def _first_call(statement: ast.stmt) -> str:
    node: ast.AST | None = statement.test if isinstance(statement, ast.Assert) else None
    while node is not None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id
        node = (
            node.left
            if isinstance(node, ast.Compare | ast.BinOp)
            else node.operand
            if isinstance(node, ast.UnaryOp)
            else None
        )
    return ""
