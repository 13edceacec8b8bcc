"""The models as they are committed: template, end token, card, size, and that they answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.bootstrap.stage import EMBEDDED_MODELS
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


def test_committed_models_share_one_tokenizer_and_are_at_most_sixteen_megabytes() -> None:
    files = [path for folder in embedded() for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 16_000_000
    tokenizers = {(folder / "tokenizer.json").read_bytes() for folder in embedded()}
    assert len(tokenizers) == 1
