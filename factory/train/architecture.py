"""What a base must be for our loss and our packing to be right, told before anything is learned.

By its configuration: no logits that are scaled behind the output layer, no dropout, no experts
(their balancing loss is not applied), no layers with a state that runs on from one document into
the next, no rotary embedding that depends on what else is in the batch. By numbers, for model
types other than `PROVEN` (which the tests prove): the loss of packed documents is that of the
model's own logits for each alone. Not covered: code of the model's own that behaves differently
in training mode, dropout apart.
"""

from __future__ import annotations

from typing import Any, Final

from factory.errors import TrainError
from factory.train.job import TrainingJob
from factory.train.tokens import TokenFiles

PROVEN: Final = frozenset({"qwen2", "qwen3", "llama", "mistral"})
"""Model types whose packed loss the tests compare with plain training, or with documents alone."""

_SCALES_OF_LOGITS: Final = (
    *("final_logit_softcapping", "logits_scaling", "logit_scale"),
    *("lm_head_multiplier", "output_multiplier_scale"),
)
_NUMBERS_OF_EXPERTS: Final = (
    *("num_experts", "num_local_experts"),
    *("n_routed_experts", "moe_num_experts"),
)
_ATTENTION: Final = frozenset({"full_attention", "sliding_attention"})
_PLAIN_ROPE: Final = "default"
_ROPES_OF_THE_BATCH: Final = frozenset({"dynamic", "longrope"})
"""Their frequencies follow the longest row of the batch, so a document's loss would depend on
what it is computed with."""


def student_config(job: TrainingJob) -> Any:
    """The base's transformers configuration, with what the student changes of it.

    Raises:
        TrainError: There is none; more positions than the base has without a `rope_base`; or a
            `rope_base` for a rotary embedding that is scaled already.
    """
    import transformers

    try:
        config: Any = transformers.AutoConfig.from_pretrained(
            job.base, revision=job.revision or None
        )
    except (OSError, ValueError) as error:
        raise not_loaded(job, error) from error
    text = config.get_text_config()
    if job.rope_base is not None:
        rope = getattr(text, "rope_parameters", None) or {}
        kind = rope.get("rope_type", _PLAIN_ROPE) if "rope_theta" in rope else None
        if kind != _PLAIN_ROPE:
            found = "none, or one for each kind of layer" if kind is None else f"rope_type {kind}"
            raise TrainError(
                f"rope_base: expected a base with one plain rotary embedding, found {found} "
                f"(model_type {text.model_type}); leave rope_base out"
            )
        text.rope_parameters = {**rope, "rope_theta": job.rope_base}
    if job.positions is not None:
        if job.positions > text.max_position_embeddings and job.rope_base is None:
            raise TrainError(
                f"positions: expected at most the base's {text.max_position_embeddings} without a "
                f"rope_base, found {job.positions}; set rope_base too, or lower positions"
            )
        text.max_position_embeddings = job.positions
    return config


def not_loaded(job: TrainingJob, error: Exception) -> TrainError:
    """A base that transformers does not load."""
    return TrainError(
        f"base {job.base}: expected a causal model that transformers loads with the attention that "
        f"we use, found {error}"
    )


def check_model(config: Any, data: TokenFiles, vocabulary: int) -> None:
    """Refuse a base that cannot learn these documents, or whose loss would not be as we compute it.

    Args:
        config: Of the student (`student_config`).
        data: What it is to learn.
        vocabulary: Tokens that its tokenizer knows.

    Raises:
        TrainError: Too few positions or embeddings, or an architecture that is not covered.
    """
    text = config.get_text_config()
    check_architecture(text)
    longest = int(data.lengths.max())
    positions = getattr(text, "max_position_embeddings", None)
    if positions is not None and longest > positions:
        raise TrainError(
            f"train.max_length_tokens: expected at most {positions}, the "
            f"student's positions, found a document of {longest} tokens; lower it, or raise the "
            f"student's positions and rope_base"
        )
    if vocabulary > text.vocab_size:
        raise TrainError(
            f"base: expected an embedding for each of the tokenizer's {vocabulary} tokens, found "
            f"{text.vocab_size}; use the tokenizer that belongs to the model"
        )


def check_architecture(config: Any) -> None:
    """Refuse an architecture by its configuration (see the module).

    Raises:
        TrainError: It names the entry of the configuration and the model type.
    """
    for name in _SCALES_OF_LOGITS:
        if getattr(config, name, None) not in (None, 1, 1.0):
            why = "our loss does not apply it"
            raise _refused(config, "logits that are the output layer's", name, why)
    for name in _NUMBERS_OF_EXPERTS:
        if (getattr(config, name, None) or 0) > 1:
            raise _refused(config, "a dense model", name, "experts need a balancing loss")
    for name, value in sorted(vars(config).items()):
        is_dropout = "dropout" in name or name.endswith("pdrop")
        of_another_head = name.startswith(("classifier", "summary"))
        if is_dropout and not of_another_head and isinstance(value, float | int) and value > 0:
            raise _refused(config, "no dropout", name, "set it to 0 in the base's config.json")
    strange = sorted(set(getattr(config, "layer_types", None) or ()) - _ATTENTION)
    if strange:
        raise _refused(
            config, f"layers of {sorted(_ATTENTION)}", "layer_types",
            f"{', '.join(strange)} may carry one document's state into the next",
        )  # fmt: skip
    rope = getattr(config, "rope_parameters", None) or {}
    parts = [rope, *(one for one in rope.values() if isinstance(one, dict))]
    for kind in sorted(_ROPES_OF_THE_BATCH & {one.get("rope_type") for one in parts}):
        raise _refused(
            config, "a rotary embedding of the position alone", f"rope_type {kind}",
            "its frequencies follow the longest row of a batch",
        )  # fmt: skip


def check_forward(model: Any) -> None:
    """Refuse a loaded model whose packed documents do not get the logits that it gives them alone.

    Costs a forward pass over some twenty tokens, on the device where the model lies.

    Raises:
        TrainError: It has no base model and output layer, scales its logits, or lets documents
            see each other.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.get_text_config().vocab_size
    sizes = (5, 9, 6)
    documents = [torch.randint(vocabulary, (size,), generator=generator) for size in sizes]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        output = model.base_model(
            input_ids=torch.cat(documents)[None],
            position_ids=torch.cat([torch.arange(size) for size in sizes])[None],
            attention_mask=None,
            use_cache=False,
        )
        hidden, head = getattr(output, "last_hidden_state", None), model.get_output_embeddings()
        if hidden is None or head is None:
            raise TrainError(
                f"base: expected a model that gives its last hidden state and an output layer, "
                f"found {type(model).__name__}; it is not covered"
            )
        packed = head(hidden)[0].float()
        alone = torch.cat(
            [model(input_ids=one[None], use_cache=False).logits[0] for one in documents]
        ).float()
    model.train(was_training)
    allowed = 1e-3 if hidden.dtype == torch.float32 else 5e-2
    difference = ((packed - alone).abs().max() / alone.abs().max()).item()
    if not difference <= allowed:
        raise TrainError(
            f"base: expected the logits of packed documents to be those of each alone, found them "
            f"{difference:.2g} of the largest apart (model_type {model.config.model_type}); it "
            f"lets documents see each other, or changes the output layer's logits"
        )


def _refused(config: Any, expected: str, found: str, why: str) -> TrainError:
    return TrainError(
        f"base: expected {expected}, found {found} in its configuration (model_type "
        f"{config.model_type}): {why}"
    )
