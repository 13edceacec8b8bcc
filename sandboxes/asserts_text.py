"""What test code needs from outside: read off its text once, on the host, for all its programs."""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sandboxes.syntax import parse

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


@lru_cache(maxsize=256)
def read_asserts(code: str, entry_point: str | None) -> AssertsText:
    """Read test code.

    A builtin's name is the program's only where the tests use no other name of the program and
    call it first in an assertion (`assert sum(10, 15) == 6`): a program must not replace the
    `abs` or `len` that judges it. A name that the tests define too is the program's where it is
    read before that.

    Raises:
        ValueError: It does not parse.
    """
    try:
        tree = parse(code)
        top = symtable.symtable(code, "<tests>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"tests: `code` does not parse: {error}") from error
    nodes = list(ast.walk(tree))
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    bases = {
        n.value.id for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    }
    read = set(_globals_read(top, top=True))
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    free = read - bound
    modules = {name for name in (bases - called) & free if name in MODULES}
    program = {name for name in read - modules if not hasattr(builtins, name)}
    if not program - bound and entry_point is None:
        program |= {name for name in map(_first_call, tree.body) if name in free}
    return AssertsText(
        tuple(sorted(program)),
        tuple(sorted(program & called)),
        {name: MODULES[name] for name in sorted(modules)},
        tuple(statement.lineno for statement in tree.body if isinstance(statement, ast.Assert)),
    )


def _globals_read(table: symtable.SymbolTable, *, top: bool = False) -> Iterator[str]:
    """Names that this scope and those inside it read and that are global there."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _globals_read(inner)


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
