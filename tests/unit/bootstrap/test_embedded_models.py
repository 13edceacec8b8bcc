"""The models as they are committed: template, end token, card, size, and that they answer."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from safetensors import safe_open

from factory.bootstrap.stage import EMBEDDED_MODELS, Embedded
from factory.models import EMBEDDED
from factory.train.render import Renderer, load_tokenizer
from tests.unit.bootstrap.golden_template import check_template


def embedded() -> list[Path]:
    return [EMBEDDED / model.name for model in EMBEDDED_MODELS]


@pytest.mark.parametrize("folder", embedded(), ids=lambda folder: folder.name)
def test_committed_models_have_the_template_the_end_token_and_a_card(folder: Path) -> None:
    tokenizer = load_tokenizer(str(folder))
    check_template(tokenizer)
    assert Renderer(tokenizer).end_token_id == tokenizer.eos_token_id
    card = (folder / "README.md").read_text(encoding="utf-8")
    for heading in ("What it is", "What it is not", "How it was made", "Scores"):
        assert heading in card


@pytest.mark.parametrize("model", EMBEDDED_MODELS, ids=lambda model: model.name)
def test_a_card_tells_the_size_and_the_lessons_of_its_model(model: Embedded) -> None:
    folder = EMBEDDED / model.name
    card = (folder / "README.md").read_text(encoding="utf-8")
    with safe_open(folder / "model.safetensors", "np") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    assert f"{sum(map(math.prod, shapes)) / 1e6:.2f} million parameters" in card
    told = model.syllabus
    assert (
        f"{told.arithmetic:,} arithmetic, {told.python:,} python, {told.chat:,} chat, "
        f"{told.sum_drills:,} drills of sums, {told.code_drills:,} drills of code"
    ) in card


def test_committed_models_share_one_tokenizer_and_are_at_most_sixteen_megabytes() -> None:
    files = [path for folder in embedded() for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 16_000_000
    tokenizers = {(folder / "tokenizer.json").read_bytes() for folder in embedded()}
    assert len(tokenizers) == 1
