"""Reading Python on the host, one text at a time.

In CPython 3.11 threads that make syntax trees at the same time share one count of their depth: now
and then one of them fails with `SystemError: AST constructor recursion depth mismatch`, whatever it
reads. Sandboxes are asked by many threads.
"""

from __future__ import annotations

import ast
import threading
from typing import Any, Final

_ONE_AT_A_TIME: Final = threading.Lock()


def parse(code: str) -> ast.Module:
    """The syntax tree of a module; raises as `ast.parse`."""
    with _ONE_AT_A_TIME:
        return ast.parse(code)


def literal(text: str) -> Any:
    """The value that a literal stands for; raises as `ast.literal_eval`."""
    with _ONE_AT_A_TIME:
        return ast.literal_eval(text)
