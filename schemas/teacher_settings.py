"""Teachers of a recipe: a model that Retort serves, one behind endpoints, or generations that exist
already. A part of `[generate]` and of `[rewrite]`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from schemas.field_types import Dtype, Positive, Slug
from schemas.row import Settings


class VllmTeacher(Settings):
    """A teacher that Retort serves with vLLM."""

    engine: Literal["vllm"]
    model: str
    """`embedded:NAME`, a folder in Hugging Face layout, or a hub name."""
    revision: str = ""
    """Commit hash of a hub model; empty for folders, whose revision is their digest."""
    max_model_len: Positive
    """Context of the server in tokens, prompt and completion together."""
    dtype: Dtype = "auto"
    vllm_args: dict[str, Any] = Field(default_factory=dict)
    """Further vLLM arguments that change what is generated, by their names in vLLM's parser with
    underscores, e.g. `quantization`. What only changes speed is in the machine file."""


class OpenaiTeacher(Settings):
    """A teacher behind OpenAI-compatible endpoints; their addresses are in the machine file."""

    engine: Literal["openai"]
    model: str
    revision: str
    """The user's own word for the version that is served; it enters the identity."""
    body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further fields of each request, e.g. `{ return_token_ids = true }` for token counts per
    candidate where several are asked for at once. They enter the identity."""

    @field_validator("body")
    @classmethod
    def _none_of_ours(cls, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        ours = {"model", "messages", "prompt", "n", "seed", "temperature", "top_p", "max_tokens"}
        if taken := sorted(ours & body.keys()):
            raise ValueError(f"{taken} are set by [generate]; leave them out")
        if "stream" in body:
            raise ValueError("answers are read whole; leave `stream` out")
        return body


class ImportFile(Settings):
    """Generations that exist already: one row per problem, or per response."""

    source: Slug
    """Name of the source in `[collect]` whose problems these rows answer."""
    path: str = ""
    """A file or a folder of files; or else `dataset`."""
    dataset: str = ""
    """Name on the hub, or a local copy in its shape."""
    revision: str = ""
    """Full commit hash; empty only for a local copy."""
    config: str = ""
    split: str = "train"
    problem_id: str = "problem_id"
    """Column with the problem's id; empty: the number of the row, from 0."""
    responses: str = "responses"
    """Column with a list of texts, one text, or the turns of one conversation."""
    labels: str = ""
    """Column with booleans of the same shape as `responses`; empty where there is none."""
    finish_reasons: str = ""
    """Column with finish reasons of the same shape; empty where there is none."""
    skip_bad: bool = False
    """Leave out and count rows that cannot be read, where the file is known to have some; else
    the first one is an error."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.dataset):
            raise ValueError("give either `path` or `dataset`")
        return self


class ImportTeacher(Settings):
    """Generations that exist already."""

    engine: Literal["import"]
    model: str
    revision: str = ""
    files: list[ImportFile] = Field(min_length=1)


Teacher = Annotated[VllmTeacher | OpenaiTeacher | ImportTeacher, Field(discriminator="engine")]
Served = Annotated[VllmTeacher | OpenaiTeacher, Field(discriminator="engine")]
"""A model that answers when it is asked."""
