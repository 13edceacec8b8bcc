"""The benchmark of training on a GPU: its logic on CPU, at a size that says nothing of speed."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from factory.recipe_file import ROOT


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the benchmark as it is when it is run."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def test_lengths_are_drawn_from_the_real_ones(modules: Any) -> None:
    lengths = modules("training.lengths")
    histogram = json.loads(lengths.HISTOGRAM.read_text())
    assert sum(histogram["response_tokens"].values()) == histogram["documents"] == 800
    drawn = lengths.draw(500_000, scale=1.0, longest=4096, seed=0)
    assert drawn == lengths.draw(500_000, scale=1.0, longest=4096, seed=0)
    assert sum(length for _, length in drawn) >= 500_000
    mean = sum(length - prompt for prompt, length in drawn) / len(drawn)
    assert mean == pytest.approx(histogram["mean_response_tokens"], rel=0.05)
    long = lengths.draw(2_000_000, scale=25.0, longest=32768, seed=0)
    assert 20_000 < max(length for _, length in long) <= 32768
    assert lengths.histogram_of([41, 49, 50], [7]) | {"what": "", "of": ""} == {
        "what": "", "of": "", "bin_tokens": 10, "documents": 1, "mean_prompt_tokens": 46.7,
        "mean_response_tokens": 7.0, "prompt_tokens": {"40": 2, "50": 1},
        "response_tokens": {"0": 1},
    }  # fmt: skip


def test_shapes_are_qwens_and_as_much_of_them_as_fits(modules: Any) -> None:
    from factory.train.memory import count_parameters

    shapes, script = modules("training.shapes"), modules("train_gpu")
    assert count_parameters(shapes.config_of("1.5B")) == 1_543_714_304
    assert count_parameters(shapes.config_of("7B")) == 7_615_616_512
    options = script._options(["--device", "cpu"])
    job, layers = script._job("1.5B", shapes.LENGTHS["16K"], options, Path("none"))
    assert layers == 28
    job = job.model_copy(update={"device": "cuda", "precision": "bfloat16"})
    assert shapes.fit("1.5B", job, 130e9) == (28, False)
    assert shapes.fit("1.5B", job, 60e9) == (28, True)
    layers, checkpointing = shapes.fit("7B", job, 120e9)
    assert checkpointing
    assert 14 < layers < 28
    assert shapes.fit("7B", job, 60e9)[0] < layers


@pytest.mark.soak
def test_both_trainers_run_and_are_compared(
    modules: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = modules("train_gpu").main(
        [
            *("--device", "cpu", "--shape", "tiny", "--lengths", "tiny", "--repeats", "1"),
            *("--ways", "ours", "--ways", "TRL", "--steps", "1", "--warm-up-steps", "1"),
            *("--peak-tflops", "0.1", "--json", str(tmp_path / "figures.json")),
        ]
    )
    assert json.loads((tmp_path / "figures.json").read_text()) == result
    (case,) = result["cases"]
    ours, trl = case["ways"]["ours"], case["ways"]["TRL"]
    assert ours["attention"] == "retort-documents"
    assert ours["first_loss"] == pytest.approx(math.log(300), rel=0.02)
    assert trl["first_loss"] == pytest.approx(ours["first_loss"], rel=0.01)
    assert case["vs_trl"] == ours["tokens_per_s"] / trl["tokens_per_s"]
    assert 0 < ours["mfu"] < ours["mfu_6n"]
    assert 0 <= ours["data_wait_ratio"] < 1
    assert f"| tiny | tiny | TRL | {trl['attention']} | no |" in capsys.readouterr().out


def test_the_table_tells_what_was_cut_and_what_failed(modules: Any) -> None:
    ran = {
        "tokens_per_s": 30_000.4, "mfu": 0.412, "mfu_6n": 0.431, "memory_bytes": 61.2e9,
        "data_wait_ratio": 0.001, "attention": "retort-documents", "gradient_checkpointing": True,
    }  # fmt: skip
    text = modules("train_gpu").table(
        {
            "device": "A card", "date": "2030-01-01", "versions": ["torch 2"], "repeats": 3,
            "steps": 6,
            "cases": [
                {
                    "shape": "7B", "layers": 20, "of_layers": 28, "lengths": "16K", "said": "real",
                    "ways": {"ours": ran, "TRL": {"failed": "out of memory"}}, "vs_trl": 1.25,
                }
            ],
        }
    )  # fmt: skip
    assert text[4] == (
        "| 7B, 20 of 28 layers | 16K | ours | retort-documents | yes | 30,000 | 41.2% | 43.1% "
        "| 61.2 | 0.1% |"
    )
    assert "TRL | out of memory |" in text[5]
    assert text[-1] == "- vs_trl 1.25 (7B, 16K: real)"
