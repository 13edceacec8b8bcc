"""`trainers/`: settings with which TRL, LLaMA-Factory and axolotl train on the dataset.

They say how the rows are read, and little else: model, learning rate and lengths are the user's.
Paths are relative to the dataset's folder, from which each command is started. Formats: TRL 1.16
(`trl sft`, `trl dpo`), LLaMA-Factory 0.9.5, axolotl 0.19. LLaMA-Factory has no settings for
preference pairs: it wants one turn where TRL and axolotl, and so our rows, have a list of turns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from factory.shard.card_facts import Facts
from factory.shard.configs import DEFAULT, FOLDERS, PREFERENCE, REASONING_CONTENT

_STUDENT: Final = "Qwen/Qwen2.5-Math-1.5B"
_LENGTH: Final = 32768


def trainer_files(configs: Iterable[str]) -> list[tuple[str, str]]:
    """(file, what it starts) of the settings that a dataset with those configs has."""
    return [(path, what) for path, what, needs, _ in _FILES if needs in set(configs)]


def trainers(facts: Facts) -> dict[str, bytes]:
    """Path -> content."""
    configs = facts.description.configs
    return {path: make(facts).encode() for path, _, needs, make in _FILES if needs in configs}


def _parquet(config: str) -> list[dict[str, str]]:
    """The config's files themselves: `datasets` loads no folder that is named `.`."""
    files = f"{FOLDERS[config]}/train-*.parquet"
    return [{"path": "parquet", "data_files": files, "split": "train"}]


# ---------------------------------------------------------------------------------------------- TRL


def _trl_sft(facts: Facts) -> str:
    return _yaml(
        ["trl sft --config trainers/trl-sft.yaml"],
        datasets=_parquet(DEFAULT),
        model_name_or_path=_STUDENT,
        output_dir=f"runs/{facts.shard.name}-sft",
        assistant_only_loss=True,
        max_length=_LENGTH,
        packing=True,
        learning_rate=1e-5,
        num_train_epochs=3,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=16,
    )


def _trl_dpo(facts: Facts) -> str:
    return _yaml(
        ["trl dpo --config trainers/trl-dpo.yaml"],
        datasets=_parquet(PREFERENCE),
        model_name_or_path=f"runs/{facts.shard.name}-sft",
        output_dir=f"runs/{facts.shard.name}-dpo",
        max_length=_LENGTH,
        learning_rate=1e-6,
        num_train_epochs=1,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=16,
    )


# ------------------------------------------------------------------------------------ LLaMA-Factory


def _llama_factory_info(facts: Facts) -> str:
    entry = {
        "file_name": f"../{FOLDERS[DEFAULT]}",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
    return json.dumps({facts.shard.name: entry}, indent=2) + "\n"


def _llama_factory_sft(facts: Facts) -> str:
    return _yaml(
        [
            "llamafactory-cli train trainers/llamafactory-sft.yaml",
            "`template` must be that of the model; it leaves `<think>` in the answers as it is",
        ],
        dataset_dir="trainers",
        dataset=facts.shard.name,
        model_name_or_path=_STUDENT,
        template="qwen",
        stage="sft",
        do_train=True,
        finetuning_type="full",
        output_dir=f"runs/{facts.shard.name}-sft",
        cutoff_len=_LENGTH,
        packing=True,
        learning_rate=1e-5,
        num_train_epochs=3,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=16,
        bf16=True,
    )


# ------------------------------------------------------------------------------------------ axolotl


def _axolotl_sft(facts: Facts) -> str:
    dataset: dict[str, Any] = {
        "path": FOLDERS[REASONING_CONTENT],
        "ds_type": "parquet",
        "data_files": [f"{FOLDERS[REASONING_CONTENT]}/train-*.parquet"],
        "split": "train",
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "field_thinking": "reasoning_content",
        "template_thinking_key": "reasoning_content",
        "roles_to_train": ["assistant"],
    }
    return _yaml(
        [
            "axolotl train trainers/axolotl-sft.yaml",
            "the model's chat template must know `reasoning_content`, as that of Qwen3 does",
        ],
        base_model="Qwen/Qwen3-1.7B-Base",
        chat_template="qwen3",
        datasets=[dataset],
        output_dir=f"runs/{facts.shard.name}-sft",
        sequence_len=_LENGTH,
        sample_packing=True,
        micro_batch_size=1,
        gradient_accumulation_steps=16,
        num_epochs=3,
        learning_rate=1e-5,
        optimizer="adamw_torch_fused",
        lr_scheduler="cosine",
        bf16="auto",
    )


def _yaml(comments: Collection[str], **settings: Any) -> str:
    """YAML whose values are JSON, which is YAML too, below the command that it is for."""
    lines = [f"# {comment}" for comment in comments]
    lines += [f"{name}: {_value(value)}" for name, value in settings.items()]
    return "\n".join([*lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1e}"  # `1e-05` without a point is a text to many readers of YAML
    return json.dumps(value, ensure_ascii=False)


_FILES: Final[list[tuple[str, str, str, Callable[[Facts], str]]]] = [
    ("trainers/axolotl-sft.yaml", "axolotl, fine-tuning", REASONING_CONTENT, _axolotl_sft),
    ("trainers/dataset_info.json", "LLaMA-Factory, the rows", DEFAULT, _llama_factory_info),
    (
        "trainers/llamafactory-sft.yaml",
        "LLaMA-Factory, fine-tuning",
        DEFAULT,
        _llama_factory_sft,
    ),
    ("trainers/trl-dpo.yaml", "TRL, preference training", PREFERENCE, _trl_dpo),
    ("trainers/trl-sft.yaml", "TRL, fine-tuning", DEFAULT, _trl_sft),
]
"""Path, what it starts, the config that it needs, what makes its content."""
