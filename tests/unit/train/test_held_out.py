"""Problems held out of training, token files that are kept, and files tokenised by processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from factory.errors import TrainError
from factory.train import rows
from factory.train.held_out import hold_out
from factory.train.render import Renderer
from factory.train.rows import Tokenised, tokenise_dataset
from factory.train.tokens import TokenFiles
from schemas.machine import Machine


def messages(question: str, completion: str) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": completion},
    ]


def write_dataset(folder: Path, problems: int, *, named: bool = True, files: int = 2) -> Path:
    """Three samples of each problem; every tenth problem's samples are long."""
    (folder / "data").mkdir(parents=True)
    made: list[dict[str, Any]] = []
    for problem in range(problems):
        for sample in range(3):
            words = "so " * (200 if problem % 10 == 9 else sample)
            row = {
                "uuid": f"u{problem:03d}-{sample}",
                "messages": messages(f"{problem}?", f"<think>{words}</think>{problem}"),
            }
            made.append(row | ({"problem_id": f"p{problem:03d}"} if named else {}))
    size = len(made) // files
    for number in range(files):
        stop = len(made) if number + 1 == files else (number + 1) * size
        table = pa.Table.from_pylist(made[number * size : stop])
        pq.write_table(table, folder / "data" / f"train-{number}.parquet")
    return folder


def tokenise(dataset: Path, tokenizer: Any, folder: Path, **changes: Any) -> Tokenised:
    settings: dict[str, Any] = {
        "max_length_tokens": 200,
        "held_out": 0.2,
        "seed": 1,
        "machine": Machine(),
        "made_from": "x",
    }
    return tokenise_dataset(dataset, Renderer(tokenizer), folder, **(settings | changes))


def questions(tokenizer: Any, files: list[Path]) -> list[int]:
    """The problem of each document, in order."""
    data = TokenFiles(files)
    texts = [tokenizer.decode(data.document(n).ids.tolist()) for n in range(len(data))]
    return [int(text.split("user\n")[1].split("?")[0]) for text in texts]


def test_all_samples_of_a_problem_are_on_one_side_after_the_over_long_are_dropped(
    byte_tokenizer: Any, tmp_path: Path
) -> None:
    dataset = write_dataset(tmp_path / "dataset", 50)
    made = tokenise(dataset, byte_tokenizer, tmp_path / "tokens")
    learned = questions(byte_tokenizer, made.tokens)
    measured = questions(byte_tokenizer, made.eval_tokens)
    assert not set(learned) & set(measured)
    assert learned == sorted(learned)
    assert set(learned) | set(measured) == {n for n in range(50) if n % 10 != 9}
    counts = made.counts
    assert (counts.read, counts.over_length) == (150, 15)
    assert (counts.kept, counts.held_out) == (len(learned), len(measured))
    assert counts.kept + counts.held_out == 135
    assert all(learned.count(n) == 3 for n in learned)
    assert 3 * 5 <= len(measured) <= 3 * 10  # ten of fifty problems, some perhaps over-long


def test_what_is_held_out_follows_from_the_seed_and_hardly_moves_when_a_dataset_grows() -> None:
    names = [f"p{n}" for n in range(1000)]

    def held(count: int, seed: int) -> set[str]:
        chosen = hold_out([pa.array(names[:count]), pa.array(names[:9])], 0.1, seed)
        return {name for name in names[:count] if name in chosen}

    assert len(held(900, 0)) == 90
    assert held(900, 0) == held(900, 0) != held(900, 1)
    assert len(held(900, 0) - held(1000, 0)) <= 15


@pytest.mark.parametrize("share", [1e-9, 0.5, 0.999])
def test_at_least_one_of_two_problems_is_held_out_and_never_both(share: float) -> None:
    chosen = hold_out([pa.array(["a", "b"])], share, 7)
    assert sum(name in chosen for name in "ab") == 1


def test_nothing_is_held_out_of_one_problem_or_where_nothing_is_asked_for() -> None:
    assert "a" not in hold_out([pa.array(["a"])], 0.9, 0)
    assert "a" not in hold_out([pa.array(["a", "b"])], 0.0, 0)


def test_a_dataset_without_problems_holds_out_rows(byte_tokenizer: Any, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", 40, named=False)
    made = tokenise(dataset, byte_tokenizer, tmp_path / "tokens", max_length_tokens=2000)
    assert (made.counts.held_out, made.counts.kept) == (24, 96)
    both = set(questions(byte_tokenizer, made.tokens))
    assert both & set(questions(byte_tokenizer, made.eval_tokens))


def test_a_dataset_of_which_only_held_out_rows_are_short_enough_is_refused(
    byte_tokenizer: Any, tmp_path: Path
) -> None:
    seed = next(s for s in range(99) if "p008" in hold_out([pa.array(["p008", "p009"])], 0.5, s))
    dataset = write_dataset(tmp_path / "dataset", 10)
    for file in (dataset / "data").iterdir():
        table = pq.read_table(file)
        pq.write_table(table.filter(pc.field("problem_id") > "p007"), file)
    with pytest.raises(TrainError, match=r"found all 3 .* lower train\.held_out \(0\.5\)"):
        tokenise(dataset, byte_tokenizer, tmp_path / "tokens", held_out=0.5, seed=seed)


def test_several_processes_write_what_one_writes(
    byte_tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write_dataset(tmp_path / "dataset", 20)
    machine = Machine(workers=2)
    alone = tokenise(dataset, byte_tokenizer, tmp_path / "alone", machine=machine)
    monkeypatch.setattr(rows, "_WORTH_PROCESSES_BYTES", 0)
    together = tokenise(dataset, byte_tokenizer, tmp_path / "together", machine=machine)
    assert together.counts == alone.counts
    for name in ("tokens", "eval_tokens"):
        pairs = zip(getattr(alone, name), getattr(together, name), strict=True)
        assert all(first.read_bytes() == second.read_bytes() for first, second in pairs)


def test_valid_token_files_are_kept_and_only_broken_ones_are_made_again(
    byte_tokenizer: Any, tmp_path: Path
) -> None:
    dataset = write_dataset(tmp_path / "dataset", 30, files=3)
    folder = tmp_path / "tokens"
    made = tokenise(dataset, byte_tokenizer, folder)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in made.tokens}
    made.tokens[1].unlink()
    made.tokens[1].write_bytes(whole[made.tokens[1].name][:100])  # cut
    (folder / "tokens-00007.arrow").touch()  # of a dataset with more files
    again = tokenise(dataset, byte_tokenizer, folder)
    assert again == made
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    kept = [path.stat().st_mtime_ns == times[path.name] for path in made.tokens]
    assert kept == [True, False, True]
    other = tokenise(dataset, byte_tokenizer, folder, max_length_tokens=2000)
    assert other.counts.over_length == 0


@pytest.mark.parametrize("column", ["uuid", "messages"])
def test_a_parquet_file_without_a_needed_column_is_refused(
    byte_tokenizer: Any, tmp_path: Path, column: str
) -> None:
    dataset = write_dataset(tmp_path / "dataset", 4)
    file = dataset / "data" / "train-1.parquet"
    pq.write_table(pq.read_table(file).drop_columns([column]), file)
    with pytest.raises(TrainError, match=rf"train-1\.parquet: .* found no \['{column}'\]"):
        tokenise(dataset, byte_tokenizer, tmp_path / "tokens")


def test_messages_of_another_form_are_refused(byte_tokenizer: Any, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", 4)
    turns = [[{"from": "human", "value": "2?"}, {"from": "gpt", "value": "2"}]]
    table = pa.table({"uuid": ["u"], "messages": turns})
    pq.write_table(table, dataset / "data" / "train-1.parquet")
    with pytest.raises(TrainError, match=r"train-1\.parquet: expected messages that are lists of"):
        tokenise(dataset, byte_tokenizer, tmp_path / "tokens")


def test_a_file_that_is_no_parquet_is_refused(byte_tokenizer: Any, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", 4)
    (dataset / "data" / "train-0.parquet").write_bytes(b"none")
    with pytest.raises(TrainError, match=r"train-0\.parquet: cannot be read"):
        tokenise(dataset, byte_tokenizer, tmp_path / "tokens")


def test_rows_whose_problem_has_no_name_are_held_out_by_their_uuid(
    byte_tokenizer: Any, tmp_path: Path
) -> None:
    folder = write_dataset(tmp_path / "dataset", 4, named=False, files=1)
    [file] = (folder / "data").iterdir()
    table = pq.read_table(file)
    nameless = pa.nulls(table.num_rows, pa.string())
    pq.write_table(table.append_column("problem_id", nameless), file)
    made = tokenise(folder, byte_tokenizer, tmp_path / "tokens", held_out=0.5)
    assert (made.counts.kept, made.counts.held_out) == (6, 6)
