"""Attention over packed documents: isolation, and the flat one beside the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.errors import TrainError
from factory.train.tokens import Document, TokenFiles, write_tokens
from tests.unit.train.jobs import make_documents, make_job

FAMILIES = ("qwen2", "qwen3", "llama")


@pytest.fixture(scope="module")
def bases(byte_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base of test size of each family, its queries in groups of two."""
    from factory.train.base import make_base
    from schemas.train_settings import RandomBase

    root = tmp_path_factory.mktemp("bases")
    for arch in FAMILIES:
        shape = RandomBase(
            arch=arch, tokenizer="given", hidden_size=64, layers=2, heads=4, kv_heads=2, seed=7
        )
        make_base(shape, byte_tokenizer, root / arch)
    return {arch: root / arch for arch in FAMILIES}


@dataclass(frozen=True)
class Seen:
    """One pass over a packed row: loss, hidden states, and gradients of embedded tokens and
    weights."""

    loss: float
    hidden: Any
    embedded: Any
    weights: dict[str, Any]


def batch_of(documents: list[Document], path: Path, *, flat: bool) -> Any:
    """One micro-batch with all documents in one row."""
    import torch

    from factory.train.batches import Batches

    path.unlink(missing_ok=True)
    write_tokens(path, documents)
    batches = Batches(TokenFiles([path]), pad_id=0, flat=flat, device=torch.device("cpu"))
    return next(batches.of(iter([(tuple(range(len(documents))),)])))


def load(
    base: Path, attention: str, *, checkpointing: bool = False, precision: str = "float32"
) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    from factory.train.attention import register

    register()
    model = AutoModelForCausalLM.from_pretrained(
        base, attn_implementation=attention, dtype=getattr(torch, precision)
    )
    model.config.use_cache = False
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train()


def look(model: Any, batch: Any) -> Seen:
    from factory.train.loss import Learner

    found: list[Any] = []

    def keep_embedded(_module: Any, _inputs: Any, output: Any) -> None:
        output.retain_grad()
        found.append(output)

    hooks = [
        model.get_input_embeddings().register_forward_hook(keep_embedded),
        model.base_model.register_forward_hook(
            lambda _module, _inputs, output: found.append(output.last_hidden_state.detach())
        ),
    ]
    model.zero_grad()
    loss = Learner(model)(*batch.inputs())
    loss.backward()
    for hook in hooks:
        hook.remove()
    weights = {name: one.grad.clone() for name, one in model.named_parameters()}
    return Seen(loss.item(), found[1][0], found[0].grad[0], weights)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("arch", FAMILIES)
def test_flat_attention_gives_the_loss_and_gradient_of_the_models_own(
    bases: dict[str, Path], tmp_path: Path, arch: str, checkpointing: bool
) -> None:
    import torch

    from factory.train.attention import FLAT

    made = make_documents(7, 3)
    flat = look(
        load(bases[arch], FLAT, checkpointing=checkpointing),
        batch_of(made, tmp_path / "flat", flat=True),
    )
    rows = look(load(bases[arch], "eager"), batch_of(made, tmp_path / "rows", flat=False))
    assert flat.loss == pytest.approx(rows.loss, rel=1e-5)
    assert torch.allclose(flat.hidden, rows.hidden, atol=1e-5)
    for name, gradient in rows.weights.items():
        assert torch.allclose(flat.weights[name], gradient, rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("plain_tokens", [40, 768])
def test_in_bfloat16_flat_attention_is_the_models_own_but_for_rounding(
    bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_tokens: int
) -> None:

    from factory.train import attention

    monkeypatch.setattr(attention, "_PLAIN_TOKENS", plain_tokens)  # of short documents, of all
    made = make_documents(7, 3)
    exact = look(load(bases["qwen3"], "eager"), batch_of(made, tmp_path / "rows", flat=False))
    flat = look(
        load(bases["qwen3"], attention.FLAT, precision="bfloat16"),
        batch_of(made, tmp_path / "flat", flat=True),
    )
    assert flat.loss == pytest.approx(exact.loss, rel=2e-3)
    off = (flat.hidden.float() - exact.hidden).norm() / exact.hidden.norm()
    assert off < 0.02
    for name, gradient in exact.weights.items():
        assert (flat.weights[name] - gradient).norm() < 0.05 * gradient.norm(), name


@pytest.mark.parametrize(
    ("attention", "arch", "checkpointing", "precision"),
    [
        ("sdpa", "qwen2", False, "float32"),
        ("eager", "qwen2", False, "float32"),
        ("flat", "qwen2", False, "bfloat16"),
        *(("flat", arch, again, "float32") for arch in FAMILIES for again in (False, True)),
    ],
)
def test_packed_documents_do_not_see_each_other(
    bases: dict[str, Path],
    tmp_path: Path,
    attention: str,
    arch: str,
    checkpointing: bool,
    precision: str,
) -> None:
    import torch

    from factory.train.attention import FLAT

    flat = attention == "flat"
    model = load(
        bases[arch],
        FLAT if flat else attention,
        checkpointing=checkpointing,
        precision=precision,
    )
    made = make_documents(4, 5)
    changed = Document((made[1].ids + 1) % 255, made[1].prompt_tokens)
    first, second, *alone = (
        look(model, batch_of(documents, tmp_path / "tokens", flat=flat))
        for documents in (
            made,
            [made[0], changed, *made[2:]],
            *([made[at]] for at in (0, 2, 3)),
        )
    )
    edges = np.cumsum([0, *(len(one.ids) for one in made)])
    for at, one in zip((0, 2, 3), alone, strict=True):
        span = slice(int(edges[at]), int(edges[at + 1]))
        assert torch.equal(first.hidden[span], second.hidden[span])
        assert torch.equal(first.embedded[span], second.embedded[span])
        atol = 1e-5 if precision == "float32" else 0.1
        assert torch.allclose(first.hidden[span], one.hidden, atol=atol)
    span = slice(int(edges[1]), int(edges[2]))
    assert not torch.allclose(first.hidden[span], second.hidden[span], atol=1e-3)


def test_a_sliding_window_sees_so_many_tokens_back(tmp_path: Path) -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from factory.train.attention import FLAT, register

    register()
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=261, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, use_sliding_window=True, sliding_window=9,
        max_window_layers=1, use_cache=False,
    )  # fmt: skip
    assert config.layer_types == ["full_attention", "sliding_attention"]
    model = Qwen2ForCausalLM(config).train()
    made = make_documents(3, 5)
    seen: dict[str, Seen] = {}
    for attention, flat in ((FLAT, True), ("eager", False)):
        model.set_attn_implementation(attention)
        seen[attention] = look(model, batch_of(made, tmp_path / attention, flat=flat))
    assert torch.allclose(seen[FLAT].hidden, seen["eager"].hidden, atol=1e-5)
    model.set_attn_implementation(FLAT)
    half = look(model.bfloat16(), batch_of(made, tmp_path / "half", flat=True))
    off = (half.hidden.float() - seen["eager"].hidden).norm() / seen["eager"].hidden.norm()
    assert off < 0.02  # without the window it is 0.3


def test_flat_attention_refuses_what_it_does_not_compute(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    import torch

    from factory.train.attention import FLAT, attend

    model = load(bases["qwen2"], FLAT)
    with pytest.raises(TrainError, match="expected the edges of the documents, found none"):
        model(input_ids=torch.zeros(1, 4, dtype=torch.long))
    qkv = [torch.zeros(1, 2, 4, 8)] * 3
    with pytest.raises(TrainError, match=r"found 1 rows and softcap in Linear.*'sdpa'"):
        attend(torch.nn.Linear(1, 1), *qkv, document_lengths=[4], softcap=30.0)
    with pytest.raises(TrainError, match="found 2 rows"):
        attend(torch.nn.Linear(1, 1), *[torch.zeros(2, 2, 4, 8)] * 3, document_lengths=[4])


@pytest.mark.parametrize(
    ("device", "precision", "model_type", "dropout", "expected"),
    [
        ("cuda", "bfloat16", "qwen2", 0.0, "retort-documents"),
        ("cpu", "float32", "llama", 0.0, "retort-documents"),
        ("cpu", "bfloat16", "qwen3", 0.0, "retort-documents"),
        ("cuda", "bfloat16", "gemma2", 0.0, "sdpa"),
        ("cpu", "bfloat16", "gemma2", 0.0, "eager"),
        ("cuda", "bfloat16", "qwen2", 0.1, "sdpa"),
    ],
)
def test_the_attention_follows_from_device_and_family(
    tmp_path: Path, device: str, precision: str, model_type: str, dropout: float, expected: str
) -> None:
    from transformers import AutoConfig

    from factory.train.attention import attention_of, is_flat

    job = make_job(tmp_path, tmp_path, tmp_path, device=device, precision=precision)
    config = AutoConfig.for_model(model_type, attention_dropout=dropout)
    found = attention_of(job, config)
    assert found == expected
    assert is_flat(found) == (found == "retort-documents")
