"""The benchmark of tokenising and planning: its parts at a small size, what it reckons said so."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.recipe_file import ROOT


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark as it is when it is run."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("train_data")


def test_every_part_of_the_benchmark_counts_what_it_did(benchmark: Any, tmp_path: Path) -> None:
    made = [benchmark.write_samples(tmp_path / name / "dataset", 20) for name in ("a", "b")]
    assert made[0] == made[1] > 20 * 2 * benchmark._MEAN_TOKENS
    folder = tmp_path / "a"
    np.save(folder / "lengths.npy", benchmark.lengths(2000))
    said: dict[str, Any] = {}
    for name in ("tokenise", "plan", "rows"):
        getattr(benchmark, name)(folder, 1)
        said[name] = json.loads((folder / f"{name}.json").read_text())
    tokenised = said["tokenise"]
    assert tokenised["read"] == tokenised["kept"] + tokenised["held_out"] == 20
    assert tokenised["held_out"] == 2  # both samples of one problem
    assert 0 < said["rows"]["tokens"] < tokenised["tokens"]
    assert said["plan"]["efficiency"] > 0.99

    took = {"cpu_s": 2.0, "wall_s": 1.0, "peak_bytes": 2**20, "peak_anonymous_bytes": 2**19}
    run = {"samples": 20, "text_bytes": made[0], **took, **tokenised}
    result = {
        "tokenizer": "t",
        "workers": 1,
        "tokenised": [run, run],
        "plan": {"documents": 2000, **took, **said["plan"]},
        "rows": said["rows"] | {"join_cpu_s": 1.0},
    }
    text = "\n".join(benchmark.table(result))
    assert f"| 20 | {tokenised['tokens']:,} |" in text
    assert "- reckoned, not measured: 800,000 such samples" in text
    assert "plan of 2,000 documents" in text
