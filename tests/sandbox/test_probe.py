"""The limits that `retort doctor` tries out hold here, and a trial can fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandboxes import SandboxPool
from sandboxes.probe import _PROBES, unenforced  # pyright: ignore[reportPrivateUsage]


def test_every_limit_holds_here(pool: SandboxPool) -> None:
    assert unenforced() == {}


@pytest.mark.parametrize("name", ["files", "privileges"])
def test_outside_a_container_a_trial_finds_what_it_can_do(name: str, tmp_path: object) -> None:
    program = f"{_PROBES}\nprint({name}())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=f"{tmp_path}",
    )
    assert done.stdout.strip()
