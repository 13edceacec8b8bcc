"""What asking models took, of one stage or of a whole run."""

from __future__ import annotations

from schemas.row import Row


class Spent(Row):
    """Sums over the servers that were asked. What the store had already is not in it."""

    candidates: int = 0
    """Completions that servers gave; a judge's answers are none."""
    tokens: int = 0
    """Completion tokens, as the servers counted them."""
    prompt_tokens: int = 0
    """Once per request, however many candidates it asked for."""
    wall_s: float = 0.0
    """Loading of servers included."""
    gpu_s: float | None = None
    """`wall_s` times the GPUs of our own servers; None where there was no GPU of ours."""
    cost: float | None = None
    """Of all that has a price in the machine file, in its currency; None: nothing has."""
