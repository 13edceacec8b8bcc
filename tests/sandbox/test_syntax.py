"""Many threads read Python on the host at once."""

from __future__ import annotations

import ast
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandboxes.syntax import literal, parse

CODE = "".join(f"assert f({one}, [[{one}, ({one} + 1) * 2]]) == {{1: [2]}}\n" for one in range(60))
LITERAL = repr({"a": [1, (2, "three")] * 200})


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns while trees are made: whenever garbage is looked for, which is often."""

    def let_others(phase: str, info: object) -> None:
        time.sleep(0)

    before, switch_s = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(200)
    gc.callbacks.append(let_others)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(let_others)
    sys.setswitchinterval(switch_s)


def test_threads_that_read_at_once_all_read_what_one_alone_does(often: None) -> None:
    tree, value = ast.parse(CODE), ast.literal_eval(LITERAL)
    with ThreadPoolExecutor(8) as threads:
        trees = list(threads.map(lambda _: len(parse(CODE).body), range(600)))
        values = list(threads.map(literal, [LITERAL] * 200))
    assert trees == [len(tree.body)] * 600
    assert values == [value] * 200
