"""The end of a rank's process: its own exit code, whatever threads it leaves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from factory.recipe_file import ROOT

GROUP = """
import sys
import torch.distributed as distributed
from factory.train.leave import run_rank

def act():
    store = distributed.HashStore()
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    global kept
    kept = distributed.group.WORLD  # as DeepSpeed does
    distributed.destroy_process_group()
    sys.stdout.write("said")
    {end}

run_rank(act)
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("return 3", 3, ""),
        ("raise ZeroDivisionError('by nought')", 1, "ZeroDivisionError: by nought"),
    ],
)
def test_a_rank_ends_with_its_own_code_and_all_that_it_said(end: str, code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROUP.format(end=end)],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "said")
    assert said in done.stderr
