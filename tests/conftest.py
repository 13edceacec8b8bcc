"""What every test may use: the shared data where it is there, and folders of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factory.recipe_file import ROOT, data_root

os.environ.setdefault("RETORT_PROGRESS", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data() -> Path:
    """The shared data; the test skips, visibly, where it is absent."""
    root = data_root()
    if not root.is_dir():
        pytest.skip(f"no data at {root}: set RETORT_DATA")
    return root


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root."""
    return ROOT
