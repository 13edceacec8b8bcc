"""Symbolic grading: is the final answer of a response mathematically equal to the gold answer?

Tiers, cheapest first: `string` (equal after normalisation), `rational` (exact fractions),
`structure` (tuples, sets, intervals, matrices, relations, words), then in a worker process with
a deadline and a memory limit `numeric` (refutation at random points) and `sympy` (proof).
Text is read by our own parser (`parse.py`) into our own tree; nothing in it is ever evaluated as
Python and no parser of sympy sees it.

Covered: numbers of any length, fractions, decimals, percent, money, common units, degrees, number
bases, complex numbers, radicals, logarithms, trigonometry, factorials, binomials, expressions with
letters, equations, inequalities in one letter, lists, tuples, sets, intervals, unions, matrices,
plus-minus, words. Not covered: integrals, sums, limits, piecewise functions, set builders,
determinants: an answer that needs them is right only if it is written as the gold is.
"""

from factory.grade.math.grader import MathGrader, grade, grade_batch

__all__ = ["MathGrader", "grade", "grade_batch"]
