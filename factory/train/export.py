"""Export: a folder in Hugging Face layout that vLLM and transformers load, there whole or not."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from factory.artifact import DISK_FULL
from factory.errors import StorageFull
from factory.parts import sync_folder
from factory.train.job import TrainingJob
from factory.train.render import special_ids

SHARD: Final = "5GB"
"""Largest file of weights; a single larger tensor gets a file of its own."""
_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")


def export_student(
    model: Any, tokenizer: Any, job: TrainingJob, state_dict: dict[str, Any] | None
) -> None:
    """`job.out/model`; rank 0 calls it, with the whole weights.

    Raises:
        StorageFull: The disk has no room; what was written of it is removed.
    """
    if job.positions is not None and tokenizer.model_max_length < job.positions:
        tokenizer.model_max_length = job.positions  # vLLM takes the smaller one of the two
    save_model(
        model, tokenizer, job.out / "model", end_token_id=job.end_token_id, state_dict=state_dict
    )


def save_model(
    model: Any,
    tokenizer: Any,
    folder: Path,
    *,
    end_token_id: int,
    state_dict: dict[str, Any] | None = None,
    max_shard_size: str = SHARD,
) -> None:
    """Write weights, configuration, tokenizer, chat template and generation configuration.

    Weights keep their type, and the configuration says it. The tokenizer's end token becomes the
    end of a turn too, but where its chat template writes the old one.

    Args:
        model: A transformers model; tied weights are written once.
        tokenizer: Written as the fast tokenizer it is, with its chat template.
        folder: Replaced as a whole where it exists.
        end_token_id: What ends a turn: generation stops at it, and at what the model stopped at
            before, where these are special tokens too. Sampling settings of the base are left
            out, since vLLM would take them for its defaults.
        state_dict: Weights by name, where the model itself does not hold them (ZeRO-3).
        max_shard_size: Largest file of weights.

    Raises:
        StorageFull: The disk has no room; what was written is removed.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    weights = _tied_once(model, model.state_dict() if state_dict is None else state_dict)
    dtype = _dtype(model, weights)
    _set_ends(model, tokenizer, end_token_id)
    hidden, old = (folder.with_name(f".{folder.name}.{word}{os.getpid()}") for word in ("", "old-"))
    with _whole_or_not(folder, hidden):
        model.save_pretrained(hidden, state_dict=weights, max_shard_size=max_shard_size)
        model.config.dtype = dtype  # transformers took that of its own parameters
        model.config.save_pretrained(hidden)
        tokenizer.save_pretrained(hidden)
        for path in sorted(hidden.rglob("*")):
            if path.is_file():
                with open(path, "rb+") as file:
                    os.fsync(file.fileno())
        sync_folder(hidden)
    if folder.exists():
        folder.replace(old)
    hidden.replace(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _tied_once(model: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """The weights without those that are tied to another one, also where each was gathered."""
    tied: dict[str, str] = model.all_tied_weights_keys
    return {name: one for name, one in state_dict.items() if tied.get(name) not in state_dict}


def _dtype(model: Any, weights: dict[str, Any]) -> Any:
    """The type of the weights as they are written."""
    return next((one.dtype for one in weights.values() if one.is_floating_point()), model.dtype)


def _set_ends(model: Any, tokenizer: Any, end_token_id: int) -> None:
    """Tell configuration, generation configuration and tokenizer where a turn ends."""
    from transformers import GenerationConfig

    ends = list(dict.fromkeys([end_token_id, *_ends_before(model, tokenizer)]))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end_token_id
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends if len(ends) > 1 else end_token_id,
        pad_token_id=pad,
    )
    model.config.use_cache = True
    model.config.eos_token_id = end_token_id
    model.config.pad_token_id = pad
    end_token = tokenizer.convert_ids_to_tokens(end_token_id)
    if tokenizer.eos_token != end_token and "eos_token" not in str(tokenizer.chat_template):
        tokenizer.eos_token = end_token


def _ends_before(model: Any, tokenizer: Any) -> Iterator[int]:
    """What the model stopped at before, of the tokenizer's special tokens."""
    special = special_ids(tokenizer)
    for config in (model.generation_config, model.config):
        found: Any = getattr(config, "eos_token_id", None)
        several: list[Any] = [*found] if isinstance(found, list) else [found]
        yield from (number for number in several if number in special)


@contextmanager
def _whole_or_not(folder: Path, hidden: Path) -> Generator[None]:
    """Nothing at `hidden` before, nor after the disk was full or failed."""
    from safetensors import SafetensorError

    shutil.rmtree(hidden, ignore_errors=True)
    try:
        yield
    except (OSError, SafetensorError) as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if _errno(error) not in DISK_FULL:
            raise
        raise StorageFull(
            f"{folder}: expected room to write the model, found the disk full "
            f"({os.strerror(_errno(error))}); free some space and run again, it continues from the "
            f"last checkpoint"
        ) from error


def _errno(error: Exception) -> int:
    """The operating system's number of an error, which safetensors says in its text alone."""
    if isinstance(error, OSError):
        return error.errno or 0
    found = _OS_ERROR.search(str(error))
    return int(found[1]) if found else 0
