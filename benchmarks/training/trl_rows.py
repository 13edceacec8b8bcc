"""Documents as TRL's SFTTrainer takes them when they are tokenised already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset

from factory.train.tokens import TokenFiles


def trl_rows(tokens: Sequence[str]) -> Dataset:
    """The documents of token files, in their order, with what is only read masked in the labels."""
    data = TokenFiles([Path(path) for path in tokens])
    documents = [data.document(number) for number in range(len(data))]
    return Dataset.from_dict(
        {
            "input_ids": [one.ids.tolist() for one in documents],
            "labels": [
                [-100] * one.prompt_tokens + one.ids[one.prompt_tokens :].tolist()
                for one in documents
            ],
        }
    )
