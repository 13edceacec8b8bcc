"""`[train]` of a recipe: the students, and how they learn. A part of `schemas.recipe`.

Either these fields or a DeepSpeed JSON decide a thing, never both: `Train.deepspeed` says which
fields the file takes over.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.field_types import Fraction, Positive, Slug
from schemas.row import Settings


class RandomBase(Settings):
    """A base student with random weights: for tests of the path, not for scores."""

    arch: Literal["qwen2", "qwen3", "llama"]
    tokenizer: str
    """Folder in Hugging Face layout, or `embedded:NAME`."""
    hidden_size: Positive = 64
    layers: Positive = 2
    heads: Positive = 2
    kv_heads: Positive = 1
    intermediate_size: Positive = 128
    seed: int = 0


class Student(Settings):
    """`[[train.students]]`: one student."""

    name: Slug
    base: str | RandomBase
    revision: str = ""
    lr: Annotated[float, Field(gt=0)]
    epochs: Positive = 3
    learns_from: Literal["accepted", "all"] = "accepted"
    """`all` makes it the control: as many rows and tokens of the same problems, drawn from all
    candidates instead of the accepted ones. It shows what rejection sampling is worth."""
    template: str = "same"
    """Its chat template. `same`: the base's own, which must be the one that the rows' teacher was
    asked with, where the dataset says it. `own`: the base's own, whatever the teacher's was. Else
    the path of a Jinja file that the student gets."""
    rope_base: Annotated[float, Field(gt=0)] | None = None
    """Base of the rotary position embedding (`rope_theta`); None: the base's own."""
    positions: Positive | None = None
    """`max_position_embeddings` of the student; None: the base's own. More than the base's asks
    for a `rope_base` too."""

    @model_validator(mode="after")
    def _needs_a_template(self) -> Self:
        if not self.template:
            raise ValueError("template must be `same`, `own` or the path of a Jinja file")
        return self


class Train(Settings):
    """`[train]`: plain SFT, as in the R1 report; settings shared by all students."""

    students: list[Student] = Field(min_length=1)
    max_length_tokens: Positive = 1024
    """Samples with more tokens are dropped and counted."""
    batch_tokens: Positive = 16384
    """Tokens per optimizer step over all ranks, padding excluded, packed rows included."""
    packing: bool = True
    """Documents share rows, unseen by each other; false gives each a row of its own."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the problems whose samples are not learned but measured: the evaluation loss."""
    eval_every_steps: Positive = 50
    """Optimizer steps between two evaluation losses; there is one at the start and at the end
    too."""
    schedule: Literal["cosine", "linear", "constant", "warmup-stable-decay"] = "cosine"
    """Of the learning rate after the warm-up. The last one stays at its peak and falls linearly
    over the last fifth of the steps."""
    warmup_ratio: Fraction = 0.03
    min_lr_ratio: Fraction = 0.1
    """The schedule ends at this fraction of the peak learning rate; `constant` does not fall."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Of matrices only."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    """AdamW's."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """AdamW's."""
    clip_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    zero_stage: Annotated[int, Field(ge=0, le=3)] = 2
    precision: Literal["float32", "bfloat16"] = "float32"
    deepspeed: str = ""
    """Path of a DeepSpeed JSON. It then decides ZeRO, precision, clipping and offloading, and
    `weight_decay`, `betas` and `eps` where it has AdamW: these fields, and `offload` of the machine
    file, must be left out. Where the file says "auto" the field decides."""
    gradient_checkpointing: bool = False
    loss: Literal["chunked", "liger"] = "chunked"
    """Cross-entropy: Retort's own, a chunk of logits at a time, or Liger's fused kernel, which
    needs a GPU and the package `liger-kernel`."""
    checkpoint_every_steps: Positive = 50
    """There are checkpoints by time too: `training.checkpoint_every_s` of the machine file."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [student.name for student in self.students]
        if len(names) != len(set(names)):
            raise ValueError(f"the names of students must differ, found {names}")
        return self

    @model_validator(mode="after")
    def _one_of_two_decides(self) -> Self:
        if self.deepspeed and "zero_stage" in self.model_fields_set:
            raise ValueError(
                f"zero_stage: decided by the DeepSpeed file {self.deepspeed}; take it out of the "
                f"recipe, or leave `deepspeed` out"
            )
        return self


class TrainRecipe(Settings):
    """What `retort train` needs of a recipe: a file with only these is enough for it."""

    name: Slug
    description: str = ""
    seed: int = 0
    train: Train
