"""factory.train.check: what it says is what the training will do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import TrainError
from factory.models import local_model
from factory.shard.description import Description
from factory.train.check import examine
from factory.train.check_facts import Check
from factory.train.check_text import check_text
from factory.train.check_warnings import warnings_of
from factory.train.files import describe_files
from factory.train.first_rows import first_rows, pieces
from factory.train.loop import plan_of
from factory.train.pack import IGNORED, join
from factory.train.prepare import Prepared, prepare
from factory.train.template import template_digest
from factory.train.tokens import TokenFiles
from schemas.machine import Machine
from schemas.train_settings import Student, Train
from tests.unit.train.folders import doubled, write_dataset

ANSI = re.compile(r"\033\[\d*m")
Make = Callable[..., Prepared]


@pytest.fixture
def make(tiny_base: Path, tmp_path: Path) -> Make:
    def made(dataset: Path, positions: int | None = None, **settings: Any) -> Prepared:
        student = Student(name="small", base="./given", lr=1e-3, epochs=2, positions=positions)
        given: dict[str, Any] = {"students": [student], "batch_tokens": 500, **settings}
        train = Train(**given)
        base, out = local_model(tiny_base, "given"), tmp_path / "out"
        return prepare(
            dataset, student, train, base=base, seed=0, machine=Machine(), out_dir=out, key="k"
        )

    return made


def documents_of(prepared: Prepared) -> TokenFiles:
    return TokenFiles([Path(path) for path in prepared.job.tokens])


def test_every_row_of_the_dataset_is_accounted_for_and_the_plan_is_the_loops(
    make: Make, tmp_path: Path
) -> None:
    completions = doubled(20)
    completions[7] = "<think>\n" + "so " * 200 + "\n</think>\n\n14"
    prepared = make(
        write_dataset(tmp_path / "data", completions), max_length_tokens=200, held_out=0.2
    )
    check = examine(prepared, timed=False)
    rows = check.rows
    assert rows.drops == {"over_length": 1}
    assert rows.held_out > 0
    assert rows.read == 20 == rows.kept + rows.held_out + rows.drops["over_length"]
    data = documents_of(prepared)
    plan = plan_of(prepared.job, data)
    assert (check.tokens.least, check.tokens.most) == (data.lengths.min(), data.lengths.max())
    assert check.tokens.total == data.lengths.sum()
    assert check.targets.total == sum(data.document(n).targets for n in range(len(data)))
    assert check.steps.steps == len(plan.steps)
    assert check.packing.efficiency == plan.efficiency
    shares = [len(step.share(r, 2, 4096 // 256)) for step in plan.steps for r in range(2)]
    assert check.steps.micro_batches == max(shares)
    assert check.time is None
    assert Check.model_validate_json(check.model_dump_json()) == check


def test_the_mask_that_is_shown_is_the_mask_that_is_learned(
    make: Make, byte_tokenizer: Any, tmp_path: Path
) -> None:
    prepared = make(write_dataset(tmp_path / "data", [*doubled(2), "é → 数 🙂 end"]))
    data = documents_of(prepared)
    shown = examine(prepared, rows=3, timed=False).first_rows
    assert [row.number for row in shown] == [0, 1, 2]
    for row in shown:
        (span,) = row.spans
        document = data.document(row.number)
        labels = join([row.number], [document]).labels
        assert [token.id for token in span.tokens] == document.ids.tolist()
        assert [token.learned for token in span.tokens] == (labels != IGNORED).tolist()
        assert "".join(token.text for token in span.tokens) == byte_tokenizer.decode(document.ids)
    last = shown[2].spans[0].tokens[-1]
    assert (last.text, last.learned, last.special) == ("<|im_end|>", True, True)
    assert "🙂" in [token.text for token in shown[2].spans[0].tokens]


@given(text=st.text(max_size=30))
def test_the_pieces_of_a_text_are_the_text(byte_tokenizer: Any, text: str) -> None:
    ids = byte_tokenizer(text, add_special_tokens=False)["input_ids"]
    assert "".join(pieces(ids, byte_tokenizer)) == text


@given(ids=st.lists(st.integers(0, 260), max_size=40))
def test_each_token_has_a_piece_even_of_bytes_that_are_no_text(
    byte_tokenizer: Any, ids: list[int]
) -> None:
    assert len(pieces(ids, byte_tokenizer)) == len(ids)


def test_colours_and_brackets_say_the_same(make: Make, tmp_path: Path) -> None:
    check = examine(make(write_dataset(tmp_path / "data", doubled(3))), rows=1, timed=False)
    plain, coloured = (check_text(check, colour=colour) for colour in (False, True))
    assert plain.isprintable() is False
    assert "\033" not in plain
    assert plain.count("⟦") == 2  # of the row, and of what says what they mean
    learned = re.findall(r"\033\[32m(.*?)\033\[0m", coloured)
    assert learned == ["<think>↵", "0, twice.↵", "</think>↵", "↵", "0<|im_end|>"]
    uncoloured = ANSI.sub("", coloured).replace("in green", "between ⟦ and ⟧")
    assert uncoloured == plain.replace("⟦<think>", "<think>").replace("<|im_end|>⟧", "<|im_end|>")
    figures = plain.split("\n\n")[-1].splitlines()
    assert len(figures) <= 20
    assert "end       <|im_end|> (258)" in figures


def test_no_row_can_steer_the_terminal(make: Make, tmp_path: Path) -> None:
    evil = "a\033[2Jb\u202ec\u2028d\x9be\r"
    text = check_text(
        examine(make(write_dataset(tmp_path / "data", [evil])), timed=False), colour=False
    )
    assert "a\\u{1b}[2Jb\\u{202e}c\\u{2028}d\\u{9b}e\\u{d}" in text
    assert all(char == "\n" or char.isprintable() for char in text)


def test_of_a_long_row_start_first_target_and_end_are_shown_and_the_rest_is_counted(
    make: Make, tmp_path: Path
) -> None:
    prepared = make(write_dataset(tmp_path / "data", ["so " * 300]))
    check = examine(prepared, timed=False)
    (row,) = check.first_rows
    assert row.tokens == len(documents_of(prepared).document(0).ids)
    assert row.spans[0].start == 0
    assert row.spans[-1].start + len(row.spans[-1].tokens) == row.tokens
    left_out = re.findall(r"… ([\d,]+) tokens left out …", check_text(check, colour=False))
    assert len(left_out) == len(row.spans) - 1 > 0
    shown = sum(len(span.tokens) for span in row.spans)
    assert shown + sum(int(one.replace(",", "")) for one in left_out) == row.tokens
    first = row.tokens - row.targets
    assert any(one.start < first < one.start + len(one.tokens) for one in row.spans)


def test_marks_of_turns_within_what_is_learned_are_told(make: Make, tmp_path: Path) -> None:
    completions = [*doubled(8), "a<|eot_id|>b", "<|im_start|>user", "a < b and |x| > 2"]
    warnings = examine(make(write_dataset(tmp_path / "data", completions)), timed=False).warnings
    found = " ".join(warnings)
    assert "<|eot_id|> in 1 of 11 rows looked at have marks of another tokenizer" in found
    assert "<|im_start|> in 1 of 11 rows looked at have a special token of the student" in found
    assert len([one for one in warnings if one.startswith("rows:")]) == 2


def test_a_published_dataset_is_named_and_its_template_known(
    make: Make, byte_tokenizer: Any, tmp_path: Path
) -> None:
    folder = write_dataset(tmp_path / "data", doubled(4))
    untold = examine(make(folder), timed=False)
    assert untold.dataset.name is None
    assert any("does not say with which chat template" in one for one in untold.warnings)
    own = template_digest(byte_tokenizer.chat_template)
    said = Description(
        name="doubles", version="1.2.3", rows=4, digest="abc", columns=["uuid"], recipe="r",
        files=describe_files(folder, "data"), upstream={}, ledger=[], templates={"teacher@1": own},
    )  # fmt: skip
    (folder / "dataset.json").write_text(said.model_dump_json())
    check = examine(make(folder), timed=False)
    assert (check.dataset.name, check.dataset.version) == ("doubles", "1.2.3")
    assert check.warnings == []
    assert "teacher@1 the same" in check_text(check, colour=False)
    shutil.copy(next((folder / "data").iterdir()), folder / "data" / "train-more.parquet")
    with pytest.raises(TrainError, match=r"train-more.parquet: expected SHA-256 of no such file"):
        examine(make(folder), timed=False)


def test_what_does_not_fit_is_told_with_what_to_change(make: Make, tmp_path: Path) -> None:
    prepared = make(write_dataset(tmp_path / "data", doubled(4)))
    check = examine(prepared, timed=False)
    memory = check.memory.model_copy(update={"host_free_bytes": 1_000_000})
    disk = check.disk.model_copy(update={"free_bytes": 1_000})
    small = check.model_copy(update={"memory": memory, "disk": disk})
    found = warnings_of(small, documents_of(prepared), prepared.renderer.tokenizer)
    assert any(
        one.startswith("memory: 2 ranks need") and "micro_batch_tokens" in one for one in found
    )
    assert any(one.startswith("disk:") and "checkpoints_kept" in one for one in found)
    asked = warnings_of(small, documents_of(prepared), prepared.renderer.tokenizer, held_out=0.5)
    assert [one for one in asked if one not in found] == [
        one for one in asked if one.startswith("rows: nothing is held out")
    ]
    assert len(asked) == len(found) + 1


def test_a_base_with_too_few_positions_is_refused_before_any_rank_starts(
    make: Make, tmp_path: Path
) -> None:
    prepared = make(write_dataset(tmp_path / "data", doubled(4)), positions=16)
    with pytest.raises(TrainError, match="expected at most 16"):
        examine(prepared, timed=False)


def test_the_time_is_found_by_trying(make: Make, tmp_path: Path) -> None:
    prepared = make(write_dataset(tmp_path / "data", doubled(12)))
    check = examine(prepared, rows=0)
    assert check.time is not None
    assert check.time.total_s == pytest.approx(check.time.step_s * check.steps.steps)
    seen = check.steps.epochs * check.steps.tokens_per_epoch
    assert check.time.tokens_per_s == pytest.approx(seen / check.time.total_s)
    assert 0 < check.time.probed_tokens <= check.steps.micro_batch_tokens
    assert "by an estimate" in check_text(check, colour=False)


def test_only_rows_that_are_there_are_shown(make: Make, tmp_path: Path) -> None:
    prepared = make(write_dataset(tmp_path / "data", doubled(2)))
    rows = first_rows(documents_of(prepared), prepared.renderer.tokenizer, 5)
    assert np.array_equal([row.number for row in rows], [0, 1])
