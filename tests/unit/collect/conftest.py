"""A folder for the data of a test, and a cache of its own for `datasets`."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that recipes may name as `${RETORT_DATA}`."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    return tmp_path
