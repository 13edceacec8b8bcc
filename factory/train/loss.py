"""The loss: summed over target tokens, divided by all of them in the step, in chunks.

Shapes: B rows, T tokens of a row, H hidden, N target tokens of the micro-batch, C of a chunk, V
vocabulary.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from factory.errors import MissingDependency, TrainError
from factory.train.attention import documents
from factory.train.pack import IGNORED

Kernel = Literal["chunked", "liger"]

CHUNK_LOGITS: Final = {"cpu": 1 << 24, "cuda": 1 << 28}
"""Logits held at a time: 64 MiB in float32 on CPU, which the caches like, 1 GiB on a GPU, so that
adding up the weight's gradient costs little beside the products."""


def check_loss_kernel(kernel: Kernel, device: str) -> None:
    """Refuse Liger's kernel where it cannot run, before anything is loaded.

    Raises:
        TrainError: It is asked for on CPU.
        MissingDependency: The package is not installed.
    """
    if kernel != "liger":
        return
    if device != "cuda":
        raise TrainError(
            f"train.loss = 'liger': expected a GPU, for which alone its kernels are, found "
            f"training.device = '{device}'; use train.loss = 'chunked'"
        )
    if importlib.util.find_spec("liger_kernel") is None:
        raise MissingDependency(
            "train.loss = 'liger': expected the package liger-kernel, found none; pip install "
            "liger-kernel, or use train.loss = 'chunked', which needs none"
        )


class Learner(nn.Module):
    """A causal model that gives the sum of its token losses instead of logits.

    Raises:
        TrainError: Its output layer is not a matrix whose products are the logits.
    """

    def __init__(self, model: Any, *, kernel: Kernel = "chunked") -> None:
        super().__init__()
        self.model = model
        self.kernel: Kernel = kernel
        head = model.get_output_embeddings()
        if not isinstance(head, nn.Linear):
            raise TrainError(
                f"base: expected a linear output layer, found {type(head).__name__} in "
                f"{type(model).__name__}, whose logits our loss does not know"
            )

    def forward(
        self,
        ids_bt: Tensor,
        labels_bt: Tensor,
        positions_bt: Tensor,
        edges: Tensor | None = None,
        longest: int = 0,
        predicting_n: Tensor | None = None,
    ) -> Tensor:
        """Sum of the cross-entropies at the target tokens: a scalar in float32, in nats.

        No attention mask and no cache, so that restarting positions separate the documents. The
        output layer sees only the positions before a target.

        Args:
            ids_bt: Tokens.
            labels_bt: The same, `IGNORED` where nothing is learned; not shifted.
            positions_bt: Restarting with each document.
            edges, longest: See `factory.train.attention.documents`; None: rows with padding.
            predicting_n: Where in the flattened rows the next token is a target; None: found
                here, for which a GPU has to wait.
        """
        given = {} if edges is None else documents(edges, longest, self.model.dtype)
        hidden_bth = self.model.base_model(
            input_ids=ids_bt,
            position_ids=positions_bt,
            attention_mask=None,
            use_cache=False,
            **given,
        ).last_hidden_state
        if predicting_n is None:
            is_target = functional.pad(labels_bt[:, 1:] != IGNORED, (0, 1))
            predicting_n = is_target.flatten().nonzero()[:, 0]
        labels_n = labels_bt.flatten()[predicting_n + 1]
        hidden_nh = hidden_bth.flatten(0, 1).index_select(0, predicting_n)
        # With ZeRO 3 it is here, in our own forward pass, that DeepSpeed gathers the weight.
        head = self.model.get_output_embeddings()
        if self.kernel == "liger" and len(labels_n):
            return liger_loss(hidden_nh, head.weight, head.bias, labels_n)
        return summed_loss(hidden_nh, head.weight, head.bias, labels_n)


def summed_loss(
    hidden_nh: Tensor, weight_vh: Tensor, bias_v: Tensor | None, labels_n: Tensor
) -> Tensor:
    """Sum of the cross-entropies of an output layer: a scalar in float32, in nats.

    Only a chunk of logits exists at a time, and each is computed once: the gradients, of which the
    loss itself is all that is needed, are made with it. Softmax and the weight's gradient are in
    float32 whatever the precision of the weight. One backward pass per forward pass. Under
    autocast, where weight and products differ in precision, torch does it, all logits at once.
    """
    if torch.is_autocast_enabled(hidden_nh.device.type):  # the embedded models' first learning
        logits_nv = functional.linear(hidden_nh, weight_vh, bias_v)
        return functional.cross_entropy(logits_nv.float(), labels_n, reduction="sum")
    chunk = max(1, CHUNK_LOGITS[hidden_nh.device.type] // len(weight_vh))
    loss: Any = _SummedLoss.apply(
        hidden_nh, weight_vh, bias_v, labels_n, chunk, torch.is_grad_enabled()
    )
    return loss


class _SummedLoss(torch.autograd.Function):
    """Loss and, where gradients are wanted, those of hidden states, weight and bias."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        hidden_nh: Tensor,
        weight_vh: Tensor,
        bias_v: Tensor | None,
        labels_n: Tensor,
        chunk: int,
        learning: bool,
    ) -> Tensor:
        of_hidden_nh = torch.empty_like(hidden_nh)
        of_weight_vh = torch.zeros_like(weight_vh, dtype=torch.float32) if learning else None
        of_bias_v = None if bias_v is None else torch.zeros_like(bias_v, dtype=torch.float32)
        loss = torch.zeros((), dtype=torch.float32, device=hidden_nh.device)
        for hidden_ch, labels_c, of_hidden_ch in zip(
            hidden_nh.split(chunk), labels_n.split(chunk), of_hidden_nh.split(chunk), strict=True
        ):
            logits_cv = functional.linear(hidden_ch, weight_vh, bias_v)
            found_cv = torch.log_softmax(logits_cv, -1, dtype=torch.float32)
            at_c1 = labels_c[:, None]
            loss -= found_cv.gather(1, at_c1).sum()
            if of_weight_vh is None:
                continue
            # the gradient of the logits: probabilities, less one at the target
            found_cv.exp_()
            found_cv.scatter_(1, at_c1, found_cv.gather(1, at_c1) - 1)
            if of_bias_v is not None:
                of_bias_v += found_cv.sum(0)
            of_logits_cv = (
                found_cv if logits_cv.dtype == found_cv.dtype else logits_cv.copy_(found_cv)
            )
            torch.mm(of_logits_cv, weight_vh, out=of_hidden_ch)
            _add_product(of_weight_vh, of_logits_cv, hidden_ch)
        if learning:
            ctx.save_for_backward(of_hidden_nh, of_weight_vh, of_bias_v)
            ctx.dtype = weight_vh.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        of_hidden_nh, of_weight_vh, of_bias_v = ctx.saved_tensors
        scale = gradients[0]
        return (
            of_hidden_nh * scale,
            of_weight_vh.mul_(scale).to(ctx.dtype),
            None if of_bias_v is None else (of_bias_v * scale).to(ctx.dtype),
            *(None, None, None),
        )


def _add_product(sum_vh: Tensor, of_logits_cv: Tensor, hidden_ch: Tensor) -> None:
    """Add a chunk's share of the weight's gradient to a sum in float32."""
    left_vc = of_logits_cv.t()
    if left_vc.dtype == sum_vh.dtype:
        torch.addmm(sum_vh, left_vc, hidden_ch, out=sum_vh)
    elif sum_vh.is_cuda:
        torch.addmm(sum_vh, left_vc, hidden_ch, out_dtype=sum_vh.dtype, out=sum_vh)
    else:
        sum_vh += left_vc @ hidden_ch


def liger_loss(
    hidden_nh: Tensor, weight_vh: Tensor, bias_v: Tensor | None, labels_n: Tensor
) -> Tensor:
    """As `summed_loss`, by Liger's Triton kernel; its sums too are in float32."""
    liger: Any = importlib.import_module("liger_kernel.transformers")
    loss = liger.LigerFusedLinearCrossEntropyLoss(
        ignore_index=IGNORED, reduction="sum", accum_dtype=torch.float32
    )
    return loss(weight_vh, hidden_nh, labels_n, bias_v)


def step_share(loss_sum: Tensor, targets: int, ranks: int) -> Tensor:
    """A micro-batch's share of the step's loss, to go backward from.

    `targets` counts the target tokens of the whole step over all ranks and micro-batches. The
    reduction averages over the ranks, which `ranks` undoes; so the summed gradient is that of the
    mean loss per target token, however the step is cut into ranks and micro-batches.
    """
    return loss_sum * (ranks / targets)
