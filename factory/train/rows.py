"""A published dataset -> token files: one for each Parquet file, refused where a row is wrong.

Files are read by several processes and in bounded memory; token files that are there and valid
are kept. Rows that are too long are dropped whole and counted, then the problems that are held out
go into token files of their own.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from factory.digest import digest
from factory.errors import TrainError
from factory.executor import HERE, Executor, executor_of
from factory.parts import map_parts
from factory.shown.progress import progress
from factory.train.dataset_rows import dataset_files, file_size, problem_names
from factory.train.held_out import hold_out
from factory.train.render import Renderer
from factory.train.token_parts import RowCounts, TokenPart, tokenise_part, tokenise_part_there
from schemas.machine import Machine

_FORMAT: Final = 1
"""Of what is written here; another one makes every token file anew."""
_WORTH_PROCESSES_BYTES: Final = 32_000_000
"""Of text. A smaller dataset is tokenised nearly as soon as the processes have started."""


@dataclass(frozen=True)
class Tokenised:
    """Token files of a dataset, in its order; none is empty."""

    counts: RowCounts
    tokens: list[Path]
    eval_tokens: list[Path]
    """Held-out documents."""


def tokenise_dataset(
    dataset: Path,
    renderer: Renderer,
    folder: Path,
    *,
    max_length_tokens: int,
    held_out: float,
    seed: int,
    machine: Machine,
    made_from: str,
) -> Tokenised:
    """Write the token files of a dataset, its documents in the dataset's order.

    Problems are held out by their `problem_id`, all samples of one on one side; where a dataset
    has no such column, or a row nothing in it, each row is a problem of its own.

    Args:
        dataset: Its folder.
        renderer: Of the student's tokenizer.
        folder: Where the token files go; those that are there and valid are kept.
        max_length_tokens: Longer rows are dropped.
        held_out: Share of the problems, in [0, 1).
        seed: Of the recipe.
        machine: Says how many processes.
        made_from: Digest of all that decides the documents.

    Raises:
        TrainError: A file is not a dataset's; a row must not be learned (see `Renderer`); or no
            row is short enough, or none is left to learn.
    """
    files = dataset_files(dataset)
    sizes = [file_size(file) for file in files]
    aside = hold_out(problem_names(files) if held_out else [], held_out, seed)
    made_from = digest([made_from, _FORMAT, max_length_tokens, aside.seed, str(aside.limit)])
    parts = [
        TokenPart(file, folder, number, max_length_tokens, aside, digest([made_from, file.name]))
        for number, file in enumerate(files)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _remove_strays(folder, parts)
    found: dict[int, RowCounts] = {}
    with progress("tokenise", sum(rows for rows, _ in sizes), "rows") as bar:
        executor = _executor(sum(size for _, size in sizes), len(files), machine)
        if executor.workers > 1:
            work = partial(tokenise_part_there, pickle.dumps(renderer))
            for number, counts in map_parts(work, parts, executor=executor):
                found[number] = counts
                bar.update(counts.read)
        else:
            work = partial(tokenise_part, renderer, tell=bar.update)
            found.update(map_parts(work, parts, executor=HERE))
    counts = _sum([found[number] for number in range(len(parts))])
    _check_some_left(dataset, counts, max_length_tokens, held_out)
    return Tokenised(
        counts,
        [part.tokens for part in parts if found[part.number].kept],
        [part.eval_tokens for part in parts if found[part.number].held_out],
    )


def _executor(size_bytes: int, files: int, machine: Machine) -> Executor:
    """As many workers as are worth their start; one leaves all cores to the tokenizer's threads."""
    if size_bytes < _WORTH_PROCESSES_BYTES:
        return HERE
    return executor_of(machine).at_most(files)


def _remove_strays(folder: Path, parts: Sequence[TokenPart]) -> None:
    """Files of another dataset that was tokenised here before, or of a killed process."""
    own = {path for part in parts for path in (part.tokens, part.eval_tokens, part.beside)}
    for path in folder.iterdir():
        if path not in own and path.is_file():
            path.unlink()


def _sum(parts: Sequence[RowCounts]) -> RowCounts:
    return RowCounts(
        read=sum(one.read for one in parts),
        kept=sum(one.kept for one in parts),
        held_out=sum(one.held_out for one in parts),
        over_length=sum(one.over_length for one in parts),
        longest_tokens=max(one.longest_tokens for one in parts),
    )


def _check_some_left(
    dataset: Path, counts: RowCounts, max_length_tokens: int, held_out: float
) -> None:
    if counts.kept:
        return
    if not counts.read:
        raise TrainError(
            f"dataset {dataset}: expected rows to learn, found none in its files; is it the right "
            f"folder?"
        )
    if counts.held_out:
        raise TrainError(
            f"dataset {dataset}: expected rows to learn, found all {counts.held_out} that are "
            f"short enough among the problems held out; lower train.held_out ({held_out})"
        )
    raise TrainError(
        f"dataset {dataset}: expected rows of at most {max_length_tokens} tokens, found none "
        f"among {counts.read} (the longest has {counts.longest_tokens}); raise "
        f"train.max_length_tokens"
    )
