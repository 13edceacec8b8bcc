"""The chunked loss beside torch's own, what it holds and computes, and Liger's refusal."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from factory.errors import MissingDependency, TrainError
from factory.train.tokens import TokenFiles, write_tokens
from tests.unit.train.jobs import make_documents

TARGETS, HIDDEN, VOCABULARY = 50, 16, 300


def made(seed: int, *, dtype: str = "float32", bias: bool = False) -> tuple[Any, Any, Any, Any]:
    """Hidden states, weight, bias and labels."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    hidden = torch.randn(TARGETS, HIDDEN, generator=rng).to(getattr(torch, dtype))
    weight = torch.randn(VOCABULARY, HIDDEN, generator=rng).to(getattr(torch, dtype))
    offset = torch.randn(VOCABULARY, generator=rng).to(getattr(torch, dtype)) if bias else None
    labels = torch.randint(0, VOCABULARY, (TARGETS,), generator=rng)
    return hidden.requires_grad_(), weight.requires_grad_(), offset, labels


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("chunk", [1, 7, 25, 50, 1000])
def test_the_loss_in_chunks_is_the_loss_at_once(
    monkeypatch: pytest.MonkeyPatch, chunk: int, bias: bool
) -> None:
    import torch
    from torch.nn import functional

    from factory.train import loss

    hidden, weight, offset, labels = made(1, bias=bias)
    inputs = [one.requires_grad_() for one in (hidden, weight, offset) if one is not None]
    logits = functional.linear(hidden, weight, offset)
    expected = functional.cross_entropy(logits, labels, reduction="sum")
    wanted = torch.autograd.grad(expected * 0.3, inputs)
    monkeypatch.setitem(loss.CHUNK_LOGITS, "cpu", chunk * VOCABULARY)
    found = loss.summed_loss(hidden, weight, offset, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    for gradient, other in zip(torch.autograd.grad(found * 0.3, inputs), wanted, strict=True):
        assert torch.allclose(gradient, other, rtol=1e-5, atol=1e-6)


def test_in_bfloat16_sums_are_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from torch.nn import functional

    from factory.train import loss

    hidden, weight, _, labels = made(2, dtype="bfloat16")
    logits = (hidden @ weight.T).float()
    expected = functional.cross_entropy(logits, labels, reduction="sum").item()
    exact_weight = weight.detach().float().requires_grad_()
    functional.cross_entropy(
        hidden.detach().float() @ exact_weight.T, labels, reduction="sum"
    ).backward()
    off: list[float] = []
    for chunk in (1, TARGETS):
        monkeypatch.setitem(loss.CHUNK_LOGITS, "cpu", chunk * VOCABULARY)
        found = loss.summed_loss(hidden, weight, None, labels)
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(expected, rel=1e-6)
        (gradient,) = torch.autograd.grad(found, [weight])
        assert gradient.dtype == torch.bfloat16
        off.append(float((gradient - exact_weight.grad).norm() / exact_weight.grad.norm()))
    assert max(off) < 0.006  # a chunk more is no rounding more
    assert off[0] < 1.5 * off[1]


@pytest.mark.parametrize("learning", [True, False])
def test_no_more_than_a_chunk_of_logits_exists_and_each_is_computed_once(
    monkeypatch: pytest.MonkeyPatch, learning: bool
) -> None:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import FlopCounterMode

    from factory.train import loss

    largest: list[int] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor) and out.shape[-1:] == (VOCABULARY,):
                largest.append(out.shape[0])
            return out

    hidden, weight, _, labels = made(3)
    monkeypatch.setitem(loss.CHUNK_LOGITS, "cpu", 7 * VOCABULARY)
    with Watch(), FlopCounterMode(display=False) as counted, torch.set_grad_enabled(learning):
        found = loss.summed_loss(hidden, weight, None, labels)
        if learning:
            found.backward()
    assert found.requires_grad == learning
    assert max(size for size in largest if size != HIDDEN) == 7
    products = 3 if learning else 1
    assert counted.get_total_flops() == products * 2 * TARGETS * HIDDEN * VOCABULARY


def test_rows_without_a_target_add_nothing(tiny_base: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from factory.train.loss import Learner
    from factory.train.pack import collate

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_base)
    found = Learner(model)(*[torch.from_numpy(array) for array in collate([], 0)])
    found.backward()
    assert found.item() == 0
    assert all(one.grad is not None and not one.grad.any() for one in model.parameters())


@pytest.mark.parametrize("flat", [False, True])
def test_a_batch_tells_where_its_targets_are(tiny_base: Path, tmp_path: Path, flat: bool) -> None:
    import torch

    from factory.train.batches import Batches
    from factory.train.pack import IGNORED

    write_tokens(tmp_path / "tokens", make_documents(9, 6))
    data = TokenFiles([tmp_path / "tokens"])
    batches = Batches(data, pad_id=0, flat=flat, device=torch.device("cpu"))
    batch = next(batches.of(iter([((0, 1, 2), (3, 4), (5, 6, 7, 8))])))
    labels = batch.labels_bt.flatten()[batch.predicting_n + 1]
    assert (labels != IGNORED).all()
    assert len(labels) == int((data.lengths - data.prompt_tokens).sum())
    documents = [data.document(number) for number in range(9)]
    learned = [int(token) for one in documents for token in one.ids[one.prompt_tokens :]]
    assert labels.tolist() == learned


@pytest.mark.parametrize("tied", [True, False])
def test_the_models_gradient_is_that_of_its_own_logits(byte_tokenizer: Any, tied: bool) -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from factory.train.loss import Learner
    from factory.train.pack import collate, pack

    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=261, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=tied,
        )
    )  # fmt: skip
    (row,) = pack(make_documents(1, 6), 256, 0)
    ids, labels, positions = (torch.from_numpy(array) for array in collate([row], 0))
    logits = model(input_ids=ids).logits[:, :-1].flatten(0, 1)
    expected = torch.nn.functional.cross_entropy(logits, labels[0, 1:], reduction="sum")
    wanted = torch.autograd.grad(expected, list(model.parameters()))
    found = torch.autograd.grad(Learner(model)(ids, labels, positions), list(model.parameters()))
    for gradient, other in zip(found, wanted, strict=True):
        assert torch.allclose(gradient, other, rtol=1e-4, atol=1e-4)


def test_an_output_layer_that_is_no_matrix_is_refused(tiny_base: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from factory.train.loss import Learner

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.lm_head = torch.nn.Sequential(model.lm_head)
    with pytest.raises(TrainError, match="expected a linear output layer, found Sequential"):
        Learner(model)


def test_liger_is_refused_where_it_cannot_run() -> None:
    from factory.train.loss import check_loss_kernel

    check_loss_kernel("chunked", "cpu")
    with pytest.raises(TrainError, match="expected a GPU, for which alone its kernels are"):
        check_loss_kernel("liger", "cpu")
    if importlib.util.find_spec("liger_kernel") is None:
        with pytest.raises(MissingDependency, match="pip install liger-kernel"):
            check_loss_kernel("liger", "cuda")
