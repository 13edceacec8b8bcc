"""Symbolic grading: is the final answer of a response mathematically equal to the gold answer?

`extract` finds the final answer, `normalise` gives it one spelling, `parse` reads it into a tree of
our own (`scan`, `quantities`, `environments`, `functions`, `commands`, `grammar`, in the order in
which they build on each other); nothing in it is ever evaluated as Python and no parser of sympy
sees it. `compare` goes through the tiers in the calling thread, within a budget of CPU time:
`string` (equal spelling), `rational` (exact fractions), `structure` (`equal`, `relations`,
`regions`, `values`, `words`), `normal` (`same`: normal forms; `waves`: of trigonometry), `numeric`
(`approximate`: refuted in doubles). What is left goes to a worker process (`pool`, `worker`) with a
deadline and a memory limit: `numeric` with 50 digits and `sympy` (`symbolic`).

docs/math_grading.md says what is covered, what is not, and the policy.
"""

from factory.grade.math.grader import VERSION, MathGrader, grade, grade_batch

__all__ = ["VERSION", "MathGrader", "grade", "grade_batch"]
