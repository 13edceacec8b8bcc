"""What of attention and loss runs on a GPU only, beside what the other tests prove on CPU."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

pytestmark = pytest.mark.gpu
KERNELS = ["chunked", *(["liger"] if importlib.util.find_spec("liger_kernel") else [])]


@pytest.fixture(scope="module", autouse=True)
def gpu() -> Any:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch sees")
    return torch.device("cuda")


@pytest.mark.parametrize("key_heads", [4, 2])
@pytest.mark.parametrize("sliding_window", [None, 50])
def test_the_kernel_for_documents_is_documents_one_by_one(
    gpu: Any, key_heads: int, sliding_window: int | None
) -> None:
    import torch

    from factory.train.attention import attend, documents

    lengths = [3, 200, 64, 1, 131]
    edges = torch.tensor([0, 3, 203, 267, 268, 399], dtype=torch.int32, device=gpu)
    torch.manual_seed(0)
    made = [
        torch.randn(1, sum(lengths), heads, 64, device=gpu).transpose(1, 2)
        for heads in (4, key_heads, key_heads)
    ]
    outer = torch.randn(1, sum(lengths), 4, 64, device=gpu)
    seen: list[tuple[Any, ...]] = []
    for dtype in (torch.float32, torch.bfloat16):
        inputs = [one.to(dtype).detach().requires_grad_() for one in made]
        given = documents(edges, max(lengths), dtype)
        assert ("cu_seq_lens_q" in given) == (dtype == torch.bfloat16)
        out, _ = attend(torch.nn.Identity(), *inputs, sliding_window=sliding_window, **given)
        seen.append((out, *torch.autograd.grad((out.float() * outer).sum(), inputs)))
    for exact, half in zip(*seen, strict=True):
        assert (half.float() - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_loss_on_a_gpu_is_that_on_cpu(
    gpu: Any, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from factory.train import loss

    compute: Any = loss.liger_loss if kernel == "liger" else loss.summed_loss
    torch.manual_seed(0)
    hidden, weight = torch.randn(300, 64), torch.randn(1000, 64)
    labels = torch.randint(0, 1000, (300,))
    for device in ("cpu", "cuda"):
        monkeypatch.setitem(loss.CHUNK_LOGITS, device, 70 * 1000)
    inputs = [hidden.requires_grad_(), weight.requires_grad_()]
    exact = loss.summed_loss(hidden, weight, None, labels)
    wanted = torch.autograd.grad(exact * 0.1, inputs)
    half = [one.detach().to(gpu, torch.bfloat16).requires_grad_() for one in inputs]
    found = compute(*half, None, labels.to(gpu))
    assert found.item() == pytest.approx(exact.item(), rel=2e-3)
    for gradient, other in zip(torch.autograd.grad(found * 0.1, half), wanted, strict=True):
        assert (gradient.float().cpu() - other).norm() < 0.02 * other.norm()
