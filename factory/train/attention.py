"""Attention over documents that lie one after the other in one row, and which attention to use.

With restarting positions transformers gives torch's fused attention a mask of [T, T] for each row:
memory and work grow with the square of the row, and the flash kernels, which take no mask, are
out. `FLAT` is an attention of our own, registered with transformers, that is told where each
document begins: no mask, no work across documents, no padding. On a GPU in bfloat16 it is torch's
`varlen_attn` (flash attention); elsewhere documents are computed one by one.

Covered: full and sliding-window causal attention with grouped queries. Refused by name: dropout,
scores that are capped or biased, sinks, a cache, a mask. `varlen_attn` itself runs on a GPU only
and is run by the tests in `tests/gpu` alone.
"""

from __future__ import annotations

from typing import Any, Final

from factory.errors import TrainError
from factory.train.job import TrainingJob

FLAT: Final = "retort-documents"
"""The name by which transformers knows our attention. Without a mask function of that name it
makes no mask."""

_PLAIN_TOKENS: Final = 768
"""On CPU in bfloat16 the backward pass of torch's fused attention is slow: up to about this length
plain matrices take half its time, and from about twice this length on more than it."""

_FAMILIES: Final = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Model types whose attention is as the flat one computes it."""

_NO_EFFECT: Final = frozenset(
    {"is_causal", "use_cache", "output_attentions", "position_ids", "seq_idx"}
)
"""Arguments that models or trainers pass to an attention function and that change nothing here."""


def attention_of(job: TrainingJob, config: Any = None) -> str:
    """The attention that a job's model is loaded with, by transformers' name of it.

    The flat one for the families that we train (without dropout): on CPU it is 1.1 times as fast
    as rows with torch's fused attention in float32 or with plain matrices in bfloat16
    (`benchmarks/train_speed.py`). Other models get what is fastest for their rows.

    Args:
        job: Says where and in which precision.
        config: The model's; None stands for one of the families that we train.
    """
    text = None if config is None else config.get_text_config()
    if text is None or (
        text.model_type in _FAMILIES and not getattr(text, "attention_dropout", 0.0)
    ):
        register()
        return FLAT
    return "eager" if job.device == "cpu" and job.precision == "bfloat16" else "sdpa"


def is_flat(attention: str) -> bool:
    """Whether this attention takes documents one after the other, without rows and padding."""
    return attention == FLAT


def register() -> None:
    """Make `FLAT` known to transformers; again is no harm."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(FLAT, attend)


def documents(edges: Any, longest: int, dtype: Any) -> dict[str, Any]:
    """What a model's forward pass hands on to `attend`, made once per micro-batch.

    The names of the first four are those under which transformers passes edges to flash attention.

    Args:
        edges: Where each document begins, and the end of the last: int32 [D + 1].
        longest: Tokens of the longest document.
        dtype: Of queries, keys and values.
    """
    if _has_kernel(edges, dtype):
        return {
            "cu_seq_lens_q": edges,
            "cu_seq_lens_k": edges,
            "max_length_q": longest,
            "max_length_k": longest,
        }
    return {"document_lengths": edges.diff().tolist()}


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any = None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    cu_seq_lens_q: Any = None,
    cu_seq_lens_k: Any = None,
    max_length_q: int = 0,
    max_length_k: int = 0,
    document_lengths: list[int] | None = None,
    **others: Any,
) -> tuple[Any, None]:
    """Causal attention within each document: [1, T, heads, head_dim], and no weights.

    Args:
        module: The model's attention layer.
        query: [1, heads, T, head_dim].
        key: [1, key and value heads, T, head_dim].
        value: As `key`.
        attention_mask: None.
        scaling: Of the scores; None: the root of head_dim's inverse.
        dropout: 0.
        sliding_window: How many tokens one sees, itself among them; None: all before it.
        cu_seq_lens_q, cu_seq_lens_k, max_length_q, max_length_k: From `documents`, or from
            whoever packs as transformers does.
        document_lengths: From `documents`, where there is no kernel for documents.
        others: What else the model passes; refused if it could change the result.

    Raises:
        TrainError: The model wants what is not computed here, or documents were not given.
    """
    del cu_seq_lens_k, max_length_k
    wanted = [
        name
        for name, given in others.items()
        if name not in _NO_EFFECT and given is not None and given is not False
    ]
    wanted += ["dropout"] if dropout else []
    wanted += [] if attention_mask is None else ["attention_mask"]
    if wanted or query.shape[0] != 1:
        raise TrainError(
            f"attention {FLAT}: expected one row, causal and without extras, found "
            f"{query.shape[0]} rows and {', '.join(wanted) or 'no extras'} in "
            f"{type(module).__name__}; this model needs the attention 'sdpa'"
        )
    edges = cu_seq_lens_q
    if document_lengths is not None:
        out = _one_by_one(query, key, value, document_lengths, scaling, sliding_window)
    elif edges is not None and _has_kernel(edges, query.dtype):
        out = _by_kernel(query, key, value, edges, max_length_q, scaling, sliding_window)
    elif edges is not None:
        out = _one_by_one(query, key, value, edges.diff().tolist(), scaling, sliding_window)
    else:
        raise TrainError(
            f"attention {FLAT}: expected the edges of the documents, found none; load the model "
            f"with attn_implementation='sdpa' to run it without them"
        )
    return out, None


def _has_kernel(edges: Any, dtype: Any) -> bool:
    import torch

    return edges.is_cuda and dtype in (torch.bfloat16, torch.float16)


def _by_kernel(
    query: Any,
    key: Any,
    value: Any,
    edges: Any,
    longest: int,
    scaling: float | None,
    sliding_window: int | None,
) -> Any:
    from torch.nn.attention.varlen import varlen_attn

    query_thd, key_thd, value_thd = (one[0].transpose(0, 1) for one in (query, key, value))
    out: Any = varlen_attn(
        query_thd,
        key_thd,
        value_thd,
        edges,
        edges,
        longest,
        longest,
        scale=scaling,
        window_size=(-1 if sliding_window is None else sliding_window - 1, 0),
        enable_gqa=key_thd.shape[1] != query_thd.shape[1],
    )
    return out.unsqueeze(0)


def _one_by_one(
    query: Any,
    key: Any,
    value: Any,
    lengths: list[int],
    scaling: float | None,
    sliding_window: int | None,
) -> Any:
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    groups = query.shape[1] // key.shape[1]
    in_half = query.device.type == "cpu" and query.dtype != torch.float32
    plain = [length for length in lengths if in_half and length <= _PLAIN_TOKENS]
    seen = _seen(max(plain), sliding_window, query) if plain else None
    outs: list[Any] = []
    for query_d, key_d, value_d in zip(
        query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True
    ):
        length = query_d.shape[2]
        if seen is not None and length <= _PLAIN_TOKENS:
            outs.append(_plainly(query_d, key_d, value_d, seen[:length, :length], scaling))
            continue
        cut = sliding_window is not None and sliding_window < length
        outs.append(
            scaled_dot_product_attention(
                query_d,
                key_d,
                value_d,
                attn_mask=_seen(length, sliding_window, query) if cut else None,
                is_causal=not cut,
                scale=scaling,
                enable_gqa=groups > 1,
            )
        )
    return torch.cat(outs, 2).transpose(1, 2)


def _plainly(query: Any, key: Any, value: Any, seen: Any, scaling: float | None) -> Any:
    """One document by plain matrices, with a square of scores in the queries' own precision."""
    import torch

    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (one.repeat_interleave(groups, 1) for one in (key, value))
    scaled = query[0] * (query.shape[3] ** -0.5 if scaling is None else scaling)
    scores = torch.baddbmm(seen, scaled, key[0].transpose(1, 2))
    return torch.bmm(torch.softmax(scores, -1), value[0]).unsqueeze(0)


def _seen(length: int, window: int | None, like: Any) -> Any:
    """What to add to scores [length, length]: 0 where a token (row) sees another, else -inf."""
    import torch

    hidden = torch.ones(length, length, dtype=torch.bool, device=like.device).triu(1)
    if window is not None:
        hidden |= torch.ones_like(hidden).tril(-window)
    return torch.zeros(length, length, dtype=like.dtype, device=like.device).masked_fill(
        hidden, -torch.inf
    )
