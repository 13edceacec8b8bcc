"""Learning from nothing: seeded, lower in loss, kept when finished, written for any engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory.bootstrap import learn as learning
from factory.bootstrap.learn import Learning, learn
from factory.bootstrap.lessons import Syllabus, lessons, write_lessons
from factory.bootstrap.tokenizer import make_tokenizer, save_tokenizer
from factory.digest import file_sha256
from factory.train.base import make_base
from factory.train.render import load_tokenizer
from factory.train.schedule import learning_rate
from schemas.train_settings import RandomBase

SYLLABUS = Syllabus(150, 60, 50, 8, 2)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Learning:
    folder = tmp_path_factory.mktemp("learning")
    rows = lessons(SYLLABUS, seed=0)
    made: Any = make_tokenizer(text for lesson in rows for text in lesson)
    save_tokenizer(made, folder / "tokenizer")
    tokenizer = load_tokenizer(str(folder / "tokenizer"))
    shape = RandomBase(arch="llama", tokenizer="embedded:teacher", hidden_size=32, layers=1)
    make_base(shape, tokenizer, folder / "start", positions=1024)
    write_lessons(folder / "lessons.arrow", SYLLABUS, tokenizer, seed=0)
    log = folder / "log.jsonl"
    return Learning(
        folder / "lessons.arrow", folder / "start", folder / "model", log, seed=0, compiled=False
    )


@pytest.mark.slow
def test_the_loss_falls_and_the_same_job_gives_the_same_weights_even_when_stopped_midway(
    job: Learning, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(job, batch_tokens=512)
    first = learn(job)
    assert first.documents == 270
    assert first.final_loss < 5.5  # random weights have ln(1024) = 6.9
    weights = job.out / "model.safetensors"
    before = file_sha256(weights)
    written = weights.stat().st_mtime_ns

    assert learn(job) == first
    assert weights.stat().st_mtime_ns == written

    again = replace(job, out=job.out.with_name("again"), log=job.log.with_name("again.jsonl"))
    monkeypatch.setattr(learning, "_KEEP_EVERY_STEPS", 4)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(learning, "learning_rate", _stops_at(10))
        learn(again)
    assert not again.out.exists()
    learn(again)
    assert file_sha256(again.out / "model.safetensors") == before
    assert not list(again.log.parent.glob("again*.pt"))


def _stops_at(step: int) -> Any:
    def rate(number: int, **settings: Any) -> float:
        if number == step:
            raise KeyboardInterrupt
        return learning_rate(number, **settings)

    return rate


@pytest.mark.slow
def test_a_learned_model_is_float16_and_stops_at_the_end_of_a_turn(job: Learning) -> None:
    out = job.out.with_name("other")
    learn(replace(job, out=out, log=job.log.with_name("other.jsonl"), batch_tokens=4096))
    config = json.loads((out / "config.json").read_text())
    assert config["dtype"] == "float16"
    tokenizer = load_tokenizer(str(out))
    generation = json.loads((out / "generation_config.json").read_text())
    assert generation["eos_token_id"] == tokenizer.eos_token_id
    assert generation["pad_token_id"] == tokenizer.pad_token_id
    assert (out / "chat_template.jinja").is_file()
    assert not list(Path(out).glob(".*"))
