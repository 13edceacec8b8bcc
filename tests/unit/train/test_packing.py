"""Packing and planning: nothing lost, nothing cut, the same in every rank."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import TrainError
from factory.train.pack import IGNORED, best_fit, collate, pack, unpack
from factory.train.plan import make_plan
from factory.train.render import Renderer, load_tokenizer
from factory.train.schedule import learning_rate
from factory.train.tokens import Document, TokenFiles, tokens_made_from, write_tokens


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    made: list[Document] = []
    for _ in range(draw(st.integers(1, 30))):
        ids = draw(st.lists(st.integers(0, 50), min_size=2, max_size=40))
        made.append(Document(np.asarray(ids, np.int32), draw(st.integers(1, len(ids) - 1))))
    return made


def as_lists(made: list[Document]) -> list[tuple[list[int], int]]:
    return [(one.ids.tolist(), one.prompt_tokens) for one in made]


@given(documents(), st.integers(40, 100), st.integers(0, 3))
@settings(deadline=None)
def test_unpacking_gives_back_what_was_packed(
    made: list[Document], capacity: int, seed: int
) -> None:
    rows = pack(made, capacity, seed)
    assert as_lists(unpack(rows)) == as_lists(made)
    assert all(len(row.ids) <= capacity for row in rows)


@given(documents())
@settings(deadline=None)
def test_labels_cover_the_targets_and_nothing_of_a_prompt(made: list[Document]) -> None:
    for row in pack(made, 64, 0):
        start = 0
        for number in row.numbers:
            one = made[number]
            labels = row.labels[start : start + len(one.ids)]
            assert (labels[: one.prompt_tokens] == IGNORED).all()
            assert (labels[one.prompt_tokens :] == one.ids[one.prompt_tokens :]).all()
            start += len(one.ids)


def test_the_first_label_of_a_document_is_masked_even_without_a_prompt() -> None:
    rows = pack([Document(np.arange(5, dtype=np.int32), 1)] * 3, 20, 0)
    assert (rows[0].labels[rows[0].positions == 0] == IGNORED).all()


@pytest.fixture(scope="module")
def real_lengths(data: Path) -> np.ndarray:
    """Tokens of 20,000 documents, drawn from the real chains of thought of a Qwen2.5-Math model."""
    folder = data / "tokenizers" / "qwen2.5"
    file = data / "generations" / "qwen2.5-math_cot.jsonl"
    if not folder.is_dir() or not file.is_file():
        pytest.skip(f"no Qwen2.5 tokenizer or generations in {data}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    conversations = [
        [{"role": "user", "content": row["problem"]}, {"role": "assistant", "content": response}]
        for row in rows
        for response in row["responses"]
    ]
    names = [str(number) for number in range(len(conversations))]
    made = Renderer(load_tokenizer(str(folder))).documents(names, conversations)
    return np.random.default_rng(0).choice([len(one.ids) for one in made], 20_000)


@pytest.mark.parametrize("capacity", [4096, 32_768])
def test_rows_of_real_lengths_are_at_least_98_percent_full(
    real_lengths: np.ndarray, capacity: int
) -> None:
    rows = best_fit(real_lengths, capacity, 0)
    assert int(real_lengths.sum()) / (capacity * len(rows)) >= 0.98
    assert sorted(number for row in rows for number in row) == list(range(20_000))


def test_rows_no_longer_than_the_longest_real_document_are_at_least_98_percent_full(
    real_lengths: np.ndarray,
) -> None:
    plan = make_plan(
        real_lengths, np.ones_like(real_lengths), epochs=2, batch_tokens=524_288, seed=3
    )
    assert plan.row_tokens == real_lengths.max() == 2184
    assert plan.efficiency >= 0.98


def test_short_problems_fill_rows_of_several_of_the_longest(data: Path) -> None:
    folder, file = data / "tokenizers" / "qwen2.5", data / "gsm8k" / "train.jsonl"
    if not folder.is_dir() or not file.is_file():
        pytest.skip(f"no Qwen2.5 tokenizer or GSM8K in {data}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[:1500]]
    texts = [row["question"] + row["answer"] for row in rows]
    ids = load_tokenizer(str(folder))(texts, add_special_tokens=False)["input_ids"]
    lengths = np.random.default_rng(0).choice([len(one) for one in ids], 20_000)
    plan = make_plan(lengths, np.ones_like(lengths), epochs=1, batch_tokens=16_384, seed=0)
    assert plan.row_tokens > lengths.max()
    assert plan.efficiency >= 0.98
    assert max(len(step.rows) for step in plan.steps) >= 8


def test_packing_wastes_less_than_two_hundredths_on_a_wide_spread_of_lengths() -> None:
    lengths = np.random.default_rng(0).lognormal(5.5, 0.8, 5000).astype(int).clip(20, 2048)
    rows = best_fit(lengths, 2048, 0)
    assert int(lengths.sum()) / (2048 * len(rows)) >= 0.98


def test_a_document_longer_than_a_row_is_refused_and_not_cut() -> None:
    with pytest.raises(TrainError, match="at most 8 tokens, found 9"):
        best_fit([3, 9], 8, 0)


def test_padding_is_masked_and_no_rows_make_one_masked_row() -> None:
    rows = pack([Document(np.arange(n, dtype=np.int32), 1) for n in (9, 4)], 9, 0)
    ids, labels, positions = collate(rows, pad_id=77)
    padded = ids == 77
    assert padded.sum() == 5
    assert (labels[padded] == IGNORED).all()
    assert (positions[padded] == 0).all()
    assert (collate([], 77)[1] == IGNORED).all()


@given(documents(), st.integers(1, 4), st.integers(1, 3), st.integers(20, 400))
@settings(deadline=None)
def test_every_rank_has_as_many_micro_batches_and_each_document_is_seen_once_an_epoch(
    made: list[Document], ranks: int, rows_per_micro: int, batch_tokens: int
) -> None:
    lengths = np.asarray([len(one.ids) for one in made])
    prompts = np.asarray([one.prompt_tokens for one in made])
    plan = make_plan(lengths, prompts, epochs=2, batch_tokens=batch_tokens, seed=1)
    seen: list[int] = []
    for step in plan.steps:
        shares = [step.share(rank, ranks, rows_per_micro) for rank in range(ranks)]
        assert len({len(share) for share in shares}) == 1
        assert all(len(rows) <= rows_per_micro for share in shares for rows in share)
        numbers = [n for share in shares for rows in share for row in rows for n in row]
        assert step.targets == int((lengths - prompts)[numbers].sum())
        seen += numbers
    assert sorted(seen) == sorted(2 * list(range(len(made))))


def test_the_plan_follows_from_the_seed_and_epochs_differ() -> None:
    lengths = np.random.default_rng(1).integers(10, 300, 200)
    made = [
        make_plan(lengths, lengths // 2, epochs=2, batch_tokens=4000, seed=s) for s in (3, 3, 4)
    ]
    assert made[0].digest() == made[1].digest() != made[2].digest()
    half = len(made[0].steps) // 2
    assert [s.rows for s in made[0].steps[:half]] != [s.rows for s in made[0].steps[half:]]


def test_a_token_file_gives_back_its_documents_and_what_it_was_made_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = [Document(rng.integers(0, 9, n).astype(np.int32), 1) for n in rng.integers(2, 9, 2500)]
    first, second = tmp_path / "a.arrow", tmp_path / "b.arrow"
    assert write_tokens(first, made, made_from="x") == 2500
    write_tokens(second, made[:3])
    data = TokenFiles([first, second])
    assert as_lists([data.document(n) for n in range(len(data))]) == as_lists(made + made[:3])
    assert tokens_made_from(first) == "x"
    assert tokens_made_from(tmp_path / "none") is None


def test_a_document_with_nothing_to_learn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="document 0"):
        write_tokens(tmp_path / "t.arrow", [Document(np.arange(3, dtype=np.int32), 3)])


def test_the_learning_rate_warms_up_and_ends_at_a_tenth() -> None:
    rates = [
        learning_rate(step, steps=100, peak=2.0, warmup_ratio=0.03, min_lr_ratio=0.1)
        for step in range(100)
    ]
    assert rates[:3] == pytest.approx([2 / 3, 4 / 3, 2.0])
    assert rates[-1] == pytest.approx(0.2)
    assert rates[2:] == sorted(rates[2:], reverse=True)
